package identity

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/password"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// expectPassword presents user name and password with a request, and expects a
// reason and a number of hashes.
func (w *world) expectPassword(a Attempt, want Reason, hashes uint64) {
	w.t.Helper()
	var got Reason
	n := w.hashes(func() { _, got, _ = w.mirror.CheckPassword(w.t.Context(), a) })
	if got != want || n != hashes {
		w.t.Errorf("%s with %d hashes, want %s with %d", got, n, want, hashes)
	}
}

func TestAPasswordIsRememberedForHalfAMinute(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	caller, reason, err := w.mirror.CheckPassword(t.Context(), alice(right))
	if reason != Accepted || err != nil || caller.User.Name != "alice" || caller.Scopes != principal.AllScopes || caller.ID != (credential.KeyID{}) {
		t.Errorf("%s, %+v, %v", reason, caller, err)
	}
	w.expectPassword(alice(right), Accepted, 0)
	w.later(rememberedFor - 1)
	w.expectPassword(alice(right), Accepted, 0)
	w.later(1)
	w.expectPassword(alice(right), Accepted, 1)
	w.expectPassword(alice(right), Accepted, 0)
}

func TestOnlyWhatWasProvenIsRemembered(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	w.expectPassword(alice(right), Accepted, 1)
	other := netip.MustParseAddr("192.0.2.99")
	w.expectPassword(Attempt{"Alice", right, other}, Accepted, 0)
	w.expectPassword(alice(wrong), WrongPassword, 1)
	w.expectPassword(alice(wrong), WrongPassword, 1)
	w.expectPassword(Attempt{"alice", right, abroad}, Accepted, 1)
	w.expectPassword(Attempt{"bob", right, home}, WrongPassword, 1)
	w.expectPassword(Attempt{"alice\x00" + right, "", home}, Malformed, 0)
}

func TestWhyAPasswordIsRefused(t *testing.T) {
	w := newWorld(t, hashing(1, 1))
	w.setPassword("alice", right)
	w.expectPassword(alice(strings.Repeat("x", 1025)), Malformed, 0)
	w.fail(DefaultFailures, alice(""))
	w.expectPassword(alice(right), Locked, 1)
	w.setFailures(Attempt{Address: abroad}, 0, 0, sourceFactor*DefaultFailures)
	w.expectPassword(Attempt{"alice", right, abroad}, Throttled, 0)
	w.clock.add(freshFor)
	w.expectPassword(alice(right), NotFresh, 0)
	for err, want := range map[error]Reason{
		password.ErrBusy: Busy, fmt.Errorf("wrapped: %w", password.ErrBusy): Busy, context.Canceled: NotFresh,
		errors.New("the disk is on fire"): NotFresh, invalid("no"): Malformed, ErrWrongPassword: WrongPassword,
		&BrakeError{}: Throttled, &BrakeError{Locked: true}: Locked,
	} {
		if got := reasonOf(err); got != want {
			t.Errorf("%v: %s, want %s", err, got, want)
		}
	}
}

func TestARememberedPasswordIsForgottenByAChange(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, r *Registry) error{
		"of the password": func(t *testing.T, r *Registry) error {
			_, err := r.SetPassword(t.Context(), "test", "alice", newer)
			return err
		},
		"of the state": func(t *testing.T, r *Registry) error {
			_, err := r.DisableUser(t.Context(), "test", "alice")
			return err
		},
		"of what there is": func(t *testing.T, r *Registry) error {
			return r.DeleteUser(t.Context(), "test", "alice")
		},
		"of who it is": func(t *testing.T, r *Registry) error {
			err := r.DeleteUser(t.Context(), "test", "alice")
			_, again := r.AddUser(t.Context(), "test", NewUser{Username: "alice", Password: newer})
			return errors.Join(err, again)
		},
	} {
		for _, elsewhere := range []bool{false, true} {
			w := newWorld(t)
			w.setPassword("alice", right)
			w.expectPassword(alice(right), Accepted, 1)
			if elsewhere {
				w.must(nil, change(t, openRegistry(t, w.config)))
				// Another process is seen within one look.
				w.later(0)
			} else {
				w.must(nil, change(t, w.Registry))
			}
			if _, got, err := w.mirror.CheckPassword(t.Context(), alice(right)); got != WrongPassword || !errors.Is(err, ErrWrongPassword) {
				t.Errorf("a change %s, by another process %t: %s, %v", name, elsewhere, got, err)
			}
		}
	}
}

func TestOtherChangesOfAUserForgetNothing(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	w.expectPassword(alice(right), Accepted, 1)
	w.must(w.EditUser(t.Context(), "test", "alice", UserEdit{Roles: &[]string{"reader"}}))
	w.issue("ci")
	caller, reason, _ := w.mirror.CheckPassword(t.Context(), alice(right))
	if reason != Accepted || caller.User.RoleList != "reader" {
		t.Errorf("%s, roles %s", reason, caller.User.RoleList)
	}
	w.expectPassword(alice(right), Accepted, 0)
}

