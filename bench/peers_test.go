package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

func TestWhatIsMeasuredOfAPeerAndOfItsBaseIsTheSameRequest(t *testing.T) {
	f := filesIn(t.TempDir())
	set := newPluginSet(f, map[string]string{jwtModule: "", securityModule: ""})
	var all []comparison
	for _, g := range peerGroups(f) {
		all = append(all, g.cases...)
	}
	for _, c := range set.cases(&server{}) {
		all = append(all, c.comparison)
	}
	for _, c := range all {
		base, test := c.base, c.test
		if base.site == test.site || base.server != test.server || base.status != http.StatusOK {
			t.Errorf("%s: the base is '%s' with status %d", c.name, base.site, base.status)
		}
		if base.keys != test.keys || base.carrier() != test.carrier() || base.connections() != test.connections() || base.keys == "" {
			t.Errorf("%s: the base gets other requests", c.name)
		}
	}
}

func TestPeersAreWrittenAsOperatorsWriteThem(t *testing.T) {
	for name, c := range map[string]struct{ directives, want string }{
		"nothing":                   {"", ""},
		"the gate":                  {"token_auth\n", "token_auth"},
		"basic_auth":                {"basic_auth {\nalice $2a$14$X3ulqf/iGxnf1k6oMZ.RZeJUoqI9PX2PM4rS5lkIKJXduLGXGPrt6\n}\n", "authentication"},
		"one before the proxy":      {"reverse_proxy 127.0.0.1:1\ntoken_auth\n", "token_auth reverse_proxy"},
		"forward_auth and no match": {"forward_auth 127.0.0.1:1 {\nuri /\n}\n", "reverse_proxy"},
	} {
		handlers, err := adapt(c.directives)
		var got []string
		for _, h := range handlers {
			got = append(got, h["handler"].(string))
		}
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%s: the handlers are %v, want '%s' (%v)", name, got, c.want, err)
		}
	}
	if _, err := adapt("token_auht\n"); err == nil {
		t.Error("an unknown directive is adapted")
	}
}

func TestTheLeastCheck(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte("one\ntwo"), 0o600); err != nil {
		t.Fatal(err)
	}
	known, err := readKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	for header, want := range map[string]bool{"Bearer one": true, "Bearer two": true, "Bearer three": false, "Bearer ": false, "one": false, "": false} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		r.Header.Set("Authorization", header)
		if known.lets(r) != want {
			t.Errorf("'%s': %v, want %v", header, !want, want)
		}
	}
	if _, err := readKeys(path + "-none"); err == nil {
		t.Error("a file that is not there is read")
	}
}

func TestTokensAreSignedAndNoTwoAlike(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jwts")
	renew := renewing(path, 50, newJWT("secret", time.Unix(1_800_000_000, 0)))
	seen := map[string]bool{}
	for range 2 {
		if err := renew(); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for token := range strings.SplitSeq(string(text), "\n") {
			seen[token] = true
		}
	}
	if len(seen) != 100 {
		t.Fatalf("there are %d different tokens, want 100", len(seen))
	}
	for token := range seen {
		parts := strings.Split(token, ".")
		mac := hmac.New(sha256.New, []byte("secret"))
		mac.Write([]byte(parts[0] + "." + parts[1]))
		claims, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err != nil || parts[2] != base64.RawURLEncoding.EncodeToString(mac.Sum(nil)) || !strings.Contains(string(claims), `"exp":1800086400`) {
			t.Fatalf("'%s' says '%s' (%v)", token, claims, err)
		}
	}
}

func TestPluginsAreKnownByTheirModules(t *testing.T) {
	const said = `admin.api.load v2.11.9
http.authentication.providers.http_basic v2.11.9

  Standard modules: 130

http.authentication.providers.jwt v1.2.3
http.authentication.providers.jwt_other
security

  Non-standard modules: 3
`
	has := readModules(said)
	if len(has) != 2 || has[jwtModule] != "v1.2.3" {
		t.Errorf("found are %v", has)
	}
	if _, ok := has[securityModule]; !ok {
		t.Error("caddy-security is not found")
	}
	if has := readModules("http.handlers.reverse_proxy v2.11.9\n"); len(has) != 0 {
		t.Errorf("in a Caddy without plugins there are %v", has)
	}
}

// peerScript makes a program that answers as `caddy list-modules` does, or ends with 1.
func peerScript(t *testing.T, says string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "caddy")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+says+"\n"), 0o700); err != nil { //nolint:gosec // it is run
		t.Fatal(err)
	}
	return path
}

