package identity

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/store"
)

// try logs in, and gives the error.
func (w *world) try(a Attempt) error {
	_, _, err := w.LogInByPassword(w.t.Context(), a, NewSession{Tokens: []NewToken{hour(credential.AppToken)}})
	return err
}

// fail makes attempts with wrong passwords.
func (w *world) fail(times int, a Attempt) {
	w.t.Helper()
	for i := range times {
		a.Password = fmt.Sprint(wrong, i)
		if err := w.try(a); !errors.Is(err, ErrWrongPassword) {
			w.t.Fatalf("wrong password %d: %v", i+1, err)
		}
	}
}

// hashes counts the hashes that are computed meanwhile.
func (w *world) hashes(meanwhile func()) uint64 {
	before := w.Hashing().Hashes
	meanwhile()
	return w.Hashing().Hashes - before
}

// braked is the BrakeError that err must be.
func braked(t testing.TB, err error) *BrakeError {
	t.Helper()
	b, ok := errors.AsType[*BrakeError](err)
	if !ok {
		t.Fatalf("not refused by the brakes: %v", err)
	}
	return b
}

// Whoever watches the time must not learn which users there are.
func TestExactlyOneHashWhateverHappens(t *testing.T) {
	locked := Attempt{Username: "locked", Password: right, Address: home}
	for name, test := range map[string]struct {
		attempt Attempt
		want    error
	}{
		"the right password":             {alice(right), nil},
		"a wrong password":               {alice(wrong), ErrWrongPassword},
		"an unknown user":                {Attempt{"nobody", right, home}, ErrWrongPassword},
		"a disabled user":                {Attempt{"disabled", right, home}, ErrWrongPassword},
		"a user without a password":      {Attempt{"without", right, home}, ErrWrongPassword},
		"a locked user":                  {locked, nil},
		"what is no user name":           {Attempt{"a b\x00\xff", right, home}, ErrWrongPassword},
		"an empty user name":             {Attempt{"", right, home}, ErrWrongPassword},
		"a user name of a megabyte":      {Attempt{strings.Repeat("x", 1<<20), right, home}, ErrWrongPassword},
		"the user name in another case":  {Attempt{"ALICE", right, home}, nil},
		"from an address that is none":   {Attempt{"alice", right, netip.Addr{}}, nil},
		"the password in another NFC":    {Attempt{"umlaut", "pa\u0308sswort pa\u0308sswort", home}, nil},
		"the password in another case":   {alice(strings.ToUpper(right)), ErrWrongPassword},
		"the password and a line end":    {alice(right + "\n"), ErrWrongPassword},
		"the password up to a NUL in it": {alice(right + "\x00"), ErrWrongPassword},
	} {
		w := newWorld(t)
		w.setPassword("alice", right)
		for _, other := range []string{"disabled", "without", "locked", "umlaut"} {
			w.addUser(other)
		}
		w.setPassword("disabled", right)
		w.must(w.DisableUser(t.Context(), "test", "disabled"))
		w.setPassword("locked", right)
		w.setPassword("umlaut", "pässwort pässwort")
		w.fail(DefaultFailures, locked)
		var err error
		n := w.hashes(func() { err = w.try(test.attempt) })
		if test.attempt == locked {
			if b := braked(t, err); !b.Locked {
				t.Errorf("%s: %v", name, err)
			}
		} else if !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
		if n != 1 {
			t.Errorf("%s: %d hashes, want 1", name, n)
		}
	}
}

func TestNoHashForWhatIsRefusedWithoutLooking(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	for i := range sourceFactor * DefaultFailures {
		w.fail(1, Attempt{Username: fmt.Sprint("user", i), Address: home})
	}
	n := w.hashes(func() {
		if b := braked(t, w.try(alice(right))); b.Locked || b.Wait != time.Minute {
			t.Errorf("%+v", b)
		}
		for name, text := range map[string]string{"empty": "", "too long": strings.Repeat("x", 1025), "no UTF-8": "\xff"} {
			if _, invalid := errors.AsType[*InvalidError](w.try(alice(text))); !invalid {
				t.Errorf("a password that is %s is looked at", name)
			}
		}
	})
	if n != 0 {
		t.Errorf("%d hashes", n)
	}
}

