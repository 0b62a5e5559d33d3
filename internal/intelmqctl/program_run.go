package intelmqctl

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"
)

// lull is how long the output of a process that has ended, or was killed, is
// waited for. Behind it another one may hold it open: a bot, or what sudo has
// started.
const lull = time.Second

// run is one process that was started.
type run struct {
	process        *os.Process
	began          time.Time
	stdout, stderr *catch
	// ended is closed when the process is reaped; state is there from then on.
	ended chan struct{}
	state *os.ProcessState
	// over is closed when it is reaped and nobody holds its output.
	over chan struct{}
}

// watch reaps the process. It ends with it and its output, which close() ends
// earlier.
func (r *run) watch() {
	// The error would be that of a process that somebody else has reaped. That one
	// has ended too.
	r.state, _ = r.process.Wait()
	close(r.ended)
	<-r.stdout.done
	<-r.stderr.done
	close(r.over)
}

// attend waits for the process, and ends it when ctx is done.
func (r *run) attend(ctx context.Context, grace time.Duration) Output {
	interrupted := false
	select {
	case <-r.ended:
	case <-ctx.Done():
		interrupted = r.terminate(grace)
	}
	within(lull, r.over)
	return r.result(interrupted)
}

// terminate tells the process to end, and after grace kills it. Only the process:
// bots live in its group. It reports whether the process still ran.
func (r *run) terminate(grace time.Duration) bool {
	if err := r.process.Signal(syscall.SIGTERM); err != nil {
		// Else it is another user's, who alone can end it.
		return !errors.Is(err, os.ErrProcessDone)
	}
	if !within(grace, r.ended) {
		// A process that has ended meanwhile or is another user's is left alone.
		_ = r.process.Kill()
	}
	return true
}

// result is what there is now. Nothing of it changes later.
func (r *run) result(interrupted bool) Output {
	o := Output{ExitCode: -1, Interrupted: interrupted, Took: time.Since(r.began)}
	o.Stdout, o.Truncated = r.stdout.take()
	o.Stderr, _ = r.stderr.take()
	exited := false
	if isClosed(r.ended) && r.state != nil {
		o.ExitCode = r.state.ExitCode()
		exited = r.state.Exited()
	}
	switch {
	case isClosed(r.over):
	case exited && !interrupted:
		// It has done all it wanted. Who holds its output is a bot, which must not
		// be waited for, and has been given nothing to say here.
		r.stdout.close()
		r.stderr.close()
	default:
		// What stood behind it may be at work still.
		o.Running = r.over
	}
	return o
}

// within reports whether c is closed before so much time is over.
func within(limit time.Duration, c <-chan struct{}) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-c:
		return true
	case <-timer.C:
		return isClosed(c)
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
