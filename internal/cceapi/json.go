package cceapi

import (
	"errors"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/sallyport/sallyport/internal/cscp"
)

// errNotText: a reply holds a value that is not one quoted text.
var errNotText = errors.New("cced's reply has a value that cannot be read")

const hexDigits = "0123456789abcdef"

// isOwn tells the bytes that stand for themselves in a JSON string.
var isOwn = func() (table [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		table[c] = c != '"' && c != '\\'
	}
	return table
}()

// firstOther is where the first byte is that does not stand for itself, or the
// length of the text.
func firstOther[T string | []byte](text T) int {
	for i := range len(text) {
		if !isOwn[text[i]] {
			return i
		}
	}
	return len(text)
}

// appendString appends text as a JSON string, byte for byte what encoding/json
// writes with SetEscapeHTML(false). What is not UTF-8, which values in cced need
// not be, becomes U+FFFD, one for each byte: a JSON text cannot hold it.
func appendString[T string | []byte](dst []byte, text T) []byte {
	dst = append(dst, '"')
	from := 0
	for i := firstOther(text); i < len(text); {
		c := text[i]
		if isOwn[c] {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			dst = appendEscape(append(dst, text[from:i]...), c)
			i++
			from = i
			continue
		}
		// Four bytes hold any character.
		r, size := utf8.DecodeRuneInString(string(text[i:min(len(text), i+utf8.UTFMax)]))
		if r == utf8.RuneError && size == 1 {
			dst = append(append(dst, text[from:i]...), `\ufffd`...)
			from = i + size
		} else if r == '\u2028' || r == '\u2029' {
			// They end a line in old JavaScript.
			dst = append(append(dst, text[from:i]...), `\u202`...)
			dst = append(dst, hexDigits[r&0xf])
			from = i + size
		}
		i += size
	}
	return append(append(dst, text[from:]...), '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
}

// object writes the members of a JSON object, which the caller opens and closes
// by the first and last of these methods.
type object struct{ text []byte }

func (o *object) open()  { o.text = append(o.text, '{') }
func (o *object) close() { o.text = append(o.text, '}') }

// key begins a member, with a comma if it is not the first.
func (o *object) key(name string) {
	o.comma()
	o.text = append(appendString(o.text, name), ':')
}

// comma parts what follows from what stands before it, if that is not an opening.
func (o *object) comma() {
	if last := len(o.text) - 1; last >= 0 && o.text[last] != '{' && o.text[last] != '[' {
		o.text = append(o.text, ',')
	}
}

func (o *object) string(name, value string) {
	o.key(name)
	o.text = appendString(o.text, value)
}

func (o *object) int(name string, value int) {
	o.key(name)
	o.text = strconv.AppendInt(o.text, int64(value), 10)
}

func (o *object) bool(name string, value bool) {
	o.key(name)
	o.text = strconv.AppendBool(o.text, value)
}

func (o *object) strings(name string, values []string) {
	o.key(name)
	o.text = append(o.text, '[')
	for _, v := range values {
		o.comma()
		o.text = appendString(o.text, v)
	}
	o.text = append(o.text, ']')
}

// appendQuoted appends what a quoted value of a reply stands for as JSON. The
// scratch is returned for the next one.
func appendQuoted(dst, scratch, quoted []byte, arrays bool) (text, rest []byte, err error) {
	last := len(quoted) - 1
	if last < 1 || quoted[0] != '"' || quoted[last] != '"' {
		return dst, scratch, errNotText
	}
	value := quoted[1:last]
	if firstOther(value) == len(value) {
		if !arrays || !isArray(value) {
			// It is the JSON already.
			return append(dst, quoted...), scratch, nil
		}
	} else {
		// A value is no longer than its quoted form. Most need no scratch.
		scratch = slices.Grow(scratch[:0], len(quoted))
		if scratch, err = cscp.AppendUnquoted(scratch, quoted); err != nil {
			return dst, scratch, errNotText
		}
		value = scratch
	}
	if arrays && isArray(value) {
		return appendArray(dst, value), scratch, nil
	}
	return appendString(dst, value), scratch, nil
}
