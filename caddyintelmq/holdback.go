package caddyintelmq

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/sallyport/sallyport/internal/intelmqapi"
)

const (
	// pageWait is how long the answer to a page takes at least. The management page
	// of intelmq-manager breaks for good if the status comes before runtime, for
	// which it has asked first: with intelmqctl's 0.8 seconds that never happens,
	// with an answer from memory it does.
	pageWait = 75 * time.Millisecond
	// pageStep is how far behind runtime the status goes where it had to wait for it:
	// they may take different connections.
	pageStep = 20 * time.Millisecond
)

// holdBack makes the status of the botnet take its time, where a page asks. It waits
// for runtime, too: the first time that needs intelmqctl as well, to say where it is.
func (h *IntelMQ) holdBack(c *call) {
	if c.route != intelmqapi.RouteBotnet || c.question.Changes() || !isPage(c.r.Header) {
		return
	}
	pause(c.ctx(), time.Until(c.start.Add(pageWait)))
	for _, load := range h.desk.loads.of(c.who()) {
		select {
		case <-load:
			pause(c.ctx(), pageStep)
		case <-c.ctx().Done():
			return
		}
	}
}

// pause waits, unless the caller goes away.
func pause(ctx context.Context, d time.Duration) {
	wait := time.NewTimer(d)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
	}
}

// loads are the requests for runtime that are not answered yet, by who asks. Each is
// closed when it is.
type loads struct {
	mu   sync.Mutex
	open map[string][]chan struct{}
}

// begin notes one. The result is for its end.
func (l *loads) begin(who string) (end func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		l.open = make(map[string][]chan struct{})
	}
	load := make(chan struct{})
	l.open[who] = append(l.open[who], load)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		close(load)
		left := slices.DeleteFunc(l.open[who], func(other chan struct{}) bool { return other == load })
		if l.open[who] = left; len(left) == 0 {
			delete(l.open, who)
		}
	}
}

// of are those of a caller.
func (l *loads) of(who string) []chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.open[who])
}

// isPage reports whether a script of a page asks: browsers say so in the first of
// these, but over plain HTTP; the others come from the page's own library and from
// the browser.
func isPage(header http.Header) bool {
	for _, name := range [...]string{"Sec-Fetch-Mode", "X-Requested-With", "Origin", "Referer"} {
		if header[name] != nil {
			return true
		}
	}
	return false
}
