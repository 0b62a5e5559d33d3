package provider

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/accesstoken"
	"github.com/sallyport/sallyport/internal/credential"
)

var _ accesstoken.Keys = (*Keys)(nil)

// clock is moved by tests.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Now()} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func find(t *testing.T, c *Connection, kid string, want error) {
	t.Helper()
	if _, err := c.Keys().Find(t.Context(), kid, "EdDSA"); !errors.Is(err, want) {
		t.Fatalf("'%s': %v, want %v", kid, err, want)
	}
}

func TestARotationOfKeysIsSeen(t *testing.T) {
	s := newScripted(t)
	c := s.connect(t, Options{})
	c.Start()
	find(t, c, "first", nil)
	s.has(jwk(t, "second", edKey(t)))
	find(t, c, "second", nil)
	find(t, c, "first", accesstoken.ErrUnknownKey)
	if n := s.count(keysPath); n != 2 {
		t.Errorf("keys were asked for %d times", n)
	}
	if n := s.count(discoveryPath); n != 1 {
		t.Errorf("discovery was read %d times", n)
	}
}

func TestADocumentWithoutKeysChangesNothing(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"no keys":     says(http.StatusOK, map[string]any{"keys": []any{}}),
		"a page":      saysText(http.StatusOK, "text/html", "<p>Maintenance"),
		"an error":    http.NotFound,
		"a huge text": saysText(http.StatusOK, "application/json", strings.Repeat(" ", maxKeys+1)),
	} {
		t.Run(name, func(t *testing.T) {
			s := newScripted(t)
			c := s.connect(t, Options{})
			find(t, c, "first", nil)
			s.at(keysPath, handler)
			find(t, c, "second", ErrUnavailable)
			find(t, c, "first", nil)
			if c.Keys().Generation() != 1 {
				t.Error("the generation has changed")
			}
		})
	}
}

func TestDiscoveryIsReadAgainAfterADayAndWhenKeysFail(t *testing.T) {
	s, now := newScripted(t), newClock()
	c := s.connect(t, Options{Now: now.Now})
	find(t, c, "first", nil)
	// Any age of keys, so that each look-up fetches.
	again := func(after time.Duration) {
		t.Helper()
		now.pass(after)
		find(t, c, "first", nil)
	}
	again(staleFor)
	if n := s.count(discoveryPath); n != 2 {
		t.Fatalf("discovery was read %d times after a day", n)
	}
	s.announces("jwks_uri", s.URL+"/moved")
	s.at(keysPath, http.NotFound)
	s.at("/moved", says(http.StatusOK, map[string]any{"keys": []any{jwk(t, "moved", edKey(t))}}))
	find(t, c, "moved", ErrUnavailable)
	now.pass(seekEvery)
	find(t, c, "moved", nil)
}

func TestKeysThatAreNamedNeedNoDiscovery(t *testing.T) {
	s := newScripted(t)
	c, err := Open(Source{Issuer: "https://id.example.org", JWKSURL: s.URL + keysPath}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Start()
	find(t, c, "first", nil)
	if s.count(discoveryPath) != 0 {
		t.Error("discovery was read")
	}
	if _, ok := c.Metadata(); ok {
		t.Error("there is metadata")
	}
}

func TestWhatGoesWrongIsSaidOnceAMinute(t *testing.T) {
	s, now, log := newScripted(t), newClock(), &journal{}
	var observed []string
	var mu sync.Mutex
	c := s.connect(t, Options{Now: now.Now, Log: log.logger(), Observe: func(what string, err error, _ time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		observed = append(observed, fmt.Sprint(what, " ", err == nil))
	}})
	s.at(keysPath, http.NotFound)
	find(t, c, "first", ErrUnavailable)
	now.pass(retryAfter)
	find(t, c, "first", ErrUnavailable)
	now.pass(retryAfter)
	find(t, c, "first", ErrUnavailable)
	s.at(keysPath, nil)
	s.has(jwk(t, "twice", edKey(t)), jwk(t, "twice", edKey(t)), jwk(t, "private", edKey(t), "d", "AQ"), jwk(t, "first", edKey(t)))
	now.pass(retryAfter)
	find(t, c, "first", nil)
	c.Close()
	for text, want := range map[string]int{
		"could not be fetched": 2, "answers with status 404": 2, "several keys of one name": 1, "kid=twice": 1, "secret parts of keys": 1, s.URL: 6,
	} {
		if n := strings.Count(log.String(), text); n < want || text != s.URL && n != want {
			t.Errorf("'%s' is said %d times, want %d:\n%s", text, n, want, log)
		}
	}
	if got := strings.Join(observed, ", "); got != "keys false, keys false, keys false, keys true" {
		t.Errorf("observed: %s", got)
	}
}

func TestTheEndWaitsForNothingAndLeavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	s := newScripted(t)
	arrived := make(chan struct{})
	s.at(discoveryPath, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	})
	c := s.connect(t, Options{})
	c.Start()
	<-arrived
	began := time.Now()
	c.Close()
	if took := time.Since(began); took > callTimeout/2 {
		t.Errorf("the end took %s", took)
	}
	s.Close()
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines became %d", before, runtime.NumGoroutine())
		}
	}
}

