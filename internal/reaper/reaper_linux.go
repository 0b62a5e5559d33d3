package reaper

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// Patience is how long a process that os/exec may have started is left dead.
	// os/exec takes its own away in milliseconds, if somebody waits for them.
	Patience = 5 * time.Second
	// pace is the time between two looks, however many processes end. intelmqctl
	// looks at a bot half a second after it was started or stopped.
	pace = 50 * time.Millisecond
)

// Needed reports whether orphans become children of this process.
func Needed() bool {
	if os.Getpid() == 1 {
		return true
	}
	var isReaper int32
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, unix.PR_GET_CHILD_SUBREAPER, uintptr(unsafe.Pointer(&isReaper)), 0, 0, 0, 0)
	return errno == 0 && isReaper != 0
}

// Start takes dead orphans away until stop, which waits for its end. It does nothing
// where it is not Needed. It is needed once for a process: a second one does no
// harm, but looks a second time. The error is that of a system without /proc.
func Start() (stop func(), err error) {
	if !Needed() {
		return func() {}, nil
	}
	r := &reaper{patience: Patience, reaped: func(int) {}}
	return r.start()
}

// reaper is one search for dead orphans, again and again.
type reaper struct {
	patience time.Duration
	// reaped is told of each process that was taken away.
	reaped func(pid int)
	// self is this process, and session the one it is in.
	self, session int
	// dead is since when those are known to be dead that are left for a while.
	dead map[incarnation]time.Time
}

// incarnation is one process of all that have the same number in turn.
type incarnation struct {
	pid     int
	started uint64
}

func (r *reaper) start() (stop func(), err error) {
	own, there := readProcess(os.Getpid())
	if !there {
		return nil, fmt.Errorf("this is process %d, which must wait for processes that have lost their parent, and cannot find them: /proc is not mounted, or not of this PID namespace", os.Getpid())
	}
	r.self, r.session = own.pid, own.session
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGCHLD)
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer signal.Stop(signals)
		r.run(signals, end)
	}()
	return sync.OnceFunc(func() { close(end); <-ended }), nil
}

// run looks at once, when a child has ended, and after Patience: those that are
// left for a while send no second signal.
func (r *reaper) run(signals <-chan os.Signal, end <-chan struct{}) {
	tick := time.NewTicker(r.patience)
	defer tick.Stop()
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-pause.C:
		case <-end:
			return
		}
		r.look(time.Now())
		select {
		case <-signals:
		case <-tick.C:
		case <-end:
			return
		}
		pause.Reset(pace)
	}
}

// look takes those away who are nobody's, or have been dead for long enough.
func (r *reaper) look(now time.Time) {
	dead := map[incarnation]time.Time{}
	for _, pid := range processes() {
		p, there := readProcess(pid)
		if !there || p.parent != r.self || p.state != zombie {
			continue
		}
		since, known := r.dead[p.incarnation]
		if !known {
			since = now
		}
		if !r.isForeign(p) && now.Sub(since) < r.patience {
			dead[p.incarnation] = since
			continue
		}
		// Whoever has been faster than we are has its status.
		if got, err := syscall.Wait4(pid, nil, syscall.WNOHANG, nil); err == nil && got == pid {
			r.reaped(pid)
		}
	}
	r.dead = dead
}

// isForeign reports whether this process cannot have started p itself: a session is
// inherited, and the only way out of it is to begin one with one's own number.
func (r *reaper) isForeign(p process) bool {
	return p.session != r.session && p.session != p.pid
}
