package intelmqctl

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"
)

// queue is the messages of a queue, oldest first. Each is one line of a file.
func (f folder) queue(name string) ([]string, error) {
	text, err := os.ReadFile(f.queueFile(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var messages []string
	for line := range strings.Lines(string(text)) {
		messages = append(messages, strings.TrimSuffix(line, "\n"))
	}
	return messages, err
}

// push puts a message at the end.
func (f folder) push(name, message string) error { return appendLine(f.queueFile(name), message) }

// shift takes the oldest message away.
func (f folder) shift(name string) error {
	messages, err := f.queue(name)
	if err != nil || len(messages) == 0 {
		return err
	}
	return os.WriteFile(f.queueFile(name), []byte(lines(messages[1:])), 0o644)
}

func lines(messages []string) string {
	var b strings.Builder
	for _, m := range messages {
		b.WriteString(m + "\n")
	}
	return b.String()
}

// empty takes all messages away.
func (f folder) empty(name string) error {
	if err := os.Remove(f.queueFile(name)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// errInterrupted: SIGTERM has come before a message.
var errInterrupted = errors.New("interrupted")

// next waits for the oldest message of a queue, for ever if none comes.
func (c *call) next(name string) (string, error) {
	for {
		messages, err := c.root.queue(name)
		if err != nil {
			return "", err
		}
		if len(messages) > 0 {
			return messages[0], nil
		}
		select {
		case <-c.interrupted:
			return "", errInterrupted
		case <-time.After(20 * time.Millisecond):
		}
	}
}
