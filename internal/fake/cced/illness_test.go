package cced

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestStalledDaemonAnswersLater(t *testing.T) {
	s := Start(t)
	open := dial(t, s)
	s.Stall(true)
	late := dialQuietly(t, s)
	open.send("WHOAMI\n")
	late.send("WHOAMI\n")
	for _, c := range []*talker{open, late} {
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		if got, err := c.reader.ReadByte(); err == nil {
			t.Fatalf("a stalled daemon said '%c'", got)
		}
		_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	}
	s.Stall(false)
	open.expect("104 OBJECT -1", "201 OK")
	late.expect("100 CSCP/0.99", "200 READY", "104 OBJECT -1", "201 OK")
}

func TestStalledDaemonCanBeStopped(t *testing.T) {
	s := Start(t)
	c := dial(t, s)
	s.Stall(true)
	c.send("WHOAMI\n")
	s.Stop()
	if got := c.rest(); got != "998 SHUTTING DOWN" {
		t.Errorf("the last words were '%s'", got)
	}
}

func TestAnswersAreCutOff(t *testing.T) {
	s := Start(t)
	first, second, third := dial(t, s), dial(t, s), dial(t, s)
	s.CutAfter(len("104 OBJECT -1\n201 "), 2)
	first.send("WHOAMI\n")
	if got := first.rest(); got != "104 OBJECT -1\n201 " {
		t.Errorf("the first got '%s'", got)
	}
	second.send("ENDKEY\n")
	second.expect("201 OK")
	second.send("WHOAMI\n")
	if got := second.rest(); got != "104 OBJECT " {
		t.Errorf("the second got '%s'", got)
	}
	third.answers("WHOAMI", "104 OBJECT -1", "201 OK")
}

func TestFloodEndsWithTheClientOrTheDaemon(t *testing.T) {
	s := Start(t)
	s.Flood("104 OBJECT 1\n")
	gone, staying := dial(t, s), dial(t, s)
	for _, c := range []*talker{gone, staying} {
		c.send("FIND User\n")
		for range 10_000 {
			c.expect("104 OBJECT 1")
		}
	}
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	await(t, func() bool { return s.Connections().Open == 1 })
	s.Flood("")
	dial(t, s).answers("WHOAMI", "104 OBJECT -1", "201 OK")
	s.Stop()
	if got := s.Connections().Open; got != 0 {
		t.Errorf("%d connections are open after the stop", got)
	}
}

func TestSuspensionFromOutside(t *testing.T) {
	s := Start(t, asAdmin)
	c := dial(t, s)
	if !s.Suspend(strings.Repeat("r", 200)) || s.Suspend("again") {
		t.Error("the first suspension must do, the second not")
	}
	c.answers(`SET 1 notes = "x"`, `309 SUSPENDED "`+strings.Repeat("r", longestReason)+`"`, "401 FAIL")
	if !s.Resume() || s.Resume() {
		t.Error("the first resumption must do, the second not")
	}
	c.answers(`SET 1 notes = "x"`, "201 OK")
}

func TestTooManyConnectionsAreTurnedAway(t *testing.T) {
	s := Start(t, func(c *Config) { c.MaxConnections = 2 })
	dial(t, s)
	second := dial(t, s)
	if got := dialQuietly(t, s).rest(); got != "Maximum number of connections reached\ndisconnecting..." {
		t.Errorf("the third got '%s'", got)
	}
	if got, want := s.Connections(), (Connections{Open: 2, Peak: 2, Accepted: 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	await(t, func() bool { return s.Connections().Open == 1 })
	dial(t, s)
	if got, want := s.Connections(), (Connections{Open: 2, Peak: 2, Accepted: 3}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestRestartMendsALostLock(t *testing.T) {
	s := Start(t, asAdmin, func(c *Config) { c.Second = time.Hour })
	doomed := dial(t, s)
	doomed.send("CREATE Probe name = p mode = slow1\n")
	doomed.expect("104 OBJECT 9")
	s.KillWorker()
	if got := doomed.rest(); got != "" {
		t.Errorf("the doomed got '%s'", got)
	}
	waiting := dial(t, s)
	waiting.send("SET 1 notes = x\n")
	await(t, func() bool { return slices.Contains(s.Lines(), "SET 1 notes = x") })
	dial(t, s).answers("FIND Probe", "201 OK")
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	if got := waiting.rest(); got != "401 FAIL\n998 SHUTTING DOWN" {
		t.Errorf("the waiting got '%s'", got)
	}
	dial(t, s).answers("SET 1 notes = x", "201 OK")
}

// await waits for what another goroutine does.
func await(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not come")
		}
	}
}
