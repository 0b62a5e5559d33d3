package caddycce

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

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
	r.Problems = append(r.Problems, h.loginProblems(ctx)...)
	if r.Answers {
		r.Problems = append(r.Problems, d.checkAccounts(ctx, h)...)
	}
	d.health.of, d.health.last, d.health.seen = h, r, time.Now()
	return r
}

// checkAccounts says which accounts do not log in.
func (d *desk) checkAccounts(ctx context.Context, h *CCE) (problems []string) {
	for _, user := range slices.Sorted(maps.Keys(h.settings.accounts)) {
		password, err := h.settings.accounts[user].Password(ctx)
		if err != nil {
			continue
		}
		session, err := d.pool.LogIn(ctx, user, password)
		switch {
		case errors.Is(err, cscp.ErrRefused):
			problems = append(problems, "account '"+user+"': "+err.Error()+"; give it a new password by 'caddy cce account rotate', or write the right one into its file")
		case err != nil:
			problems = append(problems, "account '"+user+"': "+err.Error())
		default:
			_, _ = d.pool.Do(ctx, session, cscp.EndKey{})
			d.pool.Forget(session)
		}
	}
	return problems
}
