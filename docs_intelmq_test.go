package sallyport_test

import (
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/fake/intelmqctl"
)

const (
	intelmqDocument = "docs/intelmq.md"
	// intelmqConfig is the configuration that it is about.
	intelmqConfig = "docs/intelmq/Caddyfile"
)

// intelmqCommand is what a configuration calls.
var intelmqCommand = regexp.MustCompile(`(?m)^(\s*command )sudo -u intelmq (/usr/(?:local/)?bin/intelmqctl)$`)

// prepareBotnet makes what an intelmq needs, where a configuration has one: a
// botnet in /opt/intelmq, and the page of the manager.
func (s *session) prepareBotnet(t *testing.T, config string) {
	t.Helper()
	if !intelmqCommand.MatchString(config) {
		return
	}
	s.botnet = intelmqctl.Start(t)
	s.paths = append(s.paths,
		[2]string{"/opt/intelmq", s.botnet.Root},
		[2]string{"/usr/share/intelmq_manager/html", filepath.Join(s.dir, "usr/share/intelmq_manager/html")})
	s.write(t, "usr/share/intelmq_manager/html/index.html", "the page of the manager\n", 0o644)
}

// calling has a configuration call the stand-in, through the session's sudo: that
// of the machine is what the server would find.
func (s *session) calling(config string) string {
	if s.botnet == nil {
		return config
	}
	return intelmqCommand.ReplaceAllString(config, "${1}"+filepath.Join(s.dir, "bin/sudo")+" -u intelmq "+s.botnet.Command)
}

// called is the way back, as docs/intelmq/Caddyfile has it.
func (s *session) called(text string) string {
	if s.botnet == nil {
		return text
	}
	return strings.NewReplacer(
		filepath.Join(s.dir, "bin/sudo"), "sudo",
		s.botnet.Command, "/usr/local/bin/intelmqctl",
		s.botnet.Root, "/opt/intelmq",
	).Replace(text)
}

// apiConfig is a configuration of intelmq-api, with the keys that its documentation
// has.
const apiConfig = `{
    "intelmq_ctl_cmd": ["sudo", "-u", "intelmq", "intelmqctl"],
    "allowed_path": "/opt/intelmq/var/lib/bots/",
    "session_store": "/etc/intelmq/api-session.sqlite",
    "session_duration": 86400,
    "allow_origins": ["*"]
}
`

// TestEveryKeyOfTheAPIConfigIsExplained demands that the migration names each key of
// the file that it leaves behind.
func TestEveryKeyOfTheAPIConfigIsExplained(t *testing.T) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal([]byte(apiConfig), &keys); err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(readFile(t, intelmqDocument), "\n| key of `api-config.json` |")
	for key := range keys {
		if !strings.Contains(table, "\n| `"+key+"` | ") {
			t.Errorf("'%s' has no row", key)
		}
	}
}

// TestUsersAreTakenOverBeforeTheFirstStart runs the command of the migration that is for
// a machine on which no server runs yet, and on which the store is not there.
func TestUsersAreTakenOverBeforeTheFirstStart(t *testing.T) {
	run := 0
	for _, b := range readBlocks(t, intelmqDocument) {
		if strings.HasPrefix(b.text, "$ sudo caddy auth import ") && b.language == "text" {
			run++
			newSession(t, buildCaddy(t), intelmqDocument).console(t, b)
		}
	}
	if run != 1 {
		t.Errorf("%s has %d of them, want 1", intelmqDocument, run)
	}
}

// TestTheManagersSiteValidates reads the configuration that is there to be copied.
func TestTheManagersSiteValidates(t *testing.T) {
	if err := checkCaddyfile(t, readFile(t, intelmqConfig)); err != nil {
		t.Error(err)
	}
}

