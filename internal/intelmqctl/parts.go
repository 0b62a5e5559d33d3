package intelmqctl

import (
	"bytes"
	"encoding/json"
)

// wholeKey is the key of the command that tells at once what others tell in parts.
var wholeKey = key(QueuesAndStatus{})

// isPart reports whether the answer to a command may be cut out of that to
// QueuesAndStatus.
func isPart(cmd Command) bool {
	switch cmd := cmd.(type) {
	case Queues:
		return true
	case Botnet:
		return cmd == Botnet{Action: Look}
	case Bot:
		return cmd.Action == Look
	}
	return false
}

// lists reports whether a command needs the broker to list queues.
func lists(cmd Command) bool {
	switch cmd.(type) {
	case Queues, QueuesAndStatus:
		return true
	}
	return false
}

// split cuts what QueuesAndStatus has printed into what other commands would have
// printed, byte for byte, by their keys. It cuts nothing out of what it does not
// know.
func split(body []byte) map[string][]byte {
	var pair []json.RawMessage
	if json.Unmarshal(body, &pair) != nil || len(pair) != 2 {
		return nil
	}
	var queues, status map[string]json.RawMessage
	if json.Unmarshal(pair[0], &queues) != nil || json.Unmarshal(pair[1], &status) != nil || queues == nil || status == nil {
		return nil
	}
	parts := map[string][]byte{
		key(Queues{}):             printed(pair[0]),
		key(Botnet{Action: Look}): printed(pair[1]),
	}
	for name, word := range status {
		if id, err := ParseID(name); err == nil {
			parts[key(Bot{Action: Look, ID: id})] = printed(word)
		}
	}
	return parts
}

// printed writes a value as intelmqctl does, by Python's json.dumps with an
// indentation of four. Strings and numbers stay as they are.
func printed(value json.RawMessage) []byte {
	var b bytes.Buffer
	// It was read as JSON already.
	_ = json.Indent(&b, value, "", "    ")
	b.WriteByte('\n')
	return b.Bytes()
}
