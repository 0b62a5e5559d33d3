package intelmqconf

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// twice says what a key that an object has twice means.
type twice bool

const (
	// refused: it is an error.
	refused twice = false
	// lastCounts: the last value counts, at the place of the first. So Python
	// reads JSON.
	lastCounts twice = true
)

// parseJSON reads a whole document.
func parseJSON(data []byte, again twice) (value, error) {
	if len(data) > maxSize {
		return value{}, ErrTooBig
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return value{}, ErrEmpty
	}
	if !utf8.Valid(data) {
		return value{}, ErrNotUTF8
	}
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		return value{}, fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	if hasHalfPair(data) {
		return value{}, ErrNotUTF8
	}
	r := jsonReader{rest: data, again: again}
	return r.value(1)
}

// jsonReader makes values of what is known to be valid JSON. The tokens of
// encoding/json would take twenty times as long.
type jsonReader struct {
	rest  []byte
	again twice
	spent budget
}

// next gives the first byte that is no blank.
func (r *jsonReader) next() byte {
	r.rest = bytes.TrimLeft(r.rest, " \t\r\n")
	return r.rest[0]
}

// take gives the first n bytes, and goes on behind them.
func (r *jsonReader) take(n int) string {
	taken := string(r.rest[:n])
	r.rest = r.rest[n:]
	return taken
}

func (r *jsonReader) value(depth int) (value, error) {
	first := r.next()
	if err := r.spent.spend(depth, 0); err != nil {
		return value{}, err
	}
	switch first {
	case '{':
		return r.object(depth)
	case '[':
		return r.list(depth)
	case '"':
		return value{kind: text, text: r.text()}, nil
	}
	end := bytes.IndexAny(r.rest, ",]} \t\r\n")
	if end < 0 {
		end = len(r.rest)
	}
	switch word := r.take(end); word {
	case "null":
		return value{}, nil
	case "true", "false":
		return truth(word == "true"), nil
	default:
		return number(word)
	}
}

// text reads a string.
func (r *jsonReader) text() string {
	end := 1
	for r.rest[end] != '"' {
		if r.rest[end] == '\\' {
			end++
		}
		end++
	}
	literal := r.take(end + 1)
	if !strings.Contains(literal, `\`) {
		return literal[1:end]
	}
	var s string
	// It is valid, so there is no error.
	_ = json.Unmarshal([]byte(literal), &s)
	return s
}

func truth(b bool) value {
	if b {
		return value{kind: boolean, text: "true"}
	}
	return value{kind: boolean, text: "false"}
}

func (r *jsonReader) list(depth int) (value, error) {
	v := value{kind: list}
	for r.more(']') {
		item, err := r.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.items = append(v.items, item)
	}
	return v, nil
}

// more steps over the bracket or the comma in front of the next part, or over the
// bracket at the end.
func (r *jsonReader) more(end byte) bool {
	if r.next() == end {
		r.rest = r.rest[1:]
		return false
	}
	r.rest = r.rest[1:]
	if r.next() == end {
		r.rest = r.rest[1:]
		return false
	}
	return true
}

func (r *jsonReader) object(depth int) (value, error) {
	v := value{kind: object}
	at := map[string]int{}
	for r.more('}') {
		key := r.text()
		r.next()
		r.rest = r.rest[1:]
		item, err := r.value(depth + 1)
		if err != nil {
			return v, fmt.Errorf("'%s': %w", key, err)
		}
		if i, known := at[key]; !known {
			at[key] = len(v.members)
			v.members = append(v.members, member{key, item})
		} else if r.again == lastCounts {
			v.members[i].value = item
		} else {
			return v, fmt.Errorf("'%s': %w", key, ErrDuplicateKey)
		}
	}
	return v, nil
}

// hasHalfPair reports whether valid JSON has an escaped surrogate without its
// other half, in whose place encoding/json would put another character.
func hasHalfPair(data []byte) bool {
	for {
		i := bytes.IndexByte(data, '\\')
		if i < 0 {
			return false
		}
		data = data[i:]
		if data[1] != 'u' {
			data = data[2:]
			continue
		}
		switch first := escaped(data); {
		case first>>10 == 0xdc00>>10:
			return true
		case first>>10 != 0xd800>>10:
			data = data[6:]
		case len(data) < 12 || data[6] != '\\' || data[7] != 'u' || escaped(data[6:])>>10 != 0xdc00>>10:
			return true
		default:
			data = data[12:]
		}
	}
}

// escaped is the number in an escape like \u00e9.
func escaped(data []byte) (n int) {
	for _, c := range data[2:6] {
		n <<= 4
		switch {
		case c <= '9':
			n |= int(c - '0')
		default:
			n |= int(c|0x20-'a') + 10
		}
	}
	return n
}
