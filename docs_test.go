package sallyport_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/standard" // every directive that a Caddyfile may use

	_ "github.com/sallyport/sallyport"
	"github.com/sallyport/sallyport/internal/allowlist"
)

// block is a fenced block of a document.
type block struct {
	document string
	// line is that of the opening fence.
	line     int
	language string
	text     string
}

// notRun are the blocks that this test does not run, by their first line, each
// with where it is run or checked instead.
var notRun = map[string]map[string]string{
	"README.md": {
		"# office":                      "a file of secrets; TestSecretsFileInREADME reads it",
		"make demo":                     "CI runs the demonstration from beginning to end by `make demo-check`",
		"make test":                     "this test is a part of it",
		"sudo caddy cce account rotate": "needs cced; docs/cce.md runs it beside the stand-in",
		"sudo caddy intelmq setup":      "needs the users caddy and intelmq; internal/intelmqsetup and caddyintelmq have tests of it",
		"make bench":                    "a measurement takes minutes and needs a quiet machine",
		"xcaddy build v2.11.9 --with github.com/sallyport/sallyport@v0.0.0=.": "CI runs `make xcaddy`",
		"go build -o caddy ./cmd/caddy":                                       "needs the checkout as its directory; every command of the documents is run with a binary built so",
	},
	"docs/architecture.md": {
		"cmd/caddy": "a picture; TestArrows holds it",
	},
	"docs/cce.md": {
		"[Unit]":                 "changes a service; TestDropIns lets systemd read it",
		"[Service]":              "changes a service; TestDropIns lets systemd read it",
		"sudo chown":             "gives files to the user caddy, who is not on every machine that runs tests",
		"chgrp":                  "gives a file to the user caddy, who is not on every machine that runs tests",
		"sudo systemctl disable": "changes services of the machine",
		"go run ./cmd/fakecced":  "runs until it is ended; its package has a test of that",
	},
	"docs/howler.md": {
		"curl -K elastic": "needs howler's Elasticsearch",
	},
	intelmqDocument: {
		"[Service]":                "changes a service; TestIntelMQDropIn lets systemd read it",
		"sudo caddy intelmq setup": "needs the users caddy and intelmq; internal/intelmqsetup and caddyintelmq have tests of it",
		"sudo systemctl disable":   "changes services of the machine",
		"$ sudo caddy auth import": "is for a machine without a server; TestUsersAreTakenOverBeforeTheFirstStart runs it",
		"sqlite3":                  "needs sqlite3 and a name that is refused",
		"- name: log in":           "needs Ansible; the commands after it send the same, and TestAnsibleTasksAreAskedByCurl compares them",
	},
	"docs/performance.md": {
		"make bench-peers": "a measurement takes minutes and needs a quiet machine",
		"xcaddy build":     "fetches other modules than ours; bench has tests of what is done with such a Caddy",
	},
	"docs/operations.md": {
		"[Unit]":       "installs a service; TestUnit and TestBackupUnits let systemd read them",
		"sudo useradd": "makes the user caddy",
	},
}

// TestDocuments runs or checks every fenced block of README.md and docs.
func TestDocuments(t *testing.T) {
	binary := buildCaddy(t)
	for _, document := range documents(t) {
		t.Run(document, func(t *testing.T) {
			blocks := readBlocks(t, document)
			listed := map[string]bool{}
			run := newSession(t, binary, document)
			for _, b := range blocks {
				if first := listedAs(b); first != "" {
					listed[first] = true
					continue
				}
				checkBlock(t, run, b)
			}
			for first := range notRun[document] {
				if !listed[first] {
					t.Errorf("the block '%s' stands in notRun, but is no longer in %s", first, document)
				}
			}
		})
	}
}

// listedAs returns the entry of notRun for a block, or "".
func listedAs(b block) string {
	if b.language != "text" && b.language != "sh" {
		return ""
	}
	line, _, _ := strings.Cut(b.text, "\n")
	for first := range notRun[b.document] {
		if line == first || strings.HasPrefix(line, first+" ") {
			return first
		}
	}
	return ""
}

