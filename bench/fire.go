package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// authSite has the log-in that is flooded, at authBase.
const (
	authSite = "log-in"
	authBase = "/api"
)

func fireSites() []site {
	return []site{{authSite, []handler{{"handler": "auth_api", "base": authBase, "insecure_plain_http": true}}}}
}

// attack is a flood of a site.
type attack struct {
	name, kind, site string
	// promise is what remains of the quiet throughput.
	promise float64
	// rates are how many answers a second it got, sample for sample.
	rates []float64
}

// underFire is what is promised while the gate or a log-in is flooded.
const underFire = 0.45

func attacks() []*attack {
	return []*attack{
		{name: fmt.Sprintf("%d refusals a second of keys that come again", refusalsPerSecond), kind: badKeysFlood, site: gateSite, promise: underFire},
		{name: fmt.Sprintf("%d refusals a second of keys that are all different", refusalsPerSecond), kind: strangersFlood, site: gateSite, promise: underFire},
		{name: fmt.Sprintf("wrong passwords, %d a second from %d networks", passwordsPerSecond, passwordLines), kind: passwordsFlood, site: authSite, promise: underFire},
		{name: fmt.Sprintf("%d log-ins whose bodies come by a byte a second", heldLines), kind: bodiesFlood, site: authSite, promise: underFire},
		{name: fmt.Sprintf("%d connections with half a header", heldLines), kind: halfOpenFlood, site: gateSite, promise: underFire},
	}
}

// fire measures checks of keys under floods and prints the table.
func (p plan) fire(ctx context.Context, f *files, m *meter) error {
	list := attacks()
	quiet := load{site: gateSite, keys: f.good, status: http.StatusOK}
	comparisons := make([]comparison, len(list))
	control := newFloodControl(f.floods)
	for i, a := range list {
		flooded := quiet
		flooded.beside = a.beside(control, m.server.addresses[a.site])
		comparisons[i] = comparison{name: a.name, base: quiet, test: flooded, promise: a.promise}
	}
	results, err := m.measure(ctx, comparisons, p.rounds)
	if err != nil {
		return err
	}
	printFireTable(os.Stdout, results, list)
	fmt.Printf("\n%s; %d keys, %d rounds of samples of %v, wrk -t1 -c16.\n\n", machine(), p.keys, p.rounds, p.sample)
	return nil
}

// beside begins the flood of a sample.
func (a *attack) beside(control *floodControl, address string) func(context.Context) (func() error, error) {
	return func(ctx context.Context) (end func() error, err error) {
		if _, err := control.ask(ctx, http.MethodPost, a.kind, address); err != nil {
			return nil, err
		}
		return func() error {
			seen, err := control.ask(context.WithoutCancel(ctx), http.MethodDelete, a.kind, address)
			if err == nil && seen.Bad > 0 {
				err = fmt.Errorf("%d answers to the flood %s are not what they should be", seen.Bad, a.kind)
			}
			a.rates = append(a.rates, seen.PerSecond)
			// What it leaves to be done is not the next sample's.
			return errors.Join(err, pause(ctx, 200*time.Millisecond))
		}, nil
	}
}

// printFireTable writes the table and what became of the promises.
func printFireTable(w io.Writer, results []result, list []*attack) {
	fmt.Fprintln(w, "| flood | its answers a second | server CPU µs for one | key checks: req/s quiet | under it | ratio (quartiles) |")
	fmt.Fprintln(w, "|---|---:|---:|---:|---:|---:|")
	for i := range results {
		r := &results[i]
		base, rate, cost := bases(r), "–", "–"
		if median := quantile(list[i].rates, 0.5); median > 0 {
			rate = fmt.Sprintf("%.0f", median)
			// What a check costs more than when it is quiet, the flood has cost.
			cost = fmt.Sprintf("%.0f", (micros(r.cpu())-micros(base.cpu()))*r.rate()/median)
		}
		fmt.Fprintf(w, "| %s | %s | %s | %.0f | %.0f | %s |\n", r.name, rate, cost, base.rate(), r.rate(), ratios(r))
	}
	fmt.Fprintln(w)
	for i := range results {
		r := &results[i]
		verdict := "missed"
		switch {
		case r.noisy():
			verdict = "which cannot be told: others were busy"
		case quantile(r.of((*triple).ratio), 0.5) >= r.promise:
			verdict = "kept"
		}
		fmt.Fprintf(w, "- %s: promised %.2f of the quiet rate, %s.\n", r.name, r.promise, verdict)
	}
	printNoise(w, results)
}
