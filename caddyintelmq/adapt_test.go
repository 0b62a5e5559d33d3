package caddyintelmq_test

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/caddyrun"
)

// TestAdapt turns each Caddyfile in testdata/adapt into JSON.
func TestAdapt(t *testing.T) { caddyrun.Golden(t) }

// TestCaddyfileErrors is about what an administrator reads after a mistake.
func TestCaddyfileErrors(t *testing.T) {
	for name, test := range map[string]struct{ lines, want string }{
		"an unknown option":           {"comand x", "unrecognized option 'comand'; there are allow_origins, allowed_path, change_timeout, command, config_dir, import_config, insecure_no_auth, insecure_plain_http, max_body, max_waiting, processes, run_timeout, session_lifetime, timeout, at Testfile:3"},
		"no command":                  {"command", "'command' needs at least one value, at Testfile:3"},
		"an option for a command":     {"command -u intelmq intelmqctl", "command: write the program first, and each word by itself, such as 'command sudo -u intelmq /usr/local/bin/intelmqctl', at Testfile:3"},
		"a command as one word":       {`command "sudo -u intelmq intelmqctl"`, "command: write the program first, and each word by itself, such as 'command sudo -u intelmq /usr/local/bin/intelmqctl', at Testfile:3"},
		"a command with commas":       {"command sudo, -u, intelmq, intelmqctl", "command: write the words without brackets and commas, such as 'command sudo -u intelmq /usr/local/bin/intelmqctl'; 'sudo,' has one, at Testfile:3"},
		"a command as a list":         {"command [sudo -u intelmq intelmqctl]", "command: write the words without brackets and commas, such as 'command sudo -u intelmq /usr/local/bin/intelmqctl'; '[sudo' has one, at Testfile:3"},
		"a command twice":             {"command a\ncommand b", "'command' stands here twice, at Testfile:4"},
		"no path":                     {"allowed_path", "'allowed_path' needs a value, at Testfile:3"},
		"a path and another one":      {"config_dir /a /b", "'/b' is too much after 'config_dir', at Testfile:3"},
		"a lifetime of no time":       {"session_lifetime 0s", "session_lifetime: '0s' is not longer than nothing, at Testfile:3"},
		"a lifetime of half a second": {"session_lifetime 500ms", "session_lifetime: it is 1s to 87600h, at Testfile:3"},
		"a lifetime in half seconds":  {"session_lifetime 1.5s", "session_lifetime: it is in whole seconds, at Testfile:3"},
		"a time that is none":         {"timeout soon", "'soon' is not a duration such as 90s, 24h or 7d, at Testfile:3"},
		"a time that is too long":     {"run_timeout 25h", "run_timeout: it is 1s to 24h, at Testfile:3"},
		"no process":                  {"processes 0", "processes: '0' is not a number from 1 to 64, at Testfile:3"},
		"nobody who may wait":         {"max_waiting 0", "max_waiting: '0' is not a number from 1 to 10000, at Testfile:3"},
		"a body of nothing":           {"max_body 10B", "max_body: it is 1024 to 1073741824, at Testfile:3"},
		"an imported file of no name": {`import_config ""`, "import_config: the path is empty; leave it out to have the file looked for, at Testfile:3"},
		"an argument of a flag":       {"insecure_no_auth yes", "'yes' is too much after 'insecure_no_auth', at Testfile:3"},
		"an origin that is a name":    {"allow_origins manager.example.org", ", at Testfile:3"},
		"an origin that has a path":   {"allow_origins https://manager.example.org/x", ", at Testfile:3"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := caddyrun.Adapt("http://:0 {\nintelmq /intelmq {\n" + test.lines + "\n}\n}\n")
			if err == nil || !strings.HasSuffix(err.Error(), test.want) {
				t.Errorf("got  %v\nwant …%s", err, test.want)
			}
		})
	}
}

// TestAFailedStartSaysWhatToWrite is about what only a start shows.
func TestAFailedStartSaysWhatToWrite(t *testing.T) {
	s := caddyrun.Start(t, "{\n}\nhttp://:0\n")
	for name, test := range map[string]struct{ lines, want string }{
		"nobody could log in":           {"", "intelmq: nobody could log in: write 'caddyauth' into the global options, or a token_auth before this; or write insecure_no_auth into its block if everybody may do everything"},
		"a command of no value":         {"command {env.NO_SUCH_COMMAND}", "command: "},
		"a path from nowhere":           {"allowed_path var/lib/bots", "allowed_path 'var/lib/bots': write the whole path, from the root"},
		"a folder from nowhere":         {"config_dir etc", "config_dir 'etc': write the whole path, from the root"},
		"an imported file that is none": {"import_config /no/such/file", "import_config: open /no/such/file: no such file or directory"},
		"an imported file without path": {"import_config {env.NO_SUCH_FILE}", "import_config: the path: "},
	} {
		t.Run(name, func(t *testing.T) {
			err := s.Load(t, "http://:0 {\nintelmq /intelmq {\n"+test.lines+"\n}\n}\n")
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant …%s", err, test.want)
			}
		})
	}
}
