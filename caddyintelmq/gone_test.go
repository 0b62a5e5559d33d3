package caddyintelmq_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAReadEndsWithItsLastClient(t *testing.T) {
	b := start(t, "")
	b.botnet.Switch("stall=1h")
	first, leave := context.WithCancel(t.Context())
	second, leaveToo := context.WithCancel(t.Context())
	defer leave()
	defer leaveToo()
	one, two := b.later(first, "reader", "queues"), b.later(second, "reader", "queues")
	awaitCall(t, b.botnet, "list queues")
	// The other one must wait, too.
	eventually(t, func() string {
		if r := b.admin(t, "/metrics"); !strings.Contains(r.Text, `caddy_intelmq_coalesced_total{command="queues"}`) {
			return "the second client does not wait for the same call"
		}
		return ""
	})
	pid := calls(b.botnet, "list queues")[0].PID
	leave()
	if o := <-one; o.err == nil {
		t.Errorf("HTTP %d %s", o.status, o.text)
	}
	eventually(t, func() string {
		if r := b.admin(t, "/metrics"); !strings.Contains(r.Text, `caddy_intelmq_requests_total{route="queues",status="503"} `) {
			return "it is not noticed that the first client has gone"
		}
		return ""
	})
	if !alive(pid) {
		t.Error("the call has ended although somebody waits for it")
	}
	leaveToo()
	<-two
	eventually(t, func() string {
		if alive(pid) {
			return "the call still runs although nobody waits for it"
		}
		return ""
	})
	if made := calls(b.botnet, "list queues"); len(made) != 1 {
		t.Errorf("the calls are %v", made)
	}
}

// TestAChangeGoesOnWithoutItsClient: half a restart is worse than one that nobody
// waits for.
func TestAChangeGoesOnWithoutItsClient(t *testing.T) {
	b := start(t, "")
	expect(t, b.as(t, "writer", "bot?action=start&id=csv-parser"), 200, `"running"`)
	before := b.botnet.Processes("csv-parser")
	b.botnet.Switch("stall=500ms")
	ctx, leave := context.WithCancel(t.Context())
	restarting := b.later(ctx, "writer", "bot?action=restart&id=csv-parser")
	awaitCall(t, b.botnet, "restart csv-parser")
	// This one waits for its turn, and comes all the same.
	clearing := b.later(ctx, "writer", "clear?id=csv-parser-queue")
	eventually(t, func() string {
		if r := b.admin(t, "/metrics"); !strings.Contains(r.Text, "caddy_intelmq_calls_waiting 1\n") {
			return "the second change does not wait"
		}
		return ""
	})
	b.botnet.Fill("csv-parser-queue", `{"a":"b"}`)
	leave()
	<-restarting
	<-clearing
	eventually(t, func() string {
		made := append(calls(b.botnet, "restart csv-parser"), calls(b.botnet, "clear csv-parser-queue")...)
		if len(made) != 2 || made[0].End.IsZero() || made[1].End.IsZero() {
			return "a change has not come to its end"
		}
		return ""
	})
	if after := b.botnet.Processes("csv-parser"); len(before) != 1 || len(after) != 1 || after[0] == before[0] {
		t.Errorf("the process of the bot was %v and is %v", before, after)
	}
	if left := b.botnet.Queue("csv-parser-queue"); len(left) > 0 {
		t.Errorf("the queue has %q", left)
	}
	eventually(t, func() string {
		for _, line := range []string{`"change":"bot restart","target":"csv-parser","caller":"user:admin"`, `"change":"clear","target":"csv-parser-queue","caller":"user:admin"`} {
			if !strings.Contains(b.Log(t), line) {
				return "the audit trail does not have " + line
			}
		}
		return ""
	})
}

// TestWhileTheStoreIsDownNobodyGetsIn, and nothing is run for anybody.
func TestWhileTheStoreIsDownNobodyGetsIn(t *testing.T) {
	b := start(t, "")
	token := b.logIn(t)
	expectStatus(t, b.as(t, "reader", "queues"), 200)
	file := filepath.Join(b.Dir, "auth.db")
	if err := os.Rename(file, file+".away"); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		if r := b.as(t, "reader", "version"); r.StatusCode != 503 {
			return "it is not noticed that the store is gone: " + r.Text
		}
		return ""
	})
	before := len(b.botnet.Calls())
	for name, headers := range map[string][]string{
		"a key": b.by("writer"), "a token": {"Authorization", token}, "a cookie": b.by("cookie"),
		"a wrong token": {"Authorization", strings.Repeat("a", 64)},
	} {
		for _, route := range []string{"queues", "bot?action=start&id=csv-parser", "check", "runtime"} {
			r := b.Get(t, api+route, headers...)
			if name == "a wrong token" && r.StatusCode == http.StatusUnauthorized {
				continue // No store is needed to see that it has not our form.
			}
			if r.StatusCode != 503 || r.Header.Get("Retry-After") == "" || !strings.HasPrefix(r.Text, `{"error":"`) {
				t.Errorf("%s, %s: HTTP %d %s %s", name, route, r.StatusCode, r.Header, r.Text)
			}
		}
	}
	r := b.post(t, "", "login", "username=admin&password=x", form...)
	if r.StatusCode != 503 || !strings.HasPrefix(r.Text, `{"error":"`) {
		t.Errorf("a log-in: HTTP %d %s", r.StatusCode, r.Text)
	}
	if made := b.botnet.Calls()[before:]; len(made) > 0 {
		t.Errorf("intelmqctl was called: %v", made)
	}
	if err := os.Rename(file+".away", file); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		if r := b.as(t, "", "queues", "Authorization", token); r.StatusCode != 200 {
			return "after the store is back: " + r.Text
		}
		return ""
	})
}
