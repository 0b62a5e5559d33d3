package caddyintelmq_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/fake/intelmqctl"
)

// page is what a page of the manager asks for: once, and then again and again, each
// interval after the answer.
type page struct {
	once []string
	poll map[string]time.Duration
}

// pages are those of the manager, as they were watched in a browser.
var pages = []page{
	{[]string{"runtime"}, map[string]time.Duration{"botnet?action=status&group=botnet": 3 * time.Second}},
	{[]string{"bots", "runtime", "positions"}, map[string]time.Duration{"queues-and-status": time.Second}},
	{[]string{"runtime", "botnet?action=status", "queues", "queues"}, map[string]time.Duration{"queues": time.Second}},
	{[]string{"runtime"}, map[string]time.Duration{"queues": time.Second, "getlog?id=csv-parser&lines=30&level=ALL": 3 * time.Second}},
	{[]string{"version", "debug", "check"}, nil},
}

// TestTwoHundredPagesCauseOneCallOfAKindAtATime has a command that takes its time and
// room for several calls, so that nothing else keeps them apart.
func TestTwoHundredPagesCauseOneCallOfAKindAtATime(t *testing.T) {
	const tabs, lasting = 200, 4 * time.Second
	b := start(t, "processes 8")
	b.botnet.Log("csv-parser", "2026-01-02 03:04:05,000 - csv-parser - INFO - info\n")
	b.botnet.Switch("stall=300ms")
	b.Client.Transport.(*http.Transport).MaxIdleConnsPerHost = tabs * 2
	end := time.Now().Add(lasting)
	var asked atomic.Int64
	var polling sync.WaitGroup
	ask := func(route string) {
		asked.Add(1)
		o := b.attempt(t.Context(), http.MethodGet, api+route, "", append(b.by("reader"), "Sec-Fetch-Mode", "cors")...)
		if o.err != nil || o.status != 200 || !json.Valid([]byte(o.text)) {
			t.Errorf("%s: HTTP %d %.200s %v", route, o.status, o.text, o.err)
		}
	}
	for n := range tabs {
		p := pages[n%len(pages)]
		polling.Go(func() {
			for _, route := range p.once {
				ask(route)
			}
		})
		for route, interval := range p.poll {
			// Nobody opens all tabs in one moment.
			first := rand.N(interval)
			polling.Go(func() {
				for next := time.Now().Add(first); next.Before(end); next = time.Now().Add(interval) {
					time.Sleep(time.Until(next))
					ask(route)
				}
			})
		}
	}
	polling.Wait()
	kinds := map[string][]intelmqctl.Call{}
	for _, call := range b.botnet.Calls() {
		line := strings.Join(call.Arguments, " ")
		kinds[line] = append(kinds[line], call)
	}
	made := 0
	for line, calls := range kinds {
		if n := intelmqctl.AtOnce(calls); n != 1 {
			t.Errorf("%d calls of '%s' ran at the same time", n, line)
		}
		made += len(calls)
	}
	// An answer lives for three seconds, so that a kind is asked for three times.
	if most := 4 * len(kinds); made > most || len(kinds) < 7 {
		t.Errorf("%d calls of %d kinds were made, want %d at most", made, len(kinds), most)
	}
	if n := asked.Load(); n < 3*tabs {
		t.Errorf("only %d requests were made", n)
	}
	t.Logf("%d requests, %d calls of %d kinds", asked.Load(), made, len(kinds))
}

// TestThreeRestartsAtOnceLeaveOneProcess: through intelmq-api they left none or two,
// one of which stop did not know. They come by two endpoints, as they may.
func TestThreeRestartsAtOnceLeaveOneProcess(t *testing.T) {
	b := prepare(t)
	b.use(t, b.sites("http://:0 {\n"+b.endpoint("/intelmq", b.botnet, "")+b.endpoint("/other", b.botnet, "")+"}\n"))
	const id = "csv-parser"
	expect(t, b.as(t, "writer", "bot?action=start&id="+id), 200, `"running"`)
	before := b.botnet.Processes(id)
	for range 2 {
		var restarting sync.WaitGroup
		for _, base := range []string{"/intelmq", "/other", "/intelmq"} {
			restarting.Go(func() {
				o := b.attempt(t.Context(), http.MethodGet, base+"/v1/api/bot?action=restart&id="+id, "", b.by("writer")...)
				var words [2]string
				if err := json.Unmarshal([]byte(o.text), &words); err != nil || words != [2]string{"stopped", "running"} {
					t.Errorf("HTTP %d %s %v", o.status, o.text, o.err)
				}
			})
		}
		restarting.Wait()
		if n := len(b.botnet.Processes(id)); n != 1 {
			t.Errorf("the bot has %d processes", n)
		}
	}
	made := calls(b.botnet, "restart "+id)
	if len(made) != 6 || intelmqctl.AtOnce(made) != 1 {
		t.Errorf("%d restarts, of which %d at the same time", len(made), intelmqctl.AtOnce(made))
	}
	if after := b.botnet.Processes(id); len(before) != 1 || after[0] == before[0] {
		t.Errorf("the process was %v and is %v", before, after)
	}
	expect(t, b.as(t, "writer", "bot?action=stop&id="+id), 200, `"stopped"`)
	if left := b.botnet.Processes(id); len(left) > 0 {
		t.Errorf("after the stop there are %v", left)
	}
	// What one has seen the other one knows.
	for _, base := range []string{"/intelmq", "/other"} {
		expectStatus(t, b.Get(t, base+"/v1/api/check", b.by("reader")...), 200)
	}
	if made := calls(b.botnet, "check"); len(made) != 1 {
		t.Errorf("the calls are %v", made)
	}
}

