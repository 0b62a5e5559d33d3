package intelmqctl

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const (
	argQueues = "--type json list queues"
	argWhole  = "--type json list queues-and-status"
	argStatus = "--type json status"
	argBots   = "--type json list bots"
	argPaths  = "--type json debug --get-paths"
	argCheck  = "--type json check"
)

func TestEqualReadsShareOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{}
		c := newTestClient(t, s, Config{})
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				a, err := c.Read(t.Context(), "alice", status)
				wantAnswer(t, a, err, "0\n")
				if a.Cached {
					t.Error("an answer that was waited for says that it was there")
				}
			})
		}
		all.Wait()
		wantCalls(t, s, 1)
	})
}

func TestDifferentReadsDoNotShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{}
		c := newTestClient(t, s, Config{})
		for _, cmd := range []Command{Check{}, Debug{}, Botnet{Look, Parsers}, Bot{Look, id(t, "a")}, Bot{Look, id(t, "b")}} {
			if _, err := c.Read(t.Context(), "alice", cmd); err != nil {
				t.Error(err)
			}
		}
		wantCalls(t, s, 5)
	})
}

func TestAnAnswerLivesFromTheEndOfItsCall(t *testing.T) {
	tests := []struct {
		name string
		cmd  Command
		life time.Duration
	}{
		{"a status is to be new", status, 3 * time.Second},
		{"so is a log", Log{ID: mustID("a"), Lines: 3, Level: LevelDebug}, 3 * time.Second},
		{"bots are what is installed", Bots{}, 5 * time.Minute},
		{"so is the version", Version{}, 5 * time.Minute},
		{"and so are the paths", Paths{}, 5 * time.Minute},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{}
				c := newTestClient(t, s, Config{})
				read := func() Answer {
					a, err := c.Read(t.Context(), "alice", test.cmd)
					if err != nil {
						t.Fatal(err)
					}
					return a
				}
				read()
				time.Sleep(test.life - time.Millisecond)
				if a := read(); !a.Cached {
					t.Error("the answer is dead before its time")
				}
				wantCalls(t, s, 1)
				time.Sleep(10 * time.Minute)
				if a := read(); a.Cached {
					t.Error("the answer is alive after its time")
				}
			})
		})
	}
}

func mustID(name string) ID { return ID{name} }

func TestACallEndsWithItsLastCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{}
		c := newTestClient(t, s, Config{})
		first, leaveFirst := context.WithCancel(t.Context())
		second, leaveSecond := context.WithCancel(t.Context())
		var both sync.WaitGroup
		for _, ctx := range []context.Context{first, second} {
			both.Go(func() {
				_, err := c.Read(ctx, "alice", status)
				if f := wantCause(t, err, Gone); !errors.Is(f.Err, context.Canceled) {
					t.Errorf("the failure does not tell why: %v", f.Err)
				}
			})
		}
		synctest.Wait()
		leaveFirst()
		synctest.Wait()
		if len(s.interrupted()) != 0 {
			t.Error("the call was ended though somebody waits for it")
		}
		leaveSecond()
		both.Wait()
		synctest.Wait()
		if len(s.interrupted()) != 1 {
			t.Error("the call goes on though nobody waits for it")
		}
		a, err := c.Read(t.Context(), "bob", status)
		wantAnswer(t, a, err, "1\n")
	})
}

func TestWhoComesAfterTheLastCallerHasItsOwnCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{lags: map[string]time.Duration{argStatus: time.Second}}
		c := newTestClient(t, s, Config{})
		ctx, leave := context.WithCancel(t.Context())
		go func() { _, _ = c.Read(ctx, "alice", status) }()
		synctest.Wait()
		leave()
		synctest.Wait()
		a, err := c.Read(t.Context(), "bob", status)
		wantAnswer(t, a, err, "1\n")
		if s.atOnce()[argStatus] != 1 {
			t.Error("two calls of a kind ran at once")
		}
	})
}

