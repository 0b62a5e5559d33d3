package credential

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// MaxPeppers is how many peppers a pepper file may hold: one, and those before it
// that something may still be kept under.
const MaxPeppers = 8

var (
	// ErrPeppersForm is the error of ParsePeppers.
	ErrPeppersForm = fmt.Errorf("a pepper file is 1 to %d different peppers, each a line of 64 hexadecimal digits, and nothing else", MaxPeppers)
	// ErrManyPeppers: there is no room for a further pepper.
	ErrManyPeppers = fmt.Errorf("there are %d peppers already", MaxPeppers)
	// ErrSamePepper: the pepper is there already.
	ErrSamePepper = errors.New("the pepper is there already")
)

// Peppers are those of a pepper file, the newest first. They are never changed;
// the zero value holds none.
type Peppers struct{ list []*Pepper }

// ParsePeppers reads a pepper file as Text gives it. The last line end may be
// missing. The error is ErrPeppersForm.
func ParsePeppers(text []byte) (*Peppers, error) {
	lines := bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
	if len(lines) > MaxPeppers {
		return nil, ErrPeppersForm
	}
	s := &Peppers{}
	for _, line := range lines {
		p, err := ParsePepper(line)
		if err != nil || s.Find(p.fingerprint) != nil {
			return nil, ErrPeppersForm
		}
		s.list = append(s.list, p)
	}
	return s, nil
}

// Newest is the first pepper; nil if there is none.
func (s *Peppers) Newest() *Pepper {
	if len(s.list) == 0 {
		return nil
	}
	return s.list[0]
}

// Find returns the pepper that has this fingerprint; nil if there is none.
func (s *Peppers) Find(fingerprint string) *Pepper {
	i := slices.IndexFunc(s.list, func(p *Pepper) bool { return p.fingerprint == fingerprint })
	if i < 0 {
		return nil
	}
	return s.list[i]
}

// Fingerprints are those of all peppers, the newest first.
func (s *Peppers) Fingerprints() []string {
	prints := make([]string, 0, len(s.list))
	for _, p := range s.list {
		prints = append(prints, p.fingerprint)
	}
	return prints
}

// Text is what the pepper file holds: a line for each pepper.
func (s *Peppers) Text() Secret {
	var text strings.Builder
	for _, p := range s.list {
		text.WriteString(p.text.Reveal() + "\n")
	}
	return NewSecret(text.String())
}

// With returns the peppers with p as the newest. The error is ErrManyPeppers or
// ErrSamePepper.
func (s *Peppers) With(p *Pepper) (*Peppers, error) {
	switch {
	case s.Find(p.fingerprint) != nil:
		return nil, ErrSamePepper
	case len(s.list) >= MaxPeppers:
		return nil, ErrManyPeppers
	}
	return &Peppers{append([]*Pepper{p}, s.list...)}, nil
}

// Without returns the peppers but for the one that has this fingerprint.
func (s *Peppers) Without(fingerprint string) *Peppers {
	other := func(p *Pepper) bool { return p.fingerprint == fingerprint }
	return &Peppers{slices.DeleteFunc(slices.Clone(s.list), other)}
}

// String returns REDACTED.
func (*Peppers) String() string { return redacted }

// Format prints REDACTED for every verb.
func (*Peppers) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }
