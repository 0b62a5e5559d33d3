package intelmqsetup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/sallyport/sallyport/internal/intelmqctl"
)

// maxCall bounds a call of the command. It takes a second, and some on a busy
// machine.
const maxCall = 20 * time.Second

// checkPrograms looks whether the programs are there.
func (c Checker) checkPrograms(found *findings) {
	called := c.called()
	if called.Sudo != "" {
		if _, err := c.look(called.Sudo); err != nil {
			found.broken(SudoMissing, fmt.Sprintf("the command needs '%s', which is not there", called.Sudo),
				"install sudo, or run Caddy as IntelMQ's own user and write the command without it")
		}
	}
	name, err := c.look(called.Program())
	if errors.Is(err, fs.ErrPermission) {
		return // the folder is closed for this process, and perhaps not for IntelMQ's user
	}
	if err != nil {
		found.broken(CommandMissing, fmt.Sprintf("there is no command '%s'", called.Program()),
			"install IntelMQ, or write the command with the whole path: pip installs /usr/local/bin/intelmqctl, packages /usr/bin/intelmqctl")
		return
	}
	if info, err := os.Stat(c.System.path(name)); err == nil && (!info.Mode().IsRegular() || info.Mode()&0o111 == 0) {
		found.broken(CommandNotExecutable, fmt.Sprintf("'%s' is not a program", name), fmt.Sprintf("see whether it is the right one; `chmod a+x %s` makes it one", name))
	}
}

// checkSudo asks what can be asked without running the command.
func (c Checker) checkSudo(ctx context.Context, found *findings) {
	called := c.called()
	if called.Sudo == "" {
		return
	}
	if text, err := os.ReadFile(c.System.path("/proc/self/status")); err == nil && strings.Contains(string(text), "\nNoNewPrivs:\t1\n") {
		c.noNewPrivileges(found)
	}
	// Root may do everything, but can ask what others may.
	if c.System.Self.UID != 0 || c.User == c.System.Self.Name {
		return
	}
	program, err := c.look(called.Program())
	if err != nil {
		return
	}
	if _, err := c.System.Run(ctx, called.Sudo, "-n", "-l", "-U", c.User, "-u", called.User, program); err != nil {
		c.sudoRefuses(found)
	}
}

// checkCommand runs the command, and has it check the botnet.
func (c Checker) checkCommand(ctx context.Context, found *findings) {
	if c.Executor == nil {
		return
	}
	if found.has(OtherUser) && c.called().Sudo != "" {
		return // what sudo says to one it does not say to another
	}
	said, err := c.execute(ctx, intelmqctl.Version{})
	if err != nil || said.Interrupted || said.ExitCode != 0 || len(said.Stdout) == 0 {
		c.explain(said, err, found)
		return
	}
	said, err = c.execute(ctx, intelmqctl.Check{})
	var report struct {
		Lines [][2]string `json:"lines"`
	}
	if err != nil || said.Interrupted || json.Unmarshal(said.Stdout, &report) != nil {
		c.explain(said, err, found)
		return
	}
	for _, line := range report.Lines {
		if line[0] == "error" {
			tellLine(clean(line[1]), found)
		}
	}
}

func (c Checker) execute(ctx context.Context, command intelmqctl.Command) (intelmqctl.Output, error) {
	ctx, cancel := context.WithTimeout(ctx, maxCall)
	defer cancel()
	return c.Executor.Execute(ctx, intelmqctl.Arguments(command))
}

// tellLine is what IntelMQ's own check has found.
func tellLine(text string, found *findings) {
	if strings.Contains(text, "Could not connect to pipeline") {
		brokerDown(text, found)
		return
	}
	found.broken(BotnetError, "IntelMQ's own check says: "+text, "see the whole of it by `intelmqctl check`")
}

func brokerDown(text string, found *findings) {
	found.broken(BrokerDown, "IntelMQ does not reach its message broker: "+text, "see whether it runs, by `systemctl status redis-server`; its address stands in runtime.yaml")
}
