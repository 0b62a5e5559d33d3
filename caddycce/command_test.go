package caddycce_test

import (
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/fake/cced"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"caddy": caddycmd.Main})
}

// TestCommands runs the scripts in testdata/script. $CCED is the socket of a
// daemon that takes everybody for root, $STRICT that of one that does not.
// Besides testscript's own commands they have:
//
//	exits <code> <program> [<arguments...>]   the program ends with this code
func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("CCED", "unix/"+cced.Start(t, func(c *cced.Config) { c.PeerIsRoot = true }).Socket())
			e.Setenv("STRICT", "unix/"+cced.Start(t).Socket())
			return nil
		},
		Cmds:          map[string]func(*testscript.TestScript, bool, []string){"exits": caddyrun.Exits},
		UpdateScripts: *caddyrun.Update,
	})
}
