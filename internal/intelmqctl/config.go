package intelmqctl

import (
	"runtime"
	"time"
)

// Config is what a Client works with. Fields that are zero have their defaults.
type Config struct {
	// Executor starts the processes. It has no default.
	Executor Executor
	// Reads is how many processes may read at once; by default one less than
	// there are processors, since a call is busy with starting Python for most of
	// its time.
	Reads int
	// Queue is how many reads may wait for a process, and how many changes, all
	// callers together: 64 by default. One caller has a quarter of it. Equal reads
	// count once.
	Queue int
	// ReadLimit is how long a read may take until it is told to end, 30 s by
	// default; ChangeLimit is that of a change, 300 s, and RunLimit that of a
	// change that has a bot work, 20 s: on an empty queue it would wait for ever
	// with the bot stopped, and told to end it starts the bot again.
	ReadLimit, ChangeLimit, RunLimit time.Duration
	// Life is how long an answer is given to those who ask the same, 3 s by
	// default, and LongLife that of Bots, Version and Paths, 5 min. They count from
	// the end of the call: intelmqctl needs nearly all its time to start, and looks
	// at the bots and queues last.
	Life, LongLife time.Duration
	// LockDir names the folder that is locked for a change, so that other
	// processes that lock it change nothing meanwhile. None is locked if it is nil
	// or names none.
	LockDir func() string
	// Watch hears what happens.
	Watch Watch
}

// Watch has functions that are told what happens, for metrics. Those that are nil
// are not called. They must not wait for anything. Each name is that of a command
// (see Name), or what Exclusive was given.
type Watch struct {
	// Finished: a process has ended, or what Exclusive does. The result is
	// "success" or a Cause.
	Finished func(name, result string, took time.Duration)
	// Refused: nothing was begun.
	Refused func(name string, cause Cause)
	// Coalesced: a caller waits for a process that another one has begun.
	Coalesced func(name string)
	// Hit: a caller is answered from memory.
	Hit func(name string)
}

// succeeded is the result of what has not failed.
const succeeded = "success"

func (w Watch) finished(name string, failure *Failure, took time.Duration) {
	if w.Finished == nil {
		return
	}
	result := succeeded
	if failure != nil {
		result = string(failure.Cause)
	}
	w.Finished(name, result, took)
}

func (w Watch) refused(name string, cause Cause) {
	if w.Refused != nil {
		w.Refused(name, cause)
	}
}

func (w Watch) coalesced(name string) {
	if w.Coalesced != nil {
		w.Coalesced(name)
	}
}

func (w Watch) hit(name string) {
	if w.Hit != nil {
		w.Hit(name)
	}
}

// withDefaults fills in what is zero.
func (c Config) withDefaults() Config {
	c.Reads = orElse(c.Reads, max(1, runtime.GOMAXPROCS(0)-1))
	c.Queue = orElse(c.Queue, 64)
	c.ReadLimit = orElse(c.ReadLimit, 30*time.Second)
	c.ChangeLimit = orElse(c.ChangeLimit, 300*time.Second)
	c.RunLimit = orElse(c.RunLimit, 20*time.Second)
	c.Life = orElse(c.Life, 3*time.Second)
	c.LongLife = orElse(c.LongLife, 5*time.Minute)
	return c
}

func orElse[T int | time.Duration](value, otherwise T) T {
	if value > 0 {
		return value
	}
	return otherwise
}

// limit is how long a command may take.
func (c Config) limit(cmd Command) time.Duration {
	switch {
	case runsBot(cmd):
		return c.RunLimit
	case Changes(cmd):
		return c.ChangeLimit
	}
	return c.ReadLimit
}

// runsBot reports whether a command has a bot work, maybe for ever.
func runsBot(cmd Command) bool {
	switch cmd.(type) {
	case Message, Send, Process:
		return true
	}
	return false
}

// lockDir is the folder to lock, or empty.
func (c Config) lockDir() string {
	if c.LockDir == nil {
		return ""
	}
	return c.LockDir()
}
