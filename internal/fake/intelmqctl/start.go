package intelmqctl

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// Botnet is a simulated botnet in a folder of a test.
type Botnet struct {
	// Root is the folder, laid out as IntelMQ's own.
	Root string
	// Command is the path to call intelmqctl by.
	Command string

	tb         testing.TB
	stopReaper func()
}

// Start makes a botnet whose command is the test binary: its TestMain must call
// ServeCalls. All bots are stopped and all queues empty. When the test ends, so do all
// bots and all calls that still run.
func Start(tb testing.TB) *Botnet {
	tb.Helper()
	root, err := filepath.EvalSymlinks(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	if err := Create(root); err != nil {
		tb.Fatal(err)
	}
	b := &Botnet{Root: root, tb: tb}
	if b.Command, err = Install(program, root); err != nil {
		tb.Fatal(err)
	}
	if b.stopReaper, err = AdoptBots(root); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(b.end)
	return b
}

// StopReaping leaves bots that end as zombies of the test's process, for a test of who
// else reaps them.
func (b *Botnet) StopReaping() {
	b.stopReaper()
	b.stopReaper = func() {}
}

// end kills what still runs.
func (b *Botnet) end() {
	b.tb.Helper()
	defer func() { b.stopReaper() }()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(looking) {
		left := b.find(func(words []string) bool {
			i := slices.Index(words, "-root")
			return words[0] == b.Command || i >= 0 && i+1 < len(words) && words[i+1] == b.Root
		})
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			b.tb.Errorf("processes %v of the botnet cannot be ended", left)
			return
		}
		for _, pid := range left {
			if err := signalProcess(pid, syscall.SIGKILL); err != nil {
				b.tb.Error(err)
			}
		}
	}
}

// Processes are the running processes of a bot, whatever the pid file says.
func (b *Botnet) Processes(id string) []int {
	words := folder(b.Root).botWords(id)
	return b.find(func(found []string) bool { return slices.Equal(found[1:], words) })
}

// find are the processes that were called in a way. Zombies are none.
func (b *Botnet) find(wanted func(words []string) bool) []int {
	b.tb.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		b.tb.Fatal(err)
	}
	var found []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if words, err := commandLine(pid); err == nil && len(words) > 0 && wanted(words) {
			found = append(found, pid)
		}
	}
	return found
}

// Switch turns these switches on and all others off, from the next call on. Each is
// NAME or NAME=VALUE:
//
//	stall=DURATION      nothing is done for so long
//	cpu=DURATION        the processor is used for so long
//	crash=HOW           it ends by KILL, TERM, HUP, INT or with an exit code, without a word
//	chatter=TEXT        it says this on stderr, and then answers
//	garbage             what it prints is not JSON
//	non_utf8            what it prints is not text
//	flood=BYTES         it prints a JSON string of so many bytes
//	ignore_sigterm      only SIGKILL ends it
//	log_filter=HOW      old, present (so it is without the switch) or mended
//	sudo_refusal=TEXT   it says this on stderr and exits with 1
//	broker_down         the queues cannot be reached
//	no_log_access       it says on stderr that it may not write its own log, and answers
//	runtime_missing     it finds no runtime.yaml
//	replay=FILE         answers come from a file of records
//	state=TEXT          the state of the records
func (b *Botnet) Switch(lines ...string) {
	b.tb.Helper()
	if err := Switch(b.Root, lines...); err != nil {
		b.tb.Fatal(err)
	}
}

// Calls are all calls made so far, in the order of their start.
func (b *Botnet) Calls() []Call {
	b.tb.Helper()
	calls, err := Calls(b.Root)
	if err != nil {
		b.tb.Fatal(err)
	}
	return calls
}

// Queue is the messages of a queue, oldest first.
func (b *Botnet) Queue(name string) []string {
	b.tb.Helper()
	messages, err := folder(b.Root).queue(name)
	if err != nil {
		b.tb.Fatal(err)
	}
	return messages
}

// Fill makes these the messages of a queue. Each is a JSON object on one line.
func (b *Botnet) Fill(queue string, messages ...string) {
	b.tb.Helper()
	b.write("var/queues/"+queue, lines(messages))
}

// Log makes this the log of a bot.
func (b *Botnet) Log(id, text string) {
	b.tb.Helper()
	b.write("var/log/"+id+".log", text)
}

// Path is a file of the folder by its path in it, such as etc/runtime.yaml.
func (b *Botnet) Path(name string) string { return folder(b.Root).path(name) }

func (b *Botnet) write(name, text string) {
	b.tb.Helper()
	if err := os.WriteFile(b.Path(name), []byte(text), 0o644); err != nil {
		b.tb.Fatal(err)
	}
}
