package cce_test

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/internal/cce"
	"github.com/sallyport/sallyport/internal/cscp"
)

var (
	office  = netip.MustParsePrefix("191.89.131.84/32")
	network = netip.MustParsePrefix("2001:db8::/64")
	limits  = cce.TokenLimits{Lifetime: 300 * time.Second, PerEntry: 3}
)

// issuing is a store of tokens under test.
type issuing struct {
	*cce.Tokens
	t     *testing.T
	mu    sync.Mutex
	ended []string
}

func issue(t *testing.T) *issuing {
	t.Helper()
	i := &issuing{t: t}
	i.Tokens = cce.NewTokens(func(s cscp.Session) {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.ended = append(i.ended, string(s.ID))
	})
	t.Cleanup(i.Close)
	return i
}

func (i *issuing) issue(entry netip.Prefix, session string, limits cce.TokenLimits) cscp.Secret {
	i.t.Helper()
	token, _, err := i.Issue(entry, cscp.Session{User: "api-admin", ID: cscp.Secret(session)}, limits)
	check(i.t, err)
	return token
}

// expect holds what a token is found to be; "" is not at all.
func (i *issuing) expect(token cscp.Secret, entry netip.Prefix, want string) {
	i.t.Helper()
	session, found := i.Find(token, entry)
	if string(session.ID) != want || found != (want != "") || found && session.User != "api-admin" {
		i.t.Errorf("session '%s', found: %v, want '%s'", string(session.ID), found, want)
	}
}

func (i *issuing) expectEnded(want ...string) {
	i.t.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	if !slices.Equal(i.ended, want) {
		i.t.Errorf("ended are %v, want %v", i.ended, want)
	}
}

func TestATokenIs64LettersAndDigitsAndUnlikeAllOthers(t *testing.T) {
	i := issue(t)
	seen := map[cscp.Secret]bool{}
	for range 50 {
		token := i.issue(office, "s", cce.TokenLimits{Lifetime: time.Hour, PerEntry: 100})
		if !regexp.MustCompile(`^[0-9A-Za-z]{64}$`).MatchString(string(token)) || seen[token] {
			t.Fatalf("'%s'", string(token))
		}
		seen[token] = true
	}
}

func TestATokenIsGoodForTheEntryItWasIssuedTo(t *testing.T) {
	i := issue(t)
	token := i.issue(office, "first", limits)
	i.expect(token, office, "first")
	i.expect(token, network, "")
	i.expect(token, netip.MustParsePrefix("191.89.131.0/24"), "")
	i.expect(token, netip.Prefix{}, "")
	i.expect(token[:63], office, "")
	i.expect(token+"x", office, "")
	i.expect("", office, "")
	i.expect(token, office, "first")
	i.expectEnded()
}

func TestATokenEndsAfterItsLifetimeWithoutBeingAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := issue(t)
		before := time.Now()
		token, expires, err := i.Issue(office, cscp.Session{User: "api-admin", ID: "first"}, limits)
		check(t, err)
		if left := expires.Sub(before); left != 300*time.Second {
			t.Errorf("it expires in %s", left)
		}
		time.Sleep(200 * time.Second)
		i.issue(network, "second", limits)
		i.issue(network, "short", cce.TokenLimits{Lifetime: 10 * time.Second, PerEntry: 3})
		time.Sleep(100*time.Second - time.Nanosecond)
		i.expect(token, office, "first")
		i.expectEnded("short")
		time.Sleep(time.Nanosecond)
		i.expect(token, office, "")
		synctest.Wait()
		i.expectEnded("short", "first")
		time.Sleep(200 * time.Second)
		synctest.Wait()
		i.expectEnded("short", "first", "second")
		if n := i.Len(); n != 0 {
			t.Errorf("%d tokens are left", n)
		}
	})
}

func TestAfterItsTimeATokenIsNotFoundEvenIfEndingOthersTakesLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := cce.NewTokens(func(cscp.Session) { time.Sleep(time.Hour) })
		var second cscp.Secret
		for range 2 {
			var err error
			second, _, err = tokens.Issue(office, cscp.Session{User: "api-admin", ID: "x"}, limits)
			check(t, err)
			time.Sleep(time.Second)
		}
		time.Sleep(300 * time.Second)
		if _, found := tokens.Find(second, office); found {
			t.Error("it is found")
		}
		tokens.Close()
	})
}

func TestByeEndsATokenAndItsSessionOnce(t *testing.T) {
	i := issue(t)
	token, other := i.issue(office, "first", limits), i.issue(office, "second", limits)
	if !i.End(token) {
		t.Error("there was none")
	}
	i.expectEnded("first")
	i.expect(token, office, "")
	i.expect(other, office, "second")
	if i.End(token) {
		t.Error("there were two")
	}
	i.expectEnded("first")
}

func TestOneTokenTooManyEndsTheOneOfItsEntryThatWouldExpireFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := issue(t)
		oldest := i.issue(office, "1", limits)
		elsewhere := i.issue(network, "elsewhere", limits)
		i.issue(office, "2", limits)
		i.issue(office, "3", limits)
		i.expectEnded()
		last := i.issue(office, "4", limits)
		i.expectEnded("1")
		i.expect(oldest, office, "")
		i.expect(last, office, "4")
		i.expect(elsewhere, network, "elsewhere")
		// The limit was lowered by a reload.
		i.issue(office, "5", cce.TokenLimits{Lifetime: time.Second, PerEntry: 1})
		i.expectEnded("1", "2", "3", "4")
	})
}

func TestAllEntriesTogetherAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := issue(t)
		for n := range 10_001 {
			entry := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}), 32)
			i.issue(entry, fmt.Sprint(n), limits)
		}
		if n := i.Len(); n != 10_000 {
			t.Errorf("%d tokens are kept", n)
		}
		i.expectEnded("0")
	})
}

func TestCloseEndsAllSessionsAndNoneIsIssuedAfterwards(t *testing.T) {
	i := issue(t)
	token := i.issue(office, "first", limits)
	i.Close()
	i.expectEnded("first")
	i.expect(token, office, "")
	if _, _, err := i.Issue(office, cscp.Session{User: "api-admin", ID: "late"}, limits); !errors.Is(err, cce.ErrTokensClosed) {
		t.Errorf("%v", err)
	}
	i.Close()
	i.expectEnded("first")
}

// Each session ends exactly once, whatever comes together.
func TestManyGoroutinesMayIssueFindAndEnd(t *testing.T) {
	i := issue(t)
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for n := range 200 {
				token := i.issue(office, fmt.Sprintf("%d-%d", worker, n), cce.TokenLimits{Lifetime: time.Millisecond, PerEntry: 5})
				i.Find(token, office)
				if n%2 == 0 {
					i.End(token)
				}
			}
		})
	}
	all.Wait()
	i.Close()
	i.mu.Lock()
	defer i.mu.Unlock()
	slices.Sort(i.ended)
	if total, once := len(i.ended), len(slices.Compact(i.ended)); total != 1600 || once != 1600 {
		t.Errorf("%d sessions have ended, %d different ones", total, once)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
