package intelmqconf

import (
	"bytes"
	"encoding/json"
	"fmt"
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
	// The tokens alone would not tell all errors.
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		return value{}, fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	if hasHalfPair(data) {
		return value{}, ErrNotUTF8
	}
	tokens := json.NewDecoder(bytes.NewReader(data))
	tokens.UseNumber()
	r := jsonReader{tokens: tokens, again: again}
	return r.value(1)
}

type jsonReader struct {
	tokens *json.Decoder
	again  twice
	spent  budget
}

func (r *jsonReader) value(depth int) (value, error) {
	token, err := r.tokens.Token()
	if err != nil {
		return value{}, fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	if err := r.spent.spend(depth, 0); err != nil {
		return value{}, err
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '[' {
			return r.list(depth)
		}
		return r.object(depth)
	case string:
		return value{kind: text, text: t}, nil
	case json.Number:
		return number(t.String())
	case bool:
		return truth(t), nil
	default:
		return value{}, nil
	}
}

func truth(b bool) value {
	if b {
		return value{kind: boolean, text: "true"}
	}
	return value{kind: boolean, text: "false"}
}

func (r *jsonReader) list(depth int) (value, error) {
	v := value{kind: list}
	for r.tokens.More() {
		item, err := r.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.items = append(v.items, item)
	}
	_, err := r.tokens.Token()
	return v, err
}

func (r *jsonReader) object(depth int) (value, error) {
	v := value{kind: object}
	at := map[string]int{}
	for r.tokens.More() {
		token, err := r.tokens.Token()
		if err != nil {
			return v, err
		}
		key, _ := token.(string)
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
	_, err := r.tokens.Token()
	return v, err
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
