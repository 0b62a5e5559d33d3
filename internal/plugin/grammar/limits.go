package grammar

import (
	"fmt"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/sallyport/sallyport/internal/principal"
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

// OrElse is the lifetime, or another one if it is not set.
func (l *Lifetime) OrElse(other principal.Lifetime) principal.Lifetime {
	if l == nil {
		return other
	}
	return principal.Lifetime{Absolute: time.Duration(l.Absolute), Idle: time.Duration(l.Idle)}
}

// Lifetimes reads one or two durations: when something ends, and how long it may
// lie unused.
func Lifetimes(d *caddyfile.Dispenser, l **Lifetime) error {
	option := d.Val()
	args := d.RemainingArgs()
	if len(args) < 1 || len(args) > 2 {
		return d.Errf("write '%s <lifetime> [<idle>]', such as '%s 24h 2h'", option, option)
	}
	*l = new(Lifetime)
	for i, value := range []*caddy.Duration{&(*l).Absolute, &(*l).Idle}[:len(args)] {
		if err := parseDuration(d, args[i], value); err != nil {
			return err
		}
	}
	if err := (*l).OrElse(principal.Lifetime{}).Check(); err != nil {
		return d.Errf("%s: %v", option, err)
	}
	return nil
}

// FailureLimit is a number of failures within a time, after which a door closes.
type FailureLimit struct {
	// Failures is 1 to 100.
	Failures int `json:"failures"`
	// Window is 1 second to 24 hours: the time in which failures are counted, and
	// for which the door then stays closed.
	Window caddy.Duration `json:"window"`
}

// Bounds of a FailureLimit.
const (
	MaxFailures = 100
	MaxWindow   = 24 * time.Hour
)

// Check reports whether the numbers can be meant. No limit can. The error names
// the option.
func (l *FailureLimit) Check(option string) error {
	if l == nil {
		return nil
	}
	window := time.Duration(l.Window)
	if l.Failures < 1 || l.Failures > MaxFailures || window < time.Second || window > MaxWindow {
		return fmt.Errorf("%s: use 1 to %d failures and a window of 1s to %gh, such as '%s 5 60s'",
			option, MaxFailures, MaxWindow.Hours(), option)
	}
	return nil
}

// OrElse is the limit, or another one if it is not set.
func (l *FailureLimit) OrElse(other FailureLimit) FailureLimit {
	if l == nil {
		return other
	}
	return *l
}

// Failures reads a number of failures and the time within which they count.
func Failures(d *caddyfile.Dispenser, limit **FailureLimit) error {
	option := d.Val()
	var count, window string
	if !d.AllArgs(&count, &window) {
		return d.Errf("write '%s <failures> <window>', such as '%s 5 60s'", option, option)
	}
	n, err := strconv.Atoi(count)
	if err != nil {
		return d.Errf("%s: '%s' is not a number", option, count)
	}
	*limit = &FailureLimit{Failures: n}
	if err := parseDuration(d, window, &(*limit).Window); err != nil {
		return err
	}
	if err := (*limit).Check(option); err != nil {
		return d.WrapErr(err)
	}
	return nil
}