func TestADamagedPasswordIsAFaultAndNoRefusal(t *testing.T) {
	w := newWorld(t)
	err := w.store.Change(t.Context(), func(c *store.Change) error {
		u, err := c.UserByFold("alice")
		return errors.Join(err, c.SetPassword(&u, store.Password{PHC: "$argon2id$damaged", Changed: w.clock.now()}))
	})
	if err != nil {
		t.Fatal(err)
	}
	n := w.hashes(func() { err = w.try(alice(right)) })
	if n != 1 || err == nil || isRefusal(err) || !strings.Contains(err.Error(), "the password of user 'alice' in the store is damaged; set it anew") {
		t.Errorf("%d hashes, %v", n, err)
	}
}

// isRefusal reports whether an error says that the caller is not to be let in.
// All others mean that it cannot be found out.
func isRefusal(err error) bool {
	reason := reasonOf(err)
	return reason != NotFresh || errors.Is(err, ErrEnded)
}

func TestAPasswordIsHashedAnewWhenHashesShouldCostMore(t *testing.T) {
	w := newWorld(t)
	w.addUser("bob")
	w.setPassword("bob", right)
	w.setPassword("alice", right)
	_, words := w.logIn(alice(right), hour(credential.AppToken))
	dearer := cheap
	dearer.Time++
	w.config.Hashing.Params = dearer
	w.restart()
	w.must(w.DisableUser(t.Context(), "test", "bob"))
	if n := w.hashes(func() { _ = w.try(Attempt{"bob", right, home}) }); n != 1 {
		t.Errorf("that of a disabled user is renewed: %d hashes", n)
	}
	for i, want := range []uint64{2, 1} {
		if n := w.hashes(func() { w.logIn(alice(right), hour(credential.AppToken)) }); n != want {
			t.Errorf("log-in %d computes %d hashes, want %d", i+1, n, want)
		}
	}
	w.expectToken(words[0], Accepted)
	if err := w.try(alice(wrong)); !errors.Is(err, ErrWrongPassword) {
		t.Errorf("a wrong password: %v", err)
	}
	w.config.Hashing.Params = cheap
	w.restart()
	if n := w.hashes(func() { w.logIn(alice(right), hour(credential.AppToken)) }); n != 1 {
		t.Errorf("a hash that costs more than it must is replaced: %d hashes", n)
	}
}

func TestNamesAndPasswordsCannotBeTakenForOneAnother(t *testing.T) {
	w := newWorld(t)
	seen := map[string]Attempt{}
	for _, a := range []Attempt{
		{"alice", "x\x00y", home},
		{"alice\x00x", "y", home},
		{"alice", "x\x00y", abroad},
		{"alice", "xy", home},
		{"bob", "x\x00y", home},
	} {
		key := w.proofKey(&a)
		if same, known := seen[key]; known {
			t.Errorf("%+q and %+q are one attempt", same, a)
		}
		seen[key] = a
	}
	one, two := w.proofKey(&Attempt{"alice", right, home}), w.proofKey(&Attempt{"ALICE", right, netip.MustParseAddr("192.0.2.99")})
	if one != two {
		t.Error("the same name from the same network is two attempts")
	}
}

// People type their password where the name belongs.
func TestWhatWasTypedIsNowhereInTheClear(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	const typed = "hunter2-hunter2"
	for range DefaultFailures + 1 {
		_ = w.try(Attempt{Username: typed, Password: wrong, Address: home})
	}
	_ = w.try(alice(right))
	lockOuts, err := w.LockOuts(t.Context())
	if err != nil || len(lockOuts) != 1 {
		t.Errorf("%+v, %v", lockOuts, err)
	}
	files, err := filepath.Glob(w.config.Location.Path + "*")
	if err != nil || len(files) < 2 {
		t.Fatalf("files %v, %v", files, err)
	}
	texts := map[string]string{"the log": w.log.String(), "the list": fmt.Sprint(lockOuts), "the audit trail": fmt.Sprint(w.events(""))}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.Base(file)] = string(text)
	}
	for where, text := range texts {
		for _, secret := range []string{typed, right, wrong} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds '%s'", where, secret)
			}
		}
	}
}
