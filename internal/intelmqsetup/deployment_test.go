package intelmqsetup_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/intelmqctl"
)

// deployment is where the files for the administrator are.
const deployment = "../../docs/intelmq"

func TestVisudoReadsTheSudoersFile(t *testing.T) {
	visudo := tool(t, "visudo")
	said, err := exec.CommandContext(t.Context(), visudo, "-c", "-f", filepath.Join(deployment, "sudoers")).CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, said)
	}
	text := read(t, "sudoers")
	if line := intelmqctl.SudoersLine("caddy", "intelmq", "/usr/bin/intelmqctl"); !strings.HasSuffix(text, "\n"+line+"\n") {
		t.Errorf("the set-up writes another line: %s", line)
	}
}

func TestThePolicyModuleCompiles(t *testing.T) {
	checkmodule := tool(t, "checkmodule")
	compile := func(source string) (string, error) {
		out := filepath.Join(t.TempDir(), "sallyport-intelmq.mod")
		said, err := exec.CommandContext(t.Context(), checkmodule, "-M", "-m", "-o", out, source).CombinedOutput()
		return string(said), err
	}
	if said, err := compile(filepath.Join(deployment, "sallyport-intelmq.te")); err != nil {
		t.Errorf("%v: %s", err, said)
	}
	bad := filepath.Join(t.TempDir(), "sallyport-intelmq.te")
	check(t, os.WriteFile(bad, []byte(strings.Replace(read(t, "sallyport-intelmq.te"), "type sudo_exec_t;", "", 1)), 0o600))
	if said, err := compile(bad); err == nil {
		t.Errorf("a module without its types compiles; this test cannot fail: %s", said)
	}
}

// TestSystemdReadsTheUnit does so with the test in place of Caddy, since systemd
// demands that the program is there.
func TestSystemdReadsTheUnit(t *testing.T) {
	analyze := tool(t, "systemd-analyze")
	program, err := os.Executable()
	check(t, err)
	unit := strings.ReplaceAll(read(t, "caddy.service"), "/usr/local/bin/caddy", program)
	verify := func(unit string) (string, error) {
		path := filepath.Join(t.TempDir(), "caddy.service")
		check(t, os.WriteFile(path, []byte(unit), 0o600))
		said, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", "--recursive-errors=no", path).CombinedOutput()
		return string(said), err
	}
	if said, err := verify(unit); err != nil || said != "" {
		t.Errorf("%v: %s", err, said)
	}
	if said, err := verify(strings.Replace(unit, "KillMode=", "KillHow=", 1)); err == nil && said == "" {
		t.Error("systemd does not complain about an unknown setting; this test cannot fail")
	}
}

// TestTheUnitLetsSudoAndBotsLive: the settings of hardened units would not.
func TestTheUnitLetsSudoAndBotsLive(t *testing.T) {
	settings := map[string]string{}
	for line := range strings.Lines(read(t, "caddy.service")) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok && !strings.HasPrefix(name, "#") {
			settings[name] = value
		}
	}
	if settings["KillMode"] != "process" || settings["OOMPolicy"] != "continue" {
		t.Errorf("the bots end with Caddy: %v", settings)
	}
	// Those that imply NoNewPrivileges are of systemd.exec(5).
	for name := range strings.FieldsSeq(`NoNewPrivileges CapabilityBoundingSet PrivateDevices SystemCallFilter
		SystemCallArchitectures SystemCallLog RestrictAddressFamilies RestrictNamespaces RestrictRealtime RestrictSUIDSGID
		ProtectKernelTunables ProtectKernelModules ProtectKernelLogs ProtectClock ProtectHostname MemoryDenyWriteExecute LockPersonality DynamicUser`) {
		if value, ok := settings[name]; ok {
			t.Errorf("with %s=%s sudo cannot become another user", name, value)
		}
	}
}

// TestTheUnitPrintsNoSecrets: with --environ Caddy writes its environment into the
// journal, where a group reads it that need not have the secrets in it.
func TestTheUnitPrintsNoSecrets(t *testing.T) {
	text := read(t, "caddy.service")
	if !strings.Contains(text, "\nExecStart=/usr/local/bin/caddy run ") || strings.Contains(text, "--environ") {
		t.Error("Caddy is started with --environ, or not at all")
	}
}

// TestWhatThePolicyModuleOpensIsTold holds its warnings.
func TestWhatThePolicyModuleOpensIsTold(t *testing.T) {
	text := read(t, "sallyport-intelmq.te")
	for _, words := range []string{"permissive -a httpd_t", "permissive -d httpd_t", "all that runs as httpd_t: setuid and setgid"} {
		if !strings.Contains(text, words) {
			t.Errorf("the module does not say '%s'", words)
		}
	}
}

// TestProblemsAreDocumented holds the table of findings against the constants.
func TestProblemsAreDocumented(t *testing.T) {
	text := read(t, "problems.md")
	ids := findingIDs(t)
	if len(ids) < 20 {
		t.Fatalf("only %v were found", ids)
	}
	for _, id := range ids {
		if !strings.Contains(text, "\n| `"+id+"`") && !strings.Contains(text, ", `"+id+"` |") {
			t.Errorf("problems.md does not list '%s'", id)
		}
	}
	for line := range strings.Lines(text) {
		first, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " |")
		for word := range strings.SplitSeq(first, ", ") {
			id, ok := strings.CutPrefix(word, "`")
			id = strings.TrimSuffix(id, "`")
			if ok && strings.Contains(id, "_") && !strings.Contains(strings.Join(ids, " "), id) {
				t.Errorf("problems.md lists '%s', which is never found", id)
			}
		}
	}
}

// findingIDs are the constants of finding.go that are no severities.
func findingIDs(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "finding.go", nil, 0)
	check(t, err)
	var ids []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Type != nil {
			return true
		}
		for _, value := range spec.Values {
			if text, ok := value.(*ast.BasicLit); ok && text.Kind == token.STRING {
				id, err := strconv.Unquote(text.Value)
				check(t, err)
				ids = append(ids, id)
			}
		}
		return true
	})
	return ids
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(deployment, name))
	check(t, err)
	return string(text)
}
