package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/bench/cputime"
)

// counters is processor time: that of the machine, of the server, of its backends
// and of this process.
type counters struct {
	busy, idle, server, backends, self time.Duration
}

// tick is the unit of /proc: USER_HZ is 100 on every platform that Go runs on.
const tick = 10 * time.Millisecond

func readCounters(server, backends int) (counters, error) {
	c := counters{self: cputime.Used()}
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return c, fmt.Errorf("this needs Linux: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	// user nice system idle iowait irq softirq steal; what guests used is in
	// user already.
	times, err := ticks(strings.Fields(line), 1, 8)
	if err != nil {
		return c, err
	}
	for i, t := range times {
		if i == 3 || i == 4 {
			c.idle += t
		} else {
			c.busy += t
		}
	}
	if c.server, err = usedBy(server); err != nil {
		return c, err
	}
	c.backends, err = usedBy(backends)
	return c, err
}

// usedBy is the processor time of a process.
func usedBy(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("a process that is measured has ended: %w", err)
	}
	// The program's name in parentheses may have blanks; utime and stime are the
	// fields 14 and 15, and the one after the name is 3.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	times, err := ticks(fields, 11, 2)
	if err != nil {
		return 0, err
	}
	return times[0] + times[1], nil
}

func ticks(fields []string, from, n int) ([]time.Duration, error) {
	if len(fields) < from+n {
		return nil, errors.New("too few fields in /proc")
	}
	times := make([]time.Duration, n)
	for i := range times {
		count, err := strconv.ParseInt(fields[from+i], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("reading /proc: %w", err)
		}
		times[i] = time.Duration(count) * tick
	}
	return times, nil
}

func (c counters) since(before counters) counters {
	return counters{
		c.busy - before.busy, c.idle - before.idle,
		c.server - before.server, c.backends - before.backends, c.self - before.self,
	}
}
