package intelmqsetup

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/internal/intelmqctl"
)

// Checker looks at what the IntelMQ endpoint needs.
type Checker struct {
	System System
	// User is who runs Caddy. What this process may do is asked of the system; what
	// another user may do is found out from owners and modes.
	User string
	// Command is the configured command, such as sudo -u intelmq /usr/bin/intelmqctl.
	Command []string
	// Executor runs it.
	Executor intelmqctl.Executor
	// ConfigDir and RuntimeFile are where intelmqctl says they are, or where they
	// were last.
	ConfigDir, RuntimeFile string
	// Configured: they are where the option config_dir says, in place of that.
	Configured bool
	// Parse says what is wrong with the content of RuntimeFile. Without it its
	// content is not looked at.
	Parse func(content []byte) error
	// AllowedPath is the folder whose files are shown, or empty.
	AllowedPath string
	// Users counts who can log in. Without it nobody is counted.
	Users func(context.Context) (int, error)
	// Stuck is for how long a change that was told to end still runs, or 0.
	Stuck time.Duration
}

// Check runs the command twice and returns what is wrong, the cause before what
// comes of it. It takes a minute at most.
func (c Checker) Check(ctx context.Context) []Finding {
	var found findings
	c.checkWho(&found)
	c.checkPrograms(&found)
	if !found.has(CommandMissing, SudoMissing) {
		c.checkSudo(ctx, &found)
		c.checkCommand(ctx, &found)
	}
	var files findings
	c.checkRuntime(&files)
	c.checkFolders(&files)
	c.checkMembership(files, &found)
	for _, of := range files {
		found.add(of)
	}
	c.checkAllowedPath(&found)
	c.checkUsers(ctx, &found)
	c.checkUnit(ctx, &found)
	if c.Stuck > 0 {
		found.broken(CommandStuck,
			fmt.Sprintf("a change of the botnet was told to end %s ago and still runs, so that no other one can begin", c.Stuck.Round(time.Second)),
			"look for it by `ps -ef | grep intelmqctl`, and end it by `sudo kill`; where Caddy runs as IntelMQ's own user, without sudo, it can do so itself")
	}
	return found
}

func (c Checker) checkWho(found *findings) {
	who, err := c.System.Account(c.User)
	if err != nil {
		found.broken(UserMissing, fmt.Sprintf("the user of Caddy: %v", err), "name the user that the unit of Caddy has as `User=`")
		return
	}
	if uid := c.System.Self.UID; uid != who.UID && uid != 0 {
		found.doubtful(OtherUser,
			fmt.Sprintf("this check runs as '%s' and Caddy as '%s', so that what sudo and the system allow may differ", c.System.Self.Name, c.User),
			"run it as root, such as by `sudo caddy intelmq check --config /etc/caddy/Caddyfile`")
	}
}

// checkUsers speaks of the store of users, keys and sessions.
func (c Checker) checkUsers(ctx context.Context, found *findings) {
	if c.Users == nil {
		return
	}
	n, err := c.Users(ctx)
	switch {
	case err != nil:
		found.broken(StoreUnusable, fmt.Sprintf("nobody can log in, since the store of users and sessions cannot be used: %v", err),
			"see that its database is there, and that Caddy's user can write it and its folder")
	case n == 0:
		found.doubtful(NoUsers, "nobody can log in, since there are no users",
			"make one by `sudo caddy auth user add`, or bring those of intelmq-api along by `sudo caddy auth import intelmq`; both need the configuration by --config")
	}
}

// checkUnit tells of systemd, which ends all bots together with the unit that has
// started them, unless told otherwise.
func (c Checker) checkUnit(ctx context.Context, found *findings) {
	unit := c.unit()
	if c.System.Getenv("INVOCATION_ID") == "" || unit == "" {
		return
	}
	said, err := c.System.Run(ctx, "systemctl", "show", "-p", "KillMode", "--value", unit)
	mode := strings.TrimSpace(said)
	if err != nil || !slices.Contains([]string{"control-group", "mixed"}, mode) {
		return
	}
	found.broken(KillMode,
		fmt.Sprintf("systemd ends all bots that were started from here whenever it stops or restarts '%s', since its KillMode is '%s'", unit, mode),
		fmt.Sprintf("write KillMode=process under [Service] by `systemctl edit %s`", unit))
}

// unit is the system's service that this process is in, or empty.
func (c Checker) unit() string {
	text, err := os.ReadFile(c.System.path("/proc/self/cgroup"))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		// hierarchy:controllers:path, see cgroups(7)
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 || parts[1] != "" && parts[1] != "name=systemd" {
			continue
		}
		below, ok := strings.CutPrefix(parts[2], "/system.slice/")
		if !ok {
			continue
		}
		for name := range strings.SplitSeq(below, "/") {
			if strings.HasSuffix(name, ".service") && !strings.HasPrefix(name, "-") {
				return name
			}
		}
	}
	return ""
}
