package sallyport_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/sallyport/sallyport"

// goPackage is what `go list -json` says of a package.
type goPackage struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Deps         []string
}

// testOnly are the trees of packages that only tests may import.
var testOnly = []string{"internal/caddyrun", "internal/acmetest", "internal/chromium", fake}

// fake is the tree of the stand-ins for daemons.
const fake = "internal/fake"

// showFakes are the commands that run stand-ins.
var showFakes = []string{"bench", "cmd/demo", "cmd/fakecced", "cmd/fakeintelmqctl"}

// knowCaddy are the packages that may import Caddy besides the plugins and what
// they share, below internal/plugin.
var knowCaddy = []string{"", "cmd/caddy", "internal/caddyrun"}

// mayImport says which packages of this module a package under internal may
// import. One that does not stand here may import none.
var mayImport = map[string][]string{
	"internal/allowlist":    {"internal/atomicfile", "internal/brake"},
	"internal/cceapi":       {"internal/cscp"},
	"internal/cce":          {"internal/atomicfile", "internal/brake", "internal/cceapi", "internal/credential", "internal/cscp", "internal/opensslenc"},
	"internal/ccedapi":      {"internal/allowlist", "internal/atomicfile"},
	"internal/intelmqapi":   {"internal/intelmqctl", "internal/wire"},
	"internal/intelmqconf":  {"internal/atomicfile"},
	"internal/howler":       {"internal/credential", "internal/principal"},
	"internal/howlerusers":  {"internal/howler", "internal/principal"},
	"internal/provider":     {"internal/accesstoken", "internal/credential"},
	"internal/redact":       {"internal/credential"},
	"internal/store":        {"internal/atomicfile", "internal/credential", "internal/plural", "internal/principal"},
	"internal/identity":     {"internal/atomicfile", "internal/brake", "internal/credential", "internal/password", "internal/plural", "internal/principal", "internal/store", "internal/urlpath"},
	"internal/botfiles":     {"internal/atomicfile"},
	"internal/intelmqsetup": {"internal/atomicfile", "internal/intelmqctl"},

	"internal/fake/manykeys": {"internal/atomicfile", "internal/credential", "internal/store"},

	"internal/plugin/accesslist": {"internal/allowlist", "internal/atomicfile", "internal/credential", "internal/plugin/grammar", "internal/plugin/report"},
	"internal/plugin/caller":     {"internal/principal", "internal/wire"},
	"internal/plugin/command":    {"internal/allowlist", "internal/plugin/accesslist", "internal/plugin/admin"},
	"internal/plugin/grammar":    {"internal/principal", "internal/urlpath"},
	"internal/plugin/report":     {"internal/plugin/caller", "internal/redact"},
}

// TestArrows holds the direction of imports that docs/architecture.md shows.
// Tests may import what they like, but for another plugin.
func TestArrows(t *testing.T) {
	packages := listPackages(t)
	for _, needed := range []string{"", "caddyauth", "cmd/caddy", "internal/credential", "internal/identity", "internal/store"} {
		if !slices.ContainsFunc(packages, func(p goPackage) bool { return short(p.ImportPath) == needed }) {
			t.Errorf("package '%s' is not in the list; this test looks in the wrong place", needed)
		}
	}
	for _, p := range packages {
		for _, rule := range arrowRules {
			for _, imported := range rule.imports(p) {
				if rule.forbids(short(p.ImportPath), imported) {
					t.Errorf("%s imports %s: %s", short(p.ImportPath), imported, rule.why)
				}
			}
		}
	}
}

// TestArrowRulesForbid shows that each rule can fail.
func TestArrowRulesForbid(t *testing.T) {
	const caddy = "github.com/caddyserver/caddy/v2"
	for _, c := range []struct {
		from, to string
		allowed  bool
	}{
		{"caddyauth", "internal/identity", true},
		{"caddyauth", caddy, true},
		{"caddyauth", "caddycce", false},
		{"caddycce", "caddyauth", false},
		{"caddyauth", "", false},
		{"caddyauth", "internal/caddyrun", false},
		{"caddyauth", "internal/chromium", false},
		{"caddyauth", "internal/fake/cced", false},
		{"internal/identity", "internal/fake/cced", false},
		{"cmd/caddy", "internal/fake/cced", false},
		{"cmd/demo", "internal/fake/cced", true},
		{"cmd/fakecced", "internal/fake/cced", true},
		{"cmd/fakecced", "internal/caddyrun", false},
		{"cmd/fakeintelmqctl", "internal/fake/intelmqctl", true},
		{"internal/identity", "internal/store", true},
		{"internal/store", "internal/identity", false},
		{"internal/credential", "internal/principal", false},
		{"internal/principal", "internal/credential", false},
		{"internal/wire", "internal/credential", false},
		{"internal/new", "internal/wire", false},
		{"internal/allowlist", "internal/atomicfile", true},
		{"internal/allowlist", "internal/credential", false},
		{"internal/intelmqsession", "internal/store", false},
		{"internal/accesstoken", "internal/credential", false},
		{"internal/accesstoken", "internal/fake/jwtvectors", false},
		{"internal/provider", "internal/accesstoken", true},
		{"internal/accesstoken", "internal/provider", false},
		{"internal/identity", "caddyauth", false},
		{"internal/identity", caddy, false},
		{"internal/wire", "go.uber.org/zap/zapcore", false},
		{"internal/caddyrun", caddy, true},
		{"internal/plugin/caller", caddy, true},
		{"internal/plugin/report", "go.uber.org/zap", true},
		{"internal/plugin/accesslist", "internal/allowlist", true},
		{"internal/plugin/caller", "internal/identity", false},
		{"internal/plugin/caller", "caddyauth", false},
		{"internal/identity", "internal/plugin/caller", false},
		{"caddyauth", "internal/plugin/caller", true},
		{"cmd/caddy", caddy + "/cmd", true},
		{"cmd/caddy", caddy + "/modules/standard", true},
		{"cmd/caddy", "", true},
		{"cmd/caddy", "caddyauth", false},
		{"cmd/caddy", caddy, false},
		{"", "caddyauth", true},
		{"", "internal/identity", false},
		{"cmd/demo", "internal/identity", true},
	} {
		forbidden := false
		for _, rule := range arrowRules {
			forbidden = forbidden || rule.forbids(c.from, c.to)
		}
		if forbidden == c.allowed {
			t.Errorf("'%s' → '%s': allowed is %v, want %v", c.from, c.to, !forbidden, c.allowed)
		}
	}
}

