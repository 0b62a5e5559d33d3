package fire_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/password"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// workerName is the name under which this program is a worker.
const workerName = "worker"

// people are the users of every store here.
var people = []string{"alice", "bob", "carol", "dave"}

// plan is what a worker is told, as JSON on its standard input.
type plan struct {
	Dir string
	// Label begins the names of all that the worker does. They are the actors in
	// the audit trail, so that each event tells which deed it is of.
	Label string
	Seed  uint64
	// Create makes a store, and nothing else is done.
	Create bool
	// Steps is how many deeds each hand does; 0 means that they go on. Alone lets
	// one hand work after the other.
	Steps int
	Alone bool
	// Passwords are those in force, Keys those that may be revoked.
	Passwords map[string]string
	Keys      []word
}

// word is a credential.
type word struct{ ID, Word string }

// deed is what a worker tells, a line each: that it is going to open the store,
// that it has, and each change that was acknowledged to it.
type deed struct {
	// Kind is that of the audit event, or opening, open or made.
	Kind string
	// Label is the actor of the event; a log-in has none.
	Label string `json:",omitzero"`
	// ID is the public id of the key or session, or the name of the user.
	ID string `json:",omitzero"`
	// Words are the key, or the app token and the session's.
	Words []string `json:",omitzero"`
}

// tell writes a line at once, in one piece.
func tell(d deed) {
	line, err := json.Marshal(d)
	if err == nil {
		_, err = os.Stdout.Write(append(line, '\n'))
	}
	if err != nil {
		giveUp(err)
	}
}

