package cced

import (
	"net"
	"regexp"
	"strings"
	"time"
)

// remarks are those of the recorder that say what happened.
var remarks = []struct {
	text string
	do   func(r *replayer, letter string)
}{
	{"== as uid 65534", func(r *replayer, _ string) { r.daemon.PeerIsRoot(false) }},
	{"== as uid 0", func(r *replayer, _ string) { r.daemon.PeerIsRoot(true) }},
	{"== the same from a root peer", func(r *replayer, _ string) { r.daemon.PeerIsRoot(true) }},
	{"== 400 commands", func(r *replayer, _ string) { r.daemon.PeerIsRoot(false) }},

	{"== end of input without BYE", func(r *replayer, _ string) { r.hangUp = true }},
	{"connection shut by the client", (*replayer).leave},
	{"closes the connection while the handler still works", (*replayer).leaveWorking},
	{"closes without reading", (*replayer).leave},

	// 16: C is answered while the change of A goes on, and B waits for it.
	{"sends a change whose handler takes 3 s", func(r *replayer, letter string) { r.slow = letter }},
	{"was answered at 0.3 s", func(r *replayer, _ string) { r.clock.awaitSleeper() }},
	{"2.5 s later", (*replayer).finishHandler},

	{"change whose handler takes 2 s", func(r *replayer, _ string) { r.clock.awaitSleeper() }},
	{"SIGTERM to the daemon", func(r *replayer, _ string) { r.daemon.Stop() }},
	{"a new connection is refused", (*replayer).startAgain},
	{"its cced worker is killed", (*replayer).killWorker},
}

var pastTime = regexp.MustCompile(`^# ([0-9.]+) s later$`)

// remark does what a remark says.
func (r *replayer) remark(e event) {
	if e.conn == "" {
		if parts := pastTime.FindStringSubmatch(e.text); parts != nil {
			d, err := time.ParseDuration(parts[1] + "s")
			if err != nil {
				r.fatalf("%v", err)
			}
			r.clock.advance(d)
			return
		}
	}
	for _, one := range remarks {
		if strings.Contains(e.text, one.text) {
			one.do(r, e.conn)
			return
		}
	}
}

// leave goes away, and waits until the daemon has carried out what was sent and
// has noticed.
func (r *replayer) leave(letter string) {
	before := r.daemon.Connections().Open
	r.forget(letter)
	for r.daemon.Connections().Open == before {
		time.Sleep(time.Millisecond)
	}
}

// leaveWorking goes away while a handler works, which the daemon sees later.
func (r *replayer) leaveWorking(letter string) {
	r.clock.awaitSleeper()
	r.forget(letter)
}

// finishHandler lets the slow handler end whose client has gone.
func (r *replayer) finishHandler(string) {
	before := r.daemon.Connections().Open
	r.clock.advance(2500 * time.Millisecond)
	for r.daemon.Connections().Open == before {
		time.Sleep(time.Millisecond)
	}
}

func (r *replayer) startAgain(string) {
	if peer, err := net.DialTimeout("unix", r.daemon.Socket(), time.Minute); err == nil {
		_ = peer.Close()
		r.fatalf("a stopped daemon took a connection")
	}
	if err := r.daemon.Restart(); err != nil {
		r.fatalf("%v", err)
	}
}

func (r *replayer) killWorker(string) {
	r.clock.awaitSleeper()
	r.daemon.KillWorker()
}
