package caddyauth_test

import (
	"math"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/fake/jwtvectors"
)

// vectorIssuers are the issuers of the vectors, whose keys all tests share, since making
// them takes a second.
var vectorIssuers = sync.OnceValues(jwtvectors.New)

// vectorSite accepts the tokens of the vectors: from the provider a, and from b, which
// has a key of the same kid as one of a.
type vectorSite struct {
	*caddyrun.Server
	t       testing.TB
	issuers *jwtvectors.Provider
	// asked and askedOther count how often the keys of a and b were fetched.
	asked, askedOther atomic.Int64
}

// startVectors starts the site with options for the provider a, and a store that was
// prepared. Accounts are made, with the role user. Headers may be longer than the 16 KiB
// at which Caddy itself refuses them unless it is told otherwise.
func startVectors(t testing.TB, options string, prepare func(*admin)) *vectorSite {
	t.Helper()
	v := &vectorSite{t: t}
	var err error
	if v.issuers, err = vectorIssuers(); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for path, of := range map[string]struct {
		keys  []jwtvectors.Key
		asked *atomic.Int64
	}{"/a": {v.issuers.Keys(), &v.asked}, "/b": {v.issuers.OtherKeys(), &v.askedOther}} {
		document, err := jwtvectors.JWKS(of.keys)
		if err != nil {
			t.Fatal(err)
		}
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			of.asked.Add(1)
			_, _ = w.Write(document)
		})
	}
	keys := httptest.NewServer(mux)
	t.Cleanup(keys.Close)
	v.Server = startPrepared(t, `{
	debug
	servers {
		max_header_size 1MB
	}
	caddyauth {
		store sqlite {$DIR}/auth.db
		provider a {
			issuer `+jwtvectors.Issuer+`
			jwks `+keys.URL+`/a
			addresses 127.0.0.1
			audience `+jwtvectors.Audience+`
			auto_create user
			`+options+`
		}
		provider b {
			issuer `+jwtvectors.OtherIssuer+`
			jwks `+keys.URL+`/b
			addresses 127.0.0.1
			audience `+jwtvectors.Audience+`
			auto_create user
			trust_email
		}
	}
}
http://:0 {
	log
	auth_api /api
	handle /admin {
		token_auth {
			accept jwt
			require role admin
		}
		respond "for administrators"
	}
	handle {
		token_auth {
			accept jwt
		}
		respond "{http.auth.user.id}: {http.auth.user.roles}: {http.auth.user.groups}"
	}
}`, prepare)
	return v
}

// token makes the token of a vector.
func (v *vectorSite) token(of jwtvectors.Vector) string {
	v.t.Helper()
	token, err := v.issuers.Token(of, time.Now())
	if err != nil {
		v.t.Fatal(err)
	}
	return token
}

// send presents a token to the gate.
func (v *vectorSite) send(token string) caddyrun.Response {
	v.t.Helper()
	return v.Get(v.t, "/", bearer(token)...)
}

// whoami presents it to the endpoints.
func (v *vectorSite) whoami(token string) caddyrun.Response {
	v.t.Helper()
	return v.Get(v.t, "/api/v1/user/whoami", bearer(token)...)
}

// vector finds one by its id.
func vector(t testing.TB, id string) jwtvectors.Vector {
	t.Helper()
	all := jwtvectors.All()
	at := slices.IndexFunc(all, func(v jwtvectors.Vector) bool { return v.ID == id })
	if at < 0 {
		t.Fatalf("there is no vector '%s'", id)
	}
	return all[at]
}

// undecodable is howler's text for a JWT that is not good.
const undecodable = "Something went wrong when decoding your key. Please reauthenticate."

// apiText is what the endpoints say of a token that is not good. What has a single dot
// has not the form of one to howler.
func apiText(token string) string {
	if strings.Count(token, ".") < 2 {
		return "Invalid token"
	}
	return undecodable
}

