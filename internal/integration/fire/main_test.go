// Package fire_test does to a server, its store and its files what must not
// happen, and looks what is left. Each figure that it finds is printed.
package fire_test

import (
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/rogpeppe/go-internal/testscript"

	_ "github.com/sallyport/sallyport/caddyauth"
)

// TestMain makes this program Caddy when it is called by that name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"caddy": caddycmd.Main})
}
