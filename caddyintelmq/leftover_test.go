package caddyintelmq_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/fake/intelmqctl"
)

// callsOf are the processes of a botnet's calls that run; bots are none.
func callsOf(t *testing.T, botnet *intelmqctl.Botnet) (pids []int) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		text, err := os.ReadFile(line)
		words := strings.Split(string(text), "\x00")
		if err != nil || words[0] != botnet.Command || len(words) > 1 && (words[1] == "-root" || words[1] == "bot") {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(line))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// TestNothingIsLeftAfterTheEnd of the server: no call of intelmqctl, and no goroutine.
// Bots run on, since the botnet is not the server's.
func TestNothingIsLeftAfterTheEnd(t *testing.T) {
	// One goroutine for each adopts its bots until the test ends.
	botnets := 0
	round := func() {
		b := start(t, "processes 2")
		botnets++
		expect(t, b.as(t, "writer", "bot?action=start&id=csv-parser"), 200, `"running"`)
		b.use(t, b.site("", "processes 3"))
		for _, route := range []string{"queues", "botnet?action=status", "queues-and-status", "bots", "runtime", "getlog?id=csv-parser&lines=-1", "check"} {
			expectStatus(t, b.as(t, "reader", route), 200)
		}
		b.health(t)
		if len(b.botnet.Processes("csv-parser")) != 1 {
			t.Error("the bot does not run")
		}
		b.botnet.Switch("stall=1h")
		reading := b.later(t.Context(), "reader", "debug")
		awaitCall(t, b.botnet, "debug")
		b.botnet.Switch("stall=300ms")
		changing := b.later(t.Context(), "writer", "bot?action=start&id=dedup-expert")
		awaitCall(t, b.botnet, "start dedup-expert")
		if err := caddy.Stop(); err != nil {
			t.Fatal(err)
		}
		<-reading
		<-changing
		eventually(t, func() string {
			if left := callsOf(t, b.botnet); len(left) > 0 {
				return fmt.Sprintf("the calls %v are left", left)
			}
			return ""
		})
		for _, id := range []string{"csv-parser", "dedup-expert"} {
			if n := len(b.botnet.Processes(id)); n != 1 {
				t.Errorf("%s has %d processes", id, n)
			}
		}
		if made := calls(b.botnet, "start dedup-expert"); len(made) != 1 || made[0].End.IsZero() {
			t.Errorf("the change was not let come to its end: %v", made)
		}
		b.Client.CloseIdleConnections()
	}
	// The first one starts what lives as long as the process.
	round()
	base := -1
	eventually(t, func() string {
		before := base
		if base = runtime.NumGoroutine() - botnets; base != before {
			return "the number of goroutines does not settle"
		}
		return ""
	})
	round()
	eventually(t, func() string {
		if last := runtime.NumGoroutine() - botnets; last > base {
			return fmt.Sprintf("%d goroutines are left, there were %d", last, base)
		}
		return ""
	})
}
