package caddyintelmq_test

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/fake/intelmqctl"
)

// TestCommands runs the scripts in testdata/script. $BOTNET is the folder of a
// stand-in, $INTELMQCTL its command, $ME who runs them. Besides testscript's own
// commands and conditions they have:
//
//	exits <code> <program> [<arguments...>]   the program ends with this code
//	await <path>                              waits until there is such a file
//	[root]                                    root runs them
//	[sudo]                                    root does, and sudo is installed
func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			botnet := intelmqctl.Start(t)
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("BOTNET", botnet.Root)
			e.Setenv("INTELMQCTL", botnet.Command)
			me, err := user.Current()
			if err != nil {
				return err
			}
			e.Setenv("ME", me.Username)
			return nil
		},
		Cmds:          map[string]func(*testscript.TestScript, bool, []string){"exits": caddyrun.Exits, "await": await},
		Condition:     holds,
		UpdateScripts: *caddyrun.Update,
	})
}

func holds(name string) (bool, error) {
	switch name {
	case "root":
		return os.Geteuid() == 0, nil
	case "sudo":
		_, err := exec.LookPath("sudo")
		return err == nil && os.Geteuid() == 0, nil
	}
	return false, fmt.Errorf("the condition '%s' is unknown", name)
}

func await(ts *testscript.TestScript, _ bool, args []string) {
	for began := time.Now(); time.Since(began) < 10*time.Second; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
	}
	ts.Fatalf("there is no %s", args[0])
}
