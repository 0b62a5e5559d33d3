package accesslist

import (
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/allowlist"
	"github.com/sallyport/sallyport/internal/plugin/grammar"
)

// cceOptions are names other than those of client_secret.
var cceOptions = OptionNames{Addresses: "api_access", SecretsFile: "access_file", Failures: "auth_failures"}

// configuration is one of Caddy that has nothing in it, until the test ends.
func configuration(t *testing.T) caddy.Context {
	t.Helper()
	if err := caddy.Load([]byte(`{"admin":{"disabled":true,"config":{"persist":false}}}`), true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
	return caddy.ActiveContext()
}

// start does what Caddy does with the apps of a configuration.
func start(t *testing.T, ctx caddy.Context) error {
	t.Helper()
	app, err := ctx.App(secretsFilesName)
	mustNot(t, err)
	return app.(*SecretsFiles).Start()
}

func TestAListedCallerIsAdmittedByHisEntry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access")
	mustNot(t, os.WriteFile(path, []byte("192.0.2.0/24:swordfish-of-the-network\n192.0.2.7:swordfish-of-the-host\n"), 0o600))
	t.Setenv("ACCESS_FILE", path)
	ctx := configuration(t)
	settings := Settings{
		Addresses: []string{"192.0.2.0/24", "192.0.2.7,2001:db8::/64"}, SecretsFile: "{env.ACCESS_FILE}",
		Failures: &grammar.FailureLimit{Failures: 2, Window: caddy.Duration(time.Minute)}, Options: cceOptions,
	}
	list, err := settings.Provision(ctx)
	mustNot(t, err)
	if problem := list.Problem(); !strings.Contains(problem, "has not been read yet") {
		t.Errorf("before the start the problem is '%s'", problem)
	}
	mustNot(t, start(t, ctx))
	if problem := list.Problem(); problem != "" {
		t.Errorf("the problem is '%s'", problem)
	}
	for _, test := range []struct {
		address, secret, entry string
		want                   allowlist.Verdict
	}{
		{"192.0.2.1", "swordfish-of-the-network", "192.0.2.0/24", allowlist.Admitted},
		{"192.0.2.7", "swordfish-of-the-host", "192.0.2.7/32", allowlist.Admitted},
		{"192.0.2.7", "swordfish-of-the-network", "192.0.2.7/32", allowlist.WrongSecret},
		{"192.0.2.7", "", "192.0.2.7/32", allowlist.NothingPresented},
		{"192.0.2.7", "swordfish-of-the-network", "192.0.2.7/32", allowlist.WrongSecret},
		{"192.0.2.7", "swordfish-of-the-host", "192.0.2.7/32", allowlist.TooManyFailures},
		{"192.0.2.1", "swordfish-of-the-network", "192.0.2.0/24", allowlist.Admitted},
		{"2001:db8::1", "swordfish-of-the-network", "2001:db8::/64", allowlist.WrongSecret},
	} {
		address := netip.MustParseAddr(test.address)
		entry, listed := list.Find(address)
		if !listed || entry.Prefix.String() != test.entry {
			t.Fatalf("%s: entry %v", test.address, entry)
		}
		v, wait := list.Admit(t.Context(), entry, address, test.secret)
		if v != test.want || (wait > 0) != (v == allowlist.TooManyFailures) {
			t.Errorf("%s '%s': %s, wait %s", test.address, test.secret, v, wait)
		}
	}
	if entry, listed := list.Find(netip.MustParseAddr("198.51.100.1")); listed || entry != nil {
		t.Errorf("another address has the entry %v", entry)
	}
	if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), "\n2001:db8::/64:") {
		t.Errorf("the entry without a secret got none: %v", err)
	}
}

func TestErrorsNameTheOptionsOfTheDirective(t *testing.T) {
	ctx := configuration(t)
	dir := t.TempDir()
	t.Setenv("EMPTY", " ")
	t.Setenv("PASSWORD", "hunter2")
	for want, s := range map[string]Settings{
		"api_access: entry 'office': ":                               {Addresses: []string{"office"}, SecretsFile: "a"},
		"api_access: there is no address in '{env.EMPTY}'":           {Addresses: []string{"{env.EMPTY}"}, SecretsFile: "a"},
		"api_access: number 1 in '{env.PASSWORD}': write an address": {Addresses: []string{"{env.PASSWORD}"}, SecretsFile: "a"},
		"api_access: open " + dir + "/none: no such file":            {Addresses: []string{"{file." + dir + "/none}"}, SecretsFile: "a"},
		"api_access: unrecognized placeholder {no.such}":             {Addresses: []string{"{no.such}"}, SecretsFile: "a"},
		"access_file: ":                        {Addresses: []string{"::1"}, SecretsFile: "{no.such}"},
		"auth_failures: use 1 to 100 failures": {Addresses: []string{"::1"}, SecretsFile: "a", Failures: &grammar.FailureLimit{}},
	} {
		s.Options = cceOptions
		_, err := s.Provision(ctx)
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v, want %s…", err, want)
		}
	}
	office := Settings{Addresses: []string{"::1", "{env.PASSWORD}", "office"}, Options: cceOptions}
	if err := office.Check(); err == nil || !strings.HasPrefix(err.Error(), "api_access: entry 'office': ") {
		t.Errorf("%v", err)
	}
	late := Settings{Addresses: []string{"::1"}, SecretsFile: filepath.Join(dir, "none", "access"), Options: cceOptions}
	_, err := late.Provision(ctx)
	mustNot(t, err)
	if err := start(t, ctx); err == nil || !strings.HasPrefix(err.Error(), "access_file: the directory '"+filepath.Join(dir, "none")+"' is missing") {
		t.Errorf("%v", err)
	}
}

func TestOneHeaderHasTheSecret(t *testing.T) {
	for name, test := range map[string]struct {
		values []string
		secret string
		err    string
	}{
		"none":       {nil, "", ""},
		"one":        {[]string{"swordfish"}, "swordfish", ""},
		"8 KiB":      {[]string{strings.Repeat("x", 8<<10)}, strings.Repeat("x", 8<<10), ""},
		"two":        {[]string{"swordfish", "swordfish"}, "", "more than one X-Client-Secret header; send one"},
		"an empty":   {[]string{""}, "", "the X-Client-Secret header is empty"},
		"a long one": {[]string{strings.Repeat("x", 8<<10+1)}, "", "the X-Client-Secret header is longer than 8 KiB"},
	} {
		secret, err := OneSecret(http.Header{DefaultHeader: test.values}, DefaultHeader)
		if secret != test.secret || (err == nil) != (test.err == "") || err != nil && err.Error() != test.err {
			t.Errorf("%s: '%s' %v", name, secret, err)
		}
	}
}
