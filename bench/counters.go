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

// counters is processor time: that of the machine, of the server, of the commands
// that it has started, of those beside it and of this process.
type counters struct {
	busy, idle, server, commands, backends, self time.Duration
}

// tick is the unit of /proc: USER_HZ is 100 on every platform that Go runs on.
const tick = 10 * time.Millisecond

func readCounters(server int, beside ...int) (counters, error) {
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
	if c.commands, err = usedByChildren(server); err != nil {
		return c, err
	}
	for _, pid := range beside {
		used, err := usedBy(pid)
		if err != nil {
			return c, err
		}
		c.backends += used
	}
	return c, nil
}

// status is what the system says of a process.
type status struct {
	parent string
	// own is its processor time, and children that of its children that have
	// ended, with theirs.
	own, children time.Duration
}

func readStatus(pid string) (s status, err error) {
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return s, fmt.Errorf("a process that is measured has ended: %w", err)
	}
	// The program's name in parentheses may have blanks. The one after it is field
	// 3, the parent 4; utime, stime, cutime and cstime are 14 to 17.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	times, err := ticks(fields, 11, 4)
	if err != nil {
		return s, err
	}
	return status{parent: fields[1], own: times[0] + times[1], children: times[2] + times[3]}, nil
}

// usedBy is the processor time of a process.
func usedBy(pid int) (time.Duration, error) {
	s, err := readStatus(strconv.Itoa(pid))
	return s.own, err
}

// usedByChildren is that of its children, those that run among them.
func usedByChildren(pid int) (time.Duration, error) {
	parent := strconv.Itoa(pid)
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, err
	}
	var running time.Duration
	for _, entry := range entries {
		if _, err := strconv.Atoi(entry.Name()); err != nil {
			continue
		}
		// One that has just ended is counted by its parent.
		if s, err := readStatus(entry.Name()); err == nil && s.parent == parent {
			running += s.own
		}
	}
	s, err := readStatus(parent)
	return s.children + running, err
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

// others is the share of the machine that other programs had, where wrk has used
// so much.
func (c counters) others(wrk time.Duration) float64 {
	ours := c.server + c.commands + c.backends + c.self + wrk
	return max(0, (c.busy-ours).Seconds()) / (c.busy + c.idle).Seconds()
}

func (c counters) since(before counters) counters {
	return counters{
		c.busy - before.busy, c.idle - before.idle,
		c.server - before.server, c.commands - before.commands, c.backends - before.backends, c.self - before.self,
	}
}
