package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"time"
)

// triple is one sample of a case between two of what it is compared with.
type triple struct {
	before, test, after sample
}

// ratio is the case's rate against the mean of those beside it.
func (t *triple) ratio() float64 { return 2 * t.test.rate / (t.before.rate + t.after.rate) }

// others is what other programs had of the machine, in the worst of the three.
func (t *triple) others() float64 { return max(t.before.others, t.test.others, t.after.others) }

// busy is how busy the server was in the laziest of the three.
func (t *triple) busy() float64 { return min(t.before.busy, t.test.busy, t.after.busy) }

// maxOthers is the share of the machine that others may have: contention does
// not only add noise, it makes all cases alike.
const maxOthers = 0.10

// result is what is known of a comparison.
type result struct {
	comparison

	all []triple
}

// measure goes through all comparisons in each round, so that a quiet or a busy
// minute is one of all.
func (m *meter) measure(ctx context.Context, list []comparison, rounds int) ([]result, error) {
	results := make([]result, len(list))
	for i := range list {
		results[i].comparison = list[i]
		// The first requests after a start are slower. That there was no answer at all
		// matters only later.
		if _, err := m.take(ctx, list[i].test); err != nil && !errors.Is(err, errNoAnswer) {
			return nil, err
		}
	}
	for round := range rounds {
		for i := range results {
			t, err := m.triple(ctx, &list[i])
			if err != nil {
				return nil, err
			}
			results[i].all = append(results[i].all, t)
		}
		fmt.Fprintf(os.Stderr, "round %d of %d\n", round+1, rounds)
	}
	return results, nil
}

// triple takes three samples, all of them again if other programs left wrk no
// time for even one answer.
func (m *meter) triple(ctx context.Context, c *comparison) (t triple, err error) {
	const attempts = 5
	for range attempts {
		if t, err = m.three(ctx, c); !errors.Is(err, errNoAnswer) {
			return t, err
		}
	}
	return t, err
}

func (m *meter) three(ctx context.Context, c *comparison) (t triple, err error) {
	if t.before, err = m.take(ctx, c.base); err != nil {
		return t, err
	}
	if t.test, err = m.take(ctx, c.test); err != nil {
		return t, err
	}
	t.after, err = m.take(ctx, c.base)
	return t, err
}

// quiet are the triples in which others left the machine alone; if there are
// none, all of them.
func (r *result) quiet() (kept []triple, dropped int) {
	for _, t := range r.all {
		if t.others() <= maxOthers {
			kept = append(kept, t)
		}
	}
	if kept == nil {
		return r.all, 0
	}
	return kept, len(r.all) - len(kept)
}

// noisy reports that there is no quiet triple.
func (r *result) noisy() bool {
	kept, _ := r.quiet()
	return kept[0].others() > maxOthers
}

// of collects one number of each triple that counts.
func (r *result) of(number func(*triple) float64) []float64 {
	kept, _ := r.quiet()
	numbers := make([]float64, len(kept))
	for i := range kept {
		numbers[i] = number(&kept[i])
	}
	return numbers
}

func (r *result) rate() float64 {
	return quantile(r.of(func(t *triple) float64 { return t.test.rate }), 0.5)
}

func (r *result) cpu() time.Duration {
	return time.Duration(quantile(r.of(func(t *triple) float64 { return float64(t.test.cpu) }), 0.5))
}

// allCPU is that together with the servers that it asks.
func (r *result) allCPU() time.Duration {
	return time.Duration(quantile(r.of(func(t *triple) float64 { return float64(t.test.all) }), 0.5))
}

// quantile interpolates between the neighbours.
func quantile(numbers []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(numbers))
	if len(sorted) == 0 {
		return math.NaN()
	}
	place := q * float64(len(sorted)-1)
	below := int(place)
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (place-float64(below))*(sorted[above]-sorted[below])
}
