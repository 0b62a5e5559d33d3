package provider

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/MicahParks/jwkset"
)

// scripted is a provider that does what a test says.
type scripted struct {
	*httptest.Server

	mu sync.Mutex
	// discovery is added to the discovery document; an empty text takes a member away.
	discovery map[string]any
	keys      []any
	// handlers take the place of what is at a path.
	handlers map[string]http.HandlerFunc
	asked    map[string]int
}

const (
	discoveryPath = wellKnown
	keysPath      = "/keys"
	tokenPath     = "/token"
)

func newScripted(t testing.TB) *scripted {
	t.Helper()
	s := &scripted{
		discovery: map[string]any{}, handlers: map[string]http.HandlerFunc{}, asked: map[string]int{},
		keys: []any{jwk(t, "first", edKey(t))},
	}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked[r.URL.Path]++
	handler := s.handlers[r.URL.Path]
	if handler == nil {
		handler = s.standard(r.URL.Path)
	}
	s.mu.Unlock()
	handler(w, r)
}

// standard is what a good provider says. The lock is held.
func (s *scripted) standard(path string) http.HandlerFunc {
	switch path {
	case discoveryPath:
		document := map[string]any{
			"issuer": s.URL, "jwks_uri": s.URL + keysPath,
			"authorization_endpoint": s.URL + "/authorize", "token_endpoint": s.URL + tokenPath,
		}
		maps.Copy(document, s.discovery)
		return says(http.StatusOK, document)
	case keysPath:
		return says(http.StatusOK, map[string]any{"keys": s.keys})
	}
	return http.NotFound
}

// says answers with JSON.
func says(status int, value any) http.HandlerFunc {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return saysText(status, "application/json", string(text))
}

func saysText(status int, kind, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text))
	}
}

func (s *scripted) at(path string, handler http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handlers[path] = handler
}

func (s *scripted) announces(name string, value any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.discovery[name] = value
}

func (s *scripted) has(keys ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = keys
}

func (s *scripted) count(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[path]
}

// connect is an open connection to the provider.
func (s *scripted) connect(t testing.TB, options Options) *Connection {
	t.Helper()
	c, err := Open(Source{Issuer: s.URL}, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// journal is what was logged.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) logger() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }

func edKey(t testing.TB) crypto.PublicKey {
	t.Helper()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return public
}

func ecKey(t testing.TB, curve elliptic.Curve) crypto.PublicKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key.Public()
}

func rsaKey(t testing.TB, bits int) crypto.PublicKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key.Public()
}

// jwk is a key as a provider publishes it, with changes: pairs of a name and a value,
// of which nil takes the member away.
func jwk(t testing.TB, id string, key crypto.PublicKey, changes ...any) map[string]any {
	t.Helper()
	made, err := jwkset.NewJWKFromKey(key, jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: id}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(made.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatal(err)
	}
	delete(members, "alg")
	for i := 0; i < len(changes); i += 2 {
		members[changes[i].(string)] = changes[i+1]
	}
	maps.DeleteFunc(members, func(_ string, value any) bool { return value == nil })
	return members
}

// document is a JWK Set.
func document(t testing.TB, keys ...any) []byte {
	t.Helper()
	text, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// wantText fails unless an error is there and says so.
func wantText(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("error '%v', want one with '%s'", err, text)
	}
}
