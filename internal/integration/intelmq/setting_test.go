package intelmq_test

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/caddyrun"
)

// setting is how a server is configured.
type setting struct {
	// command is intelmqctl, and typed how the record has it.
	command []string
	typed   string
	// keys are the other ones of the configuration file.
	keys map[string]any
	// file is the text of a file that is broken.
	file string
	// base is the path of the endpoint.
	base string
}

// sessionStore is that of a configuration which wants a log-in.
const sessionStore = "/etc/intelmq/api-session.sqlite"

// recordedCommand is how the record's command is typed.
const recordedCommand = "sudo -u intelmq /usr/bin/intelmqctl"

// odd are commands that are no intelmqctl: scripts by the configuration with which
// they were recorded.
var odd = map[string]struct{ name, typed, script string }{
	"sudo not allowed for that path": {"sudo", recordedCommand, `cat >&2 <<'END'
sudo: a terminal is required to read the password; either use the -S option to read from standard input or configure an askpass helper
sudo: a password is required
END
exit 1`},
	"sudo -n not allowed for that path": {"sudo", "sudo -n -u intelmq /usr/bin/intelmqctl", `echo 'sudo: a password is required' >&2; exit 1`},
	"command prints nothing, exit 0":    {"true", "/bin/true", `test "$*" != --version || printf '%s\n' 'true (GNU coreutils) 9.1' 'and so on'`},
	"command prints nothing, exit 1":    {"false", "/bin/false", `exit 1`},
	"command prints valid JSON and a warning on stderr": {
		"s_warn", "/opt/peer/bin/s_warn",
		`echo '"good"'; echo 'DeprecationWarning: pkg_resources is deprecated' >&2`,
	},
	"command prints JSON, exit 3, nothing on stderr": {"s_exit3", "/opt/peer/bin/s_exit3", `echo '"error"'; exit 3`},
	"command prints something that is not JSON":      {"s_text", "/opt/peer/bin/s_text", `echo 'not json'`},
	"command prints non-ASCII text":                  {"s_utf8", "/opt/peer/bin/s_utf8", `echo 'grüß dich'`},
	"permission error text": {
		"s_tips", "/opt/peer/bin/s_tips",
		`echo "PermissionError: [Errno 13] Permission denied: '/opt/intelmq/var/log/intelmqctl.log'" >&2; exit 1`,
	},
	"old sudo text":                    {"s_tips2", "/opt/peer/bin/s_tips2", `echo 'sudo: no tty present and no askpass program specified' >&2; exit 1`},
	"sqlite text":                      {"s_tips3", "/opt/peer/bin/s_tips3", `echo 'sqlite3.OperationalError: no such table: data' >&2; exit 1`},
	"command prints its own arguments": {"s_args", "/opt/peer/bin/s_args", `printf '[%s]\n' "$@"`},
	"command takes 20 s":               {"s_slow", "/opt/peer/bin/s_slow", slow},
}

// setting is that of a configuration of the record.
func (w *world) setting(t *testing.T, config string) setting {
	t.Helper()
	if o, is := odd[config]; is {
		s := setting{command: []string{w.script(t, o.name, o.script)}, typed: o.typed}
		if o.name == "sudo" {
			words := strings.Fields(o.typed)
			s.command = append(s.command, words[1:]...)
		}
		return s
	}
	s := setting{command: []string{w.botnet.Command}, typed: recordedCommand}
	store := map[string]any{"session_store": sessionStore}
	switch config {
	case "session store on", "session database read-only":
		s.keys = store
	case "no session store":
	case "command missing":
		s.command, s.typed = []string{w.botnet.Path("bin/missing")}, "/usr/bin/missing"
	case "config file is not JSON":
		s.file = `{"intelmq_ctl_cmd": ["intelmqctl"],}`
	case "session_duration 2":
		s.keys, store["session_duration"] = store, 2
	case "session_duration as text":
		s.keys, store["session_duration"] = store, "2"
	case "allow_origins one origin":
		s.keys, store["allow_origins"] = store, []string{"https://manager.example.org"}
	case "root path /intelmq":
		s.keys, s.base = store, "/intelmq"
	default:
		t.Fatalf("there is no configuration '%s'", config)
	}
	return s
}

// enter has the server in a configuration, or notes why it does not start.
func (w *world) enter(t *testing.T, config string) {
	t.Helper()
	s := w.setting(t, config)
	w.config, w.typed, w.command, w.base = config, s.typed, s.command, s.base
	if w.failed = w.configure(t, s); w.failed == nil {
		w.URL = "http://" + caddyrun.ListenAddress(t)
	}
}
