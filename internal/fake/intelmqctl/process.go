package intelmqctl

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The words for how a bot is.
const (
	running  = "running"
	stopped  = "stopped"
	disabled = "disabled"
	// unknown: the pid file names a zombie or another process.
	unknown = "unknown"
)

// How long things take. The real command needs longer for most of them.
const (
	// writing is the time between a bot's start and its pid file: what another call
	// does meanwhile, it does not know of.
	writing = 50 * time.Millisecond
	// settling is the time from then until it is looked at.
	settling = 50 * time.Millisecond
	// patience is how long a bot is given to end.
	patience = 2 * time.Second
	// looking is the time between two looks at an ending bot.
	looking = 5 * time.Millisecond
)

// status is how a bot is.
func (c *call) status(b bot) string {
	s := stopped
	if pid := c.root.pid(b.ID); pid != 0 {
		s = c.root.lookAt(pid, b.ID)
	}
	if s == stopped && !b.Enabled {
		return disabled
	}
	return s
}

// pid is what the pid file of a bot names, zero if there is none.
func (f folder) pid(id string) int {
	text, err := os.ReadFile(f.pidFile(id))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		return 0
	}
	return pid
}

// lookAt says whether a process is a bot of this folder.
func (f folder) lookAt(pid int, id string) string {
	words, err := commandLine(pid)
	if err != nil {
		return stopped
	}
	if !slices.Equal(f.botWords(id), words[min(1, len(words)):]) {
		return unknown
	}
	return running
}

// commandLine is how a process was called; a zombie has no words.
func commandLine(pid int) ([]string, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	if err != nil {
		return nil, err
	}
	text = bytes.TrimSuffix(text, []byte{0})
	if len(text) == 0 {
		return nil, nil
	}
	return strings.Split(string(text), "\x00"), nil
}

// launch starts those bots that do not run, and returns how all are then. Nothing
// keeps two calls from doing so at once.
func (c *call) launch(bots ...bot) ([]string, error) {
	var started []spawned
	for _, b := range bots {
		if s := c.status(b); s == running || s == unknown {
			continue
		}
		process, err := c.spawn(b.ID)
		if err != nil {
			return nil, err
		}
		started = append(started, process)
	}
	if len(started) > 0 {
		time.Sleep(writing)
	}
	for _, process := range started {
		if err := os.WriteFile(c.root.pidFile(process.bot), []byte(strconv.Itoa(process.pid)), 0o644); err != nil {
			return nil, err
		}
	}
	if len(started) > 0 {
		time.Sleep(settling)
	}
	for _, process := range started {
		process.awaitWord()
	}
	return c.statusOf(bots), nil
}

func (c *call) statusOf(bots []bot) []string {
	var statuses []string
	for _, b := range bots {
		statuses = append(statuses, c.status(b))
	}
	return statuses
}

// spawned is a bot that this call has started.
type spawned struct {
	bot string
	pid int
	// output is what it prints. The call leaves it behind.
	output *os.File
}

// awaitWord waits until the bot has said that it heeds signals, or has ended.
func (s spawned) awaitWord() {
	if err := s.output.SetReadDeadline(time.Now().Add(patience)); err == nil {
		_, _ = s.output.Read(make([]byte, 1))
	}
}

// spawn starts the process of a bot: in the group and session of this call, with its
// stdin, but with a pipe for its output.
func (c *call) spawn(id string) (spawned, error) {
	program, err := os.Executable()
	if err != nil {
		return spawned{}, err
	}
	output, input, err := os.Pipe()
	if err != nil {
		return spawned{}, err
	}
	process := &exec.Cmd{
		Path:   program,
		Args:   append([]string{c.program}, c.root.botWords(id)...),
		Stdin:  os.Stdin,
		Stdout: input,
		Stderr: input,
	}
	if err := process.Start(); err != nil {
		return spawned{}, err
	}
	pid := process.Process.Pid
	if err := input.Close(); err != nil {
		return spawned{}, err
	}
	return spawned{id, pid, output}, appendLine(c.root.path(startedFile), strconv.Itoa(pid))
}

// end stops those bots that run, and returns how all are then.
func (c *call) end(bots ...bot) ([]string, error) {
	told := map[string]int{} // process by bot
	for _, b := range bots {
		if c.status(b) != running {
			continue
		}
		pid := c.root.pid(b.ID)
		if err := signalProcess(pid, syscall.SIGTERM); err != nil {
			return nil, err
		}
		told[b.ID] = pid
	}
	deadline := time.Now().Add(patience)
	for id, pid := range told {
		for c.root.lookAt(pid, id) != stopped && time.Now().Before(deadline) {
			time.Sleep(looking)
		}
	}
	statuses := c.statusOf(bots)
	for i, b := range bots {
		if statuses[i] == stopped || statuses[i] == disabled {
			if err := c.root.forget(b.ID); err != nil {
				return nil, err
			}
		}
	}
	return statuses, nil
}

// forget removes a pid file, which another call may have done.
func (f folder) forget(id string) error {
	if err := os.Remove(f.pidFile(id)); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// renew has those bots that run read their configuration again, and returns how all
// are.
func (c *call) renew(bots ...bot) ([]string, error) {
	statuses := c.statusOf(bots)
	for i, b := range bots {
		if statuses[i] != running {
			continue
		}
		if err := signalProcess(c.root.pid(b.ID), syscall.SIGHUP); err != nil {
			return nil, err
		}
	}
	return statuses, nil
}

// signalProcess sends a signal to a process, unless it has ended meanwhile.
func signalProcess(pid int, signal syscall.Signal) error {
	if pid <= 0 {
		return nil // it would be a group, or everybody
	}
	if err := syscall.Kill(pid, signal); !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}