// A provider may say back whatever it was told.
func TestNoSecretIsInAnErrorOrALog(t *testing.T) {
	log := &journal{}
	var texts []string
	var mu sync.Mutex
	note := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			return
		}
		texts = append(texts, fmt.Sprintf("%v %+v %#v", err, err, err))
		for inner := err; inner != nil; inner = errors.Unwrap(inner) {
			texts = append(texts, inner.Error())
		}
	}
	secrets := []string{clientSecret, theCode, accessToken, idToken, refreshToken}
	for _, status := range []int{200, 302, 400, 401, 404, 500} {
		for _, kind := range []string{"application/json", "text/html", "text/plain"} {
			for _, form := range []string{`{"error":"%s","error_description":"%[1]s","error_uri":"%[1]s"}`, `{"access_token":"%s\n","id_token":"the-id-token"}`, "%s", "error=%s"} {
				s := newScripted(t)
				s.at(tokenPath, func(w http.ResponseWriter, r *http.Request) {
					_ = r.ParseForm()
					_, password, _ := r.BasicAuth()
					told := fmt.Sprint(password, r.PostForm.Encode(), accessToken)
					w.Header().Set("Location", "/elsewhere?"+told)
					w.Header().Set("Content-Type", kind)
					w.WriteHeader(status)
					_, _ = fmt.Fprintf(w, form, told)
				})
				c := s.connect(t, Options{Log: log.logger(), Observe: func(_ string, err error, _ time.Duration) { note(err) }})
				client := newLogin(t, c, loginConfig())
				departure, told := begin(t, client)
				_, err := client.Finish(t.Context(), back(departure, told))
				note(err)
				_, err = client.Finish(t.Context(), back(departure, told))
				note(err)
				_, err = client.Refresh(t.Context(), credential.NewSecret(refreshToken))
				note(err)
				secrets = append(secrets, told.Get("state"), told.Get("nonce"), departure.Binding.Reveal())
				texts = append(texts, fmt.Sprintf("%v %+v", client.config, back(Departure{Binding: departure.Binding}, nil).Binding))
				c.Close()
			}
		}
	}
	if len(texts) < 100 || log.String() == "" {
		t.Fatalf("%d errors and the log '%s' say too little", len(texts), log)
	}
	all := strings.Join(texts, "\n") + log.String()
	for _, secret := range secrets {
		if strings.Contains(all, secret) {
			t.Errorf("'%s' is in an error or a log", secret)
		}
	}
	if strings.Contains(all, "code_verifier") {
		t.Error("the form is in an error or a log")
	}
}

func TestADepartureWaitsForTheFirstAnswer(t *testing.T) {
	s := newScripted(t)
	client := newLogin(t, s.connect(t, Options{}), loginConfig())
	if _, err := client.Begin(t.Context(), netip.MustParseAddr("192.0.2.1")); err != nil {
		t.Error(err)
	}
}
