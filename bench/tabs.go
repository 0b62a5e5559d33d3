package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// page is a page of intelmq-manager: what its scripts ask again and again.
type page []poll

// poll is one of these questions. The interval begins with the answer.
type poll struct {
	route    string
	interval time.Duration
}

// The pages, as they were watched in a browser.
var (
	management    = page{{"botnet?action=status&group=botnet", 3 * time.Second}}
	configuring   = page{{"queues-and-status", time.Second}}
	monitor       = page{{"queues", time.Second}}
	monitorOneBot = page{{"queues", time.Second}, {"getlog?id=file-collector&lines=30&level=ALL", 3 * time.Second}}
)

// crowdedTabs is how many tabs are compared with one.
const crowdedTabs = 20

// tabCase is a comparison of many open tabs with one.
type tabCase struct {
	name string
	// pages are those of the many, in turn; the first is that of the one.
	pages     []page
	many, one watched
}

// watched is what was seen of open tabs.
type watched struct {
	// used is the processor time per second that server and commands have used.
	used float64
	// calls is how often the command has run.
	calls int
	// others is the share of the machine that other programs had.
	others float64
}

// ratio is the processor time for many tabs against that for one.
func (c *tabCase) ratio() float64 { return c.many.used / c.one.used }

// noisy reports that others were busy, which makes answers slow, and tabs that get
// slow answers ask less often.
func (c *tabCase) noisy() bool { return max(c.many.others, c.one.others) > maxOthers }

func tabCases() []tabCase {
	return []tabCase{
		{name: "management", pages: []page{management}},
		{name: "configuration", pages: []page{configuring}},
		{name: "monitor of one bot", pages: []page{monitorOneBot}},
		{name: "a configuration tab, the others of all three kinds", pages: []page{configuring, management, monitor}},
	}
}

// watchTabs watches all cases for so long, each after its base.
func (m *meter) watchTabs(ctx context.Context, f *files, long time.Duration) ([]tabCase, error) {
	tokens, err := os.ReadFile(f.bare)
	if err != nil {
		return nil, err
	}
	w := &watching{
		files: f, meter: m, long: long, tokens: strings.Fields(string(tokens)),
		url: m.server.url(load{site: intelmqSite, path: intelmqAPI}),
	}
	cases := tabCases()
	for i := range cases {
		c := &cases[i]
		if c.one, err = w.watch(ctx, c.pages[:1]); err != nil {
			return nil, err
		}
		many := make([]page, crowdedTabs)
		for j := range many {
			many[j] = c.pages[j%len(c.pages)]
		}
		if c.many, err = w.watch(ctx, many); err != nil {
			return nil, err
		}
		fmt.Fprintf(os.Stderr, "tabs: %d of %d\n", i+1, len(cases))
	}
	return cases, nil
}

// watching is how tabs are watched.
type watching struct {
	files  *files
	meter  *meter
	long   time.Duration
	tokens []string
	url    string
}

// settling is how long tabs are open before they are watched.
const settling = 5 * time.Second

// watch opens tabs and watches them.
func (w *watching) watch(ctx context.Context, tabs []page) (seen watched, err error) {
	open, closeAll := context.WithCancelCause(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer closeAll(nil)
	for i, p := range tabs {
		work.Go(func() {
			// They were not opened at the same time.
			first := time.Duration(i) * 3 * time.Second / time.Duration(len(tabs))
			if err := w.tab(open, p, w.tokens[i%len(w.tokens)], first); err != nil {
				closeAll(err)
			}
		})
	}
	if err := pause(open, settling); err != nil {
		return seen, err
	}
	if err := w.files.forgetCalls(); err != nil {
		return seen, err
	}
	before, err := readCounters(w.meter.server.pid(), w.meter.backends.pid())
	if err != nil {
		return seen, err
	}
	start := time.Now()
	if err := pause(open, w.long); err != nil {
		return seen, err
	}
	after, err := readCounters(w.meter.server.pid(), w.meter.backends.pid())
	if err != nil {
		return seen, err
	}
	all := after.since(before)
	seen.used = (all.server + all.commands).Seconds() / time.Since(start).Seconds()
	seen.others = all.others(0)
	seen.calls, err = w.files.calls("")
	return seen, err
}

// pause waits, and tells why it ended early.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// tab is an open tab until ctx is done. It has a connection for each of its polls.
func (w *watching) tab(ctx context.Context, p page, token string, first time.Duration) error {
	client := &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}
	defer client.CloseIdleConnections()
	ends := make(chan error, len(p))
	for _, q := range p {
		go func() { ends <- w.poll(ctx, client, q, token, first) }()
	}
	var failed error
	for range p {
		failed = errors.Join(failed, <-ends)
	}
	return failed
}

// poll asks as the manager's own timer does: an answer slower than a third of the
// interval makes it longer, one that is faster than a quarter shorter, by a tenth of
// a second and within bounds.
func (w *watching) poll(ctx context.Context, client *http.Client, q poll, token string, first time.Duration) error {
	const step = 100 * time.Millisecond
	interval := q.interval
	for wait := first; ; wait = interval {
		if pause(ctx, wait) != nil {
			return nil
		}
		start := time.Now()
		err := askAsPage(ctx, client, w.url+q.route, token)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		switch took := time.Since(start); {
		case took > interval/3:
			interval = min(interval+step, 10*q.interval)
		case took < interval/4:
			interval = max(interval-step, q.interval-step)
		}
	}
}

// askAsPage asks with what the manager's page sends.
func askAsPage(ctx context.Context, client *http.Client, url, token string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", token)
	request.Header.Set("X-Requested-With", "XMLHttpRequest")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("a tab is answered %d %s", response.StatusCode, text)
	}
	return err
}
