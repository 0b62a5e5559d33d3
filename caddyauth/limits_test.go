package caddyauth_test

import (
	"testing"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/plugin/grammar"
)

// TestTheBrakesTakeEveryLimitOfACaddyfile compares the bounds of login_failures,
// which are those of all plugins, with what the brakes can do.
func TestTheBrakesTakeEveryLimitOfACaddyfile(t *testing.T) {
	if grammar.MaxFailures != identity.MaxFailures || grammar.MaxWindow != identity.MaxWindow {
		t.Errorf("a Caddyfile may say %d in %s, the brakes take %d in %s",
			grammar.MaxFailures, grammar.MaxWindow, identity.MaxFailures, identity.MaxWindow)
	}
}
