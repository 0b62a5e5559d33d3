package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 10, "how often each case is measured, at least 6")
	sample := flag.Duration("sample", time.Second, "how long one sample takes, in whole seconds")
	keys := flag.Int("keys", 1000, "how many keys are in the store, and are presented in turn; making one takes half a millisecond")
	dir := flag.String("serve", "", "for the measured process itself: the directory of the run")
	flag.Parse()

	err := errors.New("-rounds must be 6 or more, -sample 1s or more, -keys 1 or more")
	switch {
	case *dir != "":
		err = serve(filesIn(*dir))
	case *rounds >= 6 && *sample >= time.Second && *keys >= 1:
		err = run(*rounds, sample.Truncate(time.Second), *keys)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures everything and prints the table.
func run(rounds int, sample time.Duration, keys int) error {
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
	f := filesIn(dir)
	if err := f.prepare(ctx, keys); err != nil {
		return fmt.Errorf("making the keys: %w", err)
	}
	s, err := startServer(ctx, f, cores[0])
	if err != nil {
		return fmt.Errorf("starting the server: %w", err)
	}
	defer s.stop()
	m := meter{server: s, core: cores[1], sample: sample, script: dir + "/load.lua"}
	if err := os.WriteFile(m.script, loadScript, 0o600); err != nil {
		return err
	}
	results, err := m.measure(ctx, comparisons(f), rounds)
	if err != nil {
		return err
	}
	printTable(os.Stdout, results)
	fmt.Printf("\n%s; %d keys, %d rounds of samples of %v, wrk -t1 -c16.\n", machine(), keys, rounds, sample)
	return nil
}
