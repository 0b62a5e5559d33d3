package intelmqctl

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// poll asks as a page does: again when some time has passed since the answer. It
// returns how long each answer took.
func poll(t *testing.T, c *Client, cmd Command, every, during time.Duration) (waits []time.Duration) {
	for end := time.Now().Add(during); time.Now().Before(end); time.Sleep(every) {
		began := time.Now()
		if _, err := c.Read(t.Context(), "alice", cmd); err != nil {
			t.Error(err)
		}
		waits = append(waits, time.Since(began))
	}
	return waits
}

func TestNobodyWaitsWhileSomebodyKeepsAsking(t *testing.T) {
	tests := []struct {
		name  string
		cmd   Command
		every time.Duration
	}{
		{"the configuration page asks each second", QueuesAndStatus{}, time.Second},
		{"the monitor page asks for queues", Queues{}, time.Second},
		{"the management page asks each three seconds", status, 3 * time.Second},
		{"a page shows a log", Log{mustID("a"), 30, LevelDebug}, 3 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newTestClient(t, &script{}, Config{})
				waits := poll(t, c, test.cmd, test.every, time.Minute)
				// Before the second question nobody knows that there will be a third.
				for i, wait := range waits[2:] {
					if wait != 0 {
						t.Errorf("question %d took %s", i+2, wait)
					}
				}
			})
		})
	}
}

func TestTwentyTabsCostWhatOneDoes(t *testing.T) {
	pages := map[string][]struct {
		cmd   Command
		every time.Duration
	}{
		"configuration": {{QueuesAndStatus{}, time.Second}},
		"monitor":       {{Queues{}, time.Second}},
		"management":    {{status, 3 * time.Second}},
		"all pages":     {{QueuesAndStatus{}, time.Second}, {Queues{}, time.Second}, {status, 3 * time.Second}},
	}
	for name, questions := range pages {
		t.Run(name, func(t *testing.T) {
			cost := func(tabs int) (calls int) {
				synctest.Test(t, func(t *testing.T) {
					s := &script{prints: map[string]string{argWhole: wholeText}}
					c := newTestClient(t, s, Config{})
					var all sync.WaitGroup
					for i := range tabs {
						all.Go(func() {
							time.Sleep(time.Duration(i) * 137 * time.Millisecond)
							q := questions[i%len(questions)]
							poll(t, c, q.cmd, q.every, 5*time.Minute)
						})
					}
					all.Wait()
					calls = s.calls()
					for arguments, most := range s.atOnce() {
						if most > 1 {
							t.Errorf("%d calls of '%s' ran at once", most, arguments)
						}
					}
				})
				return calls
			}
			one, twenty := cost(1), cost(20)
			if one < 60 || float64(twenty) > 1.1*float64(one) {
				t.Errorf("one tab causes %d calls, twenty cause %d", one, twenty)
			}
		})
	}
}

func TestScriptsCauseNoCallsOfTheirOwn(t *testing.T) {
	tests := []struct {
		name  string
		every time.Duration
		times int
	}{
		{"one that asks once", 0, 1},
		{"one that asks now and then", 8 * time.Second, 20},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{}
				c := newTestClient(t, s, Config{})
				for range test.times {
					if _, err := c.Read(t.Context(), "alice", status); err != nil {
						t.Error(err)
					}
					time.Sleep(test.every)
				}
				time.Sleep(time.Minute)
				wantCalls(t, s, test.times)
			})
		})
	}
}

func TestCallsEndSoonAfterTheLastQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{}
		c := newTestClient(t, s, Config{})
		poll(t, c, status, time.Second, time.Minute)
		before := s.calls()
		time.Sleep(time.Hour)
		if after := s.calls(); after > before+2 {
			t.Errorf("%d calls were made for nobody", after-before)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(c.shares) != 0 {
			t.Errorf("%d shares are left", len(c.shares))
		}
	})
}

func TestSlowCallsBeginEarlyAndNotTooEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{takes: map[string]time.Duration{argStatus: 2500 * time.Millisecond}}
		c := newTestClient(t, s, Config{})
		poll(t, c, status, 500*time.Millisecond, time.Minute)
		// Half of the life, and the call.
		if got, most := s.calls(), 60/4+2; got > most {
			t.Errorf("%d calls in a minute, want %d at most", got, most)
		}
	})
}

func TestASlowPageWaitsForTheRestOfACallOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{takes: map[string]time.Duration{argStatus: 2500 * time.Millisecond}}
		c := newTestClient(t, s, Config{})
		for i, wait := range poll(t, c, status, 3*time.Second, time.Minute)[2:] {
			if wait > time.Second {
				t.Errorf("question %d took %s", i+2, wait)
			}
		}
	})
}

