package intelmqctl

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// script is an Executor that needs no processes. Each call takes 800 ms, as one of
// intelmqctl does, and prints how many calls there were before it.
type script struct {
	// takes is how long the calls with some arguments need in place of 800 ms,
	// prints what they print.
	takes  map[string]time.Duration
	prints map[string]string
	// fails: standard error of those that print nothing.
	fails map[string]string
	// answer replaces prints, if it is not nil.
	answer func(arguments string) string
	// deaf are the calls that do not end when they are told to, and when they do.
	deaf map[string]chan struct{}
	// lags is how long calls go on after they were told to end.
	lags map[string]time.Duration
	// cut are the calls that print too much.
	cut map[string]bool

	mu sync.Mutex
	// begun are the arguments of the calls, told those that were told to end.
	begun, told   []string
	running, most map[string]int
	// crowd is how many calls ran at once at most.
	crowd int
}

func (s *script) Line(arguments []string) string { return "intelmqctl " + strings.Join(arguments, " ") }

func (s *script) Execute(ctx context.Context, words []string) (Output, error) {
	arguments := strings.Join(words, " ")
	number := s.start(arguments)
	defer s.stop(arguments)
	takes, ok := s.takes[arguments]
	if !ok {
		takes = 800 * time.Millisecond
	}
	timer := time.NewTimer(takes)
	defer timer.Stop()
	select {
	case <-timer.C:
		return s.output(arguments, number), nil
	case <-ctx.Done():
		s.mu.Lock()
		s.told = append(s.told, arguments)
		s.mu.Unlock()
		time.Sleep(s.lags[arguments])
		return Output{ExitCode: -1, Interrupted: true, Running: s.deaf[arguments]}, nil
	}
}

func (s *script) output(arguments string, number int) Output {
	if stderr, ok := s.fails[arguments]; ok {
		return Output{Stderr: []byte(stderr), ExitCode: 1}
	}
	text, ok := s.prints[arguments]
	if s.answer != nil {
		text, ok = s.answer(arguments), true
	}
	if !ok {
		text = fmt.Sprintf("%d\n", number)
	}
	return Output{Stdout: []byte(text), Truncated: s.cut[arguments]}
}

func (s *script) start(arguments string) (number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		s.running, s.most = map[string]int{}, map[string]int{}
	}
	s.begun = append(s.begun, arguments)
	s.running[arguments]++
	s.most[arguments] = max(s.most[arguments], s.running[arguments])
	all := 0
	for n := range maps.Values(s.running) {
		all += n
	}
	s.crowd = max(s.crowd, all)
	return len(s.begun) - 1
}

func (s *script) stop(arguments string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running[arguments]--
}

// calls is how many calls have begun.
func (s *script) calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.begun)
}

// order is the arguments of the calls, in the order in which they began.
func (s *script) order() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.begun)
}

// atOnce is how many equal calls ran at once at most, by arguments.
func (s *script) atOnce() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.most)
}

// interrupted is the arguments of the calls that were told to end.
func (s *script) interrupted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.told)
}

// newTestClient makes a client for a script, with two slots for reads. It is closed
// in the end of the bubble.
func newTestClient(t *testing.T, s *script, config Config) *Client {
	t.Helper()
	config.Executor = s
	if config.Reads == 0 {
		config.Reads = 2
	}
	c := NewClient(config)
	// The context of the test is done by then.
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

func id(t testing.TB, name string) ID {
	t.Helper()
	parsed, err := ParseID(name)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// wantAnswer checks what a call has returned.
func wantAnswer(t *testing.T, a Answer, err error, body string) {
	t.Helper()
	if err != nil || string(a.Body) != body {
		t.Errorf("got '%s' and error %v, want '%s'", a.Body, err, body)
	}
}

// wantCause checks that a call has failed, and returns the failure.
func wantCause(t *testing.T, err error, cause Cause) Failure {
	t.Helper()
	f, ok := errors.AsType[*Failure](err)
	if !ok || f.Cause != cause || f.Message == "" {
		t.Fatalf("got error %v, want a failure with cause '%s' and a message", err, cause)
	}
	return *f
}

func wantCalls(t *testing.T, s *script, want int) {
	t.Helper()
	if got := s.calls(); got != want {
		t.Errorf("%d calls have begun, want %d: %v", got, want, s.order())
	}
}
