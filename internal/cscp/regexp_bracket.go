package cscp

import (
	"slices"
	"strings"
)

// classes are those of POSIX.
var classes = []string{
	"alnum", "alpha", "blank", "cntrl", "digit", "graph",
	"lower", "print", "punct", "space", "upper", "xdigit",
}

// bracket reads a bracket expression.
func (p *regexpParser) bracket() error {
	open := p.at
	p.at++
	if p.next() == '^' {
		p.at++
	}
	if inside, _, closed := strings.Cut(p.text[p.at:], "]"); closed && len(inside) > 2 && inside[0] == ':' && strings.HasSuffix(inside, ":") {
		return p.errorf(open, "a class stands in brackets of its own; write '[[:alpha:]]'")
	}
	for first := p.at; p.at < len(p.text); {
		if p.next() == ']' && p.at > first {
			p.at++
			return nil
		}
		if err := p.bracketItem(open, first); err != nil {
			return err
		}
	}
	return p.bracketNotClosed(open)
}

func (p *regexpParser) bracketNotClosed(open int) error {
	return p.errorf(open, "the bracket is not closed; write ']' behind it, once more if the first one is a character, or '\\[' for the character")
}

// bracketItem reads a character, a range or a class. first is where the first
// one stands, which may be ']' or '-'.
func (p *regexpParser) bracketItem(open, first int) error {
	at := p.at
	rest := p.text[at:]
	switch c := rest[0]; {
	case strings.HasPrefix(rest, "[:"):
		return p.class()
	case strings.HasPrefix(rest, "[.") || strings.HasPrefix(rest, "[="):
		return p.errorf(at, "'%s' begins what depends on the language of the server; write the characters, '[' last", rest[:2])
	case c == '\\':
		return p.errorf(at, "a backslash in brackets is a character to some libraries; leave it out, or write '(\\\\|[a-z])' to match one")
	case c >= 0x80:
		return p.errorf(at, "only ASCII characters may stand in brackets; write alternatives, as in '(é|[a-z])'")
	case len(rest) > 2 && rest[1] == '-' && rest[2] != ']':
		return p.bracketRange()
	case len(rest) == 2 && rest[1] == '-':
		return p.bracketNotClosed(open)
	case c == '-' && at > first && !strings.HasPrefix(rest, "-]"):
		return p.errorf(at, "'-' between characters that are no range; write it first or last")
	}
	p.at++
	return nil
}

// bracketRange reads a range. Only the order of digits and of letters of one
// case is the same everywhere.
func (p *regexpParser) bracketRange() error {
	at := p.at
	low, high := p.text[at], p.text[at+2]
	p.at += len("a-z")
	switch {
	case rangeKind(low) == 0 || rangeKind(low) != rangeKind(high):
		return p.errorf(at, "a range from one kind of character to another; write '0-9', 'a-z', 'A-Z' or parts of them, classes such as '[:print:]', or single characters, '-' first or last")
	case low > high:
		return p.errorf(at, "a range that ends before it begins; write '%c-%c'", high, low)
	}
	return nil
}

// rangeKind is '0', 'a' or 'A' for what may begin or end a range, else 0.
func rangeKind(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return '0'
	case c >= 'a' && c <= 'z':
		return 'a'
	case c >= 'A' && c <= 'Z':
		return 'A'
	}
	return 0
}

// class reads a class such as [:alpha:].
func (p *regexpParser) class() error {
	at := p.at
	name, _, closed := strings.Cut(p.text[at+len("[:"):], ":]")
	if !closed || !slices.Contains(classes, name) {
		return p.errorf(at, "no class that POSIX knows; write one of %s, as in '[[:alpha:]]', or '[' last for the character", strings.Join(classes, " "))
	}
	p.at += len("[::]") + len(name)
	return nil
}