// TestKeysStayOutOfTheManagersLogs asks the site that is there to be copied with a
// key in X-Api-Key, which Caddy does not hide by itself.
func TestKeysStayOutOfTheManagersLogs(t *testing.T) {
	s := caddyrun.Start(t, strings.NewReplacer(
		"admin unix//run/caddy/admin.sock|0600", "", "intelmq.example.org {", "http://localhost:0 {",
		"/var/lib/sallyport", "{$DIR}", "(no_credentials) {", "(no_credentials) {\n\toutput file {$DIR}/access.json",
	).Replace(readFile(t, intelmqConfig)))
	const word = "not-a-key-that-anybody-has"
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/intelmq/v1/api/queues", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "localhost"
	r.Header.Set("X-Api-Key", word)
	response, err := s.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	log := readFile(t, filepath.Join(s.Dir, "access.json"))
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(log, "/intelmq/v1/api/queues") && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		log = readFile(t, filepath.Join(s.Dir, "access.json"))
	}
	if response.StatusCode != http.StatusUnauthorized || !strings.Contains(log, "/intelmq/v1/api/queues") || strings.Contains(log+s.Log(t), word) {
		t.Errorf("HTTP %d; the log is\n%s", response.StatusCode, log)
	}
}

// TestIntelMQDropIn lets systemd read the drop-in of docs/intelmq.md beside the unit
// that it changes.
func TestIntelMQDropIn(t *testing.T) {
	analyze := findSystemdAnalyze(t)
	// systemd demands that the program is there.
	unit := strings.ReplaceAll(readFile(t, "docs/intelmq/caddy.service"), "/usr/local/bin/caddy", buildCaddy(t))
	checked := 0
	for _, b := range readBlocks(t, intelmqDocument) {
		if !strings.HasPrefix(b.text, "[Service]\n") {
			continue
		}
		checked++
		if complaints, err := verifyUnit(t, analyze, unit, b.text); err != nil || complaints != "" {
			t.Errorf("%s:%d: systemd-analyze verify: %v\n%s", b.document, b.line, err, complaints)
		}
		broken := strings.Replace(b.text, "Group=", "Troop=", 1)
		if complaints, err := verifyUnit(t, analyze, unit, broken); err == nil && complaints == "" {
			t.Errorf("%s:%d: systemd-analyze verify does not read the drop-in; this test cannot fail", b.document, b.line)
		}
	}
	if checked != 1 {
		t.Errorf("%s has %d drop-ins, want 1", intelmqDocument, checked)
	}
}

// TestAnsibleTasksAreAskedByCurl demands that each request of the tasks in
// docs/intelmq.md is one of the commands after them, which are run.
func TestAnsibleTasksAreAskedByCurl(t *testing.T) {
	_, section, _ := strings.Cut(readFile(t, intelmqDocument), "\n### Ansible\n")
	tasks, commands, _ := strings.Cut(section, "\n```console\n")
	urls := regexp.MustCompile(`(?m)^ +url: (\S+)$`).FindAllStringSubmatch(tasks, -1)
	if len(urls) < 3 {
		t.Fatalf("there are %d tasks; this test cannot read them", len(urls))
	}
	for _, url := range urls {
		if !regexp.MustCompile(`(?m)^\$ curl .*` + regexp.QuoteMeta(url[1]) + `['\s]`).MatchString(commands) {
			t.Errorf("no command asks for %s", url[1])
		}
	}
}

// TestDifferencesFromTheRecordAreExplained holds the table of differences against
// those that the tests of the endpoint allow.
func TestDifferencesFromTheRecordAreExplained(t *testing.T) {
	var differences []struct{ Fix string }
	if err := json.Unmarshal([]byte(readFile(t, "caddyintelmq/testdata/differences.json")), &differences); err != nil {
		t.Fatal(err)
	}
	var fixes, rows []string
	for _, d := range differences {
		fixes = append(fixes, d.Fix)
	}
	_, table, _ := strings.Cut(readFile(t, intelmqDocument), "\n| here | why |\n|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	for _, row := range regexp.MustCompile(`(?m)^\| (.+?) \| .+ \|$`).FindAllStringSubmatch(table, -1) {
		rows = append(rows, row[1])
	}
	slices.Sort(fixes)
	slices.Sort(rows)
	if fixes = slices.Compact(fixes); len(fixes) < 10 || !slices.Equal(rows, fixes) {
		t.Errorf("the table has\n%q\nbut there are\n%q", rows, fixes)
	}
}

