package main

import (
	"fmt"
	"io"
)

// printPeerTable writes one row for each case, as docs/performance.md has them. The
// ratio is to the same without a check. The processor time is first the measured
// server's own, then that together with the servers that it asks.
func printPeerTable(w io.Writer, groups []peerGroup, results []result) {
	fmt.Fprintln(w, "| request | who checks | ratio to no check (quartiles) | server CPU µs per request | with the servers asked |")
	fmt.Fprintln(w, "|---|---|---:|---:|---:|")
	rest := results
	for _, g := range groups {
		for i := range g.cases {
			r := &rest[i]
			fmt.Fprintf(w, "| %s | %s | %s | %.0f | %.0f |\n", g.name, r.name,
				times(r.of((*triple).ratio)), micros(r.cpu()), micros(r.allCPU()))
		}
		rest = rest[len(g.cases):]
	}
	fmt.Fprintln(w)
	printNoise(w, results)
}