// TestAfterAChangeTheStatusIsFresh while others keep asking, so that an answer is in
// memory and calls are on their way.
func TestAfterAChangeTheStatusIsFresh(t *testing.T) {
	b := start(t, "processes 2")
	routes := []string{"botnet?action=status", "bot?action=status&id=csv-parser", "queues-and-status", "queues"}
	done := make(chan struct{})
	var polling sync.WaitGroup
	for _, route := range routes {
		for range 3 {
			polling.Go(func() {
				for {
					select {
					case <-done:
						return
					case <-time.After(10 * time.Millisecond):
						b.attempt(t.Context(), http.MethodGet, api+route, "", b.by("reader")...)
					}
				}
			})
		}
	}
	for range 3 {
		for action, word := range map[string]string{"start": "running", "stop": "stopped"} {
			expect(t, b.as(t, "writer", "bot?id=csv-parser&action="+action), 200, `"`+word+`"`)
			expect(t, b.as(t, "reader", routes[1]), 200, `"`+word+`"`)
			for _, route := range []string{routes[0], routes[2]} {
				if r := b.as(t, "reader", route); !strings.Contains(r.Text, `"csv-parser": "`+word+`"`) {
					t.Errorf("after %s: %s", action, r.Text)
				}
			}
		}
		b.botnet.Fill("csv-parser-queue", `{"a":"b"}`)
		expect(t, b.as(t, "writer", "clear?id=csv-parser-queue"), 200, `"success"`)
		if r := b.as(t, "reader", "queues"); !strings.Contains(strings.Join(strings.Fields(r.Text), ""), `["csv-parser-queue",0]`) {
			t.Errorf("after clear: %s", r.Text)
		}
	}
	close(done)
	polling.Wait()
}

// TestAPageGetsTheStatusNotTooSoon: if it comes before runtime, for which the page has
// asked first, the management page never asks again.
func TestAPageGetsTheStatusNotTooSoon(t *testing.T) {
	b := start(t, "")
	fastest := func(tries int, route string, headers ...string) time.Duration {
		t.Helper()
		least := time.Hour
		for range tries {
			began := time.Now()
			expectStatus(t, b.as(t, "reader", route, headers...), 200)
			least = min(least, time.Since(began))
		}
		return least
	}
	const held, free = 50 * time.Millisecond, 40 * time.Millisecond
	for _, header := range []string{"Sec-Fetch-Mode", "X-Requested-With", "Origin", "Referer"} {
		for _, route := range []string{"botnet?action=status", "botnet?action=status&group=botnet"} {
			if took := fastest(2, route, header, "x"); took < held {
				t.Errorf("%s: a page with %s got it in %s", route, header, took)
			}
		}
		for _, route := range []string{"runtime", "queues"} {
			if took := fastest(10, route, header, "x"); took > free {
				t.Errorf("%s: a page with %s got it in %s", route, header, took)
			}
		}
	}
	if took := fastest(10, "botnet?action=status"); took > free {
		t.Errorf("a program got it in %s", took)
	}
}

// TestTooManyCallsAreRefused: those of one caller are a quarter of all.
func TestTooManyCallsAreRefused(t *testing.T) {
	b := start(t, "processes 1\nmax_waiting 8")
	b.botnet.Switch("stall=1h")
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	const asking, taken = 12, 1 + 8/4
	answers := make(chan outcome, asking)
	for lines := range asking {
		go func() {
			answers <- b.attempt(ctx, http.MethodGet, fmt.Sprintf("%sgetlog?id=csv-parser&lines=%d", api, lines+1), "", b.by("reader")...)
		}()
	}
	for range asking - taken {
		o := <-answers
		if o.status != http.StatusServiceUnavailable || o.header.Get("Retry-After") == "" || !strings.Contains(o.text, "wait already") {
			t.Errorf("HTTP %d %s %s %v", o.status, o.header, o.text, o.err)
		}
	}
	if n := b.sample(t, "caddy_intelmq_calls_running"); n != 1 {
		t.Errorf("%g calls run", n)
	}
	if n := b.sample(t, "caddy_intelmq_calls_waiting"); n != taken-1 {
		t.Errorf("%g calls wait", n)
	}
	leave()
	for range taken {
		if o := <-answers; o.err == nil {
			t.Errorf("HTTP %d %s", o.status, o.text)
		}
	}
}
