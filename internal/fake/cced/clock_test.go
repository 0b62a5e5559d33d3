package cced

import (
	"sync"
	"time"
)

// clock stands still until it is moved on.
type clock struct {
	mu     sync.Mutex
	moved  *sync.Cond
	time   time.Time
	alarms map[chan time.Time]time.Time
}

func newClock() *clock {
	c := &clock{time: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), alarms: map[chan time.Time]time.Time{}}
	c.moved = sync.NewCond(&c.mu)
	return c
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.time
}

func (c *clock) after(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	alarm := make(chan time.Time, 1)
	c.alarms[alarm] = c.time.Add(d)
	c.moved.Broadcast()
	return alarm
}

// awaitSleeper waits until somebody waits for the clock.
func (c *clock) awaitSleeper() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.alarms) == 0 {
		c.moved.Wait()
	}
}

// advance moves the clock on.
func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.time = c.time.Add(d)
	for alarm, due := range c.alarms {
		if !due.After(c.time) {
			alarm <- c.time
			delete(c.alarms, alarm)
		}
	}
}
