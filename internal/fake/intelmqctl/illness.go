package intelmqctl

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

// fallIll does what the switches demand before an answer, or in place of it: then it
// has ended, with this exit code.
func (c *call) fallIll() (code int, ended bool) {
	s := c.switches
	if s.on(chatter) {
		fmt.Fprintln(c.stderr, s[chatter])
	}
	time.Sleep(s.duration(stall))
	burn(s.duration(cpu))
	switch {
	case s.on(crash):
		how, _ := parseCrash(s[crash]) // proven by parseSwitches
		return how.end(), true
	case s.on(sudoRefusal):
		fmt.Fprintln(c.stderr, s[sudoRefusal])
		return 1, true
	case s.on(garbage):
		fmt.Fprintln(c.stdout, "<intelmqctl prints no JSON today>")
		return 0, true
	case s.on(nonUTF8):
		fmt.Fprintln(c.stdout, "\"gr\xfc\xdfe\"")
		return 0, true
	case s.on(flood):
		size, _ := parseSize(s[flood]) // proven by parseSwitches
		c.pour(size)
		return 0, true
	}
	return 0, false
}

// burn uses a processor for so long, however busy the machine is.
func burn(d time.Duration) {
	if d <= 0 {
		return
	}
	for used := time.Duration(0); used < d; {
		var usage syscall.Rusage
		if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
			return
		}
		used = time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
}

// pour prints a JSON string of so many bytes, quotes and newline included.
func (c *call) pour(size int) {
	const piece = 64 << 10
	water := bytes.Repeat([]byte("x"), piece)
	fmt.Fprint(c.stdout, `"`)
	for left := size - len("\"\"\n"); left > 0; left -= piece {
		if _, err := c.stdout.Write(water[:min(left, piece)]); err != nil {
			return
		}
	}
	fmt.Fprint(c.stdout, "\"\n")
}

func parseSize(text string) (int, error) { return strconv.Atoi(text) }

// ending is how a call crashes: by a signal, or else with an exit code.
type ending struct {
	signal syscall.Signal
	code   int
}

var deadly = map[string]syscall.Signal{
	"KILL": syscall.SIGKILL, "TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "INT": syscall.SIGINT,
}

func parseCrash(text string) (ending, error) {
	if s, is := deadly[text]; is {
		return ending{signal: s}, nil
	}
	code, err := strconv.Atoi(text)
	if err != nil {
		return ending{}, fmt.Errorf("'%s' is neither KILL, TERM, HUP or INT nor an exit code", text)
	}
	return ending{code: code}, nil
}

// end returns the exit code, unless a signal has ended the process.
func (e ending) end() int {
	if e.signal == 0 {
		return e.code
	}
	if self, err := os.FindProcess(os.Getpid()); err == nil && self.Signal(e.signal) == nil {
		time.Sleep(time.Second) // until it arrives
	}
	return exitUsage
}
