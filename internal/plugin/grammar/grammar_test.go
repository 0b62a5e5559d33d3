package grammar

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/google/go-cmp/cmp"
)

// endpoint has an option of each kind.
type endpoint struct {
	Base     string
	Name     string
	Allow    []string
	Wait     caddy.Duration
	Most     int
	Debug    bool
	Life     *Lifetime
	Failures *FailureLimit
}

func read(text string) (e endpoint, err error) {
	d := caddyfile.NewTestDispenser(text)
	if err := Base(d, &e.Base); err != nil {
		return e, err
	}
	return e, Block(d, Options{
		"name":     func() error { return Word(d, &e.Name) },
		"allow":    func() error { return Words(d, &e.Allow) },
		"wait":     func() error { return Duration(d, &e.Wait) },
		"most":     func() error { return Number(d, &e.Most, 1, 10) },
		"debug":    func() error { return Flag(&e.Debug) },
		"life":     func() error { return Lifetimes(d, &e.Life) },
		"failures": func() error { return Failures(d, &e.Failures) },
	}, func() error {
		if e.Name == "nobody" {
			return errors.New("nobody is no name")
		}
		return nil
	}, "allow")
}

func TestABlockIsRead(t *testing.T) {
	got, err := read(`endpoint /api/ {
		name alice
		allow 192.0.2.1 192.0.2.2
		allow 192.0.2.3
		wait 90s
		most 10
		debug
		life 7d 2h
		failures 5 60s
	}`)
	if err != nil {
		t.Fatal(err)
	}
	want := endpoint{
		Base: "/api", Name: "alice", Allow: []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"},
		Wait: caddy.Duration(90 * time.Second), Most: 10, Debug: true,
		Life:     &Lifetime{Absolute: caddy.Duration(7 * 24 * time.Hour), Idle: caddy.Duration(2 * time.Hour)},
		Failures: &FailureLimit{Failures: 5, Window: caddy.Duration(time.Minute)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMistakesAreNamed(t *testing.T) {
	for options, want := range map[string]string{
		"nome alice":              "unrecognized option 'nome'; there are allow, debug, failures, life, most, name, wait",
		"name a\nname b":          "'name' stands here twice",
		"name":                    "'name' needs a value",
		`name ""`:                 "'name' needs a value",
		"name a b":                "'b' is too much after 'name'",
		"name nobody":             "nobody is no name",
		"allow":                   "'allow' needs at least one value",
		`allow a ""`:              "'allow' has an empty value",
		"wait":                    "'wait' needs a value",
		"wait long":               "'long' is not a duration such as 90s, 24h or 7d",
		"wait 0s":                 "wait: '0s' is not longer than nothing",
		"wait -1s":                "wait: '-1s' is not longer than nothing",
		"most":                    "'most' needs a value",
		"most 0":                  "most: '0' is not a number from 1 to 10",
		"most 11":                 "most: '11' is not a number from 1 to 10",
		"most ten":                "most: 'ten' is not a number from 1 to 10",
		"debug on":                "'on' is too much after 'debug'",
		"life":                    "write 'life <lifetime> [<idle>]', such as 'life 24h 2h'",
		"life 1h 2h":              "life: the time that it may lie idle, 2h0m0s, is longer than the lifetime, 1h0m0s",
		"life long":               "'long' is not a duration",
		"failures 5":              "write 'failures <failures> <window>', such as 'failures 5 60s'",
		"failures five 60s":       "failures: 'five' is not a number",
		"failures 5 long":         "'long' is not a duration",
		"failures 0 60s":          "failures: use 1 to 100 failures and a window of 1s to 24h, such as 'failures 5 60s'",
		"failures 101 60s":        "failures: use 1 to 100 failures",
		"failures 5 999ms":        "failures: use 1 to 100 failures",
		"failures 5 24h1s":        "failures: use 1 to 100 failures",
		"failures 5 60s 1h":       "write 'failures <failures> <window>'",
		"debug\nallow a\nfoo bar": "unrecognized option 'foo'",
	} {
		_, err := read("endpoint {\n" + options + "\n}")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("'%s': %v, want …%s…", options, err, want)
		}
	}
}

func TestABaseIsAPath(t *testing.T) {
	for text, want := range map[string]string{"": "", "/": "", "/api": "/api", "/api/": "/api", "/v2/cce": "/v2/cce"} {
		got, err := read("endpoint " + text)
		if err != nil || got.Base != want {
			t.Errorf("'%s': '%s', %v", text, got.Base, err)
		}
		if err := CheckBase(want); err != nil {
			t.Errorf("'%s': %v", want, err)
		}
	}
	for _, text := range []string{"api", "/api*", "/api/*", "//", "/api//", "/a/../b", "/{env.X}", "/a b%20"} {
		if _, err := read(`endpoint "` + text + `"`); err == nil || !strings.Contains(err.Error(), "write a path such as /api, which is neither a matcher nor a pattern") {
			t.Errorf("'%s': %v", text, err)
		}
		if CheckBase(text) == nil {
			t.Errorf("'%s' is taken from JSON", text)
		}
	}
	if CheckBase("/api/") == nil {
		t.Error("a slash at the end is taken from JSON")
	}
	if _, err := read("endpoint /a /b"); err == nil {
		t.Error("two bases are taken")
	}
}

func TestBelowTakesWholeSegments(t *testing.T) {
	for path, want := range map[string]string{"/api": "", "/api/": "/", "/API/v1": "/v1", "/api//x": "//x"} {
		if rest, ok := Below("/api", path); !ok || rest != want {
			t.Errorf("'%s': '%s' %t", path, rest, ok)
		}
	}
	for _, path := range []string{"", "/", "/ap", "/apis", "/api2/v1", "/x/api"} {
		if rest, ok := Below("/api", path); ok {
			t.Errorf("'%s' is below, with '%s'", path, rest)
		}
	}
	if rest, ok := Below("", "/any"); !ok || rest != "/any" {
		t.Errorf("without a base: '%s' %t", rest, ok)
	}
}

func TestAnUnsetVariableIsNoValue(t *testing.T) {
	t.Setenv("SECRETS_FILE", "/etc/sallyport/access")
	if got, err := Resolve("secrets_file", "{env.SECRETS_FILE}.new"); err != nil || got != "/etc/sallyport/access.new" {
		t.Errorf("'%s', %v", got, err)
	}
	t.Setenv("SECRETS_FILE", "")
	for _, text := range []string{"{env.SECRETS_FILE}", "{no.such.thing}"} {
		if _, err := Resolve("secrets_file", text); err == nil || !strings.HasPrefix(err.Error(), "secrets_file: ") {
			t.Errorf("'%s': %v", text, err)
		}
	}
}
