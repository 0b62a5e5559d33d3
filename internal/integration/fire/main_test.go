package fire_test

import (
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/rogpeppe/go-internal/testscript"

	_ "github.com/sallyport/sallyport"
)

// TestMain makes this program a Caddy where it is called by that name, so that a
// test can run one in a process of its own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"caddy": caddycmd.Main})
}
