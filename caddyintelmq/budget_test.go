package caddyintelmq

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestOneCallerHasAQuarterOfTheMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b budget
		first := b.take(t.Context(), "alice", maxHeldByOne)
		start := time.Now()
		if b.take(t.Context(), "alice", 1) != nil {
			t.Error("alice gets more")
		}
		if took := time.Since(start); took != heldWait {
			t.Errorf("she has waited for %s, want %s", took, heldWait)
		}
		others := []func(){b.take(t.Context(), "bob", maxHeld), b.take(t.Context(), "carol", maxHeldByOne), b.take(t.Context(), "dave", maxHeldByOne)}
		if b.take(t.Context(), "erin", 1) != nil {
			t.Error("there is more than there is")
		}
		go func() {
			time.Sleep(time.Second)
			first()
		}()
		second := b.take(t.Context(), "alice", 1)
		if second == nil {
			t.Fatal("what was given back is not given out")
		}
		second()
		for _, giveBack := range others {
			giveBack()
		}
		if b.held != 0 || len(b.by) != 0 {
			t.Errorf("%d bytes are held by %v", b.held, b.by)
		}
	})
}

func TestWhoGoesAwayDoesNotWaitForMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b budget
		b.take(t.Context(), "alice", maxHeldByOne)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if b.take(ctx, "alice", 1) != nil || time.Since(start) != time.Second {
			t.Errorf("it took %s", time.Since(start))
		}
	})
}
