//go:build !linux

package intelmqctl

// becomeReaper does nothing: only Linux has processes that adopt.
func becomeReaper() error { return nil }