// giveUp ends a worker to which something has happened that must not.
func giveUp(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// registryConfig is that of a store in dir. Hashes take microseconds, so that
// what is tried out is the store; and the brakes must not hold those who were
// killed between the attempt and its success.
func registryConfig(dir string) identity.Config {
	location, err := store.NewLocation("sqlite", filepath.Join(dir, "auth.db"))
	if err != nil {
		panic(err)
	}
	return identity.Config{
		Location: location,
		Settings: identity.Settings{Brakes: identity.Brakes{Failures: identity.MaxFailures}},
		Hashing:  password.Config{Params: password.Params{Memory: 8, Time: 1, Threads: 1}},
	}
}

// passwordOf is the password that a deed of this label sets.
func passwordOf(label string) string { return "marble otter " + label }

// workerMain does what the plan says until it is killed.
func workerMain() {
	var p plan
	if err := json.NewDecoder(os.Stdin).Decode(&p); err != nil {
		giveUp(err)
	}
	ctx := context.Background()
	config := registryConfig(p.Dir)
	config.Create = p.Create
	tell(deed{Kind: "opening"})
	r, err := identity.Open(ctx, config)
	if err != nil {
		giveUp(err)
	}
	if p.Create {
		tell(deed{Kind: "made"})
		return
	}
	m := identity.NewMirror(r, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(ctx)
	var mirror sync.WaitGroup
	mirror.Go(func() { m.Run(ctx) })
	if err := m.Ready(ctx); err != nil {
		giveUp(err)
	}
	tell(deed{Kind: "open"})
	newWorker(ctx, r, m, &p).run()
	cancel()
	mirror.Wait()
	if err := r.Close(); err != nil {
		giveUp(err)
	}
}

// worker changes a store with several hands at once.
type worker struct {
	ctx context.Context
	*identity.Registry
	mirror *identity.Mirror
	plan   *plan

	mu        sync.Mutex
	passwords map[string]string
	keys      []word
}

func newWorker(ctx context.Context, r *identity.Registry, m *identity.Mirror, p *plan) *worker {
	return &worker{ctx: ctx, Registry: r, mirror: m, plan: p, passwords: p.Passwords, keys: p.Keys}
}

// hands are what is done in parallel; two log in at the same time.
var hands = []func(*hand) error{
	(*hand).issueKey, (*hand).revokeKey, (*hand).logInByPassword, (*hand).logInByPassword,
	(*hand).logInByKey, (*hand).setPassword, (*hand).toggleUser,
}

func (w *worker) run() {
	var all sync.WaitGroup
	for i, do := range hands {
		h := &hand{worker: w, number: i, random: rand.New(rand.NewPCG(w.plan.Seed, uint64(i)))}
		work := func() {
			for h.step = 0; w.plan.Steps == 0 || h.step < w.plan.Steps; h.step++ {
				if err := do(h); err != nil && !overtaken(err) {
					giveUp(fmt.Errorf("%s: %w", h.label(), err))
				}
			}
		}
		if w.plan.Alone {
			work()
		} else {
			all.Go(work)
		}
	}
	all.Wait()
}

// overtaken reports whether another hand, or a deed before the worker was killed
// the last time, explains an error.
func overtaken(err error) bool {
	for _, known := range []error{identity.ErrWrongPassword, identity.ErrEnded, identity.ErrRevoked, store.ErrNotFound} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// hand does one thing after the other.
type hand struct {
	*worker
	number, step int
	random       *rand.Rand
}

func (h *hand) label() string {
	return fmt.Sprintf("%s hand %d step %d", h.plan.Label, h.number, h.step)
}

func (h *hand) user() string { return people[h.random.IntN(len(people))] }

// takeKey draws one of the keys, and takes it away if that is wanted.
func (h *hand) takeKey(away bool) (k word, found bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.keys) == 0 {
		return k, false
	}
	i := h.random.IntN(len(h.keys))
	k = h.keys[i]
	if away {
		h.keys[i] = h.keys[len(h.keys)-1]
		h.keys = h.keys[:len(h.keys)-1]
	}
	return k, true
}

func (h *hand) issueKey() error {
	label := h.label()
	k, secret, err := h.IssueKey(h.ctx, label, identity.NewKey{Username: h.user(), Name: fmt.Sprintf("k%d-%d", h.plan.Seed, h.step), Scopes: principal.Read})
	if err != nil {
		return err
	}
	tell(deed{"key.issue", label, k.ID, []string{secret.Reveal()}})
	h.mu.Lock()
	defer h.mu.Unlock()
	h.keys = append(h.keys, word{k.ID, secret.Reveal()})
	return nil
}

func (h *hand) revokeKey() error {
	k, found := h.takeKey(true)
	if !found || h.random.IntN(3) == 0 {
		time.Sleep(time.Millisecond) // let there be more keys
		return nil
	}
	label := h.label()
	if _, err := h.RevokeKey(h.ctx, label, store.KeyRef{ID: k.ID}, ""); err != nil {
		return err
	}
	tell(deed{Kind: "key.revoke", Label: label, ID: k.ID})
	return nil
}

// home is where all log-ins come from.
var home = netip.MustParseAddr("192.0.2.77")

// newSession has two tokens, so that half a session could be seen.
var newSession = identity.NewSession{Address: home, Tokens: []identity.NewToken{
	{Kind: credential.AppToken, Lifetime: principal.Lifetime{Absolute: time.Hour}},
	{Kind: credential.SessionToken, Lifetime: principal.Lifetime{Absolute: time.Hour}},
}}

func (h *hand) logInByPassword() error {
	user := h.user()
	h.mu.Lock()
	text := h.passwords[user]
	h.mu.Unlock()
	s, words, err := h.LogInByPassword(h.ctx, identity.Attempt{Username: user, Password: text, Address: home}, newSession)
	if err != nil {
		return err
	}
	return h.begun(&s, words)
}

func (h *hand) logInByKey() error {
	k, found := h.takeKey(false)
	if !found {
		time.Sleep(time.Millisecond)
		return nil
	}
	caller, reason := h.mirror.Check(&credential.Presented{Kind: credential.Bearer, Word: k.Word}, func() identity.Circumstances { return identity.Circumstances{} })
	if reason != identity.Accepted {
		time.Sleep(time.Millisecond) // of a user who is disabled, or just revoked
		return nil
	}
	s, words, err := h.LogInByKey(h.ctx, caller, newSession)
	if err != nil {
		return err
	}
	return h.begun(&s, words)
}

// begun tells of a session, and ends two of three.
func (h *hand) begun(s *store.Session, words []credential.Secret) error {
	d := deed{Kind: "session.begin", ID: s.ID}
	for _, secret := range words {
		d.Words = append(d.Words, secret.Reveal())
	}
	tell(d)
	if h.random.IntN(3) == 0 {
		return nil
	}
	label := h.label()
	if err := h.LogOut(h.ctx, label, s.Tokens[0].ID); err != nil {
		return err
	}
	tell(deed{Kind: "session.end", Label: label, ID: s.ID})
	return nil
}

func (h *hand) setPassword() error {
	user, label := h.user(), h.label()
	if _, err := h.SetPassword(h.ctx, label, user, passwordOf(label)); err != nil {
		return err
	}
	tell(deed{Kind: "user.password", Label: label, ID: user})
	h.mu.Lock()
	defer h.mu.Unlock()
	h.passwords[user] = passwordOf(label)
	return nil
}

// toggleUser disables a user, and enables him again. It leaves time for others to
// do something that it ends.
func (h *hand) toggleUser() error {
	time.Sleep(10 * time.Millisecond)
	user, label := h.user(), h.label()
	if _, err := h.DisableUser(h.ctx, label, user); err != nil {
		return err
	}
	tell(deed{Kind: "user.disable", Label: label, ID: user})
	label += " back"
	if _, err := h.EnableUser(h.ctx, label, user); err != nil {
		return err
	}
	tell(deed{Kind: "user.enable", Label: label, ID: user})
	return nil
}
