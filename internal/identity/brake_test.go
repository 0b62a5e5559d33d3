package identity

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
	// Of two at the same moment the one that is left has a time.
	f, before = store.Failures{}, store.Failures{}
	brakes.charge(&f, second(60))
	brakes.charge(&f, second(60))
	refund(&f, &before, second(60))
	if f.Name.Count != 1 || !f.Name.Last.Equal(second(60)) {
		t.Errorf("%+v", f.Name)
	}
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
		if got := sourceOf(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	if got := sourceOf(netip.Addr{}); got != "unknown" {
		t.Errorf("no address: %s", got)
	}
}

// A count that is left must not be one of the year 1, which nobody could read any more.
func TestTheRefundOfOneOfTwoAtTheSameMomentLeavesATime(t *testing.T) {
	moment := newClock().now()
	f := store.Failures{Name: store.Failure{Count: 2, Began: moment, Last: moment}}
	refund(&f, &store.Failures{}, moment)
	if f.Name.Count != 1 || !f.Name.Last.Equal(moment) {
		t.Errorf("%+v", f.Name)
	}
}
