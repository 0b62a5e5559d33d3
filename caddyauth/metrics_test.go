package caddyauth_test

import (
	"maps"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/identity"
)

const withMetrics = `{
	admin unix/{$DIR}/admin.sock
	metrics
	caddyauth {
		store sqlite {$DIR}/auth.db
		login_failures 2 1m
	}
}
http://:0 {
	route /metrics {
		metrics
	}
	route {
		token_auth {
			require scope read
		}
		respond "in"
	}
}
`

// series are the values of our metrics by name and labels.
type series map[string]float64

var metricLine = regexp.MustCompile(`(?m)^(caddy_caddyauth_\S+) (\S+)$`)

func readSeries(t *testing.T, text string) series {
	t.Helper()
	list := series{}
	for _, found := range metricLine.FindAllStringSubmatch(text, -1) {
		value, err := strconv.ParseFloat(found[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		list[found[1]] = value
	}
	return list
}

func scrape(t *testing.T, s *caddyrun.Server) series {
	t.Helper()
	r := s.Get(t, "/metrics")
	if r.StatusCode != 200 {
		t.Fatalf("%d %s", r.StatusCode, r.Text)
	}
	return readSeries(t, r.Text)
}

// since is how much each has grown.
func (s series) since(before series) series {
	grown := series{}
	for name, value := range s {
		if value != before[name] && !strings.Contains(name, "_seconds") {
			grown[name] = value - before[name]
		}
	}
	return grown
}

func TestMetricsCountWhatComesToTheGate(t *testing.T) {
	var key, soon string
	var alice tokens
	s := startPrepared(t, withMetrics, func(a *admin) {
		a.withPassword()
		key, alice = a.issueNow("ci"), a.logIn(day)
		for name, days := range map[string]int{"soon": 13, "later": 15} {
			_, word, err := a.IssueKey(t.Context(), "test", identity.NewKey{
				Username: "alice", Name: name, Expires: time.Now().Add(time.Duration(days) * 24 * time.Hour), // without a scope
			})
			if err != nil {
				t.Fatal(err)
			}
			if name == "soon" {
				soon = word.Reveal()
			}
		}
	})
	// Whoever has passed has waited for the store.
	expect(t, s.Get(t, "/", bearer(key)...), 200, "")
	before := scrape(t, s)
	want := series{
		`caddy_caddyauth_index_size{kind="key"}`: 3, `caddy_caddyauth_index_size{kind="token"}`: 3, `caddy_caddyauth_keys_expiring`: 1,
		`caddy_caddyauth_hashes_running`: 0, `caddy_caddyauth_hashes_queued`: 0, `caddy_caddyauth_hashes_total`: 0,
	}
	for name := range maps.Keys(before) {
		if _, named := want[name]; named {
			continue
		}
		if regexp.MustCompile(`^caddy_caddyauth_(checks_total\{method="\w+",result="\w+"\}|brakes_total\{reason="\w+"\}|logins_total\{method="\w+",result="\w+"\}|store_seconds_(bucket|sum|count)\{operation="(look|change)"(,le="\S+")?\}|provider_seconds_(bucket|sum|count)\{outcome="(done|failed)",question="(keys|code|refresh)"(,le="\S+")?\})$`).MatchString(name) {
			delete(before, name)
			continue
		}
		t.Errorf("unknown metric %s", name)
	}
	if diff := cmp.Diff(want, before); diff != "" {
		t.Errorf("gauges (-want +got):\n%s", diff)
	}

	before = scrape(t, s)
	sent := credentials(key, alice)
	for _, kind := range kinds {
		expect(t, s.Get(t, "/", sent[kind]...), 200, "")
	}
	expect(t, s.Get(t, "/", sent["api_key"]...), 200, "")
	expect(t, s.Get(t, "/"), 401, "credential_missing")
	expect(t, s.Get(t, "/", "Authorization", "x"), 400, "invalid_request")
	expect(t, s.Get(t, "/", bearer(flip(key))...), 401, "invalid_token")
	expect(t, s.Get(t, "/", bearer(soon)...), 403, "insufficient_scope")
	expect(t, s.Do(t, "POST", "/", nil, cookie(alice.web)...), 403, "cross_origin")
	expect(t, s.Get(t, "/", append(basic("alice:x"), "Forwarded", "x")...), 403, "insecure_transport")
	expect(t, s.Get(t, "/", basic("mallory:x")...), 401, "invalid_token")
	expect(t, s.Get(t, "/", basic("mallory:y")...), 401, "invalid_token")
	expect(t, s.Get(t, "/", basic("mallory:z")...), 429, "too_many_attempts")
	after := scrape(t, s)
	want = series{
		`caddy_caddyauth_checks_total{method="api_key",result="accepted"}`:            2,
		`caddy_caddyauth_checks_total{method="app_token",result="accepted"}`:          1,
		`caddy_caddyauth_checks_total{method="bare_token",result="accepted"}`:         1,
		`caddy_caddyauth_checks_total{method="password",result="accepted"}`:           1,
		`caddy_caddyauth_checks_total{method="session",result="accepted"}`:            1,
		`caddy_caddyauth_checks_total{method="none",result="credential_missing"}`:     1,
		`caddy_caddyauth_checks_total{method="none",result="invalid_request"}`:        1,
		`caddy_caddyauth_checks_total{method="none",result="cross_origin"}`:           1,
		`caddy_caddyauth_checks_total{method="api_key",result="invalid_token"}`:       1,
		`caddy_caddyauth_checks_total{method="api_key",result="insufficient_scope"}`:  1,
		`caddy_caddyauth_checks_total{method="password",result="insecure_transport"}`: 1,
		`caddy_caddyauth_checks_total{method="password",result="invalid_token"}`:      2,
		`caddy_caddyauth_checks_total{method="password",result="too_many_attempts"}`:  1,
		`caddy_caddyauth_brakes_total{reason="locked"}`:                               1,
		`caddy_caddyauth_hashes_total`:                                                4, // one for each password that was looked at, and for the one refused
	}
	if diff := cmp.Diff(want, after.since(before)); diff != "" {
		t.Errorf("what was counted (-want +got):\n%s", diff)
	}
	for _, operation := range []string{"look", "change"} {
		name := `caddy_caddyauth_store_seconds_count{operation="` + operation + `"}`
		if operation == "look" && after[name] <= before[name] {
			t.Errorf("%s was %v, and is %v", name, before[name], after[name])
		}
	}
}

func TestMetricsOutliveAReload(t *testing.T) {
	var key string
	s := startPrepared(t, withMetrics, func(a *admin) { key = a.issueNow("ci") })
	const accepted = `caddy_caddyauth_checks_total{method="api_key",result="accepted"}`
	before := scrape(t, s)[accepted]
	for i := range 3 {
		expect(t, s.Get(t, "/", bearer(key)...), 200, "")
		s.Reload(t, withMetrics)
		after := scrape(t, s)
		if after[accepted] != before+float64(i+1) {
			t.Errorf("after reload %d there are %v more", i+1, after[accepted]-before)
		}
		if after[`caddy_caddyauth_index_size{kind="key"}`] != 1 {
			t.Errorf("after reload %d the index holds %v keys", i+1, after[`caddy_caddyauth_index_size{kind="key"}`])
		}
	}
	// Caddy's admin API has the same.
	status, text := post(t, s, "GET", "/metrics", "")
	if got := readSeries(t, text)[accepted]; status != 200 || got != before+3 {
		t.Errorf("admin API: %d, %v more", status, got-before)
	}
	// A server without the app has no metrics of it, and nothing is in the way.
	s.Reload(t, "{\n\tadmin unix/{$DIR}/admin.sock\n}\nhttp://:0 {\n\tmetrics\n}\n")
	if got := scrape(t, s); len(got) != 0 {
		t.Errorf("without the app: %v", got)
	}
}

func TestMetricsNameNobody(t *testing.T) {
	var key string
	var alice tokens
	s := startPrepared(t, behindProxy("", "route /metrics {\nmetrics\n}\nroute {\ntoken_auth {\ninsecure_plain_http\n}\nrespond \"in\"\n}"), func(a *admin) {
		a.withPassword()
		key, alice = a.issueNow("nightly"), a.logIn(day)
	})
	for _, headers := range credentials(key, alice) {
		s.Get(t, "/secret-path", through("192.0.2.9", headers)...)
	}
	for range 6 {
		s.Get(t, "/secret-path", through("192.0.2.9", basic("mallory:guess"))...)
	}
	r := s.Get(t, "/metrics")
	ours := metricLine.FindAllString(r.Text, -1)
	if len(ours) < 50 {
		t.Fatalf("%d lines", len(ours))
	}
	text := strings.Join(ours, "\n")
	for _, word := range []string{"alice", "mallory", "nightly", "guess", "192.0.2", "127.0.0.1", "secret-path", key[:16], alice.id, alice.web, netip.MustParseAddr("192.0.2.0").String()} {
		if strings.Contains(text, word) {
			t.Errorf("the metrics hold '%s'", word)
		}
	}
}

func TestREADMEExplainsEachMetric(t *testing.T) {
	s := startPrepared(t, withMetrics, func(*admin) {})
	s.Get(t, "/", basic("mallory:x")...)
	s.Get(t, "/", basic("mallory:x")...)
	s.Get(t, "/", basic("mallory:x")...)
	text := readFile(t, filepath.Join("..", "README.md"))
	var names []string
	for name := range scrape(t, s) {
		name, _, _ = strings.Cut(name, "{")
		names = append(names, regexp.MustCompile(`_seconds_(bucket|sum|count)$`).ReplaceAllString(name, "_seconds"))
	}
	slices.Sort(names)
	names = append(slices.Compact(names), "caddy_caddyauth_logins_total")
	if len(names) < 8 {
		t.Fatalf("metrics %q", names)
	}
	for _, name := range names {
		if !strings.Contains(text, "\n| `"+name+"`") {
			t.Errorf("README.md has no row for %s", name)
		}
	}
}