// arrowRule is one rule on imports. Packages of this module go by their path
// below it.
type arrowRule struct {
	why     string
	imports func(goPackage) []string
	forbids func(from, to string) bool
}

var arrowRules = []arrowRule{
	{
		"plugins meet in the request, not in an import",
		func(p goPackage) []string {
			return shortAll(slices.Concat(p.Imports, p.Deps, p.TestImports, p.XTestImports))
		},
		func(from, to string) bool { return isPlugin(from) && isPlugin(to) && from != to },
	},
	{
		"nothing below the root knows the root",
		func(p goPackage) []string { return shortAll(p.Imports) },
		func(from, to string) bool { return to == "" && !strings.HasPrefix(from, "cmd/") },
	},
	{
		"the root only registers plugins",
		func(p goPackage) []string { return shortAll(p.Imports) },
		func(from, to string) bool { return from == "" && !isPlugin(to) },
	},
	{
		"only the plugins, and what they share, know Caddy and zap",
		func(p goPackage) []string { return shortAll(slices.Concat(p.Imports, p.Deps)) },
		func(from, to string) bool {
			known := isPlugin(from) || within(from, "internal/plugin") || slices.Contains(knowCaddy, from) || !strings.HasPrefix(from, "internal/")
			return !known && (within(to, "github.com/caddyserver") || within(to, "go.uber.org/zap"))
		},
	},
	{
		"a package under internal imports only those below it",
		func(p goPackage) []string { return shortAll(p.Imports) },
		func(from, to string) bool {
			return strings.HasPrefix(from, "internal/") && isOurs(to) && !slices.Contains(mayImport[from], to)
		},
	},
	{
		"cmd/caddy is Caddy, its standard modules and ours, and nothing else",
		func(p goPackage) []string { return shortAll(p.Imports) },
		func(from, to string) bool {
			return from == "cmd/caddy" && !slices.Contains([]string{
				"", "github.com/caddyserver/caddy/v2/cmd", "github.com/caddyserver/caddy/v2/modules/standard",
			}, to)
		},
	},
	{
		"this package is for tests",
		func(p goPackage) []string { return shortAll(slices.Concat(p.Imports, p.Deps)) },
		func(from, to string) bool {
			shown := within(to, fake) && slices.Contains(showFakes, from)
			return isTestOnly(to) && !isTestOnly(from) && !shown
		},
	},
}

func isTestOnly(p string) bool {
	return slices.ContainsFunc(testOnly, func(tree string) bool { return within(p, tree) })
}

func isPlugin(p string) bool { return strings.HasPrefix(p, "caddy") && !strings.Contains(p, "/") }

// isOurs reports whether a short path is of this module: the standard library
// has no internal packages that could be meant, and all others begin with a
// host name.
func isOurs(p string) bool {
	return p == "" || isPlugin(p) || strings.HasPrefix(p, "internal/") || strings.HasPrefix(p, "cmd/")
}

func within(p, tree string) bool { return p == tree || strings.HasPrefix(p, tree+"/") }

// short is the path below the module; "" is the root. The standard library's
// own internal and cmd packages are none of ours.
func short(importPath string) string {
	if importPath == module {
		return ""
	}
	if below, ours := strings.CutPrefix(importPath, module+"/"); ours {
		return below
	}
	if first, _, _ := strings.Cut(importPath, "/"); !strings.Contains(first, ".") {
		return path.Join("std", importPath)
	}
	return importPath
}

func shortAll(paths []string) []string {
	var list []string
	for _, p := range paths {
		if s := short(p); !strings.HasPrefix(s, "std/") {
			list = append(list, s)
		}
	}
	return list
}

func listPackages(t *testing.T) []goPackage {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,TestImports,XTestImports,Deps", "./...")
	var complaints bytes.Buffer
	command.Stderr = &complaints
	text, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, complaints.String())
	}
	var packages []goPackage
	for decoder := json.NewDecoder(bytes.NewReader(text)); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}