// begunAhead has a client begin a call of 2.5 s ahead, and waits until the answer
// before it is dead.
func begunAhead(t *testing.T, c *Client, s *script) {
	t.Helper()
	for range 2 {
		if _, err := c.Read(t.Context(), "alice", status); err != nil {
			t.Error(err)
		}
	}
	time.Sleep(3100 * time.Millisecond)
	wantCalls(t, s, 2)
}

func TestACallBegunAheadGoesOnWithoutCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{takes: map[string]time.Duration{argStatus: 2500 * time.Millisecond}}
		c := newTestClient(t, s, Config{})
		begunAhead(t, c, s)
		ctx, leave := context.WithCancel(t.Context())
		go func() { _, _ = c.Read(ctx, "bob", status) }()
		synctest.Wait()
		leave()
		time.Sleep(time.Second)
		if a, err := c.Read(t.Context(), "alice", status); err != nil || !a.Cached {
			t.Errorf("cached is %v, error %v", a.Cached, err)
		}
		if len(s.interrupted()) != 0 {
			t.Error("the call was ended")
		}
	})
}

func TestACallBegunAheadEndsWithItsCallersOnceItIsSpoilt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{takes: map[string]time.Duration{argStatus: 2500 * time.Millisecond, argRestart: 0}}
		c := newTestClient(t, s, Config{})
		begunAhead(t, c, s)
		ctx, leave := context.WithCancel(t.Context())
		go func() { _, _ = c.Read(ctx, "bob", status) }()
		synctest.Wait()
		if _, err := c.Change(t.Context(), "alice", restartA); err != nil {
			t.Error(err)
		}
		if len(s.interrupted()) != 0 {
			t.Error("the call was ended though somebody waits for it")
		}
		leave()
		synctest.Wait()
		if len(s.interrupted()) != 1 {
			t.Error("the call goes on for nobody")
		}
	})
}

func TestACallIsNotBegunForAnAnswerThatIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{prints: map[string]string{argWhole: wholeText}}
		c := newTestClient(t, s, Config{})
		for _, cmd := range []Command{Queues{}, QueuesAndStatus{}, Queues{}, QueuesAndStatus{}} {
			if _, err := c.Read(t.Context(), "alice", cmd); err != nil {
				t.Error(err)
			}
		}
		// The queues would be asked for again at 2.8 s, all at 3.6 s.
		time.Sleep(3500*time.Millisecond - 1600*time.Millisecond)
		wantCalls(t, s, 2)
		time.Sleep(time.Second)
		wantCalls(t, s, 3)
	})
}

func TestAPageWithoutQueuesDoesNotAskForThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{}
		c := newTestClient(t, s, Config{})
		var both sync.WaitGroup
		for _, cmd := range []Command{status, Bot{Look, mustID("a")}} {
			both.Go(func() { poll(t, c, cmd, time.Second, time.Minute) })
		}
		both.Wait()
		if s.atOnce()[argWhole] != 0 || s.atOnce()[argQueues] != 0 {
			t.Errorf("queues were listed though nobody wants them: %v", s.order())
		}
	})
}

func TestTheStatusIsToldWhileTheBrokerIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{fails: map[string]string{argWhole: "no broker", argQueues: "no broker"}}
		c := newTestClient(t, s, Config{Reads: 3})
		ctx, stop := context.WithCancel(t.Context())
		var others sync.WaitGroup
		for _, cmd := range []Command{Queues{}, QueuesAndStatus{}} {
			others.Go(func() {
				for ctx.Err() == nil {
					_, _ = c.Read(ctx, "bob", cmd)
					time.Sleep(time.Second)
				}
			})
		}
		waits := poll(t, c, status, time.Second, time.Minute)
		stop()
		others.Wait()
		slow := slices.DeleteFunc(waits[3:], func(wait time.Duration) bool { return wait == 0 })
		if len(slow) > 0 {
			t.Errorf("the status was waited for: %v", slow)
		}
	})
}

func TestTwoHundredPollers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{prints: map[string]string{argWhole: wholeText}}
		c := newTestClient(t, s, Config{})
		cmds := []Command{status, Queues{}, QueuesAndStatus{}, Log{mustID("a"), 30, LevelDebug}}
		var all sync.WaitGroup
		var mu sync.Mutex
		var slow []string
		for i := range 200 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 17 * time.Millisecond)
				waits := poll(t, c, cmds[i%len(cmds)], time.Second, time.Minute)
				for n, wait := range waits[4:] {
					if wait > 0 {
						mu.Lock()
						slow = append(slow, fmt.Sprint(Name(cmds[i%len(cmds)]), n, wait))
						mu.Unlock()
					}
				}
			})
		}
		all.Wait()
		for arguments, most := range s.atOnce() {
			if most != 1 {
				t.Errorf("%d calls of '%s' ran at once", most, arguments)
			}
		}
		if len(slow) > 0 {
			t.Errorf("%d questions were waited for: %v", len(slow), slow[:min(5, len(slow))])
		}
	})
}
