package intelmqapi

import (
	"bytes"
	"fmt"
	"strings"
)

// fault is where a text stops being JSON, in bytes, and what Python's json module
// says of it: the answer to a broken body has its words.
type fault struct {
	message string
	at      int
}

func (p *place) message() string {
	return fmt.Sprintf("%s: line %d column %d (char %d)", p.Msg, p.Line, p.Col, p.Pos)
}

// maxDepth bounds how deep arrays and objects are nested. Python ends at about a
// thousand; a configuration has five levels.
const maxDepth = 500

const jsonBlanks = " \t\r\n"

// checkJSON finds the first fault of a text that is UTF-8, or nil. NaN and
// Infinity, which Python takes, are none of JSON.
func checkJSON(text []byte) *fault {
	c := checker{text: text}
	c.skipBlanks()
	if f := c.value(); f != nil {
		return f
	}
	c.skipBlanks()
	if c.at < len(text) {
		return c.fault("Extra data")
	}
	return nil
}

type checker struct {
	text  []byte
	at    int
	depth int
}

func (c *checker) fault(message string) *fault { return &fault{message, c.at} }

// next is the byte at hand, or 0 at the end: a NUL is nowhere allowed.
func (c *checker) next() byte {
	if c.at < len(c.text) {
		return c.text[c.at]
	}
	return 0
}

func (c *checker) skipBlanks() {
	for b := c.next(); b == ' ' || b == '\t' || b == '\r' || b == '\n'; b = c.next() {
		c.at++
	}
}

func (c *checker) value() *fault {
	switch b := c.next(); b {
	case '"':
		return c.string()
	case '{', '[':
		if c.depth == maxDepth {
			return c.fault("Nested too deeply")
		}
		c.depth++
		defer func() { c.depth-- }()
		if b == '{' {
			return c.list('}', c.member)
		}
		return c.list(']', c.value)
	case 't':
		return c.word("true")
	case 'f':
		return c.word("false")
	case 'n':
		return c.word("null")
	default:
		return c.number()
	}
}

func (c *checker) word(w string) *fault {
	if !bytes.HasPrefix(c.text[c.at:], []byte(w)) {
		return c.fault("Expecting value")
	}
	c.at += len(w)
	return nil
}

// list reads an array or an object from its opening bracket on.
func (c *checker) list(end byte, element func() *fault) *fault {
	c.at++
	c.skipBlanks()
	if c.next() == end {
		c.at++
		return nil
	}
	for {
		if f := element(); f != nil {
			return f
		}
		c.skipBlanks()
		switch c.next() {
		case end:
			c.at++
			return nil
		case ',':
			c.at++
			c.skipBlanks()
		default:
			return c.fault("Expecting ',' delimiter")
		}
	}
}

func (c *checker) member() *fault {
	if c.next() != '"' {
		return c.fault("Expecting property name enclosed in double quotes")
	}
	if f := c.string(); f != nil {
		return f
	}
	c.skipBlanks()
	if c.next() != ':' {
		return c.fault("Expecting ':' delimiter")
	}
	c.at++
	c.skipBlanks()
	return c.value()
}

func (c *checker) string() *fault {
	begin := c.at
	for c.at++; c.at < len(c.text); c.at++ {
		switch b := c.text[c.at]; {
		case b == '"':
			c.at++
			return nil
		case b < ' ':
			return c.fault("Invalid control character at")
		case b == '\\':
			if f := c.escape(begin); f != nil {
				return f
			}
		}
	}
	return &fault{"Unterminated string starting at", begin}
}

// escape reads up to the last byte of an escape. Python wants something to follow
// the four digits, were it a quote.
func (c *checker) escape(begin int) *fault {
	rest := c.text[c.at+1:]
	switch {
	case len(rest) == 0:
		return &fault{"Unterminated string starting at", begin}
	case strings.IndexByte(`"\/bfnrt`, rest[0]) >= 0:
		c.at++
		return nil
	case rest[0] != 'u':
		return c.fault(`Invalid \escape`)
	}
	c.at++
	if len(rest) < 6 || !isHex(rest[1]) || !isHex(rest[2]) || !isHex(rest[3]) || !isHex(rest[4]) {
		return c.fault(`Invalid \uXXXX escape`)
	}
	c.at += 4
	return nil
}

func (c *checker) number() *fault {
	begin := c.at
	if c.next() == '-' {
		c.at++
	}
	switch {
	case c.next() == '0':
		c.at++
	case !c.digits():
		return &fault{"Expecting value", begin}
	}
	// A point or an exponent without digits is not of the number.
	c.part(".", "")
	c.part("eE", "+-")
	return nil
}

// part reads one of the first bytes, perhaps one of the second ones, and digits;
// or nothing.
func (c *checker) part(first, then string) {
	begin := c.at
	if !c.oneOf(first) {
		return
	}
	c.oneOf(then)
	if !c.digits() {
		c.at = begin
	}
}

func (c *checker) oneOf(set string) bool {
	if c.at == len(c.text) || strings.IndexByte(set, c.text[c.at]) < 0 {
		return false
	}
	c.at++
	return true
}

func (c *checker) digits() bool {
	begin := c.at
	for b := c.next(); '0' <= b && b <= '9'; b = c.next() {
		c.at++
	}
	return c.at > begin
}
