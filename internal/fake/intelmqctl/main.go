package intelmqctl

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// Name is what a program must be called for ServeCalls to answer.
const Name = "intelmqctl"

// exitUsage is for what the real command does not know: the stand-in itself is told
// something wrong. It is that of sysexits.h.
const exitUsage = 64

// ownUsage is the stand-in's own help.
const ownUsage = `usage: fakeintelmqctl -root FOLDER init
       fakeintelmqctl -root FOLDER [-replay FILE] ARGUMENT...

The first makes a folder with a botnet, the second answers as intelmqctl does. The
folder may also come from INTELMQ_ROOT_DIR. With -replay it answers what is recorded
in the file.
`

// ServeCalls answers and ends the process if it was called as intelmqctl. It is for
// the beginning of TestMain, or of main.
func ServeCalls() {
	if filepath.Base(os.Args[0]) == Name {
		// os.Exit takes a second in a program with the race detector.
		syscall.Exit(Main())
	}
}

// Main is the command: it answers what os.Args ask for and returns the exit code.
func Main() int {
	o, err := readOptions(os.Args, os.Getenv)
	if errors.Is(err, errNoFolder) && len(o.words) == 1 && (o.words[0] == "-h" || o.words[0] == "--help") {
		// With a folder it is the real command's help.
		fmt.Print(ownUsage)
		return 0
	}
	if err != nil {
		return complain(err)
	}
	if id, is := o.bot(); is {
		return runBot(o.root, id)
	}
	if len(o.words) == 1 && o.words[0] == "init" {
		if err := Create(string(o.root)); err != nil {
			return complain(err)
		}
		return 0
	}
	c := &call{options: o, stdout: os.Stdout, stderr: os.Stderr, now: time.Now}
	if c.switches, err = readSwitches(o.root, os.Getenv); err != nil {
		return complain(err)
	}
	if c.switches.on(ignoreSIGTERM) {
		// Not ignored, for the bots would inherit that.
		signal.Notify(make(chan os.Signal, 1), syscall.SIGTERM)
	}
	ended := o.root.recordCall(o.words)
	code := c.answer()
	ended(code)
	return code
}

func complain(err error) int {
	fmt.Fprintf(os.Stderr, "the stand-in for intelmqctl: %v\n", err)
	return exitUsage
}

// call is one run of the command.
type call struct {
	options
	switches       switches
	stdout, stderr io.Writer
	now            func() time.Time
	// interrupted gets the SIGTERM that a waiting call ends at. It is nil if there
	// is none to come.
	interrupted <-chan os.Signal
}

// answer prints, and returns the exit code.
func (c *call) answer() int {
	if code, ended := c.fallIll(); ended {
		return code
	}
	answer := c.answerFromBotnet
	if path := c.switches.or(replay, c.replay); path != "" {
		answer = func() (int, error) { return c.answerFromRecords(path) }
	}
	code, err := answer()
	var wrong *usageError
	switch {
	case errors.As(err, &wrong):
		fmt.Fprint(c.stderr, wrong.Error())
		return 2
	case err != nil:
		fmt.Fprintln(c.stderr, err)
		return 1
	}
	return code
}

// catchInterrupts has SIGTERM end the waiting, in place of the process, from now on.
func (c *call) catchInterrupts() {
	if !c.switches.on(ignoreSIGTERM) {
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGTERM)
		c.interrupted = signals
	}
}

// print writes a value as the command does.
func (c *call) print(v any) { fmt.Fprintln(c.stdout, pythonJSON(v)) }
