package intelmqctl

import (
	"context"
	"time"
)

// Executor starts processes. Program is one; tests have others.
type Executor interface {
	// Execute runs the configured command with arguments until it has ended, or
	// ctx is done; then it is told to end. What it prints beyond a bound is dropped,
	// and ends nothing. The error is not nil only if it was not started.
	Execute(ctx context.Context, arguments []string) (Output, error)
	// Line is what a person could type to run the same, quoted for a POSIX shell.
	Line(arguments []string) string
}

// Output is what a process has printed, and how it has ended.
type Output struct {
	Stdout, Stderr []byte
	// ExitCode is -1 if the process has not ended by itself.
	ExitCode int
	// Truncated: it has printed more than is taken.
	Truncated bool
	// Interrupted: it was told to end since ctx was done.
	Interrupted bool
	// Running is nil if the process has ended; else it is closed when it has and
	// nobody holds its output. A process that cannot be killed, behind sudo, runs on.
	Running <-chan struct{}
	// Took is how long it has run.
	Took time.Duration
}
