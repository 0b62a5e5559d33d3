package caddyintelmq_test

import (
	"strconv"
	"strings"
	"testing"
)

// sample is a number of the metrics, 0 where it is not there.
func (b *bench) sample(t *testing.T, name string) float64 {
	t.Helper()
	for line := range strings.Lines(b.admin(t, "/metrics").Text) {
		if value, found := strings.CutPrefix(line, name+" "); found {
			number, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatal(err)
			}
			return number
		}
	}
	return 0
}

// TestMetrics: each row that there is moves with what it counts, and by as much.
func TestMetrics(t *testing.T) {
	b := start(t, "timeout 1s")
	moves := func(what string, do func(), rows map[string]float64) {
		t.Helper()
		before := map[string]float64{}
		for name := range rows {
			before[name] = b.sample(t, "caddy_intelmq_"+name)
		}
		do()
		for name, by := range rows {
			if got := b.sample(t, "caddy_intelmq_"+name) - before[name]; got != by {
				t.Errorf("%s: %s has gone up by %g, want %g", what, name, got, by)
			}
		}
	}
	moves("a read", func() { b.as(t, "reader", "check") }, map[string]float64{
		`requests_total{route="check",status="200"}`:         1,
		`request_seconds_count{route="check"}`:               1,
		`calls_total{command="check",result="success"}`:      1,
		`call_seconds_count{command="check"}`:                1,
		`cache_hits_total{command="check"}`:                  0,
		`requests_total{route="queues",status="200"}`:        0,
		`calls_total{command="queues",result="success"}`:     0,
		`calls_total{command="check",result="intelmqctl_x"}`: 0,
	})
	moves("the same again", func() { b.as(t, "reader", "check") }, map[string]float64{
		`requests_total{route="check",status="200"}`:    1,
		`calls_total{command="check",result="success"}`: 0,
		`cache_hits_total{command="check"}`:             1,
	})
	moves("a change", func() { b.as(t, "writer", "bot?action=start&id=csv-parser") }, map[string]float64{
		`requests_total{route="bot",status="200"}`:          1,
		`calls_total{command="bot start",result="success"}`: 1,
		`call_seconds_count{command="bot start"}`:           1,
	})
	moves("a save", func() { b.post(t, "writer", "positions", `{"a":{"x":1}}`, asJSON...) }, map[string]float64{
		`requests_total{route="positions",status="200"}`:         1,
		`calls_total{command="save positions",result="success"}`: 1,
	})
	moves("refusals", func() {
		b.as(t, "", "check")
		b.as(t, "reader", "bot?action=stop&id=csv-parser")
		b.as(t, "reader", "getlog")
		b.as(t, "reader", "no-route-"+strings.Repeat("x", 100))
	}, map[string]float64{
		`requests_total{route="check",status="401"}`:  1,
		`requests_total{route="bot",status="403"}`:    1,
		`requests_total{route="getlog",status="422"}`: 1,
		`requests_total{route="none",status="404"}`:   1,
	})
	b.botnet.Switch("stall=1h")
	moves("what takes too long, for two", func() {
		one, two := b.later(t.Context(), "reader", "debug"), b.later(t.Context(), "reader", "debug")
		awaitCall(t, b.botnet, "debug")
		if n := b.sample(t, "caddy_intelmq_calls_running"); n != 1 {
			t.Errorf("%g calls run", n)
		}
		<-one
		<-two
	}, map[string]float64{
		`requests_total{route="debug",status="504"}`:                 2,
		`calls_total{command="debug",result="intelmqctl_timed_out"}`: 1,
		`coalesced_total{command="debug"}`:                           1,
		`calls_running`:                                              0,
		`calls_waiting`:                                              0,
		`calls_stuck`:                                                0,
	})
	if text := b.admin(t, "/metrics").Text; strings.Contains(text, "no-route-") {
		t.Error("a text of a client is a label")
	}
	// What was counted does not begin anew with a reload.
	moves("a reload", func() { b.use(t, b.site("", "timeout 2s")) }, map[string]float64{
		`requests_total{route="check",status="200"}`: 0,
	})
	if n := b.sample(t, `caddy_intelmq_requests_total{route="check",status="200"}`); n < 2 {
		t.Errorf("after a reload there were %g requests", n)
	}
}
