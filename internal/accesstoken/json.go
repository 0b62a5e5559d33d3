package accesstoken

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// maxDepth is how many objects and lists may stand in one another.
	maxDepth = 16
	// maxMembers is how many members an object may have.
	maxMembers = 256
	// maxValues is how many values there may be in all: each costs memory before anybody
	// knows who has signed the token. Azure writes 200 groups.
	maxValues = 1000
)

// kind is what a JSON value is.
type kind uint8

const (
	isAbsent kind = iota
	isNull
	isBoolean
	isNumber
	isText
	isList
	isObject
)

func (k kind) String() string {
	return [...]string{"missing", "null", "true or false", "a number", "a text", "a list", "an object"}[k]
}

// value is one JSON value. The zero value is one that is not there.
type value struct {
	kind kind
	// text is a text as it is meant, a number or boolean as it is written.
	text string
	// parts are those of a list or object; the parts of a list have no names.
	parts []part
}

// part is a member of an object or an element of a list.
type part struct {
	name string
	// fold is the same for names that differ in case only.
	fold  uint32
	value value
}

// member returns the member of that name, as it is written.
func (v value) member(name string) value {
	if v.kind == isObject {
		for i := range v.parts {
			if v.parts[i].name == name {
				return v.parts[i].value
			}
		}
	}
	return value{}
}

// texts returns a list of texts. It is not ok if the value is none.
func (v value) texts() (texts []string, ok bool) {
	if v.kind != isList {
		return nil, false
	}
	texts = make([]string, len(v.parts))
	for i, p := range v.parts {
		if p.value.kind != isText {
			return nil, false
		}
		texts[i] = p.value.text
	}
	return texts, true
}

// reader reads one JSON text. What is read shares its memory.
type reader struct {
	s     string
	pos   int
	depth int
	// values counts those that were read.
	values int
}

// readObject reads a text that is one JSON object and nothing else. It is stricter than
// encoding/json, which takes the last of several members of one name, a broken character
// for U+FFFD, and in a struct SUB for sub. fault is "" if it is one.
func readObject(s string) (v value, fault string) {
	if !utf8.ValidString(s) {
		return value{}, "is not in UTF-8"
	}
	r := reader{s: s}
	if r.next() != '{' {
		return value{}, "is not a JSON object"
	}
	if v, fault = r.value(); fault != "" {
		return value{}, fault
	}
	if r.next() != 0 || r.pos != len(s) {
		return value{}, "has something after its JSON object"
	}
	return v, ""
}

const notJSON = "is not valid JSON"

// next skips blanks and returns the byte that follows, 0 at the end.
func (r *reader) next() byte {
	for ; r.pos < len(r.s); r.pos++ {
		switch c := r.s[r.pos]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// take goes past one byte if it is the next.
func (r *reader) take(c byte) bool {
	if r.next() != c {
		return false
	}
	r.pos++
	return true
}

func (r *reader) value() (v value, fault string) {
	if r.values++; r.values > maxValues {
		return value{}, "has more than " + strconv.Itoa(maxValues) + " values"
	}
	switch c := r.next(); c {
	case '{':
		return r.nested(isObject, '}')
	case '[':
		return r.nested(isList, ']')
	case '"':
		s, fault := r.text()
		return value{kind: isText, text: s}, fault
	case 't':
		return r.word("true", isBoolean)
	case 'f':
		return r.word("false", isBoolean)
	case 'n':
		return r.word("null", isNull)
	default:
		return r.number()
	}
}

func (r *reader) word(word string, k kind) (v value, fault string) {
	if !strings.HasPrefix(r.s[r.pos:], word) {
		return value{}, notJSON
	}
	r.pos += len(word)
	return value{kind: k, text: word}, ""
}

// nested reads an object or a list, up to and with its last byte.
func (r *reader) nested(k kind, end byte) (v value, fault string) {
	if r.depth++; r.depth > maxDepth {
		return value{}, "is nested more than " + strconv.Itoa(maxDepth) + " deep"
	}
	v.kind = k
	r.pos++
	for first := true; !r.take(end); first = false {
		if !first && !r.take(',') {
			return value{}, notJSON
		}
		var p part
		if k == isObject {
			if p.name, p.fold, fault = r.name(v.parts); fault != "" {
				return value{}, fault
			}
		}
		if p.value, fault = r.value(); fault != "" {
			return value{}, fault
		}
		if v.parts == nil {
			v.parts = make([]part, 0, r.room())
		}
		v.parts = append(v.parts, p)
	}
	r.depth--
	return v, ""
}

// room is for how many parts there is room at first: most payloads have a dozen members,
// and what is nested has few.
func (r *reader) room() int {
	if r.depth == 1 {
		return 12
	}
	return 2
}

// name reads a name with its colon, which none of the parts before may have.
func (r *reader) name(before []part) (name string, fold uint32, fault string) {
	if r.next() != '"' {
		return "", 0, notJSON
	}
	if name, fault = r.text(); fault != "" {
		return "", 0, fault
	}
	if !r.take(':') {
		return "", 0, notJSON
	}
	if len(before) == maxMembers {
		return "", 0, "has an object of more than " + strconv.Itoa(maxMembers) + " members"
	}
	fold = foldHash(name)
	for i := range before {
		// Equal hashes of different names cost a comparison, and nothing else.
		if before[i].fold == fold && strings.EqualFold(before[i].name, name) {
			return "", 0, "has the members " + show(before[i].name) + " and " + show(name) + " in one object"
		}
	}
	return name, fold, ""
}

// number reads a number as RFC 8259 section 6 writes them.
func (r *reader) number() (v value, fault string) {
	start := r.pos
	r.skip('-')
	if !r.skip('0') && r.digits() == 0 {
		return value{}, notJSON
	}
	if r.skip('.') && r.digits() == 0 {
		return value{}, notJSON
	}
	if r.skip('e') || r.skip('E') {
		if !r.skip('+') {
			r.skip('-')
		}
		if r.digits() == 0 {
			return value{}, notJSON
		}
	}
	v = value{kind: isNumber, text: r.s[start:r.pos]}
	if _, err := strconv.ParseFloat(v.text, 64); err != nil {
		return value{}, "has a number that is too large"
	}
	return v, ""
}

// skip goes past one byte if it stands here.
func (r *reader) skip(c byte) bool {
	if r.pos == len(r.s) || r.s[r.pos] != c {
		return false
	}
	r.pos++
	return true
}

// digits goes past digits, and returns how many.
func (r *reader) digits() int {
	start := r.pos
	for r.pos < len(r.s) && '0' <= r.s[r.pos] && r.s[r.pos] <= '9' {
		r.pos++
	}
	return r.pos - start
}
