package intelmqctl

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var (
	restartA = Bot{Restart, mustID("a")}
	stopB    = Bot{Stop, mustID("b")}
)

const (
	argRestart = "--type json restart a"
	argStop    = "--type json stop b"
	argGet     = "run a message get"
)

func TestThreeParallelRestartsRunOneAfterAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{}
		c := newTestClient(t, s, Config{})
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				if _, err := c.Change(t.Context(), "alice", restartA); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		wantCalls(t, s, 3)
		if s.crowd != 1 {
			t.Errorf("%d of them ran at once", s.crowd)
		}
	})
}

func TestChangesRunInOrderAndCallersInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{}
		c := newTestClient(t, s, Config{})
		for _, change := range []struct{ caller, bot string }{
			{"alice", "a1"}, {"alice", "a2"}, {"alice", "a3"}, {"bob", "b1"}, {"bob", "b2"},
		} {
			go func() { _, _ = c.Change(t.Context(), change.caller, Bot{Start, mustID(change.bot)}) }()
			synctest.Wait()
		}
		time.Sleep(time.Minute)
		var order []string
		for _, arguments := range s.order() {
			order = append(order, strings.TrimPrefix(arguments, "--type json start "))
		}
		if want := []string{"a1", "a2", "b1", "a3", "b2"}; !slices.Equal(order, want) {
			t.Errorf("got %v, want %v", order, want)
		}
	})
}

func TestChangesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTestClient(t, &script{}, Config{Queue: 4})
		for range 2 {
			go func() { _, _ = c.Change(t.Context(), "alice", restartA) }()
			synctest.Wait()
		}
		_, err := c.Change(t.Context(), "alice", restartA)
		if f := wantCause(t, err, Busy); f.Wait == 0 {
			t.Error("the failure does not say when to try again")
		}
		if _, err := c.Change(t.Context(), "bob", restartA); err != nil {
			t.Error(err)
		}
	})
}

func TestAChangeGoesOnWithoutItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{}
		c := newTestClient(t, s, Config{})
		ctx, leave := context.WithCancel(t.Context())
		for _, cmd := range []Command{restartA, stopB} {
			go func() {
				_, err := c.Change(ctx, "alice", cmd)
				wantCause(t, err, Gone)
			}()
			synctest.Wait()
		}
		leave()
		time.Sleep(time.Minute)
		if got := s.order(); !slices.Equal(got, []string{argRestart, argStop}) || len(s.interrupted()) != 0 {
			t.Errorf("begun: %v, told to end: %v", got, s.interrupted())
		}
	})
}

func TestReadsRunWhileAChangeDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{takes: map[string]time.Duration{argRestart: 5 * time.Second}}
		c := newTestClient(t, s, Config{})
		go func() { _, _ = c.Change(t.Context(), "alice", restartA) }()
		synctest.Wait()
		began := time.Now()
		_, err := c.Read(t.Context(), "bob", status)
		if took := time.Since(began); err != nil || took != 800*time.Millisecond {
			t.Errorf("the read took %s: %v", took, err)
		}
	})
}

func TestAChangeSpoilsAnswers(t *testing.T) {
	change := func(c *Client) error {
		_, err := c.Change(context.Background(), "alice", restartA)
		return err
	}
	save := func(c *Client) error {
		return c.Exclusive(context.Background(), "alice", "save runtime", func() error { return nil })
	}
	tests := []struct {
		name  string
		cmd   Command
		spoil func(c *Client) error
		stays bool
	}{
		{"a change the status", status, change, false},
		{"a change the queues", Queues{}, change, false},
		{"a change what is cut out of another answer", Bot{Look, mustID("b")}, change, false},
		{"a change the check", Check{}, change, false},
		{"but not the bots that there are", Bots{}, change, true},
		{"nor the version", Version{}, change, true},
		{"nor the paths", Paths{}, change, true},
		{"a save the status", status, save, false},
		{"a save the paths, which it may set", Paths{}, save, false},
		{"but not the bots that there are", Bots{}, save, true},
		{"nor the version", Version{}, save, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{prints: map[string]string{argWhole: wholeText}}
				c := newTestClient(t, s, Config{})
				for _, cmd := range []Command{QueuesAndStatus{}, test.cmd} {
					if _, err := c.Read(t.Context(), "alice", cmd); err != nil {
						t.Fatal(err)
					}
				}
				if err := test.spoil(c); err != nil {
					t.Fatal(err)
				}
				a, err := c.Read(t.Context(), "alice", test.cmd)
				if err != nil || a.Cached != test.stays {
					t.Errorf("cached is %v, error %v", a.Cached, err)
				}
			})
		})
	}
}

