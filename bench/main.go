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
	"slices"
	"strings"
	"syscall"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// asCaddy is the first argument with which this program is the command caddy.
const asCaddy = "caddy"

func main() {
	if len(os.Args) > 1 && os.Args[1] == asCaddy {
		os.Args = os.Args[1:]
		caddycmd.Main()
		return
	}
	rounds := flag.Int("rounds", 10, "how often each case is measured, at least 6")
	sample := flag.Duration("sample", time.Second, "how long one sample takes, in whole seconds")
	keys := flag.Int("keys", 1000, "how many keys are in the store, and are presented in turn; making one takes half a millisecond")
	only := flag.String("only", "", "measure 'million', 'gate', 'cce', 'intelmq' or 'fire' only, or 'peers', which nothing else measures")
	peerCaddy := flag.String("peer-caddy", "", "a Caddy with caddy-jwt or caddy-security in it, which are then measured among the peers")
	tabs := flag.Duration("tabs", 30*time.Second, "how long tabs of intelmq-manager are watched, at least 10s")
	dir := flag.String("serve", "", "for the measured process itself: the directory of the run")
	backends := flag.String("backends", "", "for the process of the backends: the directory of the run")
	checks := flag.String("checks", "", "for the process that forward_auth asks: the directory of the run")
	asked := flag.String("asked", "", "for the measured process itself: the address of that process")
	flag.Parse()

	err := errors.New("-rounds must be 6 or more, -sample 1s or more, -keys 1 or more, -tabs 10s or more")
	switch {
	case *dir != "":
		f := filesIn(*dir)
		f.asked = *asked
		err = serve(f)
	case *backends != "":
		err = runBackends(filesIn(*backends))
	case *checks != "":
		err = runChecks(filesIn(*checks))
	case *only != "" && *only != peersSubject && !slices.Contains(subjects, *only):
		err = fmt.Errorf("-only '%s' is unknown; there are %s, %s", *only, strings.Join(subjects, ", "), peersSubject)
	case *peerCaddy != "" && *only != peersSubject:
		err = errors.New("-peer-caddy is for -only peers")
	case *rounds >= 6 && *sample >= time.Second && *keys >= 1 && *tabs >= 10*time.Second:
		err = run(plan{*rounds, sample.Truncate(time.Second), *keys, *tabs, *only, *peerCaddy})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// subjects are what is measured if nothing else is said; the first one has servers of
// its own.
var subjects = []string{"million", "gate", "cce", "intelmq", "fire"}

// peersSubject is what operators would use in place of the gate.
const peersSubject = "peers"

// plan is what is measured, and how.
type plan struct {
	rounds int
	sample time.Duration
	keys   int
	tabs   time.Duration
	// only is one of the subjects, or the peers; empty is all but these.
	only string
	// peerCaddy is the path of a Caddy with plugins; empty is none.
	peerCaddy string
}

// has reports whether a subject is measured.
func (p plan) has(subject string) bool { return p.only == "" || p.only == subject }

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
	m := &meter{core: cores[1], sample: p.sample, script: filepath.Join(dir, "load.lua")}
	if err := os.WriteFile(m.script, loadScript, 0o600); err != nil {
		return err
	}
	b, err := startProcess(ctx, cores[1], "-backends", dir)
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
	s, err := startProcess(ctx, cores[0], "-serve", dir)
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
