package howlerusers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
)

const (
	// MaxFile is the longest file that is worth reading, in bytes. Callers see to it.
	MaxFile = 32 << 20
	// MaxUsers is how many users are read.
	MaxUsers = 1000
	// maxShown bounds a name in an error, in characters.
	maxShown = 80
)

// Export is what was read.
type Export struct {
	// Users are in the order of the file.
	Users []User
	// Left says of each thing that is not taken over what and why: keys that could not
	// be used, agents who cannot be users.
	Left []string
	// Wrong says of each user who cannot be taken what is wrong with him.
	Wrong []error
}

// Parse reads a file of users. Keys that had expired by now are left out. The error is
// that it is no such file; it says what was expected.
func Parse(content []byte, now time.Time) (Export, error) {
	documents, err := split(content)
	if err != nil {
		return Export{}, err
	}
	if len(documents) == 0 {
		return Export{}, errors.New("there is no user in it")
	}
	e := Export{Users: make([]User, 0, len(documents))}
	for i, document := range documents {
		r := reader{now: now}
		u, err := r.user(document)
		if err != nil {
			e.Wrong = append(e.Wrong, fmt.Errorf("user %d: %w", i+1, err))
			continue
		}
		e.Left = append(e.Left, r.left...)
		e.Users = append(e.Users, u)
	}
	return e, nil
}

// split finds the documents of users in the forms in which they come.
func split(content []byte) (documents []json.RawMessage, err error) {
	if len(content) > MaxFile {
		return nil, fmt.Errorf("it is longer than %d MiB", MaxFile>>20)
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	for {
		var value json.RawMessage
		err := decoder.Decode(&value)
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return nil, fmt.Errorf("it is no JSON after byte %d, nor lines of JSON", decoder.InputOffset())
		}
		found, err := unwrap(value)
		if err != nil {
			return nil, err
		}
		if documents = append(documents, found...); len(documents) > MaxUsers {
			return nil, errMany
		}
	}
}

var errMany = fmt.Errorf("it has more than %d users", MaxUsers)

// unwrap takes documents out of a list, or out of the answer to a search.
func unwrap(value json.RawMessage) (documents []json.RawMessage, err error) {
	if value[0] == '[' {
		return sources(value)
	}
	var answer struct {
		Hits *struct {
			Total json.RawMessage `json:"total"`
			Hits  json.RawMessage `json:"hits"`
		} `json:"hits"`
	}
	if err := json.Unmarshal(value, &answer); err != nil || answer.Hits == nil {
		return []json.RawMessage{source(value)}, nil
	}
	if documents, err = sources(answer.Hits.Hits); err != nil {
		return nil, err
	}
	if total := totalOf(answer.Hits.Total); total > int64(len(documents)) {
		return nil, fmt.Errorf("it is the answer to a search with %d of %d users; ask for all of them with size=%d", len(documents), total, MaxUsers)
	}
	return documents, nil
}

// sources are the documents of a list. One that is too long is not read to its end.
func sources(list json.RawMessage) (documents []json.RawMessage, err error) {
	decoder := json.NewDecoder(bytes.NewReader(list))
	if begin, err := decoder.Token(); err != nil || begin != json.Delim('[') {
		return nil, errors.New("its 'hits' are no list")
	}
	for decoder.More() {
		var one json.RawMessage
		if err := decoder.Decode(&one); err != nil {
			return nil, err
		}
		if documents = append(documents, source(one)); len(documents) > MaxUsers {
			return nil, errMany
		}
	}
	return documents, nil
}

// totalOf reads how many were found: a number, or since Elasticsearch 7 an object with
// one. What is neither says nothing.
func totalOf(text json.RawMessage) int64 {
	var object struct {
		Value int64 `json:"value"`
	}
	var number int64
	if json.Unmarshal(text, &number) == nil {
		return number
	}
	if json.Unmarshal(text, &object) == nil {
		return object.Value
	}
	return 0
}

// source is what stands in _source, if anything does.
func source(document json.RawMessage) json.RawMessage {
	var wrapped struct {
		Source json.RawMessage `json:"_source"`
	}
	if json.Unmarshal(document, &wrapped) == nil && wrapped.Source != nil {
		return wrapped.Source
	}
	return document
}

// printable cleans a foreign text, and shortens it.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, strings.ToValidUTF8(text, "?"))
	if runes := []rune(text); len(runes) > maxShown {
		return string(runes[:maxShown]) + "…"
	}
	return text
}
