package caddycce

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sallyport/sallyport/internal/cce"
	"github.com/sallyport/sallyport/internal/cscp"
)

// healthPause is how long the answer of a health check holds: each one makes a
// connection to cced and a session.
const healthPause = 10 * time.Second

// healthLimit is how long a check may take.
const healthLimit = 5 * time.Second

// health is the state of an endpoint as it was seen last.
type health struct {
	mu sync.Mutex
	// of is the endpoint that was looked after; a reload may have mended things.
	of   *CCE
	seen time.Time
	last condition
}

// condition is what the health route tells of an endpoint. There is no secret in
// it.
type condition struct {
	Socket string `json:"socket"`
	Base   string `json:"base"`
	// Answers: cced greets.
	Answers bool `json:"answers"`
	// Suspended: cced refuses changes, for this reason.
	Suspended bool   `json:"suspended"`
	Reason    string `json:"reason,omitempty"`
	// Problems are what an administrator has to mend.
	Problems []string `json:"problems,omitempty"`
}

// check looks after an endpoint, unless it was looked after a moment ago.
func (d *desk) check(ctx context.Context, h *CCE) condition {
	d.health.mu.Lock()
	defer d.health.mu.Unlock()
	if d.health.of == h && time.Since(d.health.seen) < healthPause {
		return d.health.last
	}
	// What is seen holds for others, too, who have not gone away.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), healthLimit)
	defer cancel()
	r := condition{Socket: h.settings.socket.String(), Base: h.Base}
	if conn, err := cscp.Open(ctx, d.dial, cscp.Options{}); err != nil {
		r.Problems = append(r.Problems, "cced does not answer: "+err.Error())
	} else {
		r.Answers = true
		r.Suspended, r.Reason = conn.Suspended()
		conn.Close()
	}
	if h.list != nil && h.list.Problem() != "" {
		r.Problems = append(r.Problems, h.list.Problem())
	}
	for _, user := range slices.Sorted(maps.Keys(h.settings.accounts)) {
		if problem := d.checkAccount(ctx, h.settings.accounts[user], r.Answers); problem != "" {
			r.Problems = append(r.Problems, "account '"+user+"': "+problem)
		}
	}
	d.health.of, d.health.last, d.health.seen = h, r, time.Now()
	return r
}

// checkAccount says why an account does not log in, or nothing.
func (d *desk) checkAccount(ctx context.Context, a *cce.Account, answers bool) string {
	password, err := a.Password(ctx)
	if err != nil {
		return err.Error()
	}
	if !answers {
		return ""
	}
	session, err := d.pool.LogIn(ctx, a.User(), password)
	if err != nil {
		return err.Error()
	}
	_, _ = d.pool.Do(ctx, session, cscp.EndKey{})
	d.pool.Forget(session)
	return ""
}