func checkBlock(t *testing.T, run *session, b block) {
	switch b.language {
	case "caddyfile":
		if source := grammarOf(b.text); source != "" {
			checkGrammar(t, b, source)
			return
		}
		if err := checkCaddyfile(t, b.text); err != nil {
			t.Errorf("%s:%d: %v", b.document, b.line, err)
		}
	case "json":
		if err := checkJSON(t, b.text); err != nil {
			t.Errorf("%s:%d: %v", b.document, b.line, err)
		}
	case "console":
		run.console(t, b)
	case "sh":
		run.script(t, b)
	case "dialogue":
		run.dialogue(t, b)
	default:
		t.Errorf("%s:%d: a block of '%s' is neither run nor listed in notRun", b.document, b.line, b.language)
	}
}

// documents are README.md and all of docs.
func documents(t *testing.T) []string {
	t.Helper()
	list, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	below, err := filepath.Glob("docs/*/*.md")
	if err != nil {
		t.Fatal(err)
	}
	list = append(list, below...)
	if len(list) == 0 {
		t.Fatal("there is nothing in docs")
	}
	return append(list, "README.md")
}

// readBlocks finds the fenced blocks of a document.
func readBlocks(t *testing.T, document string) []block {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []block
	var current *block
	for i, line := range strings.Split(string(text), "\n") {
		fence, isFence := strings.CutPrefix(line, "```")
		switch {
		case !isFence && strings.HasPrefix(strings.TrimSpace(line), "```"):
			t.Errorf("%s:%d: an indented fence; begin it at the margin", document, i+1)
		case isFence && current == nil:
			current = &block{document: document, line: i + 1, language: fence}
		case isFence:
			blocks = append(blocks, *current)
			current = nil
		case current != nil:
			current.text += line + "\n"
		}
	}
	if current != nil {
		t.Fatalf("%s:%d: the block is not closed", document, current.line)
	}
	return blocks
}

// checkCaddyfile demands that a Caddyfile is formatted, adapts without a
// warning and validates, and that validating it makes no file.
func checkCaddyfile(t *testing.T, text string) error {
	t.Helper()
	data := t.TempDir()
	t.Setenv("XDG_DATA_HOME", filepath.Join(data, "data"))
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(data, "config"))
	if formatted := string(caddyfile.Format([]byte(text))); formatted != text {
		return fmt.Errorf("not as `caddy fmt` writes it:\n%s", formatted)
	}
	config, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(withFiles(t, text)), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		return err
	}
	if len(warnings) > 0 {
		return fmt.Errorf("adapting warns: %v", warnings)
	}
	if err := validate(config); err != nil {
		return err
	}
	made, err := filepath.Glob(filepath.Join(data, "*", "caddy", "sallyport"))
	if err == nil && len(made) > 0 {
		err = fmt.Errorf("validating has made %q", made)
	}
	return err
}

// validate is `caddy validate`.
func validate(config []byte) error {
	var c caddy.Config
	if err := json.Unmarshal(config, &c); err != nil {
		return err
	}
	return caddy.Validate(&c)
}

// checkJSON demands a configuration that validates.
func checkJSON(t *testing.T, text string) error {
	t.Helper()
	data := t.TempDir()
	t.Setenv("XDG_DATA_HOME", filepath.Join(data, "data"))
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(data, "config"))
	var c struct {
		Apps map[string]json.RawMessage `json:"apps"`
	}
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	if len(c.Apps) == 0 {
		return fmt.Errorf("the JSON is no configuration; show answers in a console block, where they are compared with real ones")
	}
	return validate([]byte(text))
}

// TestCaddyfileExample validates the example as it is: it may name files that
// are not there, and must not make them.
func TestCaddyfileExample(t *testing.T) {
	text, err := os.ReadFile("Caddyfile.example")
	if err != nil {
		t.Fatal(err)
	}
	if err := checkCaddyfile(t, string(text)); err != nil {
		t.Fatal(err)
	}
	others, _, found := strings.Cut(string(text), "\n# BlueOnyx: ")
	if err := checkCaddyfile(t, others); err != nil || !found || namedFiles.MatchString(others) {
		t.Errorf("without its last site: %v", err)
	}
	for _, path := range regexp.MustCompile(`(?m)^\s*(?:store sqlite|pepper_file) (/\S+)$`).FindAllStringSubmatch(string(text), -1) {
		if _, err := os.Stat(path[1]); err == nil {
			t.Errorf("'%s' is there; this test cannot show that validating does not make it", path[1])
		}
	}
}

