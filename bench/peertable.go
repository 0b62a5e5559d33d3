package main

import (
	"fmt"
	"io"
)

// printPeerTable writes one row for each case, with what ours of its group is to it.
// The processor time is first the measured server's own, then that with the servers
// that it asks, then the server's own in what the case is compared with.
func printPeerTable(w io.Writer, groups []peerGroup, results []result) {
	fmt.Fprintln(w, "| request | who checks | compared with | requests/s | ratio (quartiles) | ours is so many times as fast | CPU µs per request | with the servers asked | of what it is compared with |")
	fmt.Fprintln(w, "|---|---|---|---:|---:|---:|---:|---:|---:|")
	rest := results
	for _, g := range groups {
		ours := quantile(rest[0].of((*triple).ratio), 0.5)
		for i := range g.cases {
			r := &rest[i]
			ratio := r.of((*triple).ratio)
			faster := ""
			if i > 0 {
				faster = fmt.Sprintf("%.3g", ours/quantile(ratio, 0.5))
			}
			fmt.Fprintf(w, "| %s | %s | %s | %.4g | %s | %s | %.4g | %.4g | %.4g |\n", g.name, r.name, g.base,
				r.rate(), times(ratio), faster, micros(r.cpu()), micros(r.allCPU()), micros(bases(r).cpu()))
		}
		rest = rest[len(g.cases):]
	}
	fmt.Fprintln(w)
	printNoise(w, results)
}