func TestAReadThatAChangeOvertookIsForThoseWhoWaitedOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{takes: map[string]time.Duration{argStatus: 2 * time.Second, argRestart: time.Second}}
		c := newTestClient(t, s, Config{})
		var all sync.WaitGroup
		all.Go(func() {
			a, err := c.Read(t.Context(), "alice", status)
			wantAnswer(t, a, err, "0\n")
		})
		synctest.Wait()
		if _, err := c.Change(t.Context(), "bob", restartA); err != nil {
			t.Error(err)
		}
		a, err := c.Read(t.Context(), "bob", status)
		wantAnswer(t, a, err, "2\n")
		all.Wait()
		a, err = c.Read(t.Context(), "alice", status)
		wantAnswer(t, a, err, "2\n")
		if s.atOnce()[argStatus] != 1 {
			t.Error("two calls of a kind ran at once")
		}
	})
}

func TestAReadThatAChangeOvertookIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{takes: map[string]time.Duration{argStatus: 2 * time.Second, argRestart: time.Second}}
		c := newTestClient(t, s, Config{})
		go func() { _, _ = c.Change(t.Context(), "bob", restartA) }()
		synctest.Wait()
		if _, err := c.Read(t.Context(), "alice", status); err != nil {
			t.Error(err)
		}
		a, err := c.Read(t.Context(), "alice", status)
		wantAnswer(t, a, err, "2\n")
	})
}

func TestAReadThatWaitedWhileAChangeEndedIsNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{takes: map[string]time.Duration{argCheck: 2 * time.Second, argRestart: time.Second}}
		c := newTestClient(t, s, Config{Reads: 1})
		for _, cmd := range []Command{Check{}, status} {
			go func() { _, _ = c.Read(t.Context(), "alice", cmd) }()
			synctest.Wait()
		}
		if _, err := c.Change(t.Context(), "bob", restartA); err != nil {
			t.Error(err)
		}
		// The call that waits for its slot brings what is true.
		a, err := c.Read(t.Context(), "bob", status)
		wantAnswer(t, a, err, "2\n")
		wantCalls(t, s, 3)
	})
}

func TestAReadThatHasItsAnswerFromAnotherIsNotJoinedAfterAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{prints: map[string]string{argWhole: wholeText, argStatus: "\"new\"\n"}}
		c := newTestClient(t, s, Config{})
		// A call waits while another one brings its answer too.
		k := &call{begun: time.Now(), done: make(chan struct{}), stop: func(error) {}}
		if _, err := c.Read(t.Context(), "alice", QueuesAndStatus{}); err != nil {
			t.Fatal(err)
		}
		c.mu.Lock()
		all := c.share(key(status), func() *share { return newShare(status) })
		all.call, all.busy = k, k
		c.mu.Unlock()
		o, own := c.obtain(t.Context(), all, k)
		if o.err != nil || own {
			t.Fatalf("it has asked itself: %v", o.err)
		}
		// It has not told anybody yet.
		if _, err := c.Change(t.Context(), "alice", restartA); err != nil {
			t.Fatal(err)
		}
		var bob sync.WaitGroup
		bob.Go(func() {
			a, err := c.Read(t.Context(), "bob", status)
			wantAnswer(t, a, err, "\"new\"\n")
		})
		synctest.Wait()
		c.conclude(all, k, o)
		bob.Wait()
	})
}

func TestAFailedChangeSpoilsAnswersToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{fails: map[string]string{argRestart: "half of it is done"}}
		c := newTestClient(t, s, Config{})
		_, err := c.Read(t.Context(), "alice", status)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Change(t.Context(), "alice", restartA)
		wantCause(t, err, Failed)
		if a, _ := c.Read(t.Context(), "alice", status); a.Cached {
			t.Error("the answer from before the change is given")
		}
	})
}

func TestACallBegunAheadEndsWhenAChangeHasSpoiltIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{takes: map[string]time.Duration{argStatus: 2 * time.Second, argRestart: 500 * time.Millisecond}}
		c := newTestClient(t, s, Config{})
		for range 2 {
			if _, err := c.Read(t.Context(), "alice", status); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * time.Second)
		wantCalls(t, s, 2)
		if _, err := c.Change(t.Context(), "alice", restartA); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := s.interrupted(); !slices.Equal(got, []string{argStatus}) {
			t.Errorf("told to end: %v", got)
		}
	})
}

func TestLimitsOfChanges(t *testing.T) {
	tests := []struct {
		name  string
		cmd   Command
		limit time.Duration
	}{
		{"a restart may take minutes", restartA, 5 * time.Minute},
		{"on an empty queue a bot would wait for ever", Message{mustID("a"), Get}, 20 * time.Second},
		{"so it would with nothing to process", Process{Bot: mustID("a")}, 20 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				arguments := strings.Join(Arguments(test.cmd), " ")
				s := &script{takes: map[string]time.Duration{arguments: time.Hour}}
				c := newTestClient(t, s, Config{})
				began := time.Now()
				_, err := c.Change(t.Context(), "alice", test.cmd)
				wantCause(t, err, TimedOut)
				if took := time.Since(began); took != test.limit {
					t.Errorf("it was told to end after %s", took)
				}
			})
		})
	}
}

func TestAStuckChangeKeepsOthersAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ends := make(chan struct{})
		s := &script{
			takes: map[string]time.Duration{argGet: time.Hour},
			deaf:  map[string]chan struct{}{argGet: ends},
		}
		c := newTestClient(t, s, Config{})
		began := time.Now()
		get := Message{mustID("a"), Get}
		var both sync.WaitGroup
		both.Go(func() {
			_, err := c.Change(t.Context(), "alice", get)
			wantCause(t, err, TimedOut)
		})
		synctest.Wait()
		both.Go(func() {
			_, err := c.Change(t.Context(), "bob", restartA)
			wantCause(t, err, Stuck)
		})
		both.Wait()

		_, err := c.Change(t.Context(), "bob", restartA)
		f := wantCause(t, err, Stuck)
		if !strings.Contains(f.Message, "'intelmqctl "+argGet+"'") || f.Wait == 0 {
			t.Errorf("the failure does not say what to wait for: %+v", f)
		}
		err = c.Exclusive(t.Context(), "bob", "save", func() error { t.Error("it was saved"); return nil })
		wantCause(t, err, Stuck)
		state := c.State()
		if len(state.Stuck) != 1 || !state.ChangesStuck || !state.Stuck[0].Since.Equal(began) || state.Running != 1 {
			t.Errorf("state %+v", state)
		}
		if _, err := c.Read(t.Context(), "bob", status); err != nil {
			t.Error(err)
		}

		close(ends)
		synctest.Wait()
		if a, _ := c.Read(t.Context(), "bob", status); a.Cached {
			t.Error("the answer from before its end is given")
		}
		if _, err := c.Change(t.Context(), "bob", restartA); err != nil {
			t.Error(err)
		}
		if state := c.State(); len(state.Stuck) != 0 || state.ChangesStuck || state.Running != 0 {
			t.Errorf("state %+v", state)
		}
	})
}

func TestAStuckReadKeepsItsSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ends := make(chan struct{})
		s := &script{
			takes: map[string]time.Duration{argStatus: time.Hour},
			deaf:  map[string]chan struct{}{argStatus: ends},
		}
		c := newTestClient(t, s, Config{Reads: 1})
		_, err := c.Read(t.Context(), "alice", status)
		wantCause(t, err, TimedOut)
		_, err = c.Read(t.Context(), "bob", Check{})
		wantCause(t, err, Stuck)
		if state := c.State(); len(state.Stuck) != 1 || state.ChangesStuck {
			t.Errorf("state %+v", state)
		}
		if _, err := c.Change(t.Context(), "bob", restartA); err != nil {
			t.Error(err)
		}
		close(ends)
		synctest.Wait()
		if _, err := c.Read(t.Context(), "bob", Check{}); err != nil {
			t.Error(err)
		}
	})
}

func TestExclusiveWorkWaitsForChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{}
		c := newTestClient(t, s, Config{})
		go func() { _, _ = c.Change(t.Context(), "alice", restartA) }()
		synctest.Wait()
		began := time.Now()
		full := errors.New("no space left on device")
		err := c.Exclusive(t.Context(), "bob", "save", func() error {
			if took := time.Since(began); took != 800*time.Millisecond {
				t.Errorf("it began after %s", took)
			}
			return full
		})
		if !errors.Is(err, full) {
			t.Errorf("got error %v, want that of the work", err)
		}
	})
}

func TestAPanicOfExclusiveWorkIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTestClient(t, &script{}, Config{})
		err := c.Exclusive(t.Context(), "bob", "save", func() error { panic("index out of range") })
		if err == nil || err.Error() != "save: panic of type string" {
			t.Errorf("got error %v", err)
		}
		if _, err := c.Change(t.Context(), "bob", restartA); err != nil {
			t.Error(err)
		}
	})
}

func TestWatchHearsOfChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var heard []string
		watch := Watch{
			Finished: func(name, result string, _ time.Duration) { heard = append(heard, name+" "+result) },
			Refused:  func(name string, cause Cause) { heard = append(heard, name+" "+string(cause)) },
		}
		s := &script{fails: map[string]string{argStop: "no"}}
		c := newTestClient(t, s, Config{Watch: watch})
		_, _ = c.Change(t.Context(), "alice", restartA)
		_, _ = c.Change(t.Context(), "alice", stopB)
		_ = c.Exclusive(t.Context(), "alice", "save", func() error { return nil })
		_ = c.Exclusive(t.Context(), "alice", "save", func() error { return os.ErrPermission })
		c.Close(t.Context())
		_, _ = c.Change(t.Context(), "alice", restartA)
		want := []string{
			"bot restart success", "bot stop intelmqctl_failed",
			"save success", "save intelmqctl_failed", "bot restart intelmqctl_gone",
		}
		if !slices.Equal(heard, want) {
			t.Errorf("got %v, want %v", heard, want)
		}
	})
}

func TestClosing(t *testing.T) {
	get := Message{mustID("a"), Get}
	tests := []struct {
		name    string
		cmd     Command
		takes   time.Duration
		patient time.Duration
		// told: the process is told to end, and goes on for lag.
		closes time.Duration
		told   bool
		lag    time.Duration
	}{
		{"ends what reads", status, time.Hour, time.Minute, 0, true, 0},
		{"waits for a change", restartA, 5 * time.Second, time.Minute, 5 * time.Second, false, 0},
		{"leaves a change to itself that takes long", restartA, time.Minute, 10 * time.Second, 10 * time.Second, false, 0},
		{"has a bot run again at once that waits for a message", get, time.Hour, 10 * time.Second, 0, true, 0},
		{"waits until the bot runs again", get, time.Hour, 10 * time.Second, 3 * time.Second, true, 3 * time.Second},
		{"does so in a hurry too", get, time.Hour, time.Second, 3 * time.Second, true, 3 * time.Second},
		{"and with no time at all", get, time.Hour, 0, 3 * time.Second, true, 3 * time.Second},
		{"but not for ever", get, time.Hour, time.Second, 7 * time.Second, true, time.Minute},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				arguments := strings.Join(Arguments(test.cmd), " ")
				s := &script{
					takes: map[string]time.Duration{arguments: test.takes},
					lags:  map[string]time.Duration{arguments: test.lag},
				}
				c := NewClient(Config{Executor: s})
				var asked sync.WaitGroup
				asked.Go(func() {
					var err error
					if Changes(test.cmd) {
						_, err = c.Change(t.Context(), "alice", test.cmd)
					} else {
						_, err = c.Read(t.Context(), "alice", test.cmd)
					}
					if test.told {
						if f := wantCause(t, err, Gone); !strings.Contains(f.Message, "server") {
							t.Errorf("message '%s'", f.Message)
						}
					}
				})
				synctest.Wait()
				asked.Go(func() {
					_, err := c.Change(t.Context(), "bob", stopB)
					if Changes(test.cmd) {
						wantCause(t, err, Gone)
					}
				})
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), test.patient)
				defer cancel()
				began := time.Now()
				c.Close(ctx)
				if took := time.Since(began); took != test.closes && Changes(test.cmd) {
					t.Errorf("it took %s, want %s", took, test.closes)
				}
				asked.Wait()
				if told := len(s.interrupted()) > 0; told != test.told {
					t.Errorf("told to end: %v", s.interrupted())
				}
				_, err := c.Read(t.Context(), "alice", status)
				wantCause(t, err, Gone)
				c.Close(ctx)
			})
		})
	}
}

func TestABotDoesNotBeginToWorkWhileTheClientIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{}
		var refused []Cause
		watch := Watch{Refused: func(_ string, cause Cause) { refused = append(refused, cause) }}
		c := newTestClient(t, s, Config{Watch: watch})
		c.Close(t.Context())
		// It had its turn before, but has not begun.
		wantCause(t, c.runBot(t.Context(), Message{mustID("a"), Get}).err, Gone)
		wantCalls(t, s, 0)
		if !slices.Equal(refused, []Cause{Gone}) {
			t.Errorf("refused: %v", refused)
		}
	})
}

func TestWhoWaitsForAWorthlessCallMayLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{takes: map[string]time.Duration{argStatus: 20 * time.Second, argRestart: time.Second}}
		c := newTestClient(t, s, Config{Reads: 2})
		go func() { _, _ = c.Read(t.Context(), "alice", status) }()
		synctest.Wait()
		if _, err := c.Change(t.Context(), "bob", restartA); err != nil {
			t.Error(err)
		}
		ctx, leave := context.WithCancel(t.Context())
		go func() { _, _ = c.Read(ctx, "bob", status) }()
		synctest.Wait()
		leave()
		synctest.Wait()
		if state := c.State(); state.Running != 1 || state.Waiting != 0 {
			t.Errorf("state %+v", state)
		}
		a, err := c.Read(t.Context(), "bob", status)
		wantAnswer(t, a, err, "2\n")
		if s.atOnce()[argStatus] != 1 {
			t.Error("two calls of a kind ran at once")
		}
	})
}
