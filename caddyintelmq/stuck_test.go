package caddyintelmq_test

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// behind is a command that dies when it is told to end, as sudo does, while the
// program behind it lives on.
func (b *bench) behind(t testing.TB) string {
	t.Helper()
	return writeFile(t, b.botnet.Path("bin/wrapper"), "#!/bin/sh\n\""+b.botnet.Command+"\" \"$@\" &\nwait $!\n", 0o700)
}

// TestAChangeThatCannotBeEndedLocksAllOthers: it may do its work any time.
func TestAChangeThatCannotBeEndedLocksAllOthers(t *testing.T) {
	b := prepare(t)
	options := "allowed_path " + b.botnet.Path("var/lib/bots") + "\nchange_timeout 1s"
	b.use(t, b.sites("http://:0 {\n"+block("/intelmq", "command "+b.behind(t)+"\n"+options)+"}\n"))
	runtime := b.as(t, "reader", "runtime").Text
	waiting := make(chan outcome, 1)
	b.botnet.Switch("stall=1h", "ignore_sigterm")
	ending := b.later(t.Context(), "writer", "bot?action=start&id=csv-parser")
	awaitCall(t, b.botnet, "start csv-parser")
	// Who waits is told as well.
	go func() { waiting <- b.attempt(t.Context(), "GET", api+"botnet?action=reload", "", b.by("writer")...) }()
	if o := <-ending; o.status != 504 || !strings.Contains(o.text, "It could not be ended and runs on.") {
		t.Errorf("HTTP %d %s %v", o.status, o.text, o.err)
	}
	b.botnet.Switch()
	if o := <-waiting; o.status != 503 || o.header.Get("Retry-After") != "30" || !strings.Contains(o.text, "still runs") {
		t.Errorf("who waits: HTTP %d %s %v", o.status, o.text, o.err)
	}
	for _, route := range []string{"bot?action=stop&id=dedup-expert", "botnet?action=restart", "clear?id=csv-parser-queue"} {
		r := b.as(t, "writer", route)
		if r.StatusCode != 503 || r.Header.Get("Retry-After") != "30" || !strings.Contains(r.Text, "wrapper --type json start csv-parser") {
			t.Errorf("%s: HTTP %d %s %s", route, r.StatusCode, r.Header.Get("Retry-After"), r.Text)
		}
	}
	for route, body := range map[string]string{"runtime": withRate(runtime, 1), "positions": `{"a":{"x":1}}`} {
		if r := b.post(t, "writer", route, body, asJSON...); r.StatusCode != 503 || r.Header.Get("Retry-After") != "30" {
			t.Errorf("saving %s: HTTP %d %s", route, r.StatusCode, r.Text)
		}
	}
	// A reload forgets nothing of it. To see is still possible.
	b.use(t, b.sites("http://:0 {\n"+block("/intelmq", "command "+b.behind(t)+"\n"+options+"\nprocesses 2")+"}\n"))
	expectStatus(t, b.as(t, "writer", "bot?action=stop&id=dedup-expert"), 503)
	expectStatus(t, b.as(t, "reader", "queues"), 200)
	if unlocked(t, b.botnet.Path("etc")) {
		t.Error("other processes may change the botnet meanwhile")
	}
	status, h := b.health(t)
	if status != 503 || h.Healthy || len(h.Endpoints[0].Stuck) != 1 || !strings.Contains(h.Endpoints[0].Stuck[0].Command, "start csv-parser") || h.Endpoints[0].Stuck[0].Since.IsZero() {
		t.Errorf("health: %d %+v", status, h)
	}
	if r := b.admin(t, "/metrics"); !strings.Contains(r.Text, "caddy_intelmq_calls_stuck 1\n") {
		t.Error("the metrics do not have it")
	}
	// The administrator ends it.
	if err := syscall.Kill(calls(b.botnet, "start csv-parser")[0].PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		if r := b.as(t, "writer", "bot?action=start&id=csv-parser"); r.StatusCode != 200 {
			return "after its end: " + r.Text
		}
		return ""
	})
	if _, h := b.health(t); len(h.Endpoints[0].Stuck) > 0 {
		t.Errorf("after its end: %+v", h)
	}
	if !unlocked(t, b.botnet.Path("etc")) {
		t.Error("the lock is still held")
	}
}

// unlocked reports whether another process could change the botnet now.
func unlocked(t *testing.T, dir string) bool {
	t.Helper()
	folder, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	return unix.Flock(int(folder.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil
}

// TestAChangeWaitsForOtherProcesses, such as another server of this kind.
func TestAChangeWaitsForOtherProcesses(t *testing.T) {
	b := start(t, "")
	runtime := b.as(t, "reader", "runtime").Text
	folder, err := os.Open(b.botnet.Path("etc"))
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	if err := unix.Flock(int(folder.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	starting := b.later(t.Context(), "writer", "bot?action=start&id=csv-parser")
	saving := make(chan outcome, 1)
	go func() {
		saving <- b.attempt(t.Context(), "POST", api+"runtime", withRate(runtime, 1), append(b.by("writer"), asJSON...)...)
	}()
	eventually(t, func() string {
		if !strings.Contains(b.admin(t, "/metrics").Text, "caddy_intelmq_calls_waiting 1\n") {
			return "one of the changes has to wait for the other one"
		}
		return ""
	})
	if made := calls(b.botnet, "start"); len(made) > 0 || b.as(t, "reader", "runtime").Text != runtime {
		t.Errorf("while another process had the lock %v was done, or it was saved", made)
	}
	if err := unix.Flock(int(folder.Fd()), unix.LOCK_UN); err != nil {
		t.Fatal(err)
	}
	for _, answer := range []<-chan outcome{starting, saving} {
		if o := <-answer; o.status != 200 {
			t.Errorf("HTTP %d %s %v", o.status, o.text, o.err)
		}
	}
}
