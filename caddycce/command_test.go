package caddycce_test

import (
	"errors"
	"os/exec"
	"strconv"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/rogpeppe/go-internal/testscript"

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
		Cmds:          map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		UpdateScripts: *update,
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits <code> <program> [<arguments...>]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}
