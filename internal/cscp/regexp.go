package cscp

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	// maxRegexp is the most bytes of an expression. POSIX demands of a C library
	// that it takes 256, and people write less.
	maxRegexp = 1024
	// maxRepeat is RE_DUP_MAX as POSIX guarantees it; cced's C library closes
	// the connection above its own.
	maxRepeat = 255
	// maxDepth is how many groups may be open at once. The parser here and the
	// C library's call themselves for each, and nobody reads ten.
	maxDepth = 50
	// maxAtoms is how many characters and brackets an expression may have once
	// its repeats are written out, which is what the C library does: a group
	// under '+' stands there twice, so twenty of them, one in the other, fill
	// the memory. 300 leave room for one repeat of 255. What that is good for,
	// with bash and glibc 2.36 in C.UTF-8, on values that do not match:
	//
	//	.{0,255}.{0,255}.{0,255}c  1,000 bytes    1.3 s    14 MB  refused
	//	.{0,98}.{0,98}.{0,98}c     1,000 bytes    0.15 s    5 MB
	//	([a-z]{149})+c             20,000 bytes   2.9 s     4 MB
	//	[ab]*a[ab]{100}c           1,000 bytes    1.1 s   120 MB
	//	[ab]*a[ab]{250}c           1,000 bytes    7 s     340 MB
	//
	// The last two have values in which each character leaves other ways open,
	// all of which the library remembers. No bound that people could live with
	// helps there, but only that on time.
	maxAtoms = 300
)

// CheckRegexp reports why an expression must not be sent to cced, or nil. cced
// closes the connection without a word when its C library rejects an
// expression, and takes forms of other dialects for something else: \d is the
// letter d. What passes means the same to every POSIX library, with or without
// extensions, and to whoever reads it:
//
//	expression  = alternative { "|" alternative }
//	alternative = [ "^" ] { piece } [ "$" ], at least one of these
//	piece       = atom [ "*" | "+" | "?" | "{m}" | "{m,}" | "{m,n}" ]
//	bracket     = "[" [ "^" ] { character | a-z | "[:class:]" } "]"
//	atom        = character | "." | "\" punctuation | "(" expression ")" | bracket
//
// Or it is empty, and matches everything. It has at most 1,024 bytes of UTF-8,
// groups go 50 deep, repeats up to 255, and written out it has at most 300
// atoms. A repeat may not follow another, hold an anchor or what can be empty,
// nor, if it is counted, hold any other repeat. The error says where, counted in
// characters from 1, and what to write instead.
//
// How long a match takes depends on the values as well, which are not known
// here: whoever sends the expression sets the time.
func CheckRegexp(expression string) error {
	if len(expression) > maxRegexp {
		return fmt.Errorf("regular expression: it has %d bytes; write at most %d", len(expression), maxRegexp)
	}
	p := regexpParser{text: expression}
	if err := p.checkBytes(); err != nil || expression == "" {
		return err
	}
	_, err := p.alternatives(0)
	return err
}

// regexpParser reads an expression from left to right.
type regexpParser struct {
	text string
	// at is the offset of what is read next.
	at int
}

// part is what is known of a part of an expression that has been read.
type part struct {
	// atoms is how many there are once repeats are written out.
	atoms int
	// empty: it may match nothing at all.
	empty bool
	// anchored: it holds '^' or '$'.
	anchored bool
	// repeats: it holds a repeat.
	repeats bool
	// bare: it is one repeat and nothing else, but for parentheses.
	bare bool
	// wide: it is a single character of more than one byte.
	wide bool
}

// errorf is an error at an offset.
func (p *regexpParser) errorf(at int, format string, args ...any) error {
	return fmt.Errorf("regular expression, position %d: %s", utf8.RuneCountInString(p.text[:at])+1, fmt.Sprintf(format, args...))
}

// checkBytes refuses what no expression may hold anywhere.
func (p *regexpParser) checkBytes() error {
	for i, r := range p.text {
		switch {
		case r == 0:
			return p.errorf(i, "NUL ends the value for cced; leave it out")
		case r == '\n':
			return p.errorf(i, "a line break ends the command for cced; write '.' for any character")
		case r == utf8.RuneError && !strings.HasPrefix(p.text[i:], string(utf8.RuneError)):
			return p.errorf(i, "this is not UTF-8; write the expression in UTF-8")
		}
	}
	return nil
}

// next is the next byte, or 0 at the end.
func (p *regexpParser) next() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

// alternatives reads to the end of a group, or of the whole where depth is 0.
func (p *regexpParser) alternatives(depth int) (part, error) {
	whole, err := p.alternative(depth)
	for err == nil && p.next() == '|' {
		p.at++
		var other part
		other, err = p.alternative(depth)
		whole = part{
			atoms:    whole.atoms + other.atoms,
			empty:    whole.empty || other.empty,
			anchored: whole.anchored || other.anchored,
			repeats:  whole.repeats || other.repeats,
		}
		if err == nil && whole.atoms > maxAtoms {
			err = p.tooLarge(p.at)
		}
	}
	return whole, err
}

