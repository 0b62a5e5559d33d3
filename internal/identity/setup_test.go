package identity

import (
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// fakeClock stands still until it is set.
type fakeClock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *fakeClock {
	return &fakeClock{t: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
}

func (c *fakeClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
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
	return Config{Location: l, Create: true, Now: now}
}

func openRegistry(t testing.TB, c Config) *Registry {
	t.Helper()
	r, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
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
}

func newWorld(t testing.TB) *world {
	t.Helper()
	clock := newClock()
	w := &world{t: t, clock: clock, log: &log{}, config: newConfig(t, clock.now)}
	w.Registry = openRegistry(t, w.config)
	w.mirror = NewMirror(w.Registry, w.log.logger())
	w.addUser("alice")
	if err := w.mirror.poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
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
