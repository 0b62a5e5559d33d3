package intelmqctl

import (
	"os"
	"strings"
	"testing"
)

func TestTipsSayWhatToDo(t *testing.T) {
	sudoers := SudoersLine(userName(), "intelmq", "/usr/bin/intelmqctl")
	for _, c := range []struct{ message, want string }{
		{"sudo: no tty present and no askpass program specified", sudoers},
		{"sudo: a terminal is required to read the password; either use the -S option to read from standard input or configure an askpass helper\nsudo: a password is required", sudoers},
		{"sudo: a password is required", sudoers},
		{"sudo: a password is required", "`caddy intelmq setup`"},
		{"sudo: a password is required", "`visudo -f /etc/sudoers.d/sallyport-intelmq`"},
		{"sudo: a password is required", "See first that the command is there"},
		{"Sorry, user caddy is not allowed to execute '/usr/bin/intelmqctl --version' as intelmq on host.", sudoers},
		{"Sorry, user caddy may not run sudo on host.", sudoers},
		{"caddy is not in the sudoers file.", sudoers},
		{"sudo: sorry, you must have a tty to run sudo", "!requiretty"},
		{"sudo: unknown user intelmq\nsudo: error initializing audit plugin sudoers_audit", "no user 'intelmq'"},
		{"sudo: /usr/bin/intelmqctl: command not found", "configure its whole path"},
		{"sudo: The \"no new privileges\" flag is set, which prevents sudo from running as root.", "NoNewPrivileges=yes"},
		{"sudo: effective uid is not 0, is sudo installed setuid root?", "NoNewPrivileges=yes"},
		{"PermissionError: [Errno 13] Permission denied: '/opt/intelmq/var/log/intelmqctl.log'", "`chown -R intelmq: /opt/intelmq "},
		{"[Errno 13] Permission denied: '/etc/intelmq/runtime.yaml'", "chown -R intelmq: /etc/intelmq "},
		{"[Errno 13] Permission denied: '/var/log/intelmq/intelmqctl.log'", "chown -R intelmq: /var/log/intelmq "},
		{"[Errno 13] Permission denied: '/var/lib/intelmq'", "chown -R intelmq: /var/lib/intelmq "},
		{"[Errno 13] Permission denied: '/opt/intelmq2/x'", ""},
		{"[Errno 13] Permission denied: '/etc/shadow'", ""},
		{"sqlite3.OperationalError: no such table: data", "no tables"},
		{"redis.exceptions.ConnectionError: Error 111 connecting to 127.0.0.1:6379. Connection refused.", "systemctl status redis-server"},
		{"Error loading '/opt/intelmq/etc/runtime.yaml': File not found: '/opt/intelmq/etc/runtime.yaml'.", "runtime.yaml.bak"},
		{"ruamel.yaml.parser.ParserError: while parsing a flow node\n  in \"/opt/intelmq/etc/runtime.yaml\", line 2, column 1", "not valid YAML"},
		{"KeyError: 'module'", ""},
	} {
		_, f := judge(asIntelMQ(), status, Output{Stderr: []byte(c.message), ExitCode: 1}, nil)
		if !strings.Contains(f.Tip, c.want) || (c.want == "") != (f.Tip == "") {
			t.Errorf("%s\ngets the tip '%s',\nwant '%s' in it", c.message, f.Tip, c.want)
		}
		if strings.ContainsAny(f.Tip, "<>") {
			t.Errorf("'%s' looks like HTML", f.Tip)
		}
	}
}

func TestATipNeedsNoProgram(t *testing.T) {
	for _, message := range []string{"sudo: a password is required", "sudo: unknown user x", "Permission denied: '/opt/intelmq/etc'"} {
		_, f := judge(quiet{}, status, Output{Stderr: []byte(message)}, nil)
		if f.Tip == "" || f.Command != "intelmqctl" {
			t.Errorf("'%s' gets the tip '%s' for '%s'", message, f.Tip, f.Command)
		}
	}
}

// quiet is an Executor that knows nothing of sudo.
type quiet struct{ Executor }

func (quiet) Line([]string) string { return "intelmqctl" }

func TestWaitingForAMessageHasATip(t *testing.T) {
	given, err := ParseEvent(`{"a":1}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		command Command
		tip     string
	}{
		{Message{Verb: Get}, emptyQueue},
		{Message{Verb: Pop}, emptyQueue},
		{Process{}, emptyQueue},
		{Process{Event: given}, ""},
		{status, ""},
	} {
		_, f := judge(asIntelMQ(), c.command, Output{Interrupted: true, ExitCode: -1}, nil)
		if f.Tip != c.tip {
			t.Errorf("%s %v gets the tip '%s', want '%s'", Name(c.command), Arguments(c.command), f.Tip, c.tip)
		}
	}
}

func TestTheSudoersLineIsForTheConfiguredWords(t *testing.T) {
	me := sudoersEscape.Replace(userName())
	shell, err := Find("sh", DefaultPath, os.Stat)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ words, line, user string }{
		{"sudo -u intelmq /usr/bin/intelmqctl", me + " ALL=(intelmq) NOPASSWD: /usr/bin/intelmqctl", "intelmq"},
		{"/usr/bin/sudo -n -H -u intelmq -- /usr/bin/intelmqctl", me + " ALL=(intelmq) NOPASSWD: /usr/bin/intelmqctl", "intelmq"},
		{"sudo -nuintelmq /usr/bin/intelmqctl -x", me + " ALL=(intelmq) NOPASSWD: /usr/bin/intelmqctl", "intelmq"},
		{"sudo -g adm --user=intelmq A=b /usr/bin/intelmqctl", me + " ALL=(intelmq) NOPASSWD: /usr/bin/intelmqctl", "intelmq"},
		{"sudo --user intelmq --preserve-env /usr/bin/intelmqctl", me + " ALL=(intelmq) NOPASSWD: /usr/bin/intelmqctl", "intelmq"},
		{"sudo /opt/a:b/intelmqctl", me + ` ALL=(root) NOPASSWD: /opt/a\:b/intelmqctl`, "root"},
		{"sudo -u intelmq intelmqctl-of-nobody", me + " ALL=(intelmq) NOPASSWD: intelmqctl-of-nobody", "intelmq"},
		{"sudo -u #999 sh", me + " ALL=(#999) NOPASSWD: " + shell, "#999"},
		{"command-of-sudo", "", userName()},
		{"sudo -nu intelmq /usr/bin/intelmqctl", me + " ALL=(intelmq) NOPASSWD: /usr/bin/intelmqctl", "intelmq"},
		{"sudo -Hu intelmq /usr/bin/intelmqctl", me + " ALL=(intelmq) NOPASSWD: /usr/bin/intelmqctl", "intelmq"},
		{"sudo -U alice -u intelmq /usr/bin/intelmqctl", me + " ALL=(intelmq) NOPASSWD: /usr/bin/intelmqctl", "intelmq"},
		{"sudo --group adm --user intelmq -- /usr/bin/intelmqctl", me + " ALL=(intelmq) NOPASSWD: /usr/bin/intelmqctl", "intelmq"},
		{"sudo -u", "", userName()},
		{"sudo", "", userName()},
		{"/usr/bin/intelmqctl", "", userName()},
		{"", "", userName()},
	} {
		p := &Program{Words: strings.Fields(c.words)}
		if got := p.Sudoers(); got != c.line {
			t.Errorf("%s: line '%s', want '%s'", c.words, got, c.line)
		}
		if got := p.User(); got != c.user {
			t.Errorf("%s: user '%s', want '%s'", c.words, got, c.user)
		}
	}
}
