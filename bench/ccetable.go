package main

import (
	"fmt"
	"io"
)

// baseNames are what the lines of the endpoint's table are compared with.
var baseNames = map[string]string{
	connectingSite: "a connection for each command",
	oneByOneSite:   "one command at a time",
	proxySite:      "`reverse_proxy` to a unix socket",
}

// printCCETable writes the table of the CCE endpoint.
func printCCETable(w io.Writer, results []result, client []clientResult) {
	fmt.Fprintln(w, "| case | compared with | requests/s | of that | times as fast (quartiles) | server CPU µs per request | of that |")
	fmt.Fprintln(w, "|---|---|---:|---:|---:|---:|---:|")
	for i := range client {
		c := &client[i]
		fmt.Fprintf(w, "| %s | %s | %.4g | %.4g | %s | | |\n",
			c.name, c.base, 1/quantile(c.took, 0.5), 1/quantile(c.baseTook, 0.5), times(c.ratios))
	}
	for i := range results {
		r := &results[i]
		base := bases(r)
		fmt.Fprintf(w, "| %s | %s | %.4g | %.4g | %s | %.3g | %.3g |\n", r.name, baseNames[r.base.site],
			r.rate(), base.rate(), times(r.of((*triple).ratio)), micros(r.cpu()), micros(base.cpu()))
	}
	fmt.Fprintln(w)
	for i := range client {
		c := &client[i]
		printKept(w, c.name, c.base, c.promise, quantile(c.ratios, 0.5), false)
	}
	for i := range results {
		r := &results[i]
		printKept(w, r.name, baseNames[r.base.site], r.promise, quantile(r.of((*triple).ratio), 0.5), r.noisy())
	}
	printNoise(w, results)
}

func times(ratios []float64) string {
	// Three digits, but four places at most: nobody reads 8.8e-05.
	digits := "%.3g (%.3g–%.3g)"
	if quantile(ratios, 0.5) < 0.01 {
		digits = "%.4f (%.4f–%.4f)"
	}
	return fmt.Sprintf(digits, quantile(ratios, 0.5), quantile(ratios, 0.25), quantile(ratios, 0.75))
}

func printKept(w io.Writer, name, base string, promise, ratio float64, noisy bool) {
	verdict := "missed"
	switch {
	case noisy:
		verdict = "which cannot be told: others were busy"
	case ratio >= promise:
		verdict = "kept"
	}
	fmt.Fprintf(w, "- %s: promised %g times %s, %s.\n", name, promise, base, verdict)
}
