package caddyintelmq_test

import (
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/fake/intelmqctl"
)

// TestCommands runs the scripts in testdata/script. $BOTNET is the folder of a
// stand-in, $INTELMQCTL its command. Besides testscript's own commands they have:
//
//	exits <code> <program> [<arguments...>]   the program ends with this code
//	await <path>                              waits until there is such a file
func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			botnet := intelmqctl.Start(t)
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("BOTNET", botnet.Root)
			e.Setenv("INTELMQCTL", botnet.Command)
			return nil
		},
		Cmds:          map[string]func(*testscript.TestScript, bool, []string){"exits": caddyrun.Exits, "await": await},
		UpdateScripts: *caddyrun.Update,
	})
}

func await(ts *testscript.TestScript, _ bool, args []string) {
	for began := time.Now(); time.Since(began) < 10*time.Second; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
	}
	ts.Fatalf("there is no %s", args[0])
}
