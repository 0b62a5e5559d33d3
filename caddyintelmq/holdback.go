package caddyintelmq

import (
	"net/http"
	"time"

	"github.com/sallyport/sallyport/internal/intelmqapi"
)

// pageWait is how long the answer to a page takes at least. The management page of
// intelmq-manager breaks for good if the status comes before runtime, for which it
// has asked first: with intelmqctl's 0.8 seconds that never happens, with an answer
// from memory it does.
const pageWait = 75 * time.Millisecond

// holdBack makes the status of the botnet take its time, where a page asks.
func (h *IntelMQ) holdBack(c *call) {
	if c.route != intelmqapi.RouteBotnet || c.question.Changes() || !isPage(c.r.Header) {
		return
	}
	wait := time.NewTimer(time.Until(c.start.Add(pageWait)))
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-c.ctx().Done():
	}
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
