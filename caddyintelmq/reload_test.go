package caddyintelmq_test

import (
	"net"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/fake/intelmqctl"
)

// TestAReloadDuringALongCall: the call comes to its end and its client gets the
// answer, nothing is done twice, and what was seen is not asked again.
func TestAReloadDuringALongCall(t *testing.T) {
	b := prepare(t)
	config := func(options string) string {
		return strings.Replace(b.site("", options), "{\n", "{\n\tgrace_period 20s\n", 1)
	}
	b.use(t, config(""))
	expectStatus(t, b.as(t, "reader", "bots"), 200)
	expectStatus(t, b.as(t, "reader", "version"), 200)
	expect(t, b.as(t, "writer", "bot?action=start&id=csv-parser"), 200, `"running"`)
	b.botnet.Switch("stall=1500ms")
	restarting := b.later(t.Context(), "writer", "bot?action=restart&id=csv-parser")
	reading := b.later(t.Context(), "reader", "queues")
	awaitCall(t, b.botnet, "restart csv-parser")
	awaitCall(t, b.botnet, "list queues")
	reloading := make(chan struct{})
	go func() {
		defer close(reloading)
		// It ends when the old server has answered all.
		if err := b.Load(t, config("session_lifetime 1h")); err != nil {
			t.Error(err)
		}
	}()
	if unlocked(t, b.botnet.Path("etc")) {
		t.Error("the lock is not held")
	}
	for name, answer := range map[string]<-chan outcome{"the change": restarting, "the read": reading} {
		if o := <-answer; o.status != 200 || name == "the change" && !strings.Contains(o.text, `"running"`) {
			t.Errorf("%s: HTTP %d %s %v", name, o.status, o.text, o.err)
		}
	}
	<-reloading
	b.use(t, config("session_lifetime 2h"))
	b.botnet.Switch()
	expectStatus(t, b.as(t, "reader", "bots"), 200)
	expectStatus(t, b.as(t, "reader", "version"), 200)
	for words, want := range map[string]int{"list bots": 1, "--version": 1, "restart csv-parser": 1, "list queues": 1, "debug --get-paths": 1} {
		if made := calls(b.botnet, words); len(made) != want {
			t.Errorf("%d calls of '%s', want %d", len(made), words, want)
		}
	}
	if n := len(b.botnet.Processes("csv-parser")); n != 1 {
		t.Errorf("the bot has %d processes", n)
	}
}

// TestTheNewConfigurationWaitsForTheChangesOfTheOldOne.
func TestTheNewConfigurationWaitsForTheChangesOfTheOldOne(t *testing.T) {
	b := start(t, "")
	b.botnet.Switch("stall=700ms")
	first := b.later(t.Context(), "writer", "bot?action=start&id=csv-parser")
	awaitCall(t, b.botnet, "start csv-parser")
	b.use(t, b.site("", "processes 3"))
	expect(t, b.as(t, "writer", "bot?action=restart&id=csv-parser"), 200, "[\n    \"stopped\",\n    \"running\"\n]")
	<-first
	made := append(calls(b.botnet, "start csv-parser"), calls(b.botnet, "restart csv-parser")...)
	if len(made) != 2 || intelmqctl.AtOnce(made) != 1 {
		t.Errorf("the calls are %v", made)
	}
	if n := len(b.botnet.Processes("csv-parser")); n != 1 {
		t.Errorf("the bot has %d processes", n)
	}
}

// TestAReloadThatFailsChangesNothing, not even the limits.
func TestAReloadThatFailsChangesNothing(t *testing.T) {
	b := start(t, "")
	expectStatus(t, b.as(t, "reader", "bots"), 200)
	// Another program has the port, which shows only when all is ready to start.
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := strings.Cut(taken.Addr().String(), ":")
	if err := b.Load(t, strings.Replace(b.site("", "timeout 1s"), "http://:0", "http://:0, http://:"+port, 1)); err == nil {
		t.Fatal("the configuration was taken")
	}
	b.botnet.Switch("stall=1500ms")
	expectStatus(t, b.as(t, "reader", "queues"), 200)
	expectStatus(t, b.as(t, "reader", "bots"), 200)
	if made := calls(b.botnet, "list bots"); len(made) != 1 {
		t.Errorf("the calls are %v", made)
	}
}
