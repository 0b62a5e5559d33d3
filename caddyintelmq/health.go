package caddyintelmq

import (
	"context"
	"sync"
	"time"

	"github.com/sallyport/sallyport/internal/intelmqconf"
	"github.com/sallyport/sallyport/internal/intelmqctl"
	"github.com/sallyport/sallyport/internal/intelmqsetup"
)

// healthPause is how long the answer of a health check holds: each one runs
// intelmqctl, which takes a second of a processor.
const healthPause = time.Minute

// health is the state of an endpoint as it was seen last.
type health struct {
	mu sync.Mutex
	// of is the endpoint that was looked after; a reload may have mended things.
	of   *IntelMQ
	seen time.Time
	last []intelmqsetup.Finding
}

// condition is what the health route tells of an endpoint. There is no secret in
// it.
type condition struct {
	Base    string `json:"base"`
	Command string `json:"command"`
	// Problems are what an administrator has to mend, and what he might.
	Problems []intelmqsetup.Finding `json:"problems"`
	// Stuck are the calls that were told to end and still run.
	Stuck []stuck `json:"stuck,omitempty"`
	// Waiting and Running are how many calls there are.
	Waiting int `json:"waiting"`
	Running int `json:"running"`
}

// stuck is a call that was told to end and still runs.
type stuck struct {
	Command string    `json:"command"`
	Since   time.Time `json:"since"`
}

// broken reports whether something does not work.
func (c condition) broken() bool {
	if len(c.Stuck) > 0 {
		return true
	}
	for _, p := range c.Problems {
		if p.Severity == intelmqsetup.Broken {
			return true
		}
	}
	return false
}

// check looks after an endpoint, unless it was looked after within some time. What
// is stuck is always what is so now.
func (d *desk) check(ctx context.Context, h *IntelMQ, within time.Duration) condition {
	state := d.client.State()
	c := condition{
		Base: h.Base, Command: (&intelmqctl.Program{Words: h.settings.command}).Line(nil),
		Problems: []intelmqsetup.Finding{}, Waiting: state.Waiting, Running: state.Running,
	}
	for _, one := range state.Stuck {
		c.Stuck = append(c.Stuck, stuck{one.Line, one.Since})
	}
	d.health.mu.Lock()
	defer d.health.mu.Unlock()
	if d.health.of != h || time.Since(d.health.seen) >= within {
		// What is seen holds for others, too, who have not gone away.
		d.health.last = h.checker(ctx).Check(context.WithoutCancel(ctx))
		d.health.of, d.health.seen = h, time.Now()
	}
	c.Problems = append(c.Problems, d.health.last...)
	return c
}

// checker looks at what the endpoint needs.
func (h *IntelMQ) checker(ctx context.Context) intelmqsetup.Checker {
	at, err := h.installation(ctx, "health")
	if err != nil {
		// The check will find out why.
		at = intelmqctl.UsualInstallation()
	}
	c := checkerOf(&h.settings, at)
	// With insecure_no_auth there is no app, and nobody has to log in.
	if app, is := h.app.(interface {
		Users(ctx context.Context) (int, error)
	}); is {
		c.Users = app.Users
	}
	for _, one := range h.desk.client.State().Stuck {
		c.Stuck = max(c.Stuck, time.Since(one.Since))
	}
	return c
}

// checkerOf looks at what settings need, as this process.
func checkerOf(s *settings, at intelmqctl.Installation) intelmqsetup.Checker {
	here := intelmqsetup.Here()
	return intelmqsetup.Checker{
		System: here, User: here.Self.Name,
		Command: s.command, Executor: &intelmqctl.Program{Words: s.command},
		ConfigDir: at.ConfigDir, RuntimeFile: at.RuntimeFile, Configured: s.configDir != "",
		Parse: intelmqconf.Check, AllowedPath: s.allowedPath,
	}
}