// TestRoutesExplained holds the table of paths against the routes that there are.
func TestRoutesExplained(t *testing.T) {
	_, table, _ := strings.Cut(readFile(t, intelmqDocument), "\n## Paths\n")
	table, _, _ = strings.Cut(table, "\n## ")
	routes := regexp.MustCompile(`(?m)^\tRoute\w+ +Route = "(.+)"$`).FindAllStringSubmatch(readFile(t, "internal/intelmqapi/route.go"), -1)
	if len(routes) < 15 {
		t.Fatalf("there are %d routes; this test cannot read them", len(routes))
	}
	for _, route := range routes {
		if !regexp.MustCompile("(?m)^\\| [A-Z, ]+ \\| `" + regexp.QuoteMeta(route[1]) + "` \\| ").MatchString(table) {
			t.Errorf("'%s' has no row", route[1])
		}
	}
}

// TestMetricsOfIntelMQInREADME demands a row for each of them.
func TestMetricsOfIntelMQInREADME(t *testing.T) {
	text := readFile(t, "README.md")
	names := regexp.MustCompile(`(?:counter|histogram|describe)\("(\w+)", `).FindAllStringSubmatch(readFile(t, "caddyintelmq/metrics.go"), -1)
	if len(names) < 9 {
		t.Fatalf("there are %d metrics; this test cannot read them", len(names))
	}
	for _, name := range names {
		if !strings.Contains(text, "\n| `caddy_intelmq_"+name[1]+"` | ") {
			t.Errorf("README.md has no row for %s", name[1])
		}
	}
}

// TestCausesOfIntelMQExplained demands that docs/errors.md explains each cause that
// the endpoint has of its own.
func TestCausesOfIntelMQExplained(t *testing.T) {
	_, table, _ := strings.Cut(readFile(t, "docs/errors.md"), "\nThose of `intelmq`:\n")
	causes := regexp.MustCompile(`Cause = "(\w+)"`).FindAllStringSubmatch(readFile(t, "internal/intelmqctl/failure.go"), -1)
	files, err := filepath.Glob("caddyintelmq/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		causes = append(causes, regexp.MustCompile(`\.cause(?:, c\.err)? = "(\w+)"`).FindAllStringSubmatch(readFile(t, file), -1)...)
	}
	if len(causes) < 20 {
		t.Fatalf("there are %d causes; this test cannot read them", len(causes))
	}
	for _, cause := range causes {
		if !strings.Contains(table, " | `"+cause[1]+"` | ") {
			t.Errorf("'%s' has no row", cause[1])
		}
	}
}

// TestTheURLOfTheDocumentIsServed asks the site for http://localhost/intelmq/ over
// plain HTTP, as the documentation of intelmq-api does.
func TestTheURLOfTheDocumentIsServed(t *testing.T) {
	site := ""
	for _, b := range readBlocks(t, intelmqDocument) {
		if strings.Contains(b.text, "\nhttp://localhost {\n") {
			site = b.text
		}
	}
	s := caddyrun.Start(t, strings.NewReplacer("http://localhost ", "http://localhost:0 ", "/var/lib/sallyport", "{$DIR}").Replace(site))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/intelmq/v1/api/login/", strings.NewReader(`{"username":"nobody","password":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "localhost"
	r.Header.Set("Content-Type", "application/json")
	response, err := s.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusUnauthorized || !strings.Contains(string(text), "Invalid username and/or password.") {
		t.Errorf("HTTP %d %s", response.StatusCode, text)
	}
}