func TestMemoryThatIsLoadedAnewKnowsNoProofs(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	w.expectPassword(alice(right), Accepted, 1)
	if err := w.mirror.reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.expectPassword(alice(right), Accepted, 1)
	w.expectPassword(alice(right), Accepted, 0)
}

func TestAUserOfAnotherProcessIsFoundAtOnce(t *testing.T) {
	w := newWorld(t)
	other := openRegistry(t, w.config)
	w.must(other.AddUser(t.Context(), "test", NewUser{Username: "bob", Password: right}))
	w.expectPassword(Attempt{"bob", right, home}, Accepted, 1)
	w.must(other.SetPassword(t.Context(), "test", "bob", newer))
	w.expectPassword(Attempt{"bob", newer, home}, Accepted, 1)
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	var m remembered
	at := store.FailurePlace{Name: "alice", Source: "192.0.2.0/24"}
	key := func(i int) (v credential.Verifier) {
		v[0], v[1], v[2] = byte(i), byte(i>>8), byte(i>>16)
		return v
	}
	keep := func(i int, until, now time.Time) {
		t.Helper()
		m.keep(at, key(i), proof{until: until}, now)
		if n := len(m.places[at.Source][at.Name]); n != m.size || n > maxRemembered {
			t.Fatalf("%d are remembered, %d are counted", n, m.size)
		}
		if _, known := m.find(at, key(i)); !known {
			t.Fatal("the last one is not remembered")
		}
	}
	for i := range maxRemembered + 100 {
		keep(i, began.Add(rememberedFor), began)
	}
	// What is over goes first.
	for i := 0; m.size < maxRemembered; i++ {
		keep(i, began.Add(rememberedFor), began)
	}
	keep(1<<20, began.Add(time.Hour), began.Add(rememberedFor))
	if m.size != 1 {
		t.Errorf("%d are remembered when the others are over", m.size)
	}
	m.sweep(began.Add(time.Hour - 1))
	if m.size != 1 {
		t.Errorf("%d are left before it is over", m.size)
	}
	m.sweep(began.Add(time.Hour))
	if m.size != 0 || len(m.places) != 0 {
		t.Errorf("%d are left when all are over", m.size)
	}
}

// Memory answers much faster than a hash, and does not count: while somebody
// guesses it must not tell him when he is right.
func TestMemoryDoesNotHelpWhoGuesses(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	w.addUser("bob")
	w.setPassword("bob", right)
	bob := Attempt{"bob", right, home}
	w.expectPassword(alice(right), Accepted, 1)
	w.expectPassword(bob, Accepted, 1)
	w.expectPassword(alice(wrong), WrongPassword, 1)
	w.expectPassword(bob, Accepted, 0)
	// What is forgotten is proven anew.
	w.expectPassword(alice(right), Accepted, 1)
	w.fail(DefaultFailures-1, alice(wrong))
	w.expectPassword(alice(wrong), WrongPassword, 1)
	w.expectPassword(alice(right), Locked, 1)
	for i := range sourceFactor * DefaultFailures {
		_ = w.try(Attempt{fmt.Sprintf("nobody%d", i), wrong, home})
	}
	w.expectPassword(bob, Accepted, 0)
	w.expectPassword(Attempt{"carol", wrong, home}, Throttled, 0)
	w.expectPassword(bob, Throttled, 0)
}

// Changes wait for memory to follow, proofs bring memory up to date, and memory
// may be loaded anew meanwhile: nothing of that may wait for another for ever.
func TestPasswordsAreCheckedDuringChanges(t *testing.T) {
	w := newWorld(t, hashing(4, 64))
	w.setPassword("alice", right)
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	var running sync.WaitGroup
	for i := range 4 {
		running.Go(func() {
			for range 50 {
				_, reason, err := w.mirror.CheckPassword(ctx, Attempt{"alice", right, netip.AddrFrom4([4]byte{10, 0, byte(i), 1})})
				if reason == NotFresh || reason == Accepted != (err == nil) {
					t.Errorf("%s, %v", reason, err)
				}
			}
		})
	}
	running.Go(func() {
		for range 50 {
			w.must(w.DisableUser(ctx, "test", "alice"))
			w.must(w.EnableUser(ctx, "test", "alice"))
			w.must(w.SetPassword(ctx, "test", "alice", right))
		}
	})
	running.Go(func() {
		for range 50 {
			w.mirror.turn <- struct{}{}
			err := w.mirror.reload(ctx)
			w.mirror.release()
			if err != nil {
				t.Error(err)
			}
		}
	})
	running.Wait()
	if ctx.Err() != nil {
		t.Error("it took longer than a minute")
	}
}
