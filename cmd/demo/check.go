package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// checkLimit is how long all lines together may take.
const checkLimit = 2 * time.Minute

// tryAll runs the lines in one shell, as a reader would paste them, prints what
// they say and reports an error if it is not what it must be.
func tryAll(ctx context.Context, lines []line) (err error) {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	shell, err := startShell(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, shell.close()) }()
	wrong := 0
	for _, l := range lines {
		fmt.Println(l.text())
		output, exit, err := shell.run(l.command)
		if err != nil {
			return fmt.Errorf("%s: %w", l.command, errors.Join(err, context.Cause(ctx)))
		}
		fmt.Print(output)
		if difference := l.difference(output, exit); difference != "" {
			wrong++
			fmt.Printf("^^^ WRONG: %s\n", difference)
		}
		fmt.Println()
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d lines said something else than they must", wrong, len(lines))
	}
	fmt.Printf("All %d lines said what they must.\n", len(lines))
	return nil
}

// difference says what is wrong with what a line has said, or nothing.
func (l *line) difference(output string, exit int) string {
	if exit != 0 {
		return fmt.Sprintf("exit code %d, and not 0", exit)
	}
	want := l.output
	if l.status != 0 {
		want += "HTTP " + strconv.Itoa(l.status) + `\n`
	}
	if !regexp.MustCompile(`\A(?:` + want + `)\z`).MatchString(output) {
		return fmt.Sprintf("it must say %s", want)
	}
	return ""
}

// shell is a running sh that gets one line after the other.
type shell struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	mark string
}

func startShell(ctx context.Context) (*shell, error) {
	cmd := exec.CommandContext(ctx, "sh")
	cmd.WaitDelay = 5 * time.Second
	own(cmd)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &shell{cmd, in, bufio.NewReader(out), "end-" + rand.Text()}, nil
}

// run runs a line, and returns what it has written and its exit code.
func (s *shell) run(command string) (output string, exit int, err error) {
	// The line end before the mark is ours, in case the output has none.
	if _, err := fmt.Fprintf(s.in, "%s\nprintf '\\n%s %%d\\n' $?\n", command, s.mark); err != nil {
		return "", 0, fmt.Errorf("the shell: %w", err)
	}
	var text strings.Builder
	for {
		piece, err := s.out.ReadString('\n')
		if err != nil {
			return text.String(), 0, fmt.Errorf("the shell: %w", err)
		}
		if code, marked := strings.CutPrefix(piece, s.mark+" "); marked {
			exit, err = strconv.Atoi(strings.TrimSpace(code))
			return strings.TrimSuffix(text.String(), "\n"), exit, err
		}
		text.WriteString(piece)
	}
}

// close lets the shell end.
func (s *shell) close() error {
	return errors.Join(s.in.Close(), s.cmd.Wait())
}