// TestEveryVectorIsAcceptedOrRefused plays those that do not depend on accounts. Of one
// that is refused neither the gate nor the endpoints say more than that it is.
func TestEveryVectorIsAcceptedOrRefused(t *testing.T) {
	site := startVectors(t, "", func(*admin) {})
	scoped := jwtvectors.RequiredScope
	played := 0
	for _, v := range jwtvectors.All() {
		if v.When == scoped || v.Expect != jwtvectors.Accept && v.Expect != jwtvectors.Reject {
			continue
		}
		played++
		t.Run(v.ID, func(t *testing.T) {
			token := site.token(v)
			if !httpguts.ValidHeaderFieldValue(token) {
				expectUnsendable(t, site, v.ID, token)
				return
			}
			gate, api := site.send(token), site.whoami(token)
			if v.Expect == jwtvectors.Accept {
				expectGoose(t, gate, api)
			} else {
				expectNoToken(t, gate)
				expectFailure(t, api, 401, "invalid_token", apiText(token))
			}
			expectUnlogged(t, site, token)
		})
	}
	// The others stand in provider_vectors_accounts_test.go, but for the one that lacks a
	// scope.
	if others := len(jwtvectors.All()) - played; others != len(accountVectors)+1 {
		t.Errorf("%d are not played here", others)
	}
	// Once at the start and once for all the kids that nobody knows.
	if asked := site.asked.Load(); asked < 1 || asked > 2 {
		t.Errorf("the keys were fetched %d times", asked)
	}
}

func expectGoose(t *testing.T, gate, api caddyrun.Response) {
	t.Helper()
	expect(t, gate, 200, "")
	if gate.Text != "goose: user: " {
		t.Errorf("it is accepted as '%s'", gate.Text)
	}
	expectStatus(t, api, 200, "")
	if who := payload[struct{ Username string }](t, api).Username; who != "goose" {
		t.Errorf("whoami has '%s'", who)
	}
}

// expectNoToken checks how a gate refuses a token (RFC 6750 section 3.1).
func expectNoToken(t *testing.T, r caddyrun.Response) {
	t.Helper()
	expect(t, r, 401, "invalid_token")
	if got := r.Header.Get("WWW-Authenticate"); got != `Bearer realm="restricted", error="invalid_token"` {
		t.Errorf("the challenge is '%s'", got)
	}
}

// expectUnsendable plays a token with the end of a line in it, which no header can have.
// Within the token a server that takes it for the end of the header sees no header
// behind it. At its end there is nothing to see: that is another request, with a good
// token.
func expectUnsendable(t *testing.T, site *vectorSite, id, token string) {
	t.Helper()
	if id != "newline" && id != "newline-inside" {
		t.Errorf("it cannot be sent: %q", token)
	}
	inside := strings.TrimSuffix(token, "\n")
	inside = inside[:20] + "\r\n" + strings.NewReplacer("\r", "", "\n", "").Replace(inside[20:])
	answer := raw(t, site.Server, "GET / HTTP/1.1\nHost: a\nConnection: close\nAuthorization: Bearer "+strings.ReplaceAll(inside, "\r\n", "\n")+"\n\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 400 ") {
		t.Errorf("it is answered by '%.40s'", answer)
	}
}

// expectUnlogged checks that no log has the token, nor its signature, without which the
// rest is no secret.
func expectUnlogged(t *testing.T, site *vectorSite, token string) {
	t.Helper()
	log := site.Log(t)
	if !strings.Contains(log, "http.log.access") {
		t.Fatal("requests are not logged")
	}
	signature := token[strings.LastIndexByte(token, '.')+1:]
	if strings.Contains(log, token) || len(signature) > 20 && strings.Contains(log, signature) {
		t.Error("the token is in a log")
	}
}

