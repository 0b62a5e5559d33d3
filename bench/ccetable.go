package main

import (
	"fmt"
	"io"
)

// bases are what the lines of the endpoint's table are compared with.
var baseNames = map[string]string{
	connectingSite: "a connection for each command",
	oneByOneSite:   "one command at a time",
	proxySite:      "`reverse_proxy` to a unix socket",
}

// printCCETable writes the table of the CCE endpoint.
func printCCETable(w io.Writer, results []result, client []clientResult) {
	fmt.Fprintln(w, "| case | compared with | ms for one | ms for that | times as fast (quartiles) |")
	fmt.Fprintln(w, "|---|---|---:|---:|---:|")
	for i := range client {
		c := &client[i]
		printCCELine(w, c.name, c.base, 1000*quantile(c.took, 0.5), 1000*quantile(c.baseTook, 0.5), c.ratios)
	}
	for i := range results {
		r := &results[i]
		each := func(s sample) float64 { return 1000 / s.rate }
		printCCELine(w, r.name, baseNames[r.base.site],
			quantile(r.of(func(t *triple) float64 { return each(t.test) }), 0.5),
			quantile(r.of(func(t *triple) float64 { return each(t.before) }), 0.5), r.of((*triple).ratio))
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

func printCCELine(w io.Writer, name, base string, took, baseTook float64, ratios []float64) {
	fmt.Fprintf(w, "| %s | %s | %.3g | %.3g | %.3g (%.3g–%.3g) |\n",
		name, base, took, baseTook, quantile(ratios, 0.5), quantile(ratios, 0.25), quantile(ratios, 0.75))
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
