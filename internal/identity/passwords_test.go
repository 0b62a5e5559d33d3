package identity

import (
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sallyport/sallyport/internal/password"
	"github.com/sallyport/sallyport/internal/store"
)

func TestAUserCanBeAddedWithAPassword(t *testing.T) {
	w := newWorld(t)
	u, err := w.AddUser(t.Context(), "test", NewUser{Username: "bob", Password: right})
	if err != nil || u.State != store.Active {
		t.Fatalf("%+v, %v", u, err)
	}
	if err := w.try(Attempt{"bob", right, home}); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"short", "\xff", strings.Repeat("x", 1025)} {
		if _, err := w.AddUser(t.Context(), "test", NewUser{Username: "carol", Password: bad}); err == nil {
			t.Errorf("the password %.10q is taken", bad)
		}
	}
	if _, err := w.User(t.Context(), "carol"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the user was added without: %v", err)
	}
}

func TestPasswordsThatCannotBeSet(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	n := w.hashes(func() {
		for name, test := range map[string]struct{ user, text, want string }{
			"too short":     {"alice", "x7!kQ", "Password needs to be at least 12 characters"},
			"common":        {"alice", "password123456", "Password is too common"},
			"the user name": {"alice", "alicealicealice", "Password must not be the user name"},
			"empty":         {"alice", "", "this one is empty"},
			"too long":      {"alice", strings.Repeat("x", 1025), "this one has 1025 bytes"},
			"not UTF-8":     {"alice", right + "\xff", "this one is not UTF-8"},
		} {
			_, err := w.SetPassword(t.Context(), "test", test.user, test.text)
			if _, invalid := errors.AsType[*InvalidError](err); !invalid || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	if n != 0 {
		t.Errorf("%d hashes", n)
	}
	if err := w.try(alice(right)); err != nil {
		t.Errorf("the old one: %v", err)
	}
	if _, err := w.SetPassword(t.Context(), "test", "nobody", newer); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
	if _, err := w.SetPassword(t.Context(), "test", "a b", newer); err == nil {
		t.Error("what is no name has a password")
	}
	if _, err := w.SetPassword(t.Context(), "", "alice", newer); err == nil {
		t.Error("nobody has set a password")
	}
}

func TestThePolicyCanBeChanged(t *testing.T) {
	w := newWorld(t)
	if err := w.Use(Settings{Passwords: password.Policy{MinLength: 20}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.SetPassword(t.Context(), "test", "alice", "x7!kQ-81kdm.92"); err == nil {
		t.Error("14 characters are taken where 20 are needed")
	}
	w.setPassword("alice", right)
}

func TestAUserChangesThePassword(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	if _, err := w.ChangePassword(t.Context(), "user:alice", alice(wrong), newer); !errors.Is(err, ErrWrongPassword) {
		t.Errorf("with a wrong old one: %v", err)
	}
	if got := w.counts(alice("")); got != [3]int{1, 1, 1} {
		t.Errorf("that counts as a failure: %v", got)
	}
	// One that cannot be set is told at once: it is no attempt.
	n := w.hashes(func() {
		if _, err := w.ChangePassword(t.Context(), "user:alice", alice(wrong), "short"); err == nil || isBrakeOrWrong(err) {
			t.Errorf("to one that is too short: %v", err)
		}
	})
	if n != 0 {
		t.Errorf("%d hashes", n)
	}
	w.must(w.ChangePassword(t.Context(), "user:alice", alice(right), newer))
	if err := w.try(alice(newer)); err != nil {
		t.Errorf("the new one: %v", err)
	}
	if err := w.try(alice(right)); !errors.Is(err, ErrWrongPassword) {
		t.Errorf("the old one: %v", err)
	}
	w.fail(DefaultFailures-1, alice(""))
	if _, err := w.ChangePassword(t.Context(), "user:alice", alice(newer), right); !braked(t, err).Locked {
		t.Error("a lock does not hold here")
	}
}

func isBrakeOrWrong(err error) bool {
	_, braked := errors.AsType[*BrakeError](err)
	return braked || errors.Is(err, ErrWrongPassword)
}

// during is a source of random bytes that does something, once, when it is read:
// that is how a test gets between two steps.
type during struct {
	io.Reader
	do atomic.Pointer[func()]
}

func (d *during) Read(p []byte) (int, error) {
	if f := d.do.Swap(nil); f != nil {
		(*f)()
	}
	return d.Reader.Read(p)
}

// What changes while a password is being proven counts, not what was before.
func TestWhatChangesDuringALogInCounts(t *testing.T) {
	type change func(t *testing.T, r *Registry) error
	for name, change := range map[string]change{
		"the password is changed": func(t *testing.T, r *Registry) error {
			_, err := r.SetPassword(t.Context(), "test", "alice", newer)
			return err
		},
		"the user is disabled": func(t *testing.T, r *Registry) error {
			_, err := r.DisableUser(t.Context(), "test", "alice")
			return err
		},
		"the user is deleted": func(t *testing.T, r *Registry) error { return r.DeleteUser(t.Context(), "test", "alice") },
		"the user is another one": func(t *testing.T, r *Registry) error {
			err := r.DeleteUser(t.Context(), "test", "alice")
			_, again := r.AddUser(t.Context(), "test", NewUser{Username: "alice", Password: right})
			return errors.Join(err, again)
		},
	} {
		for step, salt := range map[string]bool{"while it is proven": true, "before the session begins": false} {
			random := &during{Reader: rand.Reader}
			w := newWorld(t)
			w.setPassword("alice", right)
			other := openRegistry(t, w.config)
			// The salt of a new hash is read after the old one was compared, the
			// id of the session after the proof.
			if salt {
				w.config.Hashing.Params.Time++
				w.config.Hashing.Random = random
			} else {
				w.config.Random = random
			}
			w.restart()
			var err error
			f := func() { err = change(t, other) }
			random.do.Store(&f)
			var got error
			if salt {
				// A request with the password is a proof and no more.
				_, got = w.prove(t.Context(), alice(right))
			} else {
				got = w.try(alice(right))
			}
			if !errors.Is(got, ErrWrongPassword) || err != nil {
				t.Errorf("%s %s: %v, %v", name, step, got, err)
			}
			if random.do.Load() != nil {
				t.Errorf("%s %s: nothing has happened", name, step)
			}
			if list, err := w.Sessions(t.Context(), "", "", 10); err != nil || len(list) != 0 {
				t.Errorf("%s %s: there is a session: %+v, %v", name, step, list, err)
			}
		}
	}
}

func TestAPasswordIsNotChangedOverAnotherChange(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	other := openRegistry(t, w.config)
	random := &during{Reader: rand.Reader}
	w.config.Hashing.Random = random
	w.restart()
	const third = "a third battery for the horse"
	f := func() { w.must(other.SetPassword(t.Context(), "test", "alice", newer)) }
	random.do.Store(&f)
	if _, err := w.ChangePassword(t.Context(), "user:alice", alice(right), third); !errors.Is(err, ErrWrongPassword) {
		t.Errorf("%v", err)
	}
	if err := w.try(alice(newer)); err != nil {
		t.Errorf("the one that was first: %v", err)
	}
}

func TestPasswordsAreNotInTheAuditTrail(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	w.must(w.AddUser(t.Context(), "test", NewUser{Username: "bob", Password: newer}))
	for _, e := range w.events("") {
		if strings.Contains(e.Detail, right) || strings.Contains(e.Detail, newer) || strings.Contains(e.Detail, "argon2id") {
			t.Errorf("%+v", e)
		}
	}
	if got := w.hashName("alice"); strings.Contains(got, "alice") || got == w.hashName("bob") || len(got) != 32 {
		t.Errorf("a name is hashed to '%s'", got)
	}
}
