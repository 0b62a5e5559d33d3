package main

import (
	"fmt"
	"io"
	"time"
)

// printTable writes the table, then what has to be known to read it.
func printTable(w io.Writer, results []result) {
	fmt.Fprintln(w, "| case | req/s (median) | ratio to bare (quartiles) | ratio to floor (quartiles) | server CPU µs per request |")
	fmt.Fprintln(w, "|---|---:|---:|---:|---:|")
	bare := bases(&results[0])
	fmt.Fprintf(w, "| bare `respond` | %.0f | 1 | | %.1f |\n", bare.rate(), micros(bare.cpu()))
	for i := range results {
		r := &results[i]
		if r.floor {
			continue
		}
		toFloor := ""
		for j := range results {
			if f := &results[j]; f.floor && f.name == r.name {
				toFloor = ratios(f)
			}
		}
		fmt.Fprintf(w, "| %s | %.0f | %s | %s | %.1f |\n", r.name, r.rate(), ratios(r), toFloor, micros(r.cpu()))
	}
	fmt.Fprintln(w)
	for i := range results {
		printPromise(w, &results[i])
	}
	printNoise(w, results)
}

// bases makes a result of the samples that stand before the case.
func bases(r *result) *result {
	b := &result{}
	kept, _ := r.quiet()
	for _, t := range kept {
		t.test = t.before
		b.all = append(b.all, t)
	}
	return b
}

func ratios(r *result) string {
	all := r.of((*triple).ratio)
	return fmt.Sprintf("%.2f (%.2f–%.2f)", quantile(all, 0.5), quantile(all, 0.25), quantile(all, 0.75))
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func printPromise(w io.Writer, r *result) {
	if r.promise == 0 {
		return
	}
	base, verdict := "bare `respond`", "missed"
	if r.floor {
		base = "the floor"
	}
	switch {
	case r.noisy():
		verdict = "which cannot be told: others were busy"
	case quantile(r.of((*triple).ratio), 0.5) >= r.promise:
		verdict = "kept"
	}
	fmt.Fprintf(w, "- %s: promised %.2f of %s, %s.\n", r.name, r.promise, base, verdict)
}

// printNoise says how far the numbers may be trusted.
func printNoise(w io.Writer, results []result) {
	dropped, total, busy, noisy := 0, 0, []float64{}, ""
	var others []float64
	for i := range results {
		r := &results[i]
		_, n := r.quiet()
		dropped, total = dropped+n, total+len(r.all)
		if r.noisy() {
			noisy += " " + r.name + ";"
		}
		others = append(others, r.of((*triple).others)...)
		busy = append(busy, r.of((*triple).busy)...)
	}
	fmt.Fprintf(w, "- %d of %d triples of samples were dropped because others had more than %.0f %% of the machine; in those that count they had %.1f %% in the middle.\n",
		dropped, total, 100*maxOthers, 100*quantile(others, 0.5))
	if noisy != "" {
		fmt.Fprintf(w, "- No quiet triple, so that the noisy ones count:%s\n", noisy)
	}
	fmt.Fprintf(w, "- The server kept its core busy at %.0f %% in the middle, %.0f %% at the least.\n", 100*quantile(busy, 0.5), 100*quantile(busy, 0))
}
