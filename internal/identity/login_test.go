package identity

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/password"
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

// brake is the BrakeError that err must be.
func brake(t testing.TB, err error) *BrakeError {
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
			if b := brake(t, err); !b.Locked {
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
		if b := brake(t, w.try(alice(right))); b.Locked || b.Wait != time.Minute {
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

// bubble runs a test whose goroutines are waited for: settle returns when all
// are blocked.
func bubble(t *testing.T, with func(*Config), test func(t *testing.T, w *world, settle func())) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with)
		w.setPassword("alice", right)
		test(t, w, synctest.Wait)
	})
}

// hashing sets how many hashes are computed and waited for at once.
func hashing(parallel, queue int) func(*Config) {
	return func(c *Config) { c.Hashing.Parallel, c.Hashing.Queue = parallel, queue }
}

// busy takes a turn to compute a hash until it is given back.
func (w *world) busy() (free func()) {
	w.t.Helper()
	turn, err := w.hasher.Reserve(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return turn.Release
}

// all makes attempts at once, and gives their errors when all have ended.
func (w *world) all(n int, which func(i int) Attempt) (errs []error, wait func()) {
	errs = make([]error, n)
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() { errs[i] = w.try(which(i)) })
	}
	return errs, running.Wait
}

func TestEqualAttemptsAtTheSameTimeAreOne(t *testing.T) {
	bubble(t, hashing(1, 64), func(t *testing.T, w *world, settle func()) {
		free := w.busy()
		n := w.hashes(func() {
			errs, wait := w.all(20, func(int) Attempt { return alice(right) })
			settle()
			free()
			wait()
			if err := errors.Join(errs...); err != nil {
				t.Error(err)
			}
		})
		if n != 1 {
			t.Errorf("%d hashes for 20 equal attempts", n)
		}
		if got := len(w.sessions("alice")); got != 20 {
			t.Errorf("%d sessions, want 20", got)
		}
		if got := w.counts(alice("")); got != [3]int{} {
			t.Errorf("failures are counted: %v", got)
		}
	})
}

func TestEqualWrongAttemptsCountOnce(t *testing.T) {
	bubble(t, hashing(1, 64), func(t *testing.T, w *world, settle func()) {
		free := w.busy()
		errs, wait := w.all(20, func(int) Attempt { return alice(wrong) })
		settle()
		free()
		wait()
		for _, err := range errs {
			if !errors.Is(err, ErrWrongPassword) {
				t.Error(err)
			}
		}
		if got := w.counts(alice("")); got != [3]int{1, 1, 1} {
			t.Errorf("counted are %v", got)
		}
	})
}

func TestManyGuessesAtOnceDoNotGetPastTheLimit(t *testing.T) {
	w := newWorld(t, hashing(8, 64))
	w.setPassword("alice", right)
	n := w.hashes(func() {
		errs, wait := w.all(20, func(i int) Attempt { return alice(fmt.Sprint(wrong, i)) })
		wait()
		compared := 0
		for _, err := range errs {
			if errors.Is(err, ErrWrongPassword) {
				compared++
			} else if b := brake(t, err); !b.Locked {
				t.Error(err)
			}
		}
		if compared != DefaultFailures {
			t.Errorf("%d guesses were compared, the limit is %d", compared, DefaultFailures)
		}
	})
	if n != 20 {
		t.Errorf("%d hashes for 20 attempts", n)
	}
}

// counts are the failures of the name from the source, of the name, and of the
// source.
func (w *world) counts(a Attempt) [3]int {
	w.t.Helper()
	record, err := w.store.LoginRecord(w.t.Context(), a.fold(), w.place(&a))
	if err != nil {
		w.t.Fatal(err)
	}
	f := record.Failures
	return [3]int{f.Pair.Count, f.Name.Count, f.Source.Count}
}

