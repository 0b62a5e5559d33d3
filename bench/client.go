package main

import (
	"context"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/internal/cscp"
)

// clientResult is a comparison that is made without HTTP.
type clientResult struct {
	name, base string
	promise    float64
	// took, baseTook and ratios are those of each round.
	took, baseTook, ratios []float64
}

// fastRepeats is how often the fast way is measured in a round; its median counts.
const fastRepeats = 15

// measureClient compares the ways of the client in turn, on this process's own
// connections to cced.
func measureClient(ctx context.Context, f *files, r *reading, rounds int) ([]clientResult, error) {
	dial := dialer(f.cced)
	pool := cscp.NewPool(cscp.PoolConfig{Dial: dial})
	defer pool.Close()
	search := func(do way) (float64, error) {
		start := time.Now()
		found, err := do.search(ctx, r.session, r.find)
		if err == nil && len(found) != len(r.found) {
			err = fmt.Errorf("%d objects were found, want %d", len(found), len(r.found))
		}
		return time.Since(start).Seconds(), err
	}
	name := fmt.Sprintf("FINDX, %d hits, client only", len(r.found))
	results := []clientResult{
		{name: name, base: "a connection for each command", promise: 300},
		{name: name, base: "one command at a time", promise: 20},
	}
	for range rounds {
		var fast []float64
		for range fastRepeats {
			took, err := search(pool.Pipeline)
			if err != nil {
				return nil, err
			}
			fast = append(fast, took)
		}
		for i, do := range []way{connecting(dial), oneByOne(pool)} {
			base, err := search(do)
			if err != nil {
				return nil, err
			}
			c := &results[i]
			c.took, c.baseTook = append(c.took, quantile(fast, 0.5)), append(c.baseTook, base)
			c.ratios = append(c.ratios, base/quantile(fast, 0.5))
		}
	}
	return results, nil
}
