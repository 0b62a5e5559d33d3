package intelmqctl

import (
	"cmp"
	"context"
	"os"
	"os/user"
	"slices"
	"strconv"
	"time"
)

// Program runs the configured command. A field of the zero value has its default,
// but for Words. No field may change while it is in use.
//
// The process has a session of its own, so that neither Ctrl-C nor the end of the
// server's process group reaches it and the bots that it starts. It reads nothing,
// inherits no file and no socket, and is told to end alone: bots live in its
// process group.
type Program struct {
	// Words are the command and its first arguments, such as
	// sudo -u intelmq /usr/local/bin/intelmqctl. The first is an absolute path, or
	// a name that is looked for in the PATH of Environment.
	Words []string
	// Environment is all the environment it has; the default is CleanEnvironment().
	Environment []string
	// Directory is where it runs; the default is /.
	Directory string
	// Grace is how long after SIGTERM comes SIGKILL; the default is 5 s.
	Grace time.Duration
	// MaxOutput is how many bytes of its output are kept; the default is 16 MiB.
	// The rest is read and dropped: nobody knows what a change that is cut off by
	// what it prints has done. Of its messages on standard error the last MiB is
	// kept.
	MaxOutput int
}

// The defaults of Program's fields.
const (
	defaultGrace     = 5 * time.Second
	defaultMaxOutput = 16 << 20
	defaultDirectory = "/"
	maxStderr        = 1 << 20
)

// DefaultPath is the PATH of root on Debian, and where sudo looks for commands as
// distributions configure it: intelmqctl and sudo may be in any of these, whatever
// the PATH of a service is.
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// CleanEnvironment is an environment with nothing of the server's own, which may
// have secrets in it, but for the time zone, the home folder, and where IntelMQ is.
// (sudo takes away the latter two of IntelMQ if its env_keep does not name them.)
func CleanEnvironment() []string {
	environment := []string{"PATH=" + DefaultPath, "LANG=C.UTF-8"}
	for _, name := range []string{"TZ", "HOME", "INTELMQ_ROOT_DIR", "INTELMQ_PATHS_NO_OPT"} {
		if value, set := os.LookupEnv(name); set {
			environment = append(environment, name+"="+value)
		}
	}
	return environment
}

// Execute implements Executor. If ctx is done the process gets SIGTERM, and after
// Grace SIGKILL. A process that this one may not signal, or that stands behind one
// (sudo) and lives on without it, is left to itself: see Output.Running. What is
// left needs a few goroutines until its end, or that of this process; the caller
// bounds their number by what it starts.
//
// The error names the file and says what to do, or is that of ctx.
func (p *Program) Execute(ctx context.Context, arguments []string) (Output, error) {
	if err := ctx.Err(); err != nil {
		return Output{}, err
	}
	r, err := p.start(arguments)
	if err != nil {
		return Output{}, err
	}
	return r.attend(ctx, cmp.Or(p.Grace, defaultGrace)), nil
}

// Line implements Executor. It begins with what makes another user this one.
func (p *Program) Line(arguments []string) string {
	return quoteAll(slices.Concat([]string{"sudo", "-u", userName()}, p.Words, arguments))
}

// userName is whom this process acts as, in a form that sudo understands.
func userName() string {
	id := strconv.Itoa(os.Geteuid())
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return "#" + id
}
