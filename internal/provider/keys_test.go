package provider

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/internal/accesstoken"
)

// The keys that tests publish.
const (
	oldKey = "old"
	newKey = "new"
)

// publisher has keys to be fetched.
type publisher struct {
	mu    sync.Mutex
	set   *keySet
	err   error
	takes time.Duration
	count int
}

func (p *publisher) fetch(ctx context.Context) (*keySet, error) {
	p.mu.Lock()
	p.count++
	takes := p.takes
	p.mu.Unlock()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return nil, p.err
	}
	return p.set, nil
}

// keysInTime are keys under test, with a clock of their own.
type keysInTime struct {
	*Keys
	*publisher
	t *testing.T
}

func inTime(t *testing.T, test func(t *testing.T, k keysInTime)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &publisher{set: setOf(t, oldKey)}
		k := keysInTime{newKeys(time.Now, p.fetch, func(*keySet, error, time.Duration) {}), p, t}
		defer k.close()
		test(t, k)
	})
}

func setOf(t testing.TB, ids ...string) *keySet {
	t.Helper()
	var keys []any
	for _, id := range ids {
		keys = append(keys, jwk(t, id, edKey(t)))
	}
	set, err := parseKeys(document(t, keys...))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func (k keysInTime) publishes(set *keySet) {
	k.publisher.mu.Lock()
	defer k.publisher.mu.Unlock()
	k.set, k.err = set, nil
}

func (k keysInTime) breaks() {
	k.publisher.mu.Lock()
	defer k.publisher.mu.Unlock()
	k.err = &failure{"it is broken"}
}

func (k keysInTime) is(takes time.Duration) {
	k.publisher.mu.Lock()
	defer k.publisher.mu.Unlock()
	k.takes = takes
}

// begin fetches the first keys.
func (k keysInTime) begin() {
	k.start()
	synctest.Wait()
	k.expectFetches(1)
}

func (k keysInTime) expect(kid string, want error) {
	k.t.Helper()
	_, err := k.Find(k.t.Context(), kid, "EdDSA")
	synctest.Wait()
	if !errors.Is(err, want) {
		k.t.Fatalf("'%s': %v, want %v", kid, err, want)
	}
}

// expectFetches asks how many there were since the beginning.
func (k keysInTime) expectFetches(want int) {
	k.t.Helper()
	k.publisher.mu.Lock()
	defer k.publisher.mu.Unlock()
	if k.count != want {
		k.t.Fatalf("%d fetches, want %d", k.count, want)
	}
}

func TestKeysAreFetchedBeforeAnybodyAsks(t *testing.T) {
	inTime(t, func(t *testing.T, k keysInTime) {
		if k.Usable(time.Now()) == nil || k.Generation() != 0 {
			t.Error("there are keys before any were fetched")
		}
		synctest.Wait()
		k.expectFetches(1)
		k.expect(oldKey, nil)
		k.expectFetches(1)
		if keys, at := k.List(); len(keys) != 1 || keys[0].ID != oldKey || !at.Equal(time.Now()) {
			t.Errorf("%v, %s", keys, at)
		}
	})
}

func TestWhoComesBeforeTheFirstKeysWaitsForThem(t *testing.T) {
	inTime(t, func(t *testing.T, k keysInTime) {
		k.is(4 * time.Second)
		k.start()
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if _, err := k.Find(t.Context(), oldKey, "EdDSA"); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		k.expectFetches(1)
	})
}

func TestNobodyWaitsLongerThanFiveSeconds(t *testing.T) {
	inTime(t, func(t *testing.T, k keysInTime) {
		k.is(6 * time.Second)
		k.start()
		began := time.Now()
		k.expect(oldKey, ErrUnavailable)
		if waited := time.Since(began); waited != waitAtMost {
			t.Errorf("it waited %s", waited)
		}
		// The fetch goes on without him.
		time.Sleep(time.Second)
		synctest.Wait()
		k.expect(oldKey, nil)
		k.expectFetches(1)
	})
}

func TestWhoGoesAwayWaitsNoMoreAndEndsNothing(t *testing.T) {
	inTime(t, func(t *testing.T, k keysInTime) {
		k.is(4 * time.Second)
		k.start()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := k.Find(ctx, oldKey, "EdDSA"); !errors.Is(err, ErrUnavailable) {
			t.Error(err)
		}
		k.expect(oldKey, nil)
		k.expectFetches(1)
	})
}

func TestKeysAreRefreshedInTheBackgroundByTheNextUse(t *testing.T) {
	inTime(t, func(t *testing.T, k keysInTime) {
		k.begin()
		time.Sleep(refreshEvery - time.Second)
		k.expect(oldKey, nil)
		k.expectFetches(1)
		time.Sleep(time.Second)
		k.publishes(setOf(t, newKey))
		k.is(time.Second)
		began := time.Now()
		k.expect(oldKey, nil)
		if waited := time.Since(began); waited != 0 {
			t.Errorf("it waited %s", waited)
		}
		k.expectFetches(2)
		time.Sleep(time.Second)
		synctest.Wait()
		k.expect(newKey, nil)
		k.expectFetches(2)
		k.expect(oldKey, accesstoken.ErrUnknownKey)
	})
}

// Verdicts that are remembered ask for no key; a key that the provider has taken back
// has to be missed all the same.
func TestAskingWhetherTheyAreUsableIsAUse(t *testing.T) {
	inTime(t, func(t *testing.T, k keysInTime) {
		k.begin()
		before := k.Generation()
		time.Sleep(refreshEvery)
		k.publishes(setOf(t, newKey))
		if err := k.Usable(time.Now()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		k.expectFetches(2)
		if k.Generation() == before {
			t.Error("the generation is the same")
		}
	})
}

func TestTheGenerationIsThatOfTheKeysAndNotOfTheFetch(t *testing.T) {
	inTime(t, func(t *testing.T, k keysInTime) {
		k.begin()
		before := k.Generation()
		for range 3 {
			time.Sleep(refreshEvery)
			k.expect(oldKey, nil)
		}
		k.expectFetches(4)
		if now := k.Generation(); now != before || now == 0 {
			t.Errorf("%d became %d", before, now)
		}
		k.breaks()
		time.Sleep(refreshEvery)
		k.expect(oldKey, nil)
		if k.Generation() != before {
			t.Error("a failed fetch changed it")
		}
	})
}

func TestAFailedFetchIsLeftAloneForHalfAMinute(t *testing.T) {
	inTime(t, func(t *testing.T, k keysInTime) {
		k.begin()
		k.breaks()
		time.Sleep(refreshEvery)
		k.expect(oldKey, nil)
		k.expectFetches(2)
		time.Sleep(retryAfter - time.Second)
		k.expect(oldKey, nil)
		k.expectFetches(2)
		time.Sleep(time.Second)
		k.expect(oldKey, nil)
		k.expectFetches(3)
	})
}

func TestAFirstFetchThatFailsIsTriedAgainForWhoComes(t *testing.T) {
	inTime(t, func(t *testing.T, k keysInTime) {
		k.breaks()
		k.begin()
		k.expect(oldKey, ErrUnavailable)
		wantText(t, k.Ready(t.Context()), "it is broken")
		k.expectFetches(1)
		time.Sleep(retryAfter)
		k.publishes(setOf(t, oldKey))
		k.is(time.Second)
		k.expect(oldKey, nil)
		k.expectFetches(2)
	})
}

func TestOldKeysServeForADayWhileTheProviderIsDown(t *testing.T) {
	inTime(t, func(t *testing.T, k keysInTime) {
		k.begin()
		k.breaks()
		time.Sleep(staleFor - time.Second)
		k.expect(oldKey, nil)
		if err := k.Usable(time.Now()); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		k.expect(oldKey, ErrUnavailable)
		if err := k.Usable(time.Now()); !errors.Is(err, ErrUnavailable) {
			t.Error(err)
		}
		time.Sleep(retryAfter)
		k.publishes(setOf(t, oldKey))
		k.expect(oldKey, nil)
	})
}

func TestKeysThatNobodyHasUsedForADayAreFetchedFirst(t *testing.T) {
	inTime(t, func(t *testing.T, k keysInTime) {
		k.begin()
		time.Sleep(2 * staleFor)
		k.publishes(setOf(t, newKey))
		k.is(time.Second)
		k.expect(newKey, nil)
		k.expectFetches(2)
	})
}

// TestAWithdrawnKeyIsNotServedAfterAQuietNight: one request is enough for whoever has got
// hold of a key that was withdrawn for that.
func TestAWithdrawnKeyIsNotServedAfterAQuietNight(t *testing.T) {
	inTime(t, func(t *testing.T, k keysInTime) {
		k.begin()
		k.publishes(setOf(t, newKey))
		k.is(time.Second)
		time.Sleep(unaskedFor)
		if err := k.Usable(time.Now()); !errors.Is(err, ErrUnavailable) {
			t.Error(err)
		}
		k.expect(oldKey, accesstoken.ErrUnknownKey)
		k.expect(newKey, nil)
	})
}

// TestAProviderThatHangsAfterAQuietNight holds nobody up for longer than a fetch may take.
func TestAProviderThatHangsAfterAQuietNight(t *testing.T) {
	inTime(t, func(t *testing.T, k keysInTime) {
		k.begin()
		k.is(time.Hour)
		time.Sleep(unaskedFor)
		began := time.Now()
		k.expect(oldKey, nil)
		if waited := time.Since(began); waited != waitAtMost {
			t.Errorf("it waited %s", waited)
		}
		time.Sleep(fetchTimeout)
		synctest.Wait()
		began = time.Now()
		k.expect(oldKey, nil)
		if waited := time.Since(began); waited != 0 {
			t.Errorf("it waited %s", waited)
		}
		k.close()
		time.Sleep(unaskedFor)
		k.expect(oldKey, nil)
	})
}

func TestAKeyThatIsNewIsSeenAtOnce(t *testing.T) {
	inTime(t, func(t *testing.T, k keysInTime) {
		k.begin()
		k.publishes(setOf(t, oldKey, newKey))
		k.expect(newKey, nil)
		k.expectFetches(2)
	})
}

func TestUnknownNamesLeadToOneFetchInFiveMinutes(t *testing.T) {
	inTime(t, func(t *testing.T, k keysInTime) {
		k.begin()
		k.is(time.Second)
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if _, err := k.Find(t.Context(), "guess", "EdDSA"); !errors.Is(err, accesstoken.ErrUnknownKey) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		k.expectFetches(2)
		began := time.Now()
		for time.Since(began) < seekEvery-2*time.Second {
			k.expect("another guess", accesstoken.ErrUnknownKey)
			time.Sleep(time.Second)
		}
		k.expectFetches(2)
		time.Sleep(2 * time.Second)
		k.expect("another guess", accesstoken.ErrUnknownKey)
		k.expectFetches(3)
	})
}

func TestAFetchForAnotherReasonIsNoneForUnknownNames(t *testing.T) {
	inTime(t, func(t *testing.T, k keysInTime) {
		k.begin()
		time.Sleep(refreshEvery)
		k.expect(oldKey, nil)
		k.expectFetches(2)
		k.publishes(setOf(t, newKey))
		k.expect(newKey, nil)
		k.expectFetches(3)
	})
}

// Nobody can say that a key does not exist while the provider cannot be asked.
func TestAnUnknownNameIsNotRefusedWhileTheProviderIsDown(t *testing.T) {
	inTime(t, func(t *testing.T, k keysInTime) {
		k.begin()
		k.breaks()
		k.expect(newKey, ErrUnavailable)
		k.expectFetches(2)
		for range int(seekEvery/time.Second) - 1 {
			time.Sleep(time.Second)
			k.expect(newKey, ErrUnavailable)
			k.expect(oldKey, nil)
		}
		k.expectFetches(2)
		k.publishes(setOf(t, newKey))
		time.Sleep(time.Second)
		k.expect(newKey, nil)
		k.expectFetches(3)
		k.expect(oldKey, accesstoken.ErrUnknownKey)
	})
}

func TestAFetchEndsWithItsTime(t *testing.T) {
	inTime(t, func(t *testing.T, k keysInTime) {
		k.is(time.Hour)
		k.start()
		time.Sleep(fetchTimeout)
		synctest.Wait()
		k.is(0)
		time.Sleep(retryAfter)
		k.expect(oldKey, nil)
		k.expectFetches(2)
	})
}

func TestAfterTheEndNothingIsFetched(t *testing.T) {
	inTime(t, func(t *testing.T, k keysInTime) {
		k.begin()
		k.is(time.Hour)
		time.Sleep(refreshEvery)
		k.expect(oldKey, nil)
		k.expectFetches(2)
		began := time.Now()
		k.close()
		if took := time.Since(began); took != 0 {
			t.Errorf("the end took %s", took)
		}
		time.Sleep(refreshEvery)
		k.expect(oldKey, nil)
		k.expect(newKey, ErrUnavailable)
		k.expectFetches(2)
		time.Sleep(staleFor)
		k.expect(oldKey, ErrUnavailable)
		k.expectFetches(2)
	})
	t.Run("nor at all, if it ends before it begins", func(t *testing.T) {
		inTime(t, func(t *testing.T, k keysInTime) {
			k.close()
			k.start()
			k.expect(oldKey, ErrUnavailable)
			k.expectFetches(0)
		})
	})
}

func benchmarkKeys(b testing.TB) (k *Keys, now time.Time) {
	set := setOf(b, oldKey, newKey)
	k = newKeys(time.Now, func(context.Context) (*keySet, error) { return set, nil }, func(*keySet, error, time.Duration) {})
	b.Cleanup(k.close)
	if err := k.Ready(b.Context()); err != nil {
		b.Fatal(err)
	}
	return k, time.Now()
}

func TestLookingAKeyUpAllocatesNothing(t *testing.T) {
	k, now := benchmarkKeys(t)
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		if _, err := k.Find(ctx, newKey, "EdDSA"); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("Find: %v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() {
		if k.Usable(now) != nil || k.Generation() != 1 {
			t.Error("they are not usable")
		}
	}); n != 0 {
		t.Errorf("Usable: %v allocations", n)
	}
}

func BenchmarkFind(b *testing.B) {
	k, _ := benchmarkKeys(b)
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Find(ctx, newKey, "EdDSA"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUsable(b *testing.B) {
	k, now := benchmarkKeys(b)
	b.ReportAllocs()
	for b.Loop() {
		if err := k.Usable(now); err != nil {
			b.Fatal(err)
		}
	}
}
