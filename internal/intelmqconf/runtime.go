package intelmqconf

import (
	"fmt"
	"time"
)

// Runtime is IntelMQ's runtime.yaml: the global settings and those of each bot. The
// zero value is ready, and may be used by many goroutines at once.
type Runtime struct {
	// Now is the time, for how long what was read is good; nil is time.Now.
	Now func() time.Time

	cache cache
}

// Read gives the configuration, from memory as long as the file does not change.
// The error is a FileError.
func (r *Runtime) Read(path string) (*Document, error) {
	return r.cache.read(path, clock(r.Now), func(content []byte) (value, error) {
		_, v, err := parseRuntime(content)
		return v, err
	})
}

func clock(now func() time.Time) time.Time {
	if now == nil {
		return time.Now()
	}
	return now()
}

// Saving says on what condition Save writes.
type Saving struct {
	// IfMatch is the header of that name; empty is no condition.
	IfMatch string
}

// Saved is what has become of a file.
type Saved struct {
	// Document is what the file holds now.
	Document *Document
	// Written is false if it held that already; then nothing was written.
	Written bool
	// Warning is what the operator should know about how it was written, or empty.
	Warning string
}

// Save puts a configuration in place of that at path, which stays in a file beside
// it whose name ends in .bak. The body is a JSON object, each member of which is one
// too; a BodyError says what else it is. ErrChanged is for IfMatch, and for a file
// that changes meanwhile; a FileError is for the file, which is then as it was.
//
// Numbers and strings that are the same as data leave the line in which they
// stand as it is. Nobody else may save into that folder meanwhile.
func (r *Runtime) Save(path string, body []byte, how Saving) (Saved, error) {
	want, err := parseBots(body)
	if err != nil {
		return Saved{}, &BodyError{err}
	}
	content, was, err := readFile(path)
	if err != nil {
		return Saved{}, fileError(path, err)
	}
	root, have, err := parseRuntime(content)
	if err != nil {
		return Saved{}, fileError(path, err)
	}
	now := newDocument(&have)
	if how.IfMatch != "" && !now.matches(how.IfMatch) {
		return Saved{}, ErrChanged
	}
	if equal(&have, &want) {
		return Saved{Document: now}, nil
	}
	next, err := write(content, root, &have, &want)
	if err != nil {
		return Saved{}, err
	}
	warning, err := replace(path, change{old: content, content: next.text, was: was, backup: true})
	if err != nil {
		return Saved{}, err
	}
	if next.plain {
		warning = sentences(warning, fmt.Sprintf("the comments in '%s' could not be kept", path))
	}
	return Saved{newDocument(&next.tree), true, warning}, nil
}

// Check says what is wrong with the content of a runtime.yaml, or nothing.
func Check(content []byte) error {
	_, _, err := parseRuntime(content)
	return err
}

// parseBots reads a body, which is an object of objects.
func parseBots(body []byte) (value, error) {
	v, err := parseObject(body)
	if err != nil {
		return v, err
	}
	if len(v.members) == 0 {
		return v, ErrEmptyObject
	}
	for _, m := range v.members {
		if m.value.kind != object {
			return v, fmt.Errorf("'%s': %w", m.key, ErrNotBot)
		}
	}
	return v, checkKeys(&v)
}

// parseObject reads what a client sends, in which no key may be there twice.
func parseObject(body []byte) (value, error) {
	v, err := parseJSON(body, refused)
	if err != nil {
		return v, err
	}
	if v.kind != object {
		return v, ErrNotObject
	}
	return v, nil
}

// checkKeys refuses keys that YAML could not have on one line.
func checkKeys(v *value) error {
	for i := range v.items {
		if err := checkKeys(&v.items[i]); err != nil {
			return err
		}
	}
	for i := range v.members {
		m := &v.members[i]
		if len(quote(m.key)) > maxKey {
			return ErrKey
		}
		if err := checkKeys(&m.value); err != nil {
			return fmt.Errorf("'%s': %w", m.key, err)
		}
	}
	return nil
}
