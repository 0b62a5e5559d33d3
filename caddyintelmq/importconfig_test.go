package caddyintelmq_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// imported runs an endpoint that has its settings from a configuration of
// intelmq-api.
func imported(t *testing.T, conf, options string) (*bench, error) {
	t.Helper()
	b := prepare(t)
	path := filepath.Join(b.Dir, "api-config.json")
	conf = strings.ReplaceAll(conf, "INTELMQCTL", b.botnet.Command)
	conf = strings.ReplaceAll(conf, "BOTS", b.botnet.Path("var/lib/bots"))
	if err := os.WriteFile(path, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	b.text = b.sites("http://:0 {\n" + block("/intelmq", strings.ReplaceAll(options, "CONF", path)) + "}\n")
	err := b.Load(t, b.text)
	if err == nil {
		b.Reload(t, b.text)
	}
	return b, err
}

// whole has each key that intelmq-api knows, and one of older versions.
const whole = `{
	"intelmq_ctl_cmd": ["INTELMQCTL"],
	"allowed_path": "BOTS",
	"session_store": "/etc/intelmq/api-session.sqlite",
	"session_duration": "1",
	"allow_origins": ["https://manager.example.org"],
	"html_dir": "/usr/share/intelmq_manager/html"
}`

func TestEachKeyOfAnImportedConfigurationCounts(t *testing.T) {
	b, err := imported(t, whole, "import_config CONF")
	if err != nil {
		t.Fatal(err)
	}
	token := b.logIn(t)
	ask := func(route string, headers ...string) (int, string) {
		r := b.Get(t, api+route, append(headers, "Authorization", token)...)
		return r.StatusCode, r.Text
	}
	if status, text := ask("bot?action=status&id=csv-parser"); status != 200 || text != "\"stopped\"\n" {
		t.Errorf("intelmq_ctl_cmd: %d %s", status, text)
	}
	if status, text := ask("config?file=" + b.botnet.Path("var/lib/bots")); status != 200 || !strings.Contains(text, `"file-output"`) {
		t.Errorf("allowed_path: %d %s", status, text)
	}
	for origin, allowed := range map[string]string{"https://manager.example.org": "https://manager.example.org", "https://other.example.org": ""} {
		r := b.Get(t, api+"version", "Origin", origin, "Authorization", token)
		if got := r.Header.Get("Access-Control-Allow-Origin"); got != allowed {
			t.Errorf("allow_origins: %s is answered with '%s'", origin, got)
		}
	}
	if log := b.Log(t); !strings.Contains(log, "caddy auth import intelmq /etc/intelmq/api-session.sqlite") {
		t.Error("session_store: the log does not say how users move over")
	}
	time.Sleep(2100 * time.Millisecond)
	if status, _ := ask("version"); status != 401 {
		t.Errorf("session_duration: a token that was not used for two seconds is answered with %d", status)
	}
}

func TestWordsOfTheBlockComeBeforeThoseOfAnImportedConfiguration(t *testing.T) {
	b, err := imported(t, strings.Replace(whole, "INTELMQCTL", "/no/such/command", 1), "import_config CONF\ncommand {env.STAND_IN}")
	if err == nil || !strings.Contains(err.Error(), "command: ") {
		t.Fatalf("a command of the block that is missing: %v", err)
	}
	t.Setenv("STAND_IN", b.botnet.Command)
	b.Reload(t, b.text)
	if r := b.as(t, "reader", "version"); r.StatusCode != 200 {
		t.Errorf("%d %s", r.StatusCode, r.Text)
	}
}

func TestAnImportedConfigurationIsFoundByItsVariable(t *testing.T) {
	t.Setenv("INTELMQ_API_CONFIG", "/no/such/api-config.json")
	if _, err := imported(t, whole, "import_config"); err == nil || !strings.Contains(err.Error(), "import_config: open /no/such/api-config.json: ") {
		t.Fatalf("a file that is named and missing: %v", err)
	}
	b := prepare(t)
	path := filepath.Join(b.Dir, "api-config.json")
	if err := os.WriteFile(path, []byte(strings.NewReplacer("INTELMQCTL", b.botnet.Command, "BOTS", b.botnet.Root).Replace(whole)), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("INTELMQ_API_CONFIG", path)
	b.use(t, b.sites("http://:0 {\n"+block("/intelmq", "import_config")+"}\n"))
	if r := b.as(t, "reader", "version"); r.StatusCode != 200 {
		t.Errorf("%d %s", r.StatusCode, r.Text)
	}
}

// TestAnImportedConfigurationOpensNothing: whatever intelmq-api takes for its
// defaults lets everybody in.
func TestAnImportedConfigurationOpensNothing(t *testing.T) {
	for name, test := range map[string]struct{ conf, want string }{
		"no JSON":                {`{"session_store": "x",}`, "is not a configuration of intelmq-api: invalid character '}'"},
		"empty":                  {``, "is not a configuration of intelmq-api: unexpected end of JSON input"},
		"a list":                 {`[]`, "is not a configuration of intelmq-api: json: cannot unmarshal array"},
		"no session store":       {`{}`, "has no session_store, so everybody could do everything without a log-in; take import_config out and write the settings here, or write insecure_no_auth if this is meant"},
		"an empty session store": {`{"session_store": ""}`, "has no session_store"},
		"a command as text":      {`{"session_store": "x", "intelmq_ctl_cmd": "sudo intelmqctl"}`, "is not a configuration of intelmq-api: json: cannot unmarshal string"},
		"a time that is none":    {`{"session_store": "x", "session_duration": "soon"}`, "session_duration: it is a number of seconds, from 1 to 315360000"},
		"no time":                {`{"session_store": "x", "session_duration": 0}`, "session_duration: it is a number of seconds, from 1 to 315360000"},
		"more than ten years":    {`{"session_store": "x", "session_duration": 9223372036854775807}`, "session_duration: it is a number of seconds, from 1 to 315360000"},
		"an origin that is none": {`{"session_store": "x", "allow_origins": ["manager"]}`, "allow_origins: "},
		"a path from nowhere":    {`{"session_store": "x", "allowed_path": "bots"}`, "allowed_path 'bots': write the whole path"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := imported(t, test.conf, "import_config CONF"); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant …%s", err, test.want)
			}
		})
	}
	b, err := imported(t, `{"intelmq_ctl_cmd": ["INTELMQCTL"]}`, "import_config CONF\ninsecure_no_auth")
	if err != nil {
		t.Fatal(err)
	}
	if r := b.Get(t, api+"version"); r.StatusCode != 200 {
		t.Errorf("with insecure_no_auth: %d %s", r.StatusCode, r.Text)
	}
	if r := b.Get(t, api+"runtime", "Origin", "https://evil.example"); r.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("with insecure_no_auth: pages of all sites may read")
	}
}
