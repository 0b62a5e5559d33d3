package identity

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/bench/cputime"
	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// population is an index of keys as the loader makes it, without a database.
// The same number of keys gives the same population in every run.
type population struct {
	mirror *Mirror
	// words are the keys in random order. They lie in memory in that order, as
	// if each had just come in with its request.
	words []string
	// ids are the keys' ids, sorted.
	ids    []credential.KeyID
	pepper *credential.Pepper
	random *rand.ChaCha8
}

// benchUsers is the number of users that own the keys of a population.
const benchUsers = 1000

// populate makes a population; each key has a word that opens it.
func populate(tb testing.TB, keys int) *population {
	tb.Helper()
	p := newPopulation(tb, keys)
	var text strings.Builder
	verifiers := make([]credential.Verifier, keys)
	ends := make([]int, keys)
	for i, at := range rand.New(p.random).Perm(keys) {
		word, err := credential.NewKey(p.random, credential.DefaultPrefix, p.ids[at])
		if err != nil {
			tb.Fatal(err)
		}
		verifiers[at] = p.pepper.Verifier(word.Reveal())
		text.WriteString(word.Reveal())
		ends[i] = text.Len()
	}
	for i, from := 0, 0; i < keys; i++ {
		p.words = append(p.words, text.String()[from:ends[i]])
		from = ends[i]
	}
	p.mirror = mirrorOf(p.load(tb, func(i int) credential.Verifier { return verifiers[i] }))
	return p
}

// newPopulation makes ids and pepper only.
func newPopulation(tb testing.TB, keys int) *population {
	tb.Helper()
	p := &population{random: rand.NewChaCha8([32]byte{1}), ids: make([]credential.KeyID, keys)}
	var err error
	if p.pepper, err = credential.NewPepper(p.random); err != nil {
		tb.Fatal(err)
	}
	for i := range p.ids {
		if p.ids[i], err = credential.NewKeyID(p.random); err != nil {
			tb.Fatal(err)
		}
	}
	slices.SortFunc(p.ids, func(a, b credential.KeyID) int { return bytes.Compare(a[:], b[:]) })
	return p
}

func onePepper(p *credential.Pepper) *pepperSet {
	return &pepperSet{ids: []int64{1}, list: []*credential.Pepper{p}}
}

// load fills an index through the loader, in the order of the ids.
func (p *population) load(tb testing.TB, verifier func(i int) credential.Verifier) *index {
	tb.Helper()
	l, err := newLoader(onePepper(p.pepper))
	if err != nil {
		tb.Fatal(err)
	}
	for i := range benchUsers {
		u := store.User{ID: userID(i), Username: userID(i), Fold: userID(i), State: store.Active, Roles: []string{"reader"}}
		if err := l.user(&u); err != nil {
			tb.Fatal(err)
		}
	}
	for i := range p.ids {
		if err := l.key(p.key(i, verifier(i))); err != nil {
			tb.Fatal(err)
		}
	}
	return l.finish()
}

func (p *population) key(i int, v credential.Verifier) *store.Key {
	return &store.Key{
		ID: p.ids[i].String(), UserID: userID(i % benchUsers), Name: "laptop", Verifier: v, Pepper: 1,
		Scopes: principal.Read, Expires: time.Unix(4_000_000_000, 0),
	}
}

func userID(i int) string { return fmt.Sprintf("user-%d", i) }

// mirrorOf makes a mirror that is fresh for ever.
func mirrorOf(x *index) *Mirror {
	m := &Mirror{now: time.Now, began: time.Now(), loaded: make(chan struct{})}
	m.index.Store(x)
	m.freshUntil.Store(math.MaxInt64)
	close(m.loaded)
	return m
}

// noVerifiers fills an index in which no key can be proven, which is enough
// where only its size and shape count.
func noVerifiers(int) credential.Verifier { return credential.Verifier{} }

// BenchmarkCheck is a whole check of an accepted key: of a hundred keys that
// are in use, and of all keys in random order, so that each one comes from main
// memory, which is the worst case.
func BenchmarkCheck(b *testing.B) {
	for _, keys := range []int{1_000, 100_000, 1_000_000} {
		p := populate(b, keys)
		p.useAll()
		for name, used := range map[string]int{"hundred": 100, "all": keys} {
			b.Run(fmt.Sprintf("keys=%d/used=%s", keys, name), func(b *testing.B) { p.check(b, p.words[:used]) })
		}
	}
}

func (p *population) check(b *testing.B, words []string) {
	b.Helper()
	c, i := at(Circumstances{}), 0
	b.ReportAllocs()
	start := cputime.Used()
	for b.Loop() {
		presented := credential.Presented{Kind: credential.Bearer, Word: words[i]}
		if _, reason := p.mirror.Check(&presented, c); reason != Accepted {
			b.Fatal(reason)
		}
		if i++; i == len(words) {
			i = 0
		}
	}
	cputime.Report(b, start)
}