// TestCaddyfileExampleServes makes a request for each thing that the example
// says, and looks for keys in the server's log.
func TestCaddyfileExampleServes(t *testing.T) {
	s := newSession(t, buildCaddy(t), "docs/operations.md")
	s.script(t, block{"Caddyfile.example", 1, "sh", "sudo systemctl start caddy\n"})
	s.console(t, block{"Caddyfile.example", 1, "console", `$ alias auth='sudo caddy auth --config /etc/caddy/Caddyfile'
$ shopt -s expand_aliases
$ auth user add alice 2>/dev/null && auth user add carol --role admin 2>/dev/null
$ auth key issue alice/any --scope read >any 2>/dev/null
$ auth key issue alice/more --scope extended >more 2>/dev/null
$ auth key issue carol/less --scope read >less 2>/dev/null
$ auth key issue carol/more --scope extended >admin 2>/dev/null
$ code() { printf 'X-Api-Key: %s\n' "$(cat $1)" | curl -H @- -o /dev/null -w '%{http_code}\n' https://ops.example.org$2; }
$ code any /reports/
200
$ code any /admin/
403
$ code more /admin/
403
$ code less /admin/
403
$ code any /reports/broken
502
$ printf 'X-Api-Key: %s\nX-User: mallory\n' "$(cat admin)" | curl -H @- https://ops.example.org/admin/
hello carol
$ botnet() { printf 'Authorization: Bearer %s\n' "$(cat $1)" | curl -H @- "https://ops.example.org/intelmq/v1/api/bot?id=csv-parser&action=$2"; }
$ botnet any status
"stopped"
$ botnet any start
{"error":"this needs a credential with the scope write"}
$ botnet nothing status 2>/dev/null
{"error":{"Authentication Required":"Please provide valid Token verification credentials"}}
$ sudo caddy cce account rotate --socket unix//usr/sausalito/cced.socket --password-file /var/lib/sallyport/api.pass --master-key-file /var/lib/sallyport/master.key 2>/dev/null
$ cce() { curl --cacert /etc/admserv/certs/certificate --data "{\"cmd\":\"$1\"}" "${@:2}" https://server.example:9092/v2/cce; }
$ cce PING
{"status":202,"message":"PONG"}
$ cce PING -H 'X-Forwarded-For: 203.0.113.5'
Forbidden
$ printf 'X-Api-Key: %s\n' "$(cat any)" | cce 'NAMES System' -H @-
{"status":201,"message":"GOODBYE","data":{"namespaces":["Snmp","Time"]}}
`})
	journal := readFile(t, filepath.Join(s.dir, "journal"))
	for _, line := range []string{`"logger":"http.log.access`, `"logger":"http.log.error`, `"X-Api-Key":["REDACTED"]`} {
		if !strings.Contains(journal, line) {
			t.Errorf("the journal has no %s; this test looks in the wrong place", line)
		}
	}
	for _, file := range []string{"any", "more", "less", "admin"} {
		if key := strings.TrimSpace(readFile(t, filepath.Join(s.dir, "home/alice", file))); strings.Contains(journal, key) {
			t.Errorf("the journal has the key '%s'", file)
		}
	}
}

