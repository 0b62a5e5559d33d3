package caddyauth

import (
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/identity"
)

// Lifetime says when a session or token ends. Both times are in whole seconds, up
// to ten years. Both cannot be 0, and Idle cannot be longer than an Absolute that
// is set.
type Lifetime struct {
	// Absolute is when it ends, counted from the log-in; 0 means never.
	Absolute caddy.Duration `json:"absolute,omitempty"`
	// Idle is how long it may lie unused; 0 means for ever.
	Idle caddy.Duration `json:"idle,omitempty"`
}

// orElse is the lifetime, or another one if it is not set.
func (l *Lifetime) orElse(other identity.Lifetime) identity.Lifetime {
	if l == nil {
		return other
	}
	return identity.Lifetime{Absolute: time.Duration(l.Absolute), Idle: time.Duration(l.Idle)}
}

// FailureLimit is a number of failures within a time, after which a door closes.
type FailureLimit struct {
	// Failures is 1 to 100.
	Failures int `json:"failures"`
	// Window is 1 second to 24 hours: the time in which failures are counted, and
	// for which the door then stays closed.
	Window caddy.Duration `json:"window"`
}

// check reports whether the numbers can be meant. No limit can.
func (l *FailureLimit) check(option string) error {
	if l == nil {
		return nil
	}
	brakes := identity.Brakes{Failures: l.Failures, Window: time.Duration(l.Window)}
	if l.Failures == 0 || l.Window == 0 || brakes.Check() != nil {
		return fmt.Errorf("%s: use 1 to %d failures and a window of 1s to %gh, such as '%s 5 60s'",
			option, identity.MaxFailures, identity.MaxWindow.Hours(), option)
	}
	return nil
}
