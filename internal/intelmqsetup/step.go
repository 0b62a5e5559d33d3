package intelmqsetup

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// step is one thing that shall be so.
type step struct {
	// state is the thing as a sentence.
	state string
	// how is what a person could do for it.
	how []string
	// needless is why it is not needed, or empty.
	needless string
	// then is what the reader has to do once it is done, or empty.
	then string
	// done reports whether it is so already. do makes it so.
	done func() (bool, error)
	do   func(context.Context) error
}

// run makes it so, or tells about it.
func (s step) run(ctx context.Context, dryRun bool, out io.Writer) error {
	if s.needless != "" {
		return say(out, "not needed", s.state+": "+s.needless)
	}
	done, err := s.done()
	if err != nil {
		return fmt.Errorf("%s: %w", s.state, err)
	}
	if done {
		return say(out, "already", s.state)
	}
	if dryRun {
		return say(out, "would do", s.state, s.how...)
	}
	if err := s.do(ctx); err != nil {
		return fmt.Errorf("%s: %w", s.state, err)
	}
	if s.then != "" {
		return say(out, "done", s.state, s.then)
	}
	return say(out, "done", s.state)
}

func say(out io.Writer, outcome, state string, more ...string) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%-11s %s\n", outcome, state)
	for _, line := range more {
		fmt.Fprintf(&text, "%-11s   %s\n", "", line)
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// oneLine is what a program has said, for an error.
func oneLine(said string) string { return strings.Join(strings.Fields(said), " ") }
