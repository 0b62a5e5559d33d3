package main

import (
	"context"
	"fmt"
	"os"
)

// intelmqResults are what is known of the IntelMQ endpoint.
type intelmqResults struct {
	// processes is how many there were for many equal reads at once.
	processes int
	// own is our part of a call in seconds, alone what the command takes.
	own, alone []float64
	cached     []result
	tabs       []tabCase
	crowded    []result
	growth     growth
}

// intelmq measures the IntelMQ endpoint and prints its table.
func (p plan) intelmq(ctx context.Context, f *files, m *meter) (err error) {
	var r intelmqResults
	if r.processes, err = askAtOnce(ctx, f, m, p.rounds); err != nil {
		return fmt.Errorf("asking at once: %w", err)
	}
	if r.own, r.alone, err = ownPart(ctx, f, m, 20*p.rounds); err != nil {
		return fmt.Errorf("our own part of a call: %w", err)
	}
	if r.cached, err = m.measure(ctx, cachedReads(f), p.rounds); err != nil {
		return fmt.Errorf("cached reads: %w", err)
	}
	if r.growth, err = grow(ctx, f, m); err != nil {
		return fmt.Errorf("memory: %w", err)
	}
	if err := f.commandTakes("800ms"); err != nil {
		return err
	}
	if r.tabs, err = m.watchTabs(ctx, f, p.tabs); err != nil {
		return fmt.Errorf("open tabs: %w", err)
	}
	if r.crowded, err = m.measure(ctx, []comparison{besideFullQueue(f, m)}, p.rounds); err != nil {
		return fmt.Errorf("a full queue: %w", err)
	}
	printIntelMQTable(os.Stdout, &r)
	fmt.Printf("\n%s; the stand-in, %d keys, %d rounds of samples of %v, wrk -t1 -c16, tabs for %v.\n", machine(), p.keys, p.rounds, p.sample, p.tabs)
	return nil
}
