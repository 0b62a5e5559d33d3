package caddyintelmq_test

import (
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sallyport/sallyport/internal/fake/intelmqctl"
)

// TestMain makes this binary the intelmqctl of the tests' botnets, and the caddy of
// the scripts.
func TestMain(m *testing.M) {
	intelmqctl.ServeCalls()
	testscript.Main(m, map[string]func(){"caddy": caddycmd.Main})
}
