package caddyauth_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/fake/oidcprovider"
)

// apiSite is a server with endpoints below /api and the options given.
func apiSite(options string) string { return apiSiteWith("", options) }

// apiSiteWith is apiSite with providers.
func apiSiteWith(providers, options string) string {
	return `{
	caddyauth {
		store sqlite {$DIR}/auth.db
` + providers + `
	}
}
http://:0 {
	auth_api /api {
` + options + `
	}
	handle {
		respond "the application"
	}
}`
}

// sample is a request to howler and its answer. Ours is set where we answer
// otherwise.
type sample struct {
	ID      string `json:"id"`
	Source  string `json:"source"`
	Request struct {
		Method  string            `json:"method"`
		Path    string            `json:"path"`
		Query   map[string]string `json:"query"`
		Headers map[string]string `json:"headers"`
		JSON    json.RawMessage   `json:"json"`
	} `json:"request"`
	Howler sampleAnswer  `json:"howler"`
	Ours   *sampleAnswer `json:"-"`
}

type sampleAnswer struct {
	Status   int            `json:"status"`
	JSON     map[string]any `json:"json"`
	Contains map[string]any `json:"json_contains"`
}

func readSamples(t *testing.T) []sample {
	t.Helper()
	var file struct {
		Samples []sample `json:"samples"`
	}
	if err := json.Unmarshal([]byte(readFile(t, "testdata/howler/samples.json")), &file); err != nil {
		t.Fatal(err)
	}
	addDifferences(t, file.Samples)
	return file.Samples
}

// addDifferences adds our answers where they differ. There is a reason for each, and
// none of a sample that there is not.
func addDifferences(t *testing.T, samples []sample) {
	t.Helper()
	var file struct {
		Differences []struct {
			ID     string       `json:"id"`
			Reason string       `json:"reason"`
			Ours   sampleAnswer `json:"ours"`
		} `json:"differences"`
	}
	if err := json.Unmarshal([]byte(readFile(t, "testdata/howler/differences.json")), &file); err != nil {
		t.Fatal(err)
	}
	for i := range file.Differences {
		d := &file.Differences[i]
		at := slices.IndexFunc(samples, func(s sample) bool { return s.ID == d.ID })
		if at < 0 || d.Reason == "" || d.Ours.Status == 0 {
			t.Fatalf("difference '%s' is of no sample, or has no reason or no answer", d.ID)
		}
		samples[at].Ours = &d.Ours
	}
}

// optionsOf are the settings with which some samples were taken.
var optionsOf = map[string]string{
	"test-create-too-late":     "max_key_lifetime 10d",
	"test-create-no-date":      "max_key_lifetime 10d",
	"test-create-extended-off": "no_extended_keys",
}

// TestHowlersSamples plays all samples against a running server, in their order,
// since some build on others.
func TestHowlersSamples(t *testing.T) {
	op := newProvider(t, oidcprovider.Config{})
	player := &player{op: op, site: sampleSite{provider: keycloak(op, "required_groups staff")}}
	s := caddyrun.Start(t, player.site.caddyfile())
	player.fixture, player.server = newFixture(t, s.Dir), s
	if err := player.LinkIdentity(t.Context(), "test", "user", "keycloak", op.Issuer(), jane.Subject); err != nil {
		t.Fatal(err)
	}
	time.Sleep(propagation)
	r := postJSON(t, s, "/api/v1/auth/login", loginBody("admin", "admin"))
	player.adminToken = payload[struct {
		Token string `json:"app_token"`
	}](t, r).Token
	for _, one := range readSamples(t) {
		t.Run(one.ID, func(t *testing.T) { player.play(t, &one) })
	}
}

// sampleSite is the configuration with which a sample was taken.
type sampleSite struct {
	// provider is the block of keycloak, by which users of howler can log in; "" is none.
	provider, options string
}

func (s sampleSite) caddyfile() string { return apiSiteWith(s.provider, s.options) }

// siteOf is the configuration for a sample.
func (p *player) siteOf(id string) sampleSite {
	site := sampleSite{keycloak(p.op, "required_groups staff"), optionsOf[id]}
	if id == "code-oauth-off" {
		site.provider = ""
	}
	return site
}

type player struct {
	*fixture
	server *caddyrun.Server
	op     *oidcprovider.Provider
	site   sampleSite
	// appToken is the one of doc-login-password.
	appToken string
	// adminToken is one of the user admin.
	adminToken string
}

func (p *player) play(t *testing.T, s *sample) {
	if site := p.siteOf(s.ID); site != p.site {
		p.site = site
		p.server.Reload(t, site.caddyfile())
	}
	p.forgetFailures(t)
	switch s.ID {
	case "test-lockout":
		for range 5 {
			p.send(t, s)
		}
	case "code-basic-colon-password":
		p.setAnyPassword(t, "user", "pa:ss")
		time.Sleep(propagation)
		defer time.Sleep(propagation)
		defer p.setAnyPassword(t, "user", "user")
	}
	got := p.send(t, s)
	want := s.Howler
	if s.Ours != nil {
		want = *s.Ours
	}
	if got.StatusCode != want.Status {
		t.Errorf("%s (%s): status %d, want %d: %s", s.ID, s.Source, got.StatusCode, want.Status, got.Text)
	}
	if want.Status == 204 {
		if got.Text != "" {
			t.Errorf("%s (%s): body '%s'", s.ID, s.Source, got.Text)
		}
		return
	}
	var read any
	if err := json.Unmarshal([]byte(got.Text), &read); err != nil {
		t.Fatalf("%s (%s): %v: %s", s.ID, s.Source, err, got.Text)
	}
	expected, exact := want.JSON, true
	if expected == nil {
		expected, exact = want.Contains, false
	}
	if diff := fits(expected, read, exact); diff != "" {
		t.Errorf("%s (%s): %s\n%s", s.ID, s.Source, diff, got.Text)
	}
	switch s.ID {
	case "doc-login-password":
		p.appToken = payload[struct {
			Token string `json:"app_token"`
		}](t, got).Token
	case "test-readonly-token":
		p.readOnly(t, got)
	}
}