// TestBadCaddyfilesFail shows that checkCaddyfile can fail.
func TestBadCaddyfilesFail(t *testing.T) {
	for name, text := range map[string]string{
		"not formatted":      "example.org {\ntoken_auth\n}\n",
		"unknown option":     "example.org {\n\ttoken_auth {\n\t\tpassword\n\t}\n}\n",
		"unknown credential": "example.org {\n\ttoken_auth {\n\t\taccept saml\n\t}\n}\n",
		"unset variable":     "{\n\tcaddyauth {\n\t\tstore sqlite {env.NOT_SET_ANYWHERE}\n\t}\n}\n\nexample.org {\n\ttoken_auth\n}\n",
	} {
		if err := checkCaddyfile(t, text); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// grammars are the blocks that must be the grammar comments of the source.
var grammars = map[string]string{
	"caddyauth {":                        "App) UnmarshalCaddyfile",
	"provider <name> {":                  "App) unmarshalProvider",
	"token_auth [<matcher>] {":           "TokenAuth) UnmarshalCaddyfile",
	"auth_api [<base>] {":                "AuthAPI) UnmarshalCaddyfile",
	"client_secret [<matcher>] {":        "ClientSecret) UnmarshalCaddyfile",
	"<field> credentials [<headers...>]": "CredentialsFilter) UnmarshalCaddyfile",
	"cce [<base>] {":                     "CCE) UnmarshalCaddyfile",
	"intelmq [<base>] {":                 "IntelMQ) UnmarshalCaddyfile",
}

// grammarOf returns the method that reads the grammar of a block, or "".
func grammarOf(text string) string {
	first, _, _ := strings.Cut(text, "\n")
	return grammars[first]
}

// grammarComment finds the indented block in the comment above a method of a plugin.
func grammarComment(t *testing.T, method string) string {
	t.Helper()
	files, err := filepath.Glob("caddy*/*caddyfile.go")
	if err != nil {
		t.Fatal(err)
	}
	var comment string
	for _, file := range files {
		found := regexp.MustCompile(`((?://[^\n]*\n)+)func \(\w+ \*` + regexp.QuoteMeta(method) + `\(`).FindStringSubmatch(readFile(t, file))
		if found != nil {
			comment = found[1]
		}
	}
	if comment == "" {
		t.Fatalf("%q: %s has no comment", files, method)
	}
	var grammar strings.Builder
	for line := range strings.Lines(comment) {
		if text, ok := strings.CutPrefix(line, "//\t"); ok {
			grammar.WriteString(text)
		}
	}
	return grammar.String()
}

func checkGrammar(t *testing.T, b block, method string) {
	t.Helper()
	if want := grammarComment(t, method); b.text != want {
		t.Errorf("%s:%d: the grammar is not that of the source:\n%s\nbut\n%s", b.document, b.line, b.text, want)
	}
}

// TestREADMEExplainsOptions demands each grammar in README.md, and a row of a
// table for each option, there or in docs/providers.md.
func TestREADMEExplainsOptions(t *testing.T) {
	text := readFile(t, "README.md")
	rows := text + readFile(t, "docs/providers.md")
	for first, method := range grammars {
		grammar := grammarComment(t, method)
		if !strings.Contains(text, "```caddyfile\n"+grammar+"```\n") {
			t.Errorf("the grammar of '%s' is missing", first)
		}
		if strings.Count(grammar, "\n") == 1 {
			continue // no options
		}
		options := regexp.MustCompile(`(?m)^\t(\w+(?: +(?:scope|role|group))?)`).FindAllStringSubmatch(grammar, -1)
		if len(options) < 3 {
			t.Fatalf("'%s' has %d options; this test cannot read the grammar", first, len(options))
		}
		for _, option := range options {
			words := strings.Join(strings.Fields(option[1]), " ")
			if !strings.Contains(rows, "\n| `"+words+"`") && !strings.Contains(rows, "\n| `"+words+" ") {
				t.Errorf("option '%s' has no row in a table", words)
			}
		}
	}
}

// TestCodesOfTheEndpointsExplained demands that docs/auth.md explains each code
// of auth_api.
func TestCodesOfTheEndpointsExplained(t *testing.T) {
	text := readFile(t, "docs/auth.md")
	codes := regexp.MustCompile(`(?m)^\tcode\w+ += "(\w+)"$`).FindAllStringSubmatch(readFile(t, "internal/howler/failure.go"), -1)
	if len(codes) < 10 {
		t.Fatalf("internal/howler/failure.go has %d codes; this test cannot read them", len(codes))
	}
	for _, code := range codes {
		if !strings.Contains(text, " | `"+code[1]+"` |") {
			t.Errorf("'%s' has no row", code[1])
		}
	}
}

// TestHowlersDifferencesExplained demands that each sample of howler's to which our
// answer is another one stands in a table of docs/howler.md, and no other one.
func TestHowlersDifferencesExplained(t *testing.T) {
	var file struct {
		Differences []struct {
			ID string `json:"id"`
		} `json:"differences"`
	}
	if err := json.Unmarshal([]byte(readFile(t, "caddyauth/testdata/howler/differences.json")), &file); err != nil {
		t.Fatal(err)
	}
	var different, explained []string
	for _, d := range file.Differences {
		different = append(different, d.ID)
	}
	_, section, _ := strings.Cut(readFile(t, "docs/howler.md"), "\n## What is otherwise, and why\n")
	for _, row := range regexp.MustCompile("(?m)^\\|.* \\|((?: `[a-z-]+`)+) \\|$").FindAllStringSubmatch(section, -1) {
		explained = append(explained, strings.Fields(strings.ReplaceAll(row[1], "`", ""))...)
	}
	slices.Sort(different)
	slices.Sort(explained)
	if len(different) < 5 || !slices.Equal(different, explained) {
		t.Errorf("the tables explain\n%q\nbut different are\n%q", explained, different)
	}
}

// TestSecretsFileInREADME reads the file of client secrets that README.md shows.
func TestSecretsFileInREADME(t *testing.T) {
	for _, b := range readBlocks(t, "README.md") {
		if !strings.HasPrefix(b.text, "# office\n") {
			continue
		}
		d, err := allowlist.ParseDocument([]byte(b.text))
		if err != nil {
			t.Fatal(err)
		}
		if e := d.Entries(); len(e) != 2 || e[0].Hashed || e[0].Weak || !e[1].Hashed {
			t.Errorf("the entries are %v", e)
		}
		return
	}
	t.Fatal("README.md does not show the file")
}

// TestFindingsExplained holds the tables of docs/operations.md against the findings
// of the doctor and of the check of a store.
func TestFindingsExplained(t *testing.T) {
	explained(t, "Doctor", "caddyauth/doctor.go", 10)
	explained(t, "Checking the store", "caddyauth/command_storecheck.go", 3)
}

// explained compares a table with the kinds of findings of a file, of which there are
// so many at least.
func explained(t *testing.T, title, file string, least int) {
	t.Helper()
	_, section, _ := strings.Cut(readFile(t, "docs/operations.md"), "\n## "+title+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var rows, kinds []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (\\w+) \\| .+ \\| (.+) \\|$").FindAllStringSubmatch(section, -1) {
		rows = append(rows, strings.Join(row[1:], ": "))
	}
	for _, kind := range regexp.MustCompile(`ailment\{"(\w+)", level(\w+), "(.+)"\}`).FindAllStringSubmatch(readFile(t, file), -1) {
		kinds = append(kinds, strings.Join([]string{kind[1], strings.ToLower(kind[2]), kind[3]}, ": "))
	}
	if len(kinds) < least || !slices.Equal(rows, kinds) {
		t.Errorf("the table of '%s' has\n%s\nbut there are\n%s", title, strings.Join(rows, "\n"), strings.Join(kinds, "\n"))
	}
}

// TestStartErrorsAreReal holds the sentences of the last table of docs/errors.md
// against the source.
func TestStartErrorsAreReal(t *testing.T) {
	_, table, found := strings.Cut(readFile(t, "docs/errors.md"), "\n## What stops the start\n")
	rows := regexp.MustCompile(`(?m)^\| (.+?) \|`).FindAllStringSubmatch(table, -1)
	if !found || len(rows) < 6 {
		t.Fatal("docs/errors.md has no table of what stops the start")
	}
	var source strings.Builder
	for _, pattern := range []string{"caddyauth/*.go", "caddycce/*.go", "caddyintelmq/*.go", "internal/ccedapi/*.go", "internal/plugin/*/*.go", "internal/allowlist/*.go", "internal/atomicfile/*.go", "internal/identity/*.go", "internal/store/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				source.WriteString(readFile(t, file))
			}
		}
	}
	for _, row := range rows[1:] { // the first one is the heading
		for part := range strings.SplitSeq(row[1], "…") {
			if part = strings.TrimSpace(part); !strings.Contains(source.String(), part) {
				t.Errorf("no error of the program says '%s'", part)
			}
		}
	}
}

