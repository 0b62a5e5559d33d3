package main

import (
	"fmt"
	"io"
	"slices"
)

// promises of the endpoint that are no ratio to a number of requests.
const (
	mostOwn  = 0.003
	mostTabs = 1.2
)

// printIntelMQTable writes the table of the IntelMQ endpoint.
func printIntelMQTable(w io.Writer, r *intelmqResults) {
	fmt.Fprintln(w, "| case | compared with | reached (quartiles; server CPU per request) |")
	fmt.Fprintln(w, "|---|---|---:|")
	row := func(name, base, format string, args ...any) {
		fmt.Fprintf(w, "| %s | %s | %s |\n", name, base, fmt.Sprintf(format, args...))
	}
	row(fmt.Sprintf("%d equal reads at once", equalReads), "", "%d process, %d answers", r.processes, equalReads)
	row("own part of a call", fmt.Sprintf("the command alone, %.2f ms", 1000*quantile(r.alone, 0.5)), "%.2f (%.2f–%.2f) ms more",
		1000*quantile(r.own, 0.5), 1000*quantile(r.own, 0.25), 1000*quantile(r.own, 0.75))
	for i := range r.cached {
		c := &r.cached[i]
		row(c.name, baseName(c), "%s; %.1f µs to %.1f", ratios(c), micros(c.cpu()), micros(bases(c).cpu()))
	}
	for i := range r.tabs {
		t := &r.tabs[i]
		row(fmt.Sprintf("processor for %d open tabs: %s", crowdedTabs, t.name), "one tab",
			"%.2f times; %d calls to %d", t.ratio(), t.many.calls, t.one.calls)
	}
	for i := range r.crowded {
		row(r.crowded[i].name, baseName(&r.crowded[i]), "%s", ratios(&r.crowded[i]))
	}
	row(fmt.Sprintf("memory after %d requests", manyRequests), "that before", "heap %+d kB of %d, resident %+d kB of %d",
		(int64(r.growth.after.Heap)-int64(r.growth.before.Heap))/1000, r.growth.before.Heap/1000,
		(r.growth.residentAfter-r.growth.residentBefore)/1000, r.growth.residentBefore/1000)
	fmt.Fprintln(w)
	printIntelMQPromises(w, r)
}

// baseName is what a case is compared with.
func baseName(c *result) string {
	switch {
	case c.test.beside != nil:
		return whileQuiet
	case c.base.site == gateSite:
		return toGate
	}
	return toBare
}

// printIntelMQPromises says which are kept.
func printIntelMQPromises(w io.Writer, r *intelmqResults) {
	line := func(name, promise string, kept, noisy bool) {
		verdict := "missed"
		switch {
		case noisy:
			verdict = "which cannot be told: others were busy"
		case kept:
			verdict = "kept"
		}
		fmt.Fprintf(w, "- %s: promised %s, %s.\n", name, promise, verdict)
	}
	line(fmt.Sprintf("%d equal reads at once", equalReads), "one process", r.processes == 1, false)
	line("own part of a call", fmt.Sprintf("%g ms at most", 1000*mostOwn), quantile(r.own, 0.5) <= mostOwn, false)
	all := slices.Concat(r.cached, r.crowded)
	for i := range all {
		c := &all[i]
		if c.promise == 0 {
			continue
		}
		ratio := quantile(c.of((*triple).ratio), 0.5)
		line(c.name, fmt.Sprintf("%.2f of %s", c.promise, baseName(c)), ratio >= c.promise, c.noisy())
	}
	for i := range r.tabs {
		t := &r.tabs[i]
		line("open tabs: "+t.name, fmt.Sprintf("%g times the processor of one at most", mostTabs), t.ratio() <= mostTabs, t.noisy())
	}
	line("memory", fmt.Sprintf("less than %d bytes a request", flatness), r.growth.perRequest() < flatness, false)
	printNoise(w, all)
}
