package intelmqctl

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// ID is the name of a bot or of a queue. The zero value is none.
type ID struct{ text string }

// maxID bounds a name, in bytes. Bots have a few words.
const maxID = 200

// ParseID reads a name. It has letters, digits, hyphens, underscores and dots, and
// does not begin with a hyphen, since intelmqctl would take it for an option. This
// is what IntelMQ's manager allows and what configurations written by hand have.
func ParseID(text string) (ID, error) {
	if text == "" {
		return ID{}, errors.New("the name is empty")
	}
	if len(text) > maxID {
		return ID{}, fmt.Errorf("the name is longer than %d characters", maxID)
	}
	if text[0] == '-' {
		return ID{}, errors.New("a name does not begin with a hyphen")
	}
	for _, c := range []byte(text) {
		if !isNameByte(c) {
			return ID{}, errors.New("a name has letters, digits, '-', '_' and '.'")
		}
	}
	return ID{text}, nil
}

func isNameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.'
}

func (i ID) String() string { return i.text }

// Event is a message of IntelMQ: a JSON object. The zero value is none.
type Event struct{ text string }

// maxEvent bounds a message, in bytes: Linux takes 128 KiB for one argument of a
// command (MAX_ARG_STRLEN in execve(2)).
const maxEvent = 120 << 10

// ParseEvent reads a message. Anything but an object is refused, for intelmqctl
// would take it for an option or for the path of a file, which it would read.
func ParseEvent(text string) (Event, error) {
	if len(text) > maxEvent {
		return Event{}, fmt.Errorf("the message is longer than %d KiB", maxEvent>>10)
	}
	var object map[string]json.RawMessage
	if !utf8.ValidString(text) || json.Unmarshal([]byte(text), &object) != nil || object == nil {
		return Event{}, errors.New("the message is not a JSON object")
	}
	return Event{text}, nil
}

func (e Event) String() string { return e.text }

// withoutEvent is a command as others are told of it, who must not see the message
// that it carries.
func withoutEvent(cmd Command) Command {
	elided := Event{"…"}
	switch c := cmd.(type) {
	case Send:
		c.Event = elided
		return c
	case Process:
		if c.Event.text != "" {
			c.Event = elided
		}
		return c
	}
	return cmd
}
