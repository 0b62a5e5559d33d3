package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// A first argument with which this program is another process than the one that
// measures. Behind the command caddy stand its own arguments, behind the others the
// directory of the run.
const (
	asCaddy    = "caddy"
	asBackends = "backends"
	asChecks   = "checks"
	// Behind the directory may stand the address of the checks.
	asServer = "serve"
)

func main() {
	is, err := beOther(os.Args[1:])
	if !is {
		var p plan
		if p, err = readPlan(os.Args[1:], os.Stderr); err == nil {
			err = run(p)
		}
	}
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// beOther is another process if the arguments say so.
func beOther(args []string) (is bool, err error) {
	if len(args) < 2 {
		return false, nil
	}
	switch name, n := args[0], len(args); {
	case name == asCaddy:
		os.Args = args
		caddycmd.Main()
		return true, nil
	case name == asServer && n <= 3:
		f := filesIn(args[1])
		f.asked = strings.Join(args[2:], "")
		return true, serve(f)
	case name == asBackends && n == 2:
		return true, runBackends(filesIn(args[1]))
	case name == asChecks && n == 2:
		return true, runChecks(filesIn(args[1]))
	}
	return false, nil
}

// run measures what is planned and prints the tables.
func run(p plan) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	for _, program := range []string{"wrk", "taskset"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%w; on Debian: apt-get install wrk util-linux", err)
		}
	}
	cores, err := twoCores()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "sallyport-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if p.has(subjects[0]) {
		if err := million(ctx, dir); err != nil || p.only != "" {
			return err
		}
	}
	f := filesIn(dir)
	if err := f.prepare(ctx, p.keys); err != nil {
		return fmt.Errorf("making the keys: %w", err)
	}
	endProviders, err := f.prepareProviders()
	if err != nil {
		return fmt.Errorf("starting the providers of JWTs: %w", err)
	}
	defer endProviders()
	m := &meter{core: cores[1], sample: p.sample, script: filepath.Join(dir, "load.lua")}
	if err := os.WriteFile(m.script, loadScript, 0o600); err != nil {
		return err
	}
	b, err := startProcess(ctx, cores[1], asBackends, dir)
	if err != nil {
		return fmt.Errorf("starting the backends: %w", err)
	}
	defer b.stop()
	m.backends = b
	if p.only == peersSubject {
		return p.peers(ctx, f, m, cores[0])
	}
	if err := f.prepareBotnet(ctx); err != nil {
		return fmt.Errorf("making the stand-in for intelmqctl: %w", err)
	}
	s, err := startProcess(ctx, cores[0], asServer, dir)
	if err != nil {
		return fmt.Errorf("starting the server: %w", err)
	}
	defer s.stop()
	m.server = s
	return p.measure(ctx, f, m)
}

// measure measures one subject after another.
func (p plan) measure(ctx context.Context, f *files, m *meter) error {
	for i, one := range []func(context.Context, *files, *meter) error{p.gate, p.cce, p.intelmq, p.fire} {
		if !p.has(subjects[1+i]) {
			continue
		}
		if err := one(ctx, f, m); err != nil {
			return err
		}
	}
	return nil
}

// gate measures the gate and prints its table.
func (p plan) gate(ctx context.Context, f *files, m *meter) error {
	results, err := m.measure(ctx, comparisons(f), p.rounds)
	if err != nil {
		return err
	}
	printTable(os.Stdout, results)
	fmt.Printf("\n%s; %d keys, %d rounds of samples of %v, wrk -t1 -c16.\n\n", machine(), p.keys, p.rounds, p.sample)
	return nil
}

// cce measures the CCE endpoint and prints its table.
func (p plan) cce(ctx context.Context, f *files, m *meter) error {
	r, err := f.prepareReading(ctx, m.server.url(load{site: cceSite}))
	if err != nil {
		return fmt.Errorf("preparing what is read from cced: %w", err)
	}
	client, err := measureClient(ctx, f, r, p.rounds)
	if err != nil {
		return fmt.Errorf("measuring the client: %w", err)
	}
	results, err := m.measure(ctx, cceComparisons(f, r), p.rounds)
	if err != nil {
		return err
	}
	printCCETable(os.Stdout, results, client)
	daemon := "the stand-in"
	if f.realCced {
		daemon = "cced at " + f.cced
	}
	fmt.Printf("\n%s; %s, %d rounds of samples of %v, wrk -t1, -c16 for GET and -c1 for others.\n\n", machine(), daemon, p.rounds, p.sample)
	return nil
}