// useAll uses every key once, since the first use of a key in a minute costs
// more than the others.
func (p *population) useAll() {
	for _, word := range p.words {
		p.mirror.Check(&credential.Presented{Kind: credential.Bearer, Word: word}, at(Circumstances{}))
	}
}

// BenchmarkCheckRefused is what attackers can ask for.
func BenchmarkCheckRefused(b *testing.B) {
	p := populate(b, 100_000)
	for _, attempt := range refusedAttempts(b, p) {
		b.Run(attempt.reason.String(), func(b *testing.B) {
			presented := credential.Presented{Kind: credential.Bearer, Word: attempt.word}
			c := at(Circumstances{})
			b.ReportAllocs()
			start := cputime.Used()
			for b.Loop() {
				if _, reason := p.mirror.Check(&presented, c); reason != attempt.reason {
					b.Fatal(reason)
				}
			}
			cputime.Report(b, start)
		})
	}
}

type attempt struct {
	reason Reason
	word   string
}

func refusedAttempts(tb testing.TB, p *population) []attempt {
	tb.Helper()
	word := func(id credential.KeyID) string {
		w, err := credential.NewKey(p.random, credential.DefaultPrefix, id)
		if err != nil {
			tb.Fatal(err)
		}
		return w.Reveal()
	}
	stranger, err := credential.NewKeyID(p.random)
	if err != nil {
		tb.Fatal(err)
	}
	good := p.words[0]
	return []attempt{
		{UnknownKey, word(stranger)},
		{WrongSecret, word(p.ids[0])},
		{Malformed, "0" + good[1:]},
	}
}

// BenchmarkCheckParallel shows what all processors at once cost each other.
func BenchmarkCheckParallel(b *testing.B) {
	p := populate(b, 100_000)
	p.useAll()
	b.ReportAllocs()
	b.ResetTimer()
	start := cputime.Used()
	b.RunParallel(func(pb *testing.PB) {
		c, i := at(Circumstances{}), rand.IntN(len(p.words))
		for pb.Next() {
			presented := credential.Presented{Kind: credential.Bearer, Word: p.words[i]}
			if _, reason := p.mirror.Check(&presented, c); reason != Accepted {
				b.Error(reason)
			}
			if i++; i == len(p.words) {
				i = 0
			}
		}
	})
	cputime.Report(b, start)
}

// BenchmarkRevoke is what one change costs in memory: a shard is copied, not
// the index.
func BenchmarkRevoke(b *testing.B) {
	for _, keys := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			p := newPopulation(b, keys)
			x := p.load(b, noVerifiers)
			i := 0
			b.ReportAllocs()
			start := cputime.Used()
			for b.Loop() {
				k := p.key(i, credential.Verifier{})
				k.Revoked = time.Unix(1, 0)
				if err := x.putKey(k); err != nil {
					b.Fatal(err)
				}
				// A large prime leads through the index in no order.
				i = (i + 611_953) % keys
			}
			cputime.Report(b, start)
		})
	}
}

// BenchmarkEditUser is a change of one user among as many.
func BenchmarkEditUser(b *testing.B) {
	for _, users := range []int{1_000, 100_000} {
		b.Run(fmt.Sprintf("users=%d", users), func(b *testing.B) {
			x, all := newIndex(), make([]store.User, users)
			for i := range all {
				all[i] = store.User{ID: userID(i), Username: userID(i), Fold: userID(i), State: store.Active}
			}
			x.putUsers(all)
			i := 0
			b.ReportAllocs()
			start := cputime.Used()
			for b.Loop() {
				x.putUsers(all[i : i+1])
				i = (i + 611_953) % users
			}
			cputime.Report(b, start)
		})
	}
}

// BenchmarkMemory fills an index with a million keys and reports what it keeps
// alive, and how much longer one full collection takes because of it.
func BenchmarkMemory(b *testing.B) {
	const keys = 1_000_000
	p := newPopulation(b, keys)
	for b.Loop() {
		without, before := collect()
		x := p.load(b, noVerifiers)
		with, after := collect()
		b.ReportMetric(float64(after-before)/keys, "live-B/key")
		b.ReportMetric(float64(with.Microseconds())/1000, "gc-ms")
		b.ReportMetric(float64((with-without).Microseconds())/1000, "gc-ms-longer")
		runtime.KeepAlive(x)
	}
}

// collect returns how long a full collection takes, at its shortest, and what
// it leaves.
func collect() (took time.Duration, live uint64) {
	took = time.Hour
	for range 5 {
		start := time.Now()
		runtime.GC()
		took = min(took, time.Since(start))
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return took, m.HeapAlloc
}
