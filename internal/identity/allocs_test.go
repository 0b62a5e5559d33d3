//go:build !race

// The race detector empties pools at random, so that allocations are counted
// only without it.

package identity

import (
	"runtime"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
)

// TestCheckAllocatesNothing holds the promise of Mirror.Check, for whoever
// presents what.
func TestCheckAllocatesNothing(t *testing.T) {
	p := populate(t, 10_000)
	p.useAll()
	attempts := append(refusedAttempts(t, p), attempt{Accepted, p.words[0]}, attempt{Malformed, ""}, attempt{Malformed, "swordfish"})
	for _, a := range attempts {
		presented := credential.Presented{Kind: credential.Bearer, Word: a.word}
		check(t, p, &presented, a.reason)
	}
	// A user name in another case has to be folded, which is slower; the name
	// as it was given is not.
	presented := credential.Presented{Kind: credential.Basic, User: p.owner(t), KeyName: "laptop", Word: p.words[0]}
	check(t, p, &presented, Accepted)
}

// TestActingAllocatesNothing holds the promise of Mirror.Impersonate.
func TestActingAllocatesNothing(t *testing.T) {
	w := newImpersonated(t)
	key, circumstances := present(w.key), at(Circumstances{})
	allocs := testing.AllocsPerRun(1000, func() {
		if _, got, err := w.mirror.Impersonate(t.Context(), w.bob, key, home, circumstances); got != Accepted {
			t.Errorf("%s, %v", got, err)
		}
	})
	if allocs != 0 {
		t.Errorf("acting as another user makes %v allocations, want none", allocs)
	}
}

// TestCheckTokenAllocatesNothing holds the same for tokens of all kinds.
func TestCheckTokenAllocatesNothing(t *testing.T) {
	for _, kind := range tokenKinds {
		c := populateTokens(t, kind, 1000)
		circumstances := at(Circumstances{})
		for word, want := range map[string]Reason{c.words[0]: Accepted, otherDigit(c.words[1]): UnknownToken, "": Malformed, "swordfish": Malformed} {
			c.mirror.CheckToken(kind, word, circumstances)
			allocs := testing.AllocsPerRun(1000, func() {
				if _, got := c.mirror.CheckToken(kind, word, circumstances); got != want {
					t.Errorf("%s: reason is %s, want %s", kind, got, want)
				}
			})
			if allocs != 0 {
				t.Errorf("%s: a check that ends with %s makes %v allocations, want none", kind, want, allocs)
			}
		}
	}
}

// TestCheckExternalAllocatesNothing holds the promise of Mirror.CheckExternal.
func TestCheckExternalAllocatesNothing(t *testing.T) {
	w, good := newLinked(t)
	spent := w.external("1", func(e *principal.External) { e.TokenID = "spent" })
	w.must(nil, w.SpendToken(t.Context(), spent))
	for want, e := range map[Reason]*principal.External{
		Accepted: good, Spent: spent, UnknownIdentity: w.external("2"), Expired: w.external("1", func(e *principal.External) { e.Expires = e.Issued }),
	} {
		allocs := testing.AllocsPerRun(1000, func() {
			if got := w.checkExternal(e); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
		if allocs != 0 {
			t.Errorf("a check that ends with %s makes %v allocations, want none", want, allocs)
		}
	}
}

func check(t *testing.T, p *population, presented *credential.Presented, want Reason) {
	t.Helper()
	c := at(Circumstances{})
	allocs := testing.AllocsPerRun(1000, func() {
		if _, got := p.mirror.Check(presented, c); got != want {
			t.Errorf("reason is %s, want %s", got, want)
		}
	})
	if allocs != 0 {
		t.Errorf("a check that ends with %s makes %v allocations, want none", want, allocs)
	}
}

// owner is the user of the key that words begins with.
func (p *population) owner(t *testing.T) string {
	t.Helper()
	caller, reason := p.mirror.Check(&credential.Presented{Kind: credential.Bearer, Word: p.words[0]}, at(Circumstances{}))
	if reason != Accepted {
		t.Fatal(reason)
	}
	return caller.User.Name
}

// TestRevokeCopiesOneShard: a change among many keys must not cost a second
// copy of the index. The budget is that of a shard of a million keys, which has
// 260 of them at 76 bytes each, with room for the fullest one.
func TestRevokeCopiesOneShard(t *testing.T) {
	const (
		keys   = 250_000
		budget = 64 << 10 * keys / 1_000_000
		rounds = 1000
	)
	p := newPopulation(t, keys)
	x := p.load(t, noVerifiers)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range rounds {
		k := p.key(i*(keys/rounds), credential.Verifier{})
		k.Revoked = time.Unix(1, 0)
		if err := x.putKey(k); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	perChange := (after.TotalAlloc - before.TotalAlloc) / rounds
	t.Logf("%d bytes for a change among %d keys", perChange, keys)
	if perChange > budget {
		t.Errorf("one change among %d keys allocates %d bytes, want at most %d", keys, perChange, budget)
	}
	if x.keys.size != keys {
		t.Errorf("the index has %d keys, want %d: revoked ones stay", x.keys.size, keys)
	}
}