func TestACaddyThatCannotBeMeasuredSaysWhy(t *testing.T) {
	for name, c := range map[string]struct{ path, want string }{
		"is not there":    {filepath.Join(t.TempDir(), "caddy"), "no such file"},
		"ends badly":      {peerScript(t, "echo it is broken >&2; exit 1"), "'caddy list-modules': exit status 1: it is broken"},
		"has no plugin":   {peerScript(t, "echo http.handlers.reverse_proxy v2.11.9"), "neither caddy-jwt"},
		"takes no config": {peerScript(t, `case $1 in validate) echo line 7: what is jwtauth >&2; exit 1;; *) echo `+jwtModule+`;; esac`), "line 7: what is jwtauth"},
	} {
		_, err := startPlugins(t.Context(), filesIn(t.TempDir()), "0", c.path)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("one that %s: %v, want '%s'", name, err, c.want)
		}
	}
}

func TestACaddyfileHasOnlyThePluginsThatAreThere(t *testing.T) {
	for name, c := range map[string]struct {
		modules    []string
		want, lack string
	}{
		"caddy-jwt":      {[]string{jwtModule}, "jwtauth {", "authorize"},
		"caddy-security": {[]string{securityModule}, "authorize with keys", "jwtauth"},
	} {
		has := map[string]string{}
		for _, m := range c.modules {
			has[m] = ""
		}
		set := newPluginSet(filesIn(t.TempDir()), has)
		var err error
		if set.addresses, err = freeAddresses(set.sites()); err != nil {
			t.Fatal(err)
		}
		text := set.text()
		if !strings.Contains(text, c.want) || strings.Contains(text, c.lack) {
			t.Errorf("%s: want '%s' and no '%s' in\n%s", name, c.want, c.lack, text)
		}
		for site, address := range set.addresses {
			if _, port, _ := strings.Cut(address, ":"); strings.Count(text, "http://:"+port+" {") != 1 {
				t.Errorf("%s: the site '%s' is not at %s in\n%s", name, site, address, text)
			}
		}
	}
}

func TestAPIKeysAreAddedToTheFileOfUsers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.json")
	for name, text := range map[string]string{"no JSON": "{", "no users": `{"revision":1}`, "a user that is no object": `{"users":["alice"]}`} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := addAPIKeys(path, 1, time.Now()); err == nil {
			t.Errorf("%s: keys are added", name)
		}
	}
	if err := os.WriteFile(path, []byte(`{"revision":1,"users":[{"username":"alice"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := addAPIKeys(path, 2, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var kept struct {
		Revision int
		Users    []struct {
			Username string
			APIKeys  []struct{ Prefix, Payload, Usage string } `json:"api_keys"`
		}
	}
	if err := json.Unmarshal(text, &kept); err != nil {
		t.Fatal(err)
	}
	if kept.Revision != 1 || kept.Users[0].Username != "alice" || len(kept.Users[0].APIKeys) != 2 {
		t.Fatalf("the file is %s", text)
	}
	for i, k := range kept.Users[0].APIKeys {
		if len(keys[i]) != apiKeyLength || !strings.HasPrefix(keys[i], k.Prefix) || bcrypt.CompareHashAndPassword([]byte(k.Payload), []byte(keys[i])) != nil {
			t.Errorf("the key '%s' is kept as %+v", keys[i], k)
		}
	}
}

func TestTheTableOfPeersIsThatOfTheDocument(t *testing.T) {
	at := func(name string, ratio float64) result {
		return result{comparison: comparison{name: name}, all: []triple{{
			before: sample{rate: 100}, after: sample{rate: 100},
			test: sample{rate: 100 * ratio, cpu: 25_400 * time.Nanosecond, all: 1710 * time.Millisecond},
		}}}
	}
	groups := []peerGroup{{"accepted", make([]comparison, 2)}, {"refused", make([]comparison, 1)}}
	var b strings.Builder
	printPeerTable(&b, groups, []result{at("ours", 0.876), at("theirs", 0.4), at("theirs", 0.00005)})
	lines := strings.Split(b.String(), "\n")
	if want := []string{
		"| accepted | ours | 0.876 (0.876–0.876) | 25 | 1710000 |",
		"| accepted | theirs | 0.4 (0.4–0.4) | 25 | 1710000 |",
		"| refused | theirs | 0.0001 (0.0001–0.0001) | 25 | 1710000 |",
		"",
	}; !slices.Equal(lines[2:6], want) {
		t.Errorf("the rows are\n%s", strings.Join(lines[2:6], "\n"))
	}
	document, err := os.ReadFile(filepath.Join("..", "docs", "performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	if head := strings.Join(lines[:2], "\n"); !strings.Contains(string(document), "\n"+head+"\n") {
		t.Errorf("docs/performance.md has no table with the head\n%s", head)
	}
}
