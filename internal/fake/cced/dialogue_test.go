package cced

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// event is a line of a recorded dialogue.
type event struct {
	number int    // of the line in the file
	conn   string // the letter of the connection, "" if there is none
	kind   eventKind
	text   string
}

type eventKind int

const (
	sent     eventKind = iota // to the daemon
	received                  // from the daemon
	remark                    // of the recorder
	closed                    // by the daemon
	refused                   // to be written to
	silence                   // of the daemon
)

const dialogues = "../../cscp/testdata/dialogues"

var lettered = regexp.MustCompile(`^([A-Z]) ([<>#(].*)$`)

// readDialogue reads the events of a file. What handlers said to the daemon is
// not among them: the stand-in has no handlers that are programs.
func readDialogue(t *testing.T, name string) []event {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dialogues, name))
	if err != nil {
		t.Fatal(err)
	}
	var events []event
	for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		if strings.HasPrefix(line, "# == the handlers' side") {
			break
		}
		e := event{number: i + 1}
		if parts := lettered.FindStringSubmatch(line); parts != nil {
			e.conn, line = parts[1], parts[2]
		}
		switch {
		case line == "":
			continue
		case line == "(closed)":
			e.kind = closed
		case strings.HasPrefix(line, "(send failed"):
			e.kind = refused
		case strings.HasPrefix(line, "(nothing for"):
			e.kind = silence
		case strings.HasPrefix(line, "> "):
			e.kind, e.text = sent, fullLine(line[2:])
		case strings.HasPrefix(line, "< "):
			e.kind, e.text = received, line[2:]
		case strings.HasPrefix(line, "#"):
			e.kind, e.text = remark, line
		default:
			t.Fatalf("%s:%d: '%s' is not understood", name, e.number, line)
		}
		events = append(events, e)
	}
	return events
}

var (
	rawByte = regexp.MustCompile(`<0x[0-9a-f]{2}>`)
	// shortened is how the recorder left out the middle of a long line.
	shortened = regexp.MustCompile(`^(.*) \.\.\.\[(\d+) bytes in all\]\.\.\. (.*)$`)
)

// fullLine is a line as it was sent.
func fullLine(text string) string {
	if parts := shortened.FindStringSubmatch(text); parts != nil {
		length, _ := strconv.Atoi(parts[2])
		return parts[1] + strings.Repeat("x", length-len(parts[1])-len(parts[3])) + parts[3]
	}
	return rawByte.ReplaceAllStringFunc(text, func(code string) string {
		b, _ := strconv.ParseUint(code[3:5], 16, 8)
		return string([]byte{byte(b)})
	})
}

// final are the lines that end a reply.
var final = regexp.MustCompile(`^(200 READY|201 OK|202 GOODBYE|401 FAIL|402 BAD COMMAND|403 BAD PARAMETERS)$`)

// cutLine is how the recorder shortened a long reply; it counted its own mark.
var cutLine = regexp.MustCompile(`^(.*)\.\.\. \((\d+) characters in this line\)$`)

// sameLine compares a line with the recorded one.
func sameLine(recorded, got string) bool {
	if parts := cutLine.FindStringSubmatch(recorded); parts != nil {
		length, _ := strconv.Atoi(parts[2])
		return strings.HasPrefix(got, parts[1]) && len(got) == length-len("< ")
	}
	return recorded == got
}
