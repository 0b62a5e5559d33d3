package identity

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/password"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// fakeClock stands still until it is moved.
type fakeClock struct {
	mu sync.Mutex
	t  time.Time
	// wrong is by how much the time of day was set.
	wrong time.Duration
}

func newClock() *fakeClock {
	return &fakeClock{t: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
}

func (c *fakeClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t.Add(c.wrong)
}

// passed is the time that has really passed.
func (c *fakeClock) passed() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t.Sub(newClock().t)
}

// set moves the time of day, while no time passes.
func (c *fakeClock) set(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrong += by
}

func (c *fakeClock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// log collects what is logged.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *log) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func newConfig(t testing.TB, now func() time.Time) Config {
	t.Helper()
	l, err := store.NewLocation("sqlite", filepath.Join(t.TempDir(), "auth.db"))
	if err != nil {
		t.Fatal(err)
	}
	return Config{Location: l, Create: true, Now: now, Hashing: password.Config{Params: cheap}}
}

// cheap hashes take microseconds.
var cheap = password.Params{Memory: 8, Time: 1, Threads: 1}

func openRegistry(t testing.TB, c Config) *Registry {
	t.Helper()
	r, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// A test may have closed the store itself.
		if err := r.Close(); err != nil && !errors.Is(err, sql.ErrConnDone) {
			t.Error(err)
		}
	})
	return r
}

// world is a registry with the user alice and a loaded mirror, whose clock and
// polls the test moves by hand.
type world struct {
	*Registry
	t      testing.TB
	clock  *fakeClock
	mirror *Mirror
	log    *log
	config Config

	mu   sync.Mutex
	lags []time.Duration
}

// newWorld makes a world; with changes how its registry is opened.
func newWorld(t testing.TB, with ...func(*Config)) *world {
	t.Helper()
	clock := newClock()
	w := &world{t: t, clock: clock, log: &log{}, config: newConfig(t, clock.now)}
	for _, f := range with {
		f(&w.config)
	}
	w.open()
	w.addUser("alice")
	if err := w.poll(); err != nil {
		t.Fatal(err)
	}
	return w
}

// open opens the registry. Whoever has to wait is noted and does not.
func (w *world) open() {
	w.t.Helper()
	w.Registry = openRegistry(w.t, w.config)
	w.sleep = func(ctx context.Context, d time.Duration) bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.lags = append(w.lags, d)
		return ctx.Err() == nil
	}
	w.mirror = NewMirror(w.Registry, w.log.logger())
	w.mirror.passed = w.clock.passed
}

// restart is the next life of the server, on the same files.
func (w *world) restart() {
	w.t.Helper()
	w.mirror.writeUses(w.t.Context())
	w.open()
	w.later(0)
}

// later moves the clock, and memory looks at the store.
func (w *world) later(d time.Duration) {
	w.t.Helper()
	w.clock.add(d)
	if err := w.poll(); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) addUser(name string) {
	w.t.Helper()
	if _, err := w.AddUser(w.t.Context(), "test", NewUser{Username: name, Roles: []string{"admin"}, Groups: []string{"ops"}}); err != nil {
		w.t.Fatal(err)
	}
}

// issue makes a key of alice; with sets what it is bound to.
func (w *world) issue(name string, with ...func(*NewKey)) string {
	w.t.Helper()
	n := NewKey{Username: "alice", Name: name, Scopes: principal.Read}
	for _, f := range with {
		f(&n)
	}
	_, word, err := w.IssueKey(w.t.Context(), "test", n)
	if err != nil {
		w.t.Fatal(err)
	}
	return word.Reveal()
}

// must fails the test if a change was refused.
func (w *world) must(_ any, err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) poll() error { return w.mirror.poll(w.t.Context()) }

// check presents a key as a bearer, from nowhere in particular.
func (w *world) check(word string) Reason {
	_, reason := w.mirror.Check(&credential.Presented{Kind: credential.Bearer, Word: word}, at(Circumstances{Path: "/"}))
	return reason
}

func ref(name string) store.KeyRef { return store.KeyRef{UserFold: "alice", Name: name} }

// at makes the argument of Check of circumstances.
func at(c Circumstances) func() Circumstances { return func() Circumstances { return c } }

// The passwords of these tests, and where people are.
const (
	right = "correct horse battery staple"
	wrong = "incorrect horse battery staple"
	newer = "another horse, another battery"
)

var (
	home   = netip.MustParseAddr("192.0.2.7")
	abroad = netip.MustParseAddr("198.51.100.9")
)

// setPassword gives a user a password, as an administrator does.
func (w *world) setPassword(username, text string) {
	w.t.Helper()
	w.must(w.SetPassword(w.t.Context(), "test", username, text))
}

// alice is an attempt of alice, from home.
func alice(text string) Attempt { return Attempt{Username: "alice", Password: text, Address: home} }

// hour is a token that lives for an hour, and a minute unused.
func hour(kind credential.TokenKind) NewToken {
	return NewToken{Kind: kind, Lifetime: principal.Lifetime{Absolute: time.Hour, Idle: time.Minute}}
}

// logIn logs in by password, and gives the words of the tokens.
func (w *world) logIn(a Attempt, tokens ...NewToken) (store.Session, []string) {
	w.t.Helper()
	s, secrets, err := w.LogInByPassword(w.t.Context(), a, NewSession{Tokens: tokens, UserAgent: "curl/8"})
	if err != nil {
		w.t.Fatal(err)
	}
	return s, reveal(secrets)
}

// logInByKey logs in by a key, which must be accepted.
func (w *world) logInByKey(word string, tokens ...NewToken) (store.Session, []string) {
	w.t.Helper()
	s, secrets, err := w.LogInByKey(w.t.Context(), w.callerOf(word), NewSession{Tokens: tokens})
	if err != nil {
		w.t.Fatal(err)
	}
	return s, reveal(secrets)
}

// callerOf is the caller who has proven a key.
func (w *world) callerOf(word string) Caller {
	w.t.Helper()
	caller, reason := w.mirror.Check(&credential.Presented{Kind: credential.Bearer, Word: word}, at(Circumstances{}))
	if reason != Accepted {
		w.t.Fatal(reason)
	}
	return caller
}

func reveal(secrets []credential.Secret) (words []string) {
	for _, s := range secrets {
		words = append(words, s.Reveal())
	}
	return words
}

// checkToken presents a token from nowhere in particular.
func (w *world) checkToken(kind credential.TokenKind, word string) Reason {
	_, reason := w.mirror.CheckToken(kind, word, at(Circumstances{Path: "/"}))
	return reason
}

// expectToken presents an app token.
func (w *world) expectToken(word string, want Reason) {
	w.t.Helper()
	if got := w.checkToken(credential.AppToken, word); got != want {
		w.t.Errorf("the token: %s, want %s", got, want)
	}
}
