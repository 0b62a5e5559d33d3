package identity

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/bench/cputime"
	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/password"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// crowd is a mirror of tokens without a database, with the words that open it,
// in random order.
type crowd struct {
	mirror *Mirror
	words  []string
}

// populateTokens makes so many tokens; each may lie unused for a day.
func populateTokens(tb testing.TB, kind credential.TokenKind, tokens int) *crowd {
	tb.Helper()
	p := newPopulation(tb, 0)
	c, all := &crowd{}, make([]store.Token, tokens)
	for i := range all {
		word, err := credential.NewToken(p.random, kind, userID(i%benchUsers))
		if err != nil {
			tb.Fatal(err)
		}
		c.words = append(c.words, word.Reveal())
		verifier := p.pepper.Verifier(word.Reveal())
		all[i] = store.Token{
			ID: verifier.ID().String(), UserID: userID(i % benchUsers), Kind: kind, Verifier: verifier, Pepper: 1, Scopes: principal.Read,
			Expires: time.Unix(4_000_000_000, 0), Idle: 24 * time.Hour, LastUsed: time.Now(),
		}
	}
	slices.SortFunc(all, func(a, b store.Token) int { return bytes.Compare([]byte(a.ID), []byte(b.ID)) })
	l, err := newLoader(onePepper(p.pepper))
	if err != nil {
		tb.Fatal(err)
	}
	for i := range benchUsers {
		if err := l.user(&store.User{ID: userID(i), Username: userID(i), Fold: userID(i), State: store.Active}); err != nil {
			tb.Fatal(err)
		}
	}
	for i := range all {
		if err := l.token(&all[i]); err != nil {
			tb.Fatal(err)
		}
	}
	c.mirror = mirrorOf(l.finish())
	return c
}

// BenchmarkCheckToken is a whole check of an accepted token, among 100,000.
func BenchmarkCheckToken(b *testing.B) {
	for _, kind := range tokenKinds {
		b.Run(string(kind), func(b *testing.B) {
			c, i := populateTokens(b, kind, 100_000), 0
			circumstances := at(Circumstances{})
			b.ReportAllocs()
			start := cputime.Used()
			for b.Loop() {
				if _, reason := c.mirror.CheckToken(kind, c.words[i], circumstances); reason != Accepted {
					b.Fatal(reason)
				}
				if i++; i == len(c.words) {
					i = 0
				}
			}
			cputime.Report(b, start)
		})
	}
}

// BenchmarkCheckPassword is a request whose password is remembered.
func BenchmarkCheckPassword(b *testing.B) {
	w := newWorld(b)
	w.setPassword("alice", right)
	b.ReportAllocs()
	start := cputime.Used()
	for b.Loop() {
		if _, reason, err := w.mirror.CheckPassword(b.Context(), alice(right)); reason != Accepted {
			b.Fatal(reason, err)
		}
	}
	cputime.Report(b, start)
}

// BenchmarkLogIn tells how long each outcome of a proof takes, in the middle, with
// real parameters: whoever attempts must not see by the time why he is refused.
// The outcomes take turns, so that what else the machine does meets all alike.
func BenchmarkLogIn(b *testing.B) {
	w := newWorld(b, func(c *Config) { c.Hashing = password.Config{} })
	w.setPassword("alice", right)
	for _, name := range []string{"disabled", "without"} {
		w.addUser(name)
	}
	w.setPassword("disabled", right)
	w.must(w.DisableUser(b.Context(), "test", "disabled"))
	locked := Attempt{"alice", right, home}
	w.setFailures(locked, DefaultFailures, 0, 0)
	paths := []struct {
		name    string
		attempt Attempt
		took    []time.Duration
	}{
		{name: "right", attempt: alice(right)},
		{name: "wrong", attempt: alice(wrong)},
		{name: "unknown", attempt: Attempt{"nobody", right, home}},
		{name: "disabled", attempt: Attempt{"disabled", right, home}},
		{name: "without", attempt: Attempt{"without", right, home}},
		{name: "locked", attempt: locked},
	}
	for b.Loop() {
		for i := range paths {
			p := &paths[i]
			if p.name != "locked" {
				// Each from another network, so that none is locked.
				p.attempt.Address = anywhere(b)
			}
			began := time.Now()
			_, err := w.prove(b.Context(), p.attempt)
			p.took = append(p.took, time.Since(began))
			if _, braked := errors.AsType[*BrakeError](err); (err == nil) != (p.name == "right") || braked != (p.name == "locked") {
				b.Fatal(p.name, err)
			}
		}
	}
	for _, p := range paths {
		slices.Sort(p.took)
		b.ReportMetric(float64(p.took[len(p.took)/2].Microseconds())/1000, p.name+"-ms")
	}
}

// anywhere is an address in a network of its own.
func anywhere(tb testing.TB) netip.Addr {
	tb.Helper()
	var a [16]byte
	if _, err := rand.Read(a[:]); err != nil {
		tb.Fatal(err)
	}
	binary.BigEndian.PutUint32(a[:], 0x20010db8)
	return netip.AddrFrom16(a)
}