// TestTextsAreClean keeps things out of the documents that have no place there.
func TestTextsAreClean(t *testing.T) {
	for _, document := range append(documents(t), "Caddyfile.example", "SECURITY.md", "CHANGELOG.md") {
		text := readFile(t, document)
		for _, word := range []string{"/work/", "/root/", "TODO", "FIXME", "InsecureSkipVerify"} {
			if strings.Contains(text, word) {
				t.Errorf("%s has '%s'", document, word)
			}
		}
		if strings.Contains(text, " \n") {
			t.Errorf("%s has blanks at the end of a line", document)
		}
	}
}

// TestLinks demands that what the documents link to in the repository is there.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]*)(#[^)]*)?\)`)
	for _, document := range append(documents(t), "SECURITY.md", "CHANGELOG.md") {
		text := readFile(t, document)
		for _, found := range link.FindAllStringSubmatch(text, -1) {
			target := filepath.Join(filepath.Dir(document), found[1])
			if found[1] == "" {
				target = document
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which is not there", document, found[1])
				continue
			}
			if found[2] != "" && !slices.Contains(anchors(readFile(t, target)), found[2]) {
				t.Errorf("%s links to %s%s, but there is no such heading", document, found[1], found[2])
			}
		}
	}
}

// anchors are the links to the headings of a document.
func anchors(text string) []string {
	var list []string
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		name := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		list = append(list, "#"+strings.ReplaceAll(name, " ", "-"))
	}
	return list
}

