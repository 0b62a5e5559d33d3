package cscp

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// exchange is a recorded line to cced and what cced answered.
type exchange struct {
	// where is the file and line of the recording.
	where, line string
	// reply is empty if cced has closed the connection instead.
	reply []string
}

// final is the code of the reply's last line.
func (e exchange) final() int {
	if len(e.reply) == 0 {
		return 0
	}
	return codeOf([]byte(e.reply[len(e.reply)-1]))
}

// parseErrored reports whether cced could not take the line apart.
func (e exchange) parseErrored() bool {
	return len(e.reply) == 2 && e.reply[0] == "306 ERROR COMMAND PARSE ERROR"
}

// recorder pairs the lines of one connection of a recording.
type recorder struct {
	pending  []exchange
	partial  []string
	greeted  bool
	greeting bool
	// confused says that a NUL was sent, after which replies are to other lines.
	confused bool
}

// exchanges reads a recording. Left out are exchanges whose replies were not
// recorded whole, the side of the handlers, and lines that the recorder has
// shortened.
func exchanges(t testing.TB, file string) (found []exchange) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	connections := map[string]*recorder{}
	for i, line := range strings.Split(string(text), "\n") {
		if strings.Contains(line, "the handlers' side (") {
			break
		}
		name, rest := "", line
		if m := connectionLetter.FindStringSubmatch(line); m != nil {
			name, rest = m[1], m[2]
		}
		c := connections[name]
		if c == nil {
			c = &recorder{}
			connections[name] = c
		}
		found = append(found, c.take(fmt.Sprintf("%s:%d", filepath.Base(file), i+1), recordedBytes(rest))...)
	}
	return found
}

var connectionLetter = regexp.MustCompile(`^([A-Z]) ([<>#(].*)$`)

func (c *recorder) take(where, line string) (found []exchange) {
	switch {
	case strings.HasPrefix(line, "> "):
		if len(c.partial) > 0 {
			c.pending, c.partial = c.pending[1:], nil
		}
		command := line[2:]
		c.confused = c.confused || strings.Contains(command, "\x00")
		if word, _ := Word(command); word == "HELP" || word == "" || c.confused || !isWhole(command) {
			return nil
		}
		c.pending = append(c.pending, exchange{where: where, line: command})
	case line == "(closed)":
		if len(c.pending) > 0 {
			found = append(found, c.pending[0])
		}
		*c = recorder{}
	case strings.HasPrefix(line, "< "):
		return c.answer(strings.TrimPrefix(line, "< "))
	}
	return found
}

func isWhole(command string) bool {
	return !strings.Contains(command, "bytes in all]") && !strings.Contains(command, "(400 times") &&
		!strings.Contains(command, "<newline>")
}

func (c *recorder) answer(line string) []exchange {
	switch {
	case strings.HasPrefix(line, "100 CSCP/"):
		if c.greeted {
			c.pending, c.partial = nil, nil
		}
		c.greeted, c.greeting = true, true
		return nil
	case c.greeting:
		c.greeting = line != "200 READY"
		return nil
	case len(c.pending) == 0 || codeOf([]byte(line)) == 0:
		return nil
	}
	c.partial = append(c.partial, line)
	if code := codeOf([]byte(line)); code/100 != 2 && code/100 != 4 {
		return nil
	}
	done := c.pending[0]
	done.reply = c.partial
	c.pending, c.partial = c.pending[1:], nil
	return []exchange{done}
}

var recordedByte = regexp.MustCompile(`<0x([0-9a-f]{2})>`)

func recordedBytes(line string) string {
	return recordedByte.ReplaceAllStringFunc(line, func(hex string) string {
		n, _ := strconv.ParseUint(hex[3:5], 16, 8)
		return string([]byte{byte(n)})
	})
}

// forgeries is the recording of names that make false lines.
const forgeries = "testdata/dialogues/29_unescaped_names.txt"

// recordings lists all recorded dialogues but the forgeries, whose replies do
// not end where they seem to.
func recordings(t testing.TB) (files []string) {
	t.Helper()
	all, err := filepath.Glob("testdata/dialogues/*.txt")
	if err != nil || len(all) != 30 {
		t.Fatalf("there are %d dialogues, not 30 (%v)", len(all), err)
	}
	for _, file := range all {
		if file != forgeries {
			files = append(files, file)
		}
	}
	return files
}

func TestTheRecordingsAreReadWhole(t *testing.T) {
	n := 0
	for _, file := range recordings(t) {
		n += len(exchanges(t, file))
	}
	if n < 580 {
		t.Errorf("%d exchanges were found in the recordings, fewer than there are", n)
	}
}
