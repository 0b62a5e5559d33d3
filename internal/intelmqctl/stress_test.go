package intelmqctl

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestNoPlaceIsLostOrWon has many callers ask the same and different things, and give
// up at any moment. Afterwards the queue has as many places as before.
func TestNoPlaceIsLostOrWon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const places = 8
		c := newTestClient(t, &script{}, Config{Reads: 1, Queue: places})
		var work sync.WaitGroup
		for caller := range 12 {
			work.Go(func() {
				random := rand.New(rand.NewPCG(uint64(caller), 1))
				for range 300 {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.IntN(3000))*time.Millisecond)
					_, _ = c.Read(ctx, fmt.Sprint("caller ", caller%5), Log{ID: mustID(fmt.Sprint("bot-", random.IntN(20))), Lines: 1, Level: LevelInfo})
					cancel()
				}
			})
		}
		work.Wait()
		time.Sleep(time.Minute)
		if s := c.State(); s.Waiting != 0 || s.Running != 0 {
			t.Errorf("%d wait and %d run", s.Waiting, s.Running)
		}
		if reads := c.reads; reads.waiting != 0 || reads.taken != 0 || len(reads.turns) != 0 {
			t.Errorf("%d wait, %d are taken, turns %v", reads.waiting, reads.taken, reads.turns)
		}
	})
}