// alternative reads pieces up to '|', the end of the group or that of the text.
func (p *regexpParser) alternative(depth int) (part, error) {
	begin := p.at
	whole := part{empty: true}
	for p.at < len(p.text) && p.next() != '|' && (p.next() != ')' || depth == 0) {
		from := p.at
		next, err := p.piece(begin, depth)
		if err != nil {
			return part{}, err
		}
		whole = part{
			atoms:    whole.atoms + next.atoms,
			empty:    whole.empty && next.empty,
			anchored: whole.anchored || next.anchored,
			repeats:  whole.repeats || next.repeats,
			bare:     from == begin && next.bare,
		}
		if whole.atoms > maxAtoms {
			return part{}, p.tooLarge(from)
		}
	}
	switch {
	case p.at > begin:
		return whole, nil
	case begin > 0 && p.text[begin-1] == '(' && p.next() == ')':
		return part{}, p.errorf(begin-1, "'()' is not defined; leave it out, or write '\\(\\)' for the characters")
	default:
		return part{}, p.errorf(p.at, "an empty alternative is not defined; write '(a)?' for what may be missing, or '\\|' for the character")
	}
}

func (p *regexpParser) tooLarge(at int) error {
	return p.errorf(at, "with its repeats written out the expression has more than %d characters; write '*' or '+' in place of high counts, and fewer groups in groups", maxAtoms)
}

// piece reads an anchor, or an atom with its repeat. begin is where the
// alternative begins.
func (p *regexpParser) piece(begin, depth int) (part, error) {
	at := p.at
	switch c := p.next(); c {
	case '^':
		if at > begin {
			return part{}, p.errorf(at, "'^' is the start of the value and matches nothing here; write '\\^' for the character")
		}
		p.at++
		return part{empty: true, anchored: true}, nil
	case '$':
		p.at++
		if rest := p.next(); p.at < len(p.text) && rest != '|' && rest != ')' {
			return part{}, p.errorf(at, "'$' is the end of the value and matches nothing here; write '\\$' for the character")
		}
		return part{empty: true, anchored: true}, nil
	}
	a, err := p.atom(depth)
	if err != nil || !isRepeat(p.next()) {
		return a, err
	}
	return p.repeat(a)
}

// atom reads one atom without its repeat.
func (p *regexpParser) atom(depth int) (part, error) {
	at := p.at
	switch c := p.next(); c {
	case '(':
		return p.group(depth)
	case ')':
		return part{}, p.errorf(at, "')' closes no group; write '\\)' for the character")
	case '[':
		return part{atoms: 1}, p.bracket()
	case '\\':
		return part{atoms: 1}, p.escape()
	case '*', '+', '?', '{':
		if c == '?' && strings.HasSuffix(p.text[:at], "(") {
			return part{}, p.errorf(at-1, "'(?' is of another dialect; write '(' alone for a group")
		}
		return part{}, p.errorf(at, "'%c' has nothing to repeat; write '\\%c' for the character", c, c)
	}
	_, size := utf8.DecodeRuneInString(p.text[at:])
	p.at += size
	return part{atoms: 1, wide: size > 1}, nil
}

func (p *regexpParser) group(depth int) (part, error) {
	open := p.at
	if depth == maxDepth {
		return part{}, p.errorf(open, "groups go more than %d deep; write fewer", maxDepth)
	}
	p.at++
	if p.at == len(p.text) {
		return part{}, p.notClosed(open)
	}
	content, err := p.alternatives(depth + 1)
	if err == nil && p.next() != ')' {
		err = p.notClosed(open)
	}
	p.at++
	return content, err
}

func (p *regexpParser) notClosed(open int) error {
	return p.errorf(open, "the group is not closed; write ')' behind it, or '\\(' for the character")
}

// escapeInstead is what stands for the escapes of other dialects.
var escapeInstead = map[byte]string{
	'd':  "'[[:digit:]]'",
	'D':  "'[^[:digit:]]'",
	's':  "'[[:space:]]'",
	'S':  "'[^[:space:]]'",
	'w':  "'[[:alnum:]_]'",
	'W':  "'[^[:alnum:]_]'",
	'b':  "'(^|[^[:alnum:]_])' before a word, '([^[:alnum:]_]|$)' behind it",
	'<':  "'(^|[^[:alnum:]_])'",
	'>':  "'([^[:alnum:]_]|$)'",
	'`':  "'^'",
	'\'': "'$'",
	'A':  "'^'",
	'z':  "'$'",
	'Z':  "'$'",
}

// escape reads a backslash and the character behind it.
func (p *regexpParser) escape() error {
	at := p.at
	if at+1 == len(p.text) {
		return p.errorf(at, "a backslash at the end; write two for the character")
	}
	r, size := utf8.DecodeRuneInString(p.text[at+1:])
	p.at += 1 + size
	if instead, known := escapeInstead[p.text[at+1]]; known {
		return p.errorf(at, "'\\%c' is of another dialect; write %s", r, instead)
	}
	switch {
	case r >= '0' && r <= '9':
		return p.errorf(at, "'\\%c' refers to a group in another dialect; write again what should match", r)
	case r <= ' ' || r >= 0x7f || isLetter(byte(r)):
		return p.errorf(at, "a backslash before a character that needs none; leave it out")
	}
	return nil
}
