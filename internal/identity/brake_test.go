package identity

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/store"
)

// brakes are those without any setting.
var brakes = Brakes{}.withDefaults()

// began is when the tables of this file begin.
var began = newClock().now()

// second is a moment after that.
func second(n float64) time.Time { return began.Add(time.Duration(n * float64(time.Second))) }

func TestBrakes(t *testing.T) {
	free := verdict{}
	locked := func(wait float64) verdict { return verdict{locked: true, wait: second(wait).Sub(began)} }
	for name, test := range map[string]struct {
		failures []float64
		at       float64
		want     verdict
	}{
		"no failure":                        {nil, 0, free},
		"four at once":                      {[]float64{0, 0, 0, 0}, 0, free},
		"five at once":                      {[]float64{0, 0, 0, 0, 0}, 0, locked(60)},
		"five, the last a while ago":        {[]float64{0, 0, 0, 0, 0}, 59, locked(1)},
		"five, the last a minute ago":       {[]float64{0, 0, 0, 0, 0}, 60, free},
		"five within the minute":            {[]float64{0, 15, 30, 45, 59}, 59, locked(60)},
		"the wait begins with the last":     {[]float64{0, 15, 30, 45, 59}, 118, locked(1)},
		"and ends a minute later":           {[]float64{0, 15, 30, 45, 59}, 119, free},
		"five over more than a minute":      {[]float64{0, 15, 30, 45, 60}, 60, free},
		"four in each of two minutes":       {[]float64{0, 1, 2, 3, 60, 61, 62, 63}, 63, free},
		"five in the second minute":         {[]float64{0, 60, 61, 62, 63, 64}, 64, locked(60)},
		"the clock is set back a little":    {[]float64{10, 10, 10, 10, 10}, 9, locked(60)},
		"the clock is set back a minute":    {[]float64{60, 60, 60, 60, 60}, 0, free},
		"the clock is set back a day":       {[]float64{86400, 86400, 86400, 86400, 86400}, 0, free},
		"the clock jumps ahead a day":       {[]float64{0, 0, 0, 0, 0}, 86400, free},
		"set back between failures":         {[]float64{10, 10, 9, 9, 9}, 9, locked(60)},
		"set back a day between failures":   {[]float64{86400, 86400, 0, 0, 0}, 0, free},
		"back at the old time after a jump": {[]float64{0, 86400, 0, 0, 0, 0}, 0, free},
	} {
		var f store.Failures
		for _, at := range test.failures {
			brakes.charge(&f, second(at))
		}
		got := brakes.judge(&f, second(test.at))
		if got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

func TestANetworkIsThrottledForAllNames(t *testing.T) {
	var source store.Failure
	for i := range sourceFactor * DefaultFailures {
		// Another name each time: only the network has them all.
		f := store.Failures{Source: source}
		if v := brakes.judge(&f, second(float64(i))); v != (verdict{}) {
			t.Errorf("after %d failures: %+v", i, v)
		}
		brakes.charge(&f, second(float64(i)))
		source = f.Source
	}
	for at, want := range map[float64]verdict{
		20:     {throttled: true, wait: 40 * time.Second},
		59:     {throttled: true, wait: time.Second},
		60:     {},
		-1:     {throttled: true, wait: time.Minute},
		-86400: {},
	} {
		if got := brakes.judge(&store.Failures{Source: source}, second(at)); got != want {
			t.Errorf("at %v s: %+v, want %+v", at, got, want)
		}
	}
}

func TestANameThatFailsOftenIsSlowedAndNeverRefused(t *testing.T) {
	var name store.Failure
	var lags []time.Duration
	for range 18 {
		// From another network each time.
		f := store.Failures{Name: name}
		v := brakes.judge(&f, began)
		if v.locked || v.throttled {
			t.Errorf("%+v", v)
		}
		lags = append(lags, v.lag)
		brakes.charge(&f, began)
		name = f.Name
	}
	half := 500 * time.Millisecond
	want := append(make([]time.Duration, 10), half, 2*half, 4*half, 8*half, 16*half, 16*half, 16*half, 16*half)
	if diff := cmp.Diff(want, lags); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for after, want := range map[time.Duration]time.Duration{failuresKept - 1: longLag, failuresKept: 0, -time.Second: longLag, -24 * time.Hour: 0} {
		if got := brakes.judge(&store.Failures{Name: name}, began.Add(after)).lag; got != want {
			t.Errorf("%s later: %s, want %s", after, got, want)
		}
	}
	name.Count = 1 << 40
	if got := brakes.judge(&store.Failures{Name: name}, began).lag; got != longLag {
		t.Errorf("after very many: %s", got)
	}
}

func TestASuccessClearsWhatWasCountedHere(t *testing.T) {
	var f store.Failures
	for range 3 {
		brakes.charge(&f, second(0))
	}
	before := f
	brakes.charge(&f, second(30))
	refund(&f, &before, second(30))
	if f.Pair.Count != 0 || f.Name.Count != 3 || f.Source.Count != 3 || !f.Name.Last.Equal(second(0)) {
		t.Errorf("%+v", f)
	}
	// One that failed meanwhile stays the last.
	brakes.charge(&f, second(40))
	before = f
	brakes.charge(&f, second(50))
	brakes.charge(&f, second(55))
	refund(&f, &before, second(50))
	if f.Name.Count != 5 || !f.Name.Last.Equal(second(55)) {
		t.Errorf("%+v", f.Name)
	}
	refund(&store.Failures{}, &store.Failures{}, began)
}

func TestBrakesThatCannotBeMeant(t *testing.T) {
	for name, b := range map[string]Brakes{
		"no failure at all": {Failures: -1},
		"too many failures": {Failures: MaxFailures + 1},
		"too short":         {Window: time.Millisecond},
		"too long":          {Window: MaxWindow + 1},
		"negative":          {Window: -time.Minute},
	} {
		if err := b.Check(); err == nil {
			t.Errorf("%s is taken", name)
		}
		c := newConfig(t, nil)
		c.Brakes = b
		if r, err := Open(t.Context(), c); err == nil {
			t.Errorf("%s: it is open: %v", name, r.Close())
		}
	}
	for _, b := range []Brakes{{}, {Failures: 1, Window: time.Second}, {Failures: MaxFailures, Window: MaxWindow}} {
		if err := b.Check(); err != nil {
			t.Errorf("%+v: %v", b, err)
		}
	}
}

func TestSourceOf(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.7":                  "192.0.2.0/24",
		"192.0.2.255":                "192.0.2.0/24",
		"::ffff:192.0.2.7":           "192.0.2.0/24",
		"2001:db8:1:2:3:4:5:6":       "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff:ffff:0:1": "2001:db8:1:2::/64",
		"2001:db8:1:3::1":            "2001:db8:1:3::/64",
		"fe80::1%eth0":               "fe80::/64",
		"::1":                        "::/64",
		"64:ff9b::192.0.2.7":         "64:ff9b::/64",
	} {
		if got := SourceOf(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	if got := SourceOf(netip.Addr{}); got != "unknown" {
		t.Errorf("no address: %s", got)
	}
}

func TestALockIsForOneNameFromOneNetwork(t *testing.T) {
	w := newWorld(t)
	w.addUser("bob")
	w.setPassword("alice", right)
	w.setPassword("bob", right)
	word := w.issue("ci")
	_, session := w.logIn(alice(right), NewToken{credential.AppToken, Lifetime{Absolute: time.Hour}})
	w.fail(DefaultFailures, alice(""))

	b := brake(t, w.try(alice(right)))
	if want := (BrakeError{Locked: true, Failures: 5, Window: time.Minute, Wait: time.Minute}); *b != want {
		t.Errorf("%+v, want %+v", *b, want)
	}
	neighbour := alice(right)
	neighbour.Address = netip.MustParseAddr("::ffff:192.0.2.200")
	if b := brake(t, w.try(neighbour)); !b.Locked {
		t.Errorf("from the same network: %v", b)
	}
	if err := w.try(Attempt{"bob", right, home}); err != nil {
		t.Errorf("another name: %v", err)
	}
	if err := w.try(Attempt{"alice", right, abroad}); err != nil {
		t.Errorf("from elsewhere: %v", err)
	}
	if b := brake(t, w.try(alice(right))); !b.Locked {
		t.Error("a success elsewhere opens the door here")
	}
	if got := w.check(word); got != Accepted {
		t.Errorf("a key: %s", got)
	}
	w.expectToken(session[0], Accepted)
	w.logInByKey(word, hour(credential.AppToken))

	w.later(time.Minute)
	if err := w.try(alice(right)); err != nil {
		t.Errorf("a minute later: %v", err)
	}
	if got := w.counts(alice("")); got[0] != 0 {
		t.Errorf("after a success: %v", got)
	}
}

func TestAttemptsWhileLockedDoNotLengthenIt(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	w.fail(DefaultFailures, alice(""))
	for left := 60; left > 0; left -= 15 {
		if b := brake(t, w.try(alice(wrong))); b.Wait != time.Duration(left)*time.Second {
			t.Errorf("%s to wait, want %d s", b.Wait, left)
		}
		w.clock.add(15 * time.Second)
	}
	if err := w.try(alice(right)); err != nil {
		t.Error(err)
	}
}

func TestTheBrakesHoldOverARestartAndInOtherProcesses(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	w.fail(DefaultFailures-1, alice(""))
	w.restart()
	w.fail(1, alice(""))
	other := openRegistry(t, w.config)
	w.restart()
	for _, r := range []*Registry{w.Registry, other} {
		_, err := r.prove(t.Context(), alice(right))
		if b := brake(t, err); !b.Locked || b.Wait != time.Minute {
			t.Errorf("%+v", b)
		}
	}
}

func TestASlowedNameWaitsButIsNotRefused(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	for i := range 12 {
		w.fail(1, Attempt{Username: "alice", Address: netip.AddrFrom4([4]byte{10, 0, byte(i), 1})})
	}
	w.logIn(Attempt{"alice", right, abroad}, hour(credential.AppToken))
	half := 500 * time.Millisecond
	if diff := cmp.Diff([]time.Duration{half, 2 * half, 4 * half}, w.lags); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// Whoever gets in does not make it worse for himself, nor longer.
	w.later(failuresKept - time.Second)
	w.logIn(Attempt{"alice", right, abroad}, hour(credential.AppToken))
	w.later(time.Second)
	w.logIn(Attempt{"alice", right, abroad}, hour(credential.AppToken))
	if diff := cmp.Diff([]time.Duration{half, 2 * half, 4 * half, 4 * half}, w.lags); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatIsLockedTakesNobodysPlace(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	w.setFailures(alice(""), DefaultFailures, 100, 5)
	if b := brake(t, w.try(alice(right))); !b.Locked {
		t.Error(b)
	}
	if len(w.lags) != 0 {
		t.Errorf("it has waited for %v", w.lags)
	}
}

func TestOneNetworkCannotTakeAllPlacesToWait(t *testing.T) {
	var l lagging
	enter := func(source string, want int) {
		t.Helper()
		n := 0
		for l.enter(source) {
			n++
		}
		if n != want {
			t.Errorf("%d places for %s, want %d", n, source, want)
		}
	}
	enter("10.0.0.0/24", maxLaggingThere)
	l.leave("10.0.0.0/24")
	enter("10.0.0.0/24", 1)
	for i := 1; i < maxLagging/maxLaggingThere; i++ {
		enter(fmt.Sprintf("10.0.%d.0/24", i), maxLaggingThere)
	}
	enter("192.0.2.0/24", 0)
	for source, n := range l.there {
		for range n {
			l.leave(source)
		}
	}
	if l.all != 0 || len(l.there) != 0 {
		t.Errorf("left are %d, %v", l.all, l.there)
	}
}

func TestAttemptsThatWaitAreBounded(t *testing.T) {
	bubble(t, hashing(8, 64), func(t *testing.T, w *world, settle func()) {
		w.sleep = sleep
		w.setFailures(alice(""), 0, 100, 0)
		began := time.Now()
		errs, wait := w.all(20, func(i int) Attempt { return alice(fmt.Sprint(wrong, i)) })
		settle()
		if w.lagging.all != maxLaggingThere {
			t.Errorf("%d wait", w.lagging.all)
		}
		wait()
		refused := 0
		for _, err := range errs {
			if reasonOf(err) == Busy {
				refused++
			}
		}
		if refused != 20-maxLaggingThere || w.lagging.all != 0 {
			t.Errorf("%d are refused, %d still wait", refused, w.lagging.all)
		}
		if took := time.Since(began); took != longLag {
			t.Errorf("they have waited %s", took)
		}
	})
}

func TestUnlockOpensTheDoorAtOnce(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	w.fail(DefaultFailures, alice(""))
	w.fail(DefaultFailures, Attempt{Username: "alice", Address: abroad})
	w.fail(1, Attempt{Username: "bob", Address: home})
	if any, err := w.Unlock(t.Context(), "os:root", "ALICE"); !any || err != nil {
		t.Errorf("%t, %v", any, err)
	}
	if err := w.try(alice(right)); err != nil {
		t.Error(err)
	}
	if len(w.lags) != 0 {
		t.Errorf("it is still slowed: %v", w.lags)
	}
	if got := w.counts(Attempt{Username: "bob", Address: home}); got[0] != 1 {
		t.Errorf("of another name: %v", got)
	}
	if any, err := w.Unlock(t.Context(), "os:root", "alice"); any || err != nil {
		t.Errorf("a second time: %t, %v", any, err)
	}
	if _, err := w.Unlock(t.Context(), "os:root", "nobody"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
	if _, err := w.Unlock(t.Context(), "os:root", "a b"); err == nil {
		t.Error("what is no name is unlocked")
	}
	if got := len(w.events("user.unlock")); got != 2 {
		t.Errorf("%d events", got)
	}
}

func TestLockOutsAreListed(t *testing.T) {
	w := newWorld(t)
	if list, err := w.LockOuts(t.Context()); err != nil || list == nil || len(list) != 0 {
		t.Errorf("none: %v, %v", list, err)
	}
	w.setPassword("alice", right)
	w.fail(DefaultFailures-1, Attempt{Username: "carol", Address: home})
	w.clock.add(time.Second)
	w.fail(DefaultFailures, alice(""))
	w.clock.add(time.Second)
	w.fail(DefaultFailures, Attempt{Username: "nobody", Address: abroad})
	w.clock.add(time.Second)
	for i := range sourceFactor * DefaultFailures {
		w.fail(1, Attempt{Username: fmt.Sprint("user", i), Address: netip.MustParseAddr("2001:db8::1")})
	}
	w.clock.add(time.Second)
	for i := range slowFrom {
		w.fail(1, Attempt{Username: "bob", Address: netip.AddrFrom4([4]byte{10, 0, byte(i), 1})})
	}
	w.clock.add(time.Second)
	want := []LockOut{
		{Failures: 10, Kind: "slowed", Until: second(4).Add(failuresKept)},
		{Source: "2001:db8::/64", Failures: 20, Kind: "throttled", Until: second(63)},
		{Source: "198.51.100.0/24", Failures: 5, Kind: "locked", Until: second(62)},
		{User: "alice", Source: "192.0.2.0/24", Failures: 5, Kind: "locked", Until: second(61)},
	}
	list, err := w.LockOuts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w.clock.add(time.Minute)
	if list, err = w.LockOuts(t.Context()); err != nil || len(list) != 1 || list[0].Kind != "slowed" {
		t.Errorf("a minute later: %+v, %v", list, err)
	}
}

func TestAFloodOfNamesAndAddressesIsBounded(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	// Each makes three counts; a log-in apiece would take long.
	const places, kept = 3_000, 6_000
	err := w.store.Change(t.Context(), func(c *store.Change) error {
		for i := range places {
			w.clock.add(time.Millisecond)
			name, source := fmt.Sprint("name", i), fmt.Sprint("source", i)
			f := store.Failures{
				Pair:   store.Failure{FailurePlace: store.FailurePlace{Name: name, Source: source}},
				Name:   store.Failure{FailurePlace: store.FailurePlace{Name: name}},
				Source: store.Failure{FailurePlace: store.FailurePlace{Source: source}},
			}
			brakes.charge(&f, w.clock.now())
			if err := c.SetFailures(&f); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.fail(DefaultFailures, alice(""))
	expect := func(least, most int) {
		t.Helper()
		list, err := w.store.Failing(t.Context(), 1, time.Unix(0, 0), 10*places)
		if n := len(list); err != nil || n < least || n > most {
			t.Errorf("%d counts, want %d to %d: %v", n, least, most, err)
		}
	}
	expect(3*places+3, 3*places+3)
	w.must(nil, w.mirror.sweep(t.Context(), kept))
	// The three counts of a failure stay or go together.
	expect(kept, kept+2)
	if b := brake(t, w.try(alice(right))); !b.Locked {
		t.Error("the flood has opened a door")
	}
	w.clock.add(MaxWindow + time.Second)
	w.must(nil, w.mirror.sweep(t.Context(), kept))
	expect(0, 0)
}

func TestALockIsInTheAuditTrailOnce(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	for range DefaultFailures + 5 {
		_ = w.try(alice(wrong))
	}
	events := w.events("login.lock")
	if len(events) != 1 {
		t.Fatalf("%d events", len(events))
	}
	u, err := w.User(t.Context(), "alice")
	e := events[0]
	if err != nil || e.UserID != u.ID || e.Actor != "brakes" || e.Detail != "5 failures from 192.0.2.0/24" || !e.Time.Equal(w.clock.now()) {
		t.Errorf("%+v", e)
	}
}

func TestAFloodDoesNotFillTheAuditTrail(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Brakes.Failures = 1 })
	flood := func(n int) {
		for i := range n {
			w.fail(1, Attempt{Username: fmt.Sprint("user", i), Address: netip.AddrFrom4([4]byte{10, 0, byte(i), 1})})
		}
	}
	flood(100)
	if got := len(w.events("login.lock")); got != lockEventsAtOnce {
		t.Errorf("%d events, want %d", got, lockEventsAtOnce)
	}
	w.clock.add(lockEventEvery)
	w.fail(1, Attempt{Username: "one", Address: abroad})
	w.fail(1, Attempt{Username: "two", Address: abroad})
	events := w.events("login.lock")
	if len(events) != lockEventsAtOnce+1 || !strings.HasSuffix(events[0].Detail, "; 80 more such events are not listed") {
		t.Errorf("%d events, the last is %+v", len(events), events[0])
	}
}

func TestTheAuditTrailOutlivesAClockThatWasSet(t *testing.T) {
	var e lockEvents
	for range 2 * lockEventsAtOnce {
		e.take(began.Add(24 * time.Hour))
	}
	if recorded, missed := e.take(began); !recorded || missed != lockEventsAtOnce {
		t.Errorf("after the clock was set back a day: %t, %d", recorded, missed)
	}
}
