package caddyintelmq_test

import (
	"syscall"
	"testing"
)

// TestABotThatDiesIsStopped: bots are children of whoever adopts orphans, which is
// the server where it is process 1 of a container. While one that has died is not
// reaped its status is unknown, and it cannot be started.
func TestABotThatDiesIsStopped(t *testing.T) {
	b := start(t, "")
	if r := b.as(t, "writer", "bot?action=start&id=csv-parser"); r.Text != "\"running\"\n" {
		t.Fatalf("%d %s", r.StatusCode, r.Text)
	}
	b.botnet.StopReaping()
	for _, pid := range b.botnet.Processes("csv-parser") {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, func() string {
		if text := b.as(t, "reader", "bot?action=status&id=csv-parser").Text; text != "\"stopped\"\n" {
			return "the bot is " + text
		}
		return ""
	})
	if r := b.as(t, "writer", "bot?action=start&id=csv-parser"); r.Text != "\"running\"\n" {
		t.Errorf("%d %s", r.StatusCode, r.Text)
	}
}
