package allowlist

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

const (
	// maxFile is the most bytes that a file may have: more than 100,000 lines of
	// long entries with hashed secrets need.
	maxFile = 16 << 20
	// maxLines is the most lines that a file may have.
	maxLines = 200_000
)

// Document is a file of secrets, line by line.
type Document struct {
	lines []line
	// at is where the line of an entry stands.
	at map[netip.Prefix]int
}

// line is one line with its end. Only one that holds an entry has the fields
// below text.
type line struct {
	text     string
	entry    Entry
	verifier verifier
	hashed   bool
	// from and to are where the secret stands in text.
	from, to int
}

// Description is what may be told of a line.
type Description struct {
	Entry Entry
	// Hashed: the file does not hold the secret, only its digest.
	Hashed bool
	// Weak: the secret is in the clear and has less than 16 characters.
	Weak bool
}

// LineError says that a line cannot be understood. It does not show the line, in
// which a secret may stand.
type LineError struct {
	// Number counts from 1.
	Number int
	Err    error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Number, e.Err) }
func (e *LineError) Unwrap() error { return e.Err }

var (
	errTooLarge = fmt.Errorf("it has more than %d bytes or %d lines", maxFile, maxLines)
	errNoColon  = errors.New("write 'entry:secret', a comment that begins with '#', or nothing")
	errNoEntry  = errors.New("before the last ':' there is no address or network")
	errMark     = errors.New("it begins with a byte order mark; save the file as UTF-8 without one")
	errNoHost   = errors.New("this may be an IPv6 address without a secret; a secret that looks like a part of one is not taken")
)

// ParseDocument reads a file. A line that is neither empty, nor a comment, nor
// `entry:secret` is a LineError, and so is a second line for an entry.
func ParseDocument(content []byte) (*Document, error) {
	d := &Document{at: map[netip.Prefix]int{}}
	if len(content) > maxFile {
		return nil, errTooLarge
	}
	for text := range strings.Lines(string(content)) {
		if len(d.lines) == maxLines {
			return nil, errTooLarge
		}
		l, err := parseLine(text)
		if err == nil && l.entry.Prefix.IsValid() {
			if first, twice := d.at[l.entry.Prefix]; twice {
				err = fmt.Errorf("line %d has the same entry; delete one of them", first+1)
			}
			d.at[l.entry.Prefix] = len(d.lines)
		}
		if err != nil {
			return nil, &LineError{len(d.lines) + 1, err}
		}
		d.lines = append(d.lines, l)
	}
	return d, nil
}

// blanks are what may stand around an entry and a secret.
const blanks = " \t\r\n"

// byteOrderMark is what some editors put, unseen, before the first line.
const byteOrderMark = "\ufeff"

func parseLine(text string) (line, error) {
	l := line{text: text}
	if strings.HasPrefix(text, byteOrderMark) {
		return l, errMark
	}
	content := strings.TrimRight(text, blanks)
	if trimmed := strings.TrimLeft(content, blanks); trimmed == "" || trimmed[0] == '#' {
		return l, nil
	}
	colon := strings.LastIndexByte(content, ':')
	if colon < 0 {
		return l, errNoColon
	}
	l.entry.Text = strings.Trim(content[:colon], blanks)
	secret := strings.TrimLeft(content[colon+1:], blanks)
	l.from, l.to = len(content)-len(secret), len(content)
	prefix, err := parsePrefix(l.entry.Text)
	if err != nil {
		return l, errNoEntry
	}
	if prefix.Addr().Is6() && looksLikeEnd(secret) {
		return l, errNoHost
	}
	l.entry.Prefix = prefix
	l.verifier, l.hashed, err = parseSecret(secret)
	return l, err
}

// looksLikeEnd reports whether text could be the end of an IPv6 address, or of a
// network: 2001:db8::1:2 without a secret would else be 2001:db8::1 with the
// secret 2, and ::ffff:192.0.2.7 would be ::ffff with the secret 192.0.2.7. A
// zone and the bits of a network are no part of the address.
func looksLikeEnd(text string) bool {
	if i := strings.IndexAny(text, "%/"); i >= 0 {
		text = text[:i]
	}
	_, err := netip.ParseAddr("::" + text)
	return text != "" && err == nil
}

// Bytes is the file. Lines that were not changed are what they were, byte for
// byte.
func (d *Document) Bytes() []byte {
	size := 0
	for i := range d.lines {
		size += len(d.lines[i].text)
	}
	content := make([]byte, 0, size)
	for i := range d.lines {
		content = append(content, d.lines[i].text...)
	}
	return content
}

// Entries describes the entries in their order.
func (d *Document) Entries() []Description {
	var list []Description
	for i := range d.lines {
		if l := &d.lines[i]; l.entry.Prefix.IsValid() {
			list = append(list, Description{l.entry, l.hashed, !l.hashed && l.to-l.from < weakLength})
		}
	}
	return list
}

// verifiers are what is kept of the secrets.
func (d *Document) verifiers() map[netip.Prefix]verifier {
	all := make(map[netip.Prefix]verifier, len(d.at))
	for prefix, i := range d.at {
		all[prefix] = d.lines[i].verifier
	}
	return all
}