func TestTooManyHashesAtOnceAreRefusedAndNotCounted(t *testing.T) {
	bubble(t, hashing(1, 1), func(t *testing.T, w *world, settle func()) {
		free := w.busy()
		errs, wait := w.all(1, func(int) Attempt { return alice(right) })
		settle()
		for range 10 {
			if err := w.try(alice(wrong)); !errors.Is(err, password.ErrBusy) {
				t.Errorf("the queue is full: %v", err)
			}
		}
		free()
		wait()
		if errs[0] != nil {
			t.Errorf("the one in the queue: %v", errs[0])
		}
		if got := w.counts(alice("")); got != [3]int{} {
			t.Errorf("failures are counted: %v", got)
		}
		if s := w.Hashing(); s.Running != 0 || s.Queued != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestACallerWhoGoesAwayLeavesNothingBehind(t *testing.T) {
	bubble(t, hashing(1, 64), func(t *testing.T, w *world, settle func()) {
		free := w.busy()
		ctx, leave := context.WithCancel(t.Context())
		var left, stayed error
		var running sync.WaitGroup
		running.Go(func() { _, left = w.prove(ctx, alice(right)) })
		settle()
		running.Go(func() { _, stayed = w.prove(t.Context(), alice(right)) })
		settle()
		leave()
		settle()
		if !errors.Is(left, context.Canceled) {
			t.Errorf("whoever goes away is told: %v", left)
		}
		free()
		running.Wait()
		if stayed != nil {
			t.Errorf("another one who waited for the same: %v", stayed)
		}
		if s := w.Hashing(); s.Running != 0 || s.Queued != 0 {
			t.Errorf("%+v", s)
		}
		if got := w.counts(alice("")); got != [3]int{} {
			t.Errorf("failures are counted: %v", got)
		}
	})
}

func TestProofsEndWithTheRegistry(t *testing.T) {
	bubble(t, hashing(1, 64), func(t *testing.T, w *world, settle func()) {
		defer w.busy()()
		errs, wait := w.all(1, func(int) Attempt { return alice(right) })
		settle()
		w.end()
		wait()
		if err := errs[0]; !errors.Is(err, context.Canceled) || isRefusal(err) {
			t.Errorf("%v", err)
		}
	})
}

func TestAProofTakesItsTimeAndNoMore(t *testing.T) {
	bubble(t, hashing(1, 64), func(t *testing.T, w *world, settle func()) {
		defer w.busy()()
		began := time.Now()
		if err := w.try(alice(right)); !errors.Is(err, password.ErrBusy) {
			t.Errorf("%v", err)
		}
		if took := time.Since(began); took != password.DefaultWait {
			t.Errorf("it has waited %s", took)
		}
		settle()
	})
}

func TestAPanicIsAFaultAndEndsNothing(t *testing.T) {
	for name, slowed := range map[string]bool{"while it waits": true, "within a change": false} {
		w := newWorld(t)
		w.setPassword("alice", right)
		now, wait := w.now, w.sleep
		if slowed {
			w.setFailures(alice(""), 0, slowFrom, 0)
			w.sleep = func(context.Context, time.Duration) bool { panic("out of order") }
		} else {
			calls := 0
			w.now = func() time.Time {
				// The second look at the clock is within the change.
				if calls++; calls == 2 {
					panic("out of order")
				}
				return now()
			}
		}
		_, err := w.prove(t.Context(), alice(right))
		w.now, w.sleep = now, wait
		if err == nil || isRefusal(err) || !strings.Contains(err.Error(), "a password could not be checked: panic: out of order") || strings.Contains(err.Error(), right) {
			t.Errorf("%s: %v", name, err)
		}
		if err := w.try(alice(right)); err != nil {
			t.Errorf("%s: the next one: %v", name, err)
		}
		if s := w.Hashing(); s.Running != 0 || w.lagging.all != 0 {
			t.Errorf("%s: %+v, %d wait", name, s, w.lagging.all)
		}
	}
}

// setFailures writes the three counts of an attempt, as if they were of now.
func (w *world) setFailures(a Attempt, pair, name, source int) {
	w.t.Helper()
	err := w.store.Change(w.t.Context(), func(c *store.Change) error {
		record, err := c.LoginRecord(a.fold(), w.place(&a))
		f := &record.Failures
		f.Pair.Count, f.Name.Count, f.Source.Count = pair, name, source
		for _, count := range []*store.Failure{&f.Pair, &f.Name, &f.Source} {
			count.Began, count.Last = w.clock.now(), w.clock.now()
		}
		return errors.Join(err, c.SetFailures(f))
	})
	if err != nil {
		w.t.Fatal(err)
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