func TestWhoAsksAndLeavesAgainAndAgainLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{lags: map[string]time.Duration{argStatus: 5 * time.Second}}
		c := newTestClient(t, s, Config{})
		askAndLeave := func() {
			ctx, leave := context.WithCancel(t.Context())
			go func() { _, _ = c.Read(ctx, "alice", status) }()
			synctest.Wait()
			leave()
			synctest.Wait()
		}
		// The first one's process needs long to end, the second one waits for that.
		askAndLeave()
		askAndLeave()
		before := runtime.NumGoroutine()
		for range 100 {
			askAndLeave()
		}
		if after := runtime.NumGoroutine(); after > before {
			t.Errorf("%d goroutines wait for the process for nobody", after-before)
		}
		if state := c.State(); state.Running != 1 || state.Waiting != 0 {
			t.Errorf("state %+v", state)
		}
		a, err := c.Read(t.Context(), "bob", status)
		wantAnswer(t, a, err, "1\n")
		if s.atOnce()[argStatus] != 1 {
			t.Error("two calls of a kind ran at once")
		}
	})
}

func TestWhoJoinsAReadThatWaitsDoesNotWaitForTheOtherOnesReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTestClient(t, &script{}, Config{Reads: 1})
		ask := func(caller string, cmd Command) {
			go func() { _, _ = c.Read(t.Context(), caller, cmd) }()
			synctest.Wait()
		}
		for lines := range 16 {
			ask("alice", Log{mustID("a"), lines + 1, LevelDebug})
		}
		ask("alice", status)
		began := time.Now()
		_, err := c.Read(t.Context(), "bob", status)
		// The one that runs, the next one of alice, and his own.
		if took := time.Since(began); err != nil || took != 2400*time.Millisecond {
			t.Errorf("it took %s: %v", took, err)
		}
	})
}

func TestWhoJoinsAndLeavesGivesUpHisTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{}
		c := newTestClient(t, s, Config{Reads: 1})
		for _, cmd := range []Command{Bots{}, Version{}, Paths{}, status} {
			go func() { _, _ = c.Read(t.Context(), "alice", cmd) }()
			synctest.Wait()
		}
		ctx, leave := context.WithCancel(t.Context())
		go func() { _, _ = c.Read(ctx, "bob", status) }()
		synctest.Wait()
		leave()
		time.Sleep(time.Minute)
		if order := s.order(); slices.Index(order, argStatus) != 3 {
			t.Errorf("the order is %v", order)
		}
	})
}

func TestAReadHasALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{takes: map[string]time.Duration{argStatus: time.Hour}}
		c := newTestClient(t, s, Config{})
		began := time.Now()
		_, err := c.Read(t.Context(), "alice", status)
		f := wantCause(t, err, TimedOut)
		if time.Since(began) != 30*time.Second {
			t.Errorf("it took %s, want 30 s", time.Since(began))
		}
		if f.Command != "intelmqctl "+argStatus {
			t.Errorf("the failure names the command '%s'", f.Command)
		}
	})
}

func TestAFailureIsSharedAndPausedFor(t *testing.T) {
	tests := []struct {
		name         string
		takes, pause time.Duration
	}{
		{"one that comes at once, for a moment", 0, 250 * time.Millisecond},
		{"one that takes time, for as long", time.Second, time.Second},
		{"but not longer than an answer lives", 20 * time.Second, 3 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{
					takes: map[string]time.Duration{argCheck: test.takes},
					fails: map[string]string{argCheck: "broken"},
				}
				c := newTestClient(t, s, Config{})
				ask := func() {
					_, err := c.Read(t.Context(), "alice", Check{})
					if f := wantCause(t, err, Failed); !strings.Contains(f.Message, "broken") {
						t.Errorf("message '%s'", f.Message)
					}
				}
				var all sync.WaitGroup
				for range 200 {
					all.Go(ask)
				}
				all.Wait()
				wantCalls(t, s, 1)
				time.Sleep(test.pause - time.Nanosecond)
				ask()
				wantCalls(t, s, 1)
				time.Sleep(time.Nanosecond)
				ask()
				wantCalls(t, s, 2)
			})
		})
	}
}

func TestWhatIsPrintedTooLongIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{cut: map[string]bool{argCheck: true}}
		c := newTestClient(t, s, Config{})
		_, err := c.Read(t.Context(), "alice", Check{})
		wantCause(t, err, TooLong)
	})
}

func TestMemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{prints: map[string]string{argCheck: "1234567", argStatus: "1234"}}
		c := newTestClient(t, s, Config{})
		c.kept = maxKept - 10
		for _, cmd := range []Command{Check{}, status} {
			a, err := c.Read(t.Context(), "alice", cmd)
			wantAnswer(t, a, err, s.prints[strings.Join(Arguments(cmd), " ")])
		}
		if a, _ := c.Read(t.Context(), "alice", Check{}); !a.Cached {
			t.Error("what fits is not kept")
		}
		if a, _ := c.Read(t.Context(), "alice", status); a.Cached {
			t.Error("what does not fit is kept")
		}
		time.Sleep(time.Minute)
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.kept != maxKept-10 || len(c.shares) != 0 {
			t.Errorf("%d bytes and %d shares are left of what nobody asks for", c.kept-maxKept+10, len(c.shares))
		}
	})
}

func TestWhoIsRefusedLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTestClient(t, &script{}, Config{Reads: 1, Queue: 1})
		for _, cmd := range []Command{status, Check{}} {
			go func() { _, _ = c.Read(t.Context(), "alice", cmd) }()
			synctest.Wait()
		}
		for lines := range 100 {
			_, err := c.Read(t.Context(), "bob", Log{mustID("a"), lines + 1, LevelDebug})
			wantCause(t, err, Busy)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(c.shares) != 2 {
			t.Errorf("there are %d shares, want 2", len(c.shares))
		}
	})
}

func TestReadRefusesWhatChanges(t *testing.T) {
	c := newTestClient(t, &script{}, Config{})
	defer func() {
		if recover() == nil {
			t.Error("a restart was taken for a read")
		}
	}()
	_, _ = c.Read(t.Context(), "alice", Bot{Restart, mustID("a")})
}

func TestAnotherConfigurationForgetsAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, present := &script{}, &script{prints: map[string]string{argBots: "\"new\"\n"}}
		c := newTestClient(t, old, Config{})
		a, err := c.Read(t.Context(), "alice", Bots{})
		wantAnswer(t, a, err, "0\n")
		c.SetConfig(Config{Executor: present})
		a, err = c.Read(t.Context(), "alice", Bots{})
		wantAnswer(t, a, err, "\"new\"\n")
	})
}

func TestWatchHearsOfReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		heard := map[string]int{}
		var mu sync.Mutex
		note := func(what string) {
			mu.Lock()
			heard[what]++
			mu.Unlock()
		}
		s := &script{fails: map[string]string{argCheck: "broken"}}
		c := newTestClient(t, s, Config{Reads: 1, Queue: 1, Watch: Watch{
			Finished: func(name, result string, took time.Duration) {
				note("finished " + name + " " + result + " " + took.String())
			},
			Refused:   func(name string, cause Cause) { note("refused " + name + " " + string(cause)) },
			Coalesced: func(name string) { note("coalesced " + name) },
			Hit:       func(name string) { note("hit " + name) },
		}})
		var all sync.WaitGroup
		for _, cmd := range []Command{status, status, status, Check{}, Debug{}} {
			all.Go(func() { _, _ = c.Read(t.Context(), "alice", cmd) })
			synctest.Wait()
		}
		all.Wait()
		_, _ = c.Read(t.Context(), "alice", status)
		want := map[string]int{
			"finished botnet status success 800ms":   1,
			"finished check intelmqctl_failed 800ms": 1,
			"refused debug " + string(Busy):          1,
			"coalesced botnet status":                2,
			"hit botnet status":                      1,
		}
		for what, n := range want {
			if heard[what] != n {
				t.Errorf("'%s' %d times, want %d", what, heard[what], n)
			}
		}
		if len(heard) != len(want) {
			t.Errorf("heard %v", heard)
		}
	})
}

func BenchmarkCachedRead(b *testing.B) {
	s := &script{takes: map[string]time.Duration{argBots: 0}, prints: map[string]string{argBots: "{}"}}
	c := NewClient(Config{Executor: s})
	defer c.Close(context.Background())
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if _, err := c.Read(b.Context(), "alice", Bots{}); err != nil {
				b.Error(err)
			}
		}
	})
	if s.calls() != 1 {
		b.Errorf("%d calls", s.calls())
	}
}

func BenchmarkHundredEqualReads(b *testing.B) {
	s := &script{takes: map[string]time.Duration{argCheck: time.Millisecond}}
	c := NewClient(Config{Executor: s})
	defer c.Close(context.Background())
	b.ReportAllocs()
	for b.Loop() {
		before := s.calls()
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if _, err := c.Read(b.Context(), "alice", Check{}); err != nil {
					b.Error(err)
				}
			})
		}
		all.Wait()
		if calls := s.calls() - before; calls != 1 {
			b.Errorf("%d calls", calls)
		}
		c.spoil(perishable)
	}
}