// readOnly is what the note of the sample says: the token of a read-only key
// shows the user and makes no key.
func (p *player) readOnly(t *testing.T, login caddyrun.Response) {
	t.Helper()
	token := bearer(payload[struct {
		Token string `json:"app_token"`
	}](t, login).Token)
	expectStatus(t, p.server.Get(t, "/api/v1/user/whoami", token...), 200, "")
	r := postJSON(t, p.server, "/api/v1/auth/apikey", `{"name":"x","priv":"R"}`, token...)
	expectFailure(t, r, 403, "insufficient_scope", "You do not have access to this API.")
}

// tokens puts tokens of the provider in the place of those that the samples describe.
func (p *player) tokens(t *testing.T) *strings.Replacer {
	t.Helper()
	stranger := jane
	stranger.Subject, stranger.Name = "9c1e", "stranger"
	p.op.AddUser(stranger)
	return strings.NewReplacer(
		"<expired JWT>", tokenOf(t, p.op, jane.Subject, map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}),
		"<JWT without a required group>", tokenOf(t, p.op, jane.Subject, map[string]any{"groups": []string{"guests"}}),
		"<JWT of an unknown user, auto_create off>", tokenOf(t, p.op, stranger.Subject),
	)
}

// refreshToken logs jane in at the provider and gives the refresh token of it.
func (p *player) refreshToken(t *testing.T) string {
	t.Helper()
	f := &federated{p.server, &admin{p.Registry, t}, p.op}
	got, _ := f.logInAtProvider()
	return *got.RefreshToken
}

func (p *player) send(t *testing.T, s *sample) caddyrun.Response {
	t.Helper()
	path := s.Request.Path
	if len(s.Request.Query) > 0 {
		query := url.Values{}
		for name, value := range s.Request.Query {
			query.Set(name, value)
		}
		path += "?" + query.Encode()
	}
	var headers []string
	for name, value := range s.Request.Headers {
		value = p.tokens(t).Replace(value)
		value = strings.NewReplacer(
			"<app_token of doc-login-password>", p.appToken, "<admin app token>", p.adminToken, "user:<user app token>", p.appToken,
		).Replace(value)
		headers = append(headers, name, p.rewriteBasic(value))
	}
	var body []byte
	if s.Request.JSON != nil {
		headers = append(headers, "Content-Type", "application/json")
		text := p.rewriteBody(t, string(s.Request.JSON))
		if s.ID == "doc-oauth-refresh" {
			text = strings.Replace(text, "<token>", p.refreshToken(t), 1)
		}
		body = []byte(text)
	}
	return p.server.Do(t, s.Request.Method, path, body, headers...)
}

func (p *player) rewriteBasic(value string) string {
	encoded, isBasic := strings.CutPrefix(value, "Basic ")
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	if !isBasic || err != nil {
		return value
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(p.withKey(string(decoded))))
}

func (p *player) rewriteBody(t *testing.T, text string) string {
	t.Helper()
	text = strings.ReplaceAll(text, "<now + 1 day, ISO>", time.Now().UTC().AddDate(0, 0, 1).Format("2006-01-02T15:04:05.999999"))
	text = strings.ReplaceAll(text, "<now + 20 days>", time.Now().UTC().AddDate(0, 0, 20).Format(time.RFC3339))
	var login struct{ User, APIKey string }
	if json.Unmarshal([]byte(text), &login) != nil || login.APIKey == "" {
		return text
	}
	_, word, _ := strings.Cut(p.withKey(login.User+":"+login.APIKey), ":")
	return strings.Replace(text, login.APIKey, word, 1)
}

// fits compares an answer with the one that is wanted, all of it or what is
// wanted only. A text between slashes is a pattern.
func fits(want, got any, exact bool) string {
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok || exact && len(object) != len(want) {
			return fmt.Sprintf("got %v, want %v", got, want)
		}
		for name := range want {
			value, there := object[name]
			if !there {
				return "there is no " + name
			}
			if diff := fits(want[name], value, exact); diff != "" {
				return name + ": " + diff
			}
		}
		return ""
	case string:
		text, ok := got.(string)
		if ok && (want == "<any>" || want == "<new JWT>" || want == "<new token>") {
			return ""
		}
		if pattern, isPattern := strings.CutPrefix(want, "/^"); ok && isPattern {
			if !regexp.MustCompile("^" + strings.TrimSuffix(pattern, "/")).MatchString(text) {
				return fmt.Sprintf("'%s' is not like %s", text, want)
			}
			return ""
		}
	}
	return cmp.Diff(want, got)
}
