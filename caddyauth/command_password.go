package caddyauth

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/sallyport/sallyport/internal/plugin/command"
)

// passwordFlag is the flag that asks for a password.
const passwordFlag = "password"

// maxPasswordInput is more than any password may have, in bytes, and shows
// whether there was more.
const maxPasswordInput = 4096

// readNewPassword asks for a new password: twice and without an echo at a
// terminal, or else one line of standard input. An argument could be read by
// everybody on the machine.
func (s *session) readNewPassword() (string, error) {
	stdin := int(os.Stdin.Fd())
	if !term.IsTerminal(stdin) {
		return readLine(os.Stdin)
	}
	first, err := s.ask(stdin, "New password: ")
	if err != nil {
		return "", err
	}
	again, err := s.ask(stdin, "Again: ")
	if err != nil {
		return "", err
	}
	if first != again {
		return "", &command.UsageError{Text: "the two are not the same"}
	}
	return first, nil
}

func (s *session) ask(terminal int, prompt string) (string, error) {
	// An interrupted question must leave the echo as it was.
	before, err := term.GetState(terminal)
	if err != nil {
		return "", fmt.Errorf("the terminal: %w", err)
	}
	defer func() { _ = term.Restore(terminal, before) }()
	if _, err := fmt.Fprint(s.Talk, prompt); err != nil {
		return "", err
	}
	text, err := s.readPassword(terminal)
	fmt.Fprintln(s.Talk)
	return text, err
}

// readPassword reads without an echo, until the command is interrupted.
func (s *session) readPassword(terminal int) (string, error) {
	type answer struct {
		text []byte
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		text, err := term.ReadPassword(terminal)
		answers <- answer{text, err}
	}()
	select {
	case a := <-answers:
		return string(a.text), a.err
	case <-s.Ctx.Done():
		// The command ends now, and the reader with it.
		return "", s.Ctx.Err()
	}
}

// readLine reads everything there is, which must be one line.
func readLine(r io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxPasswordInput))
	if err != nil {
		return "", fmt.Errorf("standard input: %w", err)
	}
	line := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if line == "" || strings.ContainsAny(line, "\r\n") {
		return "", &command.UsageError{Text: "the password on standard input must be one line"}
	}
	return line, nil
}
