package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/sallyport/sallyport/internal/fake/intelmqctl"
)

// standInPackage is built for the measurement: this program is as large as Caddy
// and takes as long to start.
const standInPackage = "github.com/sallyport/sallyport/cmd/fakeintelmqctl"

// prepareBotnet makes the folder of a botnet and the command in it.
func (f *files) prepareBotnet(ctx context.Context) error {
	program := filepath.Join(f.dir, "fakeintelmqctl")
	if output, err := exec.CommandContext(ctx, "go", "build", "-o", program, standInPackage).CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w: %s", err, output)
	}
	if err := intelmqctl.Create(f.botnet); err != nil {
		return err
	}
	_, err := intelmqctl.Install(program, f.botnet)
	return err
}

// intelmqctl is the path of the command.
func (f *files) intelmqctl() string { return filepath.Join(f.botnet, "bin", intelmqctl.Name) }

// botnetConfig is the folder of the botnet's runtime.yaml.
func (f *files) botnetConfig() string { return filepath.Join(f.botnet, "etc") }

// commandTakes has the command use the processor for so long, such as 800ms.
func (f *files) commandTakes(long string) error { return intelmqctl.Switch(f.botnet, "cpu="+long) }

// commandIsQuick has the command do nothing but its work.
func (f *files) commandIsQuick() error { return intelmqctl.Switch(f.botnet) }

// calls is how many calls there were, all or those with a word.
func (f *files) calls(word string) (int, error) {
	calls, err := intelmqctl.Calls(f.botnet)
	n := 0
	for _, c := range calls {
		if word == "" || slices.Contains(c.Arguments, word) {
			n++
		}
	}
	return n, err
}

// forgetCalls begins to count them anew.
func (f *files) forgetCalls() error { return os.RemoveAll(filepath.Join(f.botnet, "calls")) }