// TestUnit lets systemd read the unit of docs/operations.md.
func TestUnit(t *testing.T) {
	unit, analyze := unitOf(t), findSystemdAnalyze(t)
	// systemd demands that the program is there.
	unit = strings.ReplaceAll(unit, "/usr/local/bin/caddy", buildCaddy(t))
	if complaints, err := verifyUnit(t, analyze, unit, ""); err != nil || complaints != "" {
		t.Errorf("systemd-analyze verify: %v\n%s", err, complaints)
	}
	if complaints, err := verifyUnit(t, analyze, strings.Replace(unit, "ProtectHome=", "ProtectHouse=", 1), ""); err == nil && complaints == "" {
		t.Error("systemd-analyze verify does not complain about an unknown setting; this test cannot fail")
	}
}

// unitOf is the unit of docs/operations.md.
func unitOf(t *testing.T) string {
	t.Helper()
	for _, b := range readBlocks(t, "docs/operations.md") {
		if strings.HasPrefix(b.text, "[Unit]\n") && strings.Contains(b.text, "\nExecStart=/usr/local/bin/caddy run ") {
			return b.text
		}
	}
	t.Fatal("the unit is not what this test expects")
	return ""
}

func findSystemdAnalyze(t *testing.T) string {
	t.Helper()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil && os.Getenv("CI") != "" {
		t.Fatalf("CI must have systemd-analyze: %v", err)
	}
	if err != nil {
		t.Skip("systemd is not on this machine")
	}
	return analyze
}

// verifyUnit lets systemd read a unit, with a drop-in if there is one, and returns
// what it complains about.
func verifyUnit(t *testing.T, analyze, unit, dropIn string) (string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "caddy.service")
	files := map[string]string{path: unit}
	if dropIn != "" {
		files[filepath.Join(path+".d", "cce.conf")] = dropIn
	}
	for path, text := range files {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	complaints, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", "--recursive-errors=no", path).CombinedOutput()
	return string(complaints), err
}

// verbsBelow are the commands below one, without those that only have sub-commands.
func verbsBelow(t *testing.T, binary string, command ...string) (verbs []string) {
	t.Helper()
	below := subcommands(t, binary, command...)
	for _, name := range below {
		verbs = append(verbs, verbsBelow(t, binary, append(slices.Clone(command), name)...)...)
	}
	if len(below) == 0 {
		verbs = []string{"caddy " + strings.Join(command, " ")}
	}
	return verbs
}

