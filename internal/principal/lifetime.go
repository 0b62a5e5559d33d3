package principal

import (
	"errors"
	"fmt"
	"time"
)

// Lifetime says when a session or token ends.
type Lifetime struct {
	// Absolute is the time after which it ends whatever happens; zero means
	// never. Idle is how long it may lie unused, in whole seconds; zero means
	// for ever. One of them must be set.
	Absolute, Idle time.Duration
}

// Check reports whether the lifetime can be meant.
func (l Lifetime) Check() error {
	const most = 10 * 365 * 24 * time.Hour
	switch {
	case l.Absolute == 0 && l.Idle == 0:
		return errors.New("a lifetime must end: give how long it lasts, or how long it may lie idle")
	case l.Absolute < 0 || l.Idle < 0 || l.Absolute > most || l.Idle > most:
		return errors.New("a lifetime can be up to ten years")
	case l.Absolute%time.Second != 0 || l.Idle%time.Second != 0:
		return errors.New("a lifetime is in whole seconds")
	case l.Absolute != 0 && l.Idle > l.Absolute:
		return fmt.Errorf("the time that it may lie idle, %s, is longer than the lifetime, %s", l.Idle, l.Absolute)
	}
	return nil
}