func TestATokenWithoutARequiredScopeIsForbidden(t *testing.T) {
	site := startVectors(t, "required_scopes "+jwtvectors.Scope, func(*admin) {})
	v := vector(t, "scope-missing")
	token := site.token(v)
	r := site.send(token)
	expect(t, r, v.Code, "insufficient_scope")
	if got := r.Header.Get("WWW-Authenticate"); got != `Bearer realm="restricted", error="insufficient_scope"` {
		t.Errorf("the challenge is '%s'", got)
	}
	if r := site.whoami(token); r.StatusCode != v.Code || r.Header.Get("X-Error-Code") != "insufficient_scope" {
		t.Errorf("%d %s", r.StatusCode, r.Text)
	}
	expectUnlogged(t, site, token)
	v.Payload = strings.Replace(v.Payload, `{`, `{"scope":"openid `+jwtvectors.Scope+`",`, 1)
	expect(t, site.send(site.token(v)), 200, "")
}

func TestUnknownKidsFetchKeysOnce(t *testing.T) {
	site := startVectors(t, "", func(*admin) {})
	expect(t, site.send(site.token(vector(t, "ok-rs256"))), 200, "")
	before := site.asked.Load()
	v := vector(t, "kid-unknown")
	for i := range 100 {
		v.Header = strings.Replace(v.Header, "nope", "nope"+string(rune('a'+i%26)), 1)
		expectNoToken(t, site.send(site.token(v)))
	}
	if asked := site.asked.Load() - before; asked != 1 {
		t.Errorf("the keys were fetched %d times", asked)
	}
	if site.askedOther.Load() > 1 {
		t.Error("those of another provider were fetched, too")
	}
}

func TestNobodyGoesWhereATokenPoints(t *testing.T) {
	site := startVectors(t, "", func(*admin) {})
	here, connections := countConnections(t)
	for _, id := range []string{"jku", "x5u", "kid-url"} {
		v := vector(t, id)
		pointed := strings.Replace(v.Header, "127.0.0.1:9", here, 1)
		if pointed == v.Header {
			t.Fatalf("%s points nowhere: %s", id, v.Header)
		}
		v.Header = pointed
		expectNoToken(t, site.send(site.token(v)))
	}
	if n := connections(); n > 0 {
		t.Errorf("%d connections", n)
	}
}

// TestALongTokenCostsNoMoreThanALongHeader compares what is allocated in the process for
// a token that is far too long with what is for any header of that length, and a token
// that is not good.
func TestALongTokenCostsNoMoreThanALongHeader(t *testing.T) {
	site := startVectors(t, "", func(*admin) {})
	const longest = 8 << 10
	for id, token := range map[string]string{
		"many-dots": site.token(vector(t, "many-dots")), "oversized": site.token(vector(t, "oversized")), "deep-json": site.token(vector(t, "deep-json")),
		"no more dots than a credential may have": strings.Repeat(".", longest-len("Bearer ")),
	} {
		bad := site.token(vector(t, "two-segments"))
		objects, bytes := allocated(func() { expectNoToken(t, site.send(token)) })
		usual, usualBytes := allocated(func() {
			expectNoToken(t, site.Get(t, "/", "Authorization", "Bearer "+bad, "X-Title", token))
		})
		if objects > usual+20 || bytes > usualBytes+16<<10 {
			t.Errorf("%s: %d objects of %d bytes, where another header has %d of %d", id, objects, bytes, usual, usualBytes)
		}
	}
}

// allocated is what is allocated in the process for each call. Of several rounds the one
// counts in which least else was going on.
func allocated(call func()) (objects, bytes uint64) {
	const rounds, times = 8, 10
	objects, bytes = math.MaxUint64, math.MaxUint64
	for range rounds {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range times {
			call()
		}
		runtime.ReadMemStats(&after)
		objects, bytes = min(objects, (after.Mallocs-before.Mallocs)/times), min(bytes, (after.TotalAlloc-before.TotalAlloc)/times)
	}
	return objects, bytes
}