// TestBackupUnits lets systemd read the service and the timer of a backup, each with
// the program that it starts.
func TestBackupUnits(t *testing.T) {
	analyze := findSystemdAnalyze(t)
	var units []string
	for _, b := range readBlocks(t, "docs/operations.md") {
		if b.language == "text" && strings.HasPrefix(b.text, "[Unit]\nDescription=Backup ") {
			units = append(units, strings.ReplaceAll(b.text, "/usr/local/bin/caddy", buildCaddy(t)))
		}
	}
	if len(units) != 2 {
		t.Fatalf("there are %d units, want a service and a timer", len(units))
	}
	dir := t.TempDir()
	for i, name := range []string{"sallyport-backup.service", "sallyport-backup.timer"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(units[i]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	verify := func() string {
		// The exit code says nothing that the text does not.
		complaints, _ := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", "--recursive-errors=no",
			filepath.Join(dir, "sallyport-backup.service"), filepath.Join(dir, "sallyport-backup.timer")).CombinedOutput()
		return string(complaints)
	}
	if complaints := verify(); complaints != "" {
		t.Errorf("systemd-analyze verify: %s", complaints)
	}
	if err := os.WriteFile(filepath.Join(dir, "sallyport-backup.timer"), []byte(strings.Replace(units[1], "OnCalendar=", "OnCalender=", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if verify() == "" {
		t.Error("systemd-analyze verify does not complain about an unknown setting; this test cannot fail")
	}
}

// TestCommandsInREADME holds the table of commands, and that of the limits of a
// key, against the program's own help.
func TestCommandsInREADME(t *testing.T) {
	binary := buildCaddy(t)
	var commands, flags []string
	for _, root := range []string{"auth", "cce", "intelmq"} {
		commands = append(commands, verbsBelow(t, binary, root)...)
	}
	local, _, _ := strings.Cut(help(t, binary, "auth", "key", "issue"), "\nGlobal Flags:")
	for _, flag := range regexp.MustCompile(`(?m)^ +(?:-\w, )?(--[a-z-]+)`).FindAllStringSubmatch(local, -1) {
		if flag[1] != "--help" {
			flags = append(flags, flag[1])
		}
	}
	for _, command := range commands {
		if text := help(t, binary, strings.Fields(command)[1:]...); !strings.Contains(text, "Examples:\n  "+command) {
			t.Errorf("the help of '%s' has no example:\n%s", command, text)
		}
	}
	text := readFile(t, "README.md")
	for _, c := range []struct {
		what  string
		row   string
		there []string
	}{
		{"command", "(?m)^\\| `(caddy (?:auth|cce|intelmq)(?: [\\w-]+)+)` \\|", commands},
		{"flag of key issue", "(?m)^\\| `(--[a-z-]+)` \\|", flags},
	} {
		var shown []string
		for _, row := range regexp.MustCompile(c.row).FindAllStringSubmatch(text, -1) {
			shown = append(shown, row[1])
		}
		slices.Sort(shown)
		slices.Sort(c.there)
		if len(c.there) < 8 || !slices.Equal(shown, c.there) {
			t.Errorf("the table shows each %s of\n%q\nbut there are\n%q", c.what, shown, c.there)
		}
	}
}

// subcommands reads the list of commands in the help of a command of `caddy`. One
// of its own has none.
func subcommands(t *testing.T, binary string, path ...string) []string {
	t.Helper()
	_, list, _ := strings.Cut(help(t, binary, path...), "Available Commands:\n")
	list, _, _ = strings.Cut(list, "\n\n")
	var names []string
	for line := range strings.Lines(list) {
		names = append(names, strings.Fields(line)[0])
	}
	return names
}

func help(t *testing.T, binary string, path ...string) string {
	t.Helper()
	text, err := exec.CommandContext(t.Context(), binary, append(slices.Clone(path), "--help")...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
