package intelmqconf

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// kind is what a value is in JSON.
type kind uint8

const (
	null kind = iota
	boolean
	integer
	float
	text
	list
	object
)

// value is a piece of a document. The zero value is null.
type value struct {
	kind kind
	// text is the string, or the word true or false, or the number as Python
	// writes it.
	text string
	// literal is the number as it stood in JSON.
	literal string
	items   []value
	members []member
}

type member struct {
	key   string
	value value
}

// index finds members by their keys.
func (v *value) index() map[string]*value {
	of := make(map[string]*value, len(v.members))
	for i := range v.members {
		of[v.members[i].key] = &v.members[i].value
	}
	return of
}

// equal compares as data: the order of keys does not count, and 1 is 1.0, since
// a browser cannot send the difference.
func equal(a, b *value) bool {
	if a.isNumber() && b.isNumber() {
		return sameNumber(a, b)
	}
	if a.kind != b.kind || a.text != b.text || len(a.members) != len(b.members) {
		return false
	}
	if !slices.EqualFunc(a.items, b.items, func(x, y value) bool { return equal(&x, &y) }) {
		return false
	}
	others := b.index()
	for i := range a.members {
		other := others[a.members[i].key]
		if other == nil || !equal(&a.members[i].value, other) {
			return false
		}
	}
	return true
}

func (v *value) isNumber() bool { return v.kind == integer || v.kind == float }

func sameNumber(a, b *value) bool {
	if a.text == b.text {
		return true
	}
	if a.kind == integer && b.kind == integer {
		return false
	}
	return decimal(a.text) == decimal(b.text)
}

// decimal gives numbers, written as Python does, the same text if they are the same:
// the digits between the zeros at both ends, and the power of ten of the last.
func decimal(number string) string {
	number, negative := strings.CutPrefix(number, "-")
	mantissa, power, _ := strings.Cut(number, "e")
	exponent, _ := strconv.Atoi(power)
	before, behind, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(before+behind, "0")
	short := strings.TrimRight(digits, "0")
	if short == "" {
		return "0"
	}
	exponent += len(digits) - len(short) - len(behind)
	if negative {
		short = "-" + short
	}
	return short + "e" + strconv.Itoa(exponent)
}

// arrange gives the members of want the order that they have in have; those that
// it has not follow, sorted.
func arrange(want, have *value) value {
	v := *want
	v.items = make([]value, len(want.items))
	for i := range want.items {
		was := &value{}
		if i < len(have.items) {
			was = &have.items[i]
		}
		v.items[i] = arrange(&want.items[i], was)
	}
	rank := make(map[string]int, len(have.members))
	for i, m := range have.members {
		rank[m.key] = i - len(have.members)
	}
	v.members = slices.Clone(want.members)
	slices.SortFunc(v.members, func(a, b member) int {
		if by := rank[a.key] - rank[b.key]; by != 0 {
			return by
		}
		return strings.Compare(a.key, b.key)
	})
	before := have.index()
	for i := range v.members {
		was := before[v.members[i].key]
		if was == nil {
			was = &value{}
		}
		v.members[i].value = arrange(&v.members[i].value, was)
	}
	return v
}

// maxDigits bounds a whole number, as Python 3.11 does (sys.int_max_str_digits):
// IntelMQ could not print a longer one.
const maxDigits = 4300

// number reads a number as it stands in JSON.
func number(literal string) (value, error) {
	if strings.ContainsAny(literal, ".eE") {
		v, err := floating(literal)
		v.literal = literal
		return v, err
	}
	v, err := whole(literal, 10)
	v.literal = literal
	return v, err
}

// whole reads the digits of a whole number, with or without a sign.
func whole(digits string, base int) (value, error) {
	if len(digits) > maxDigits {
		return value{}, ErrNumber
	}
	n, valid := new(big.Int).SetString(digits, base)
	if !valid {
		return value{}, ErrNumber
	}
	return value{kind: integer, text: n.String()}, nil
}

// floating reads a number that JSON, as Python writes it, has with a point or an
// exponent.
func floating(text string) (value, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return value{}, ErrNumber
	}
	return value{kind: float, text: pythonFloat(f)}, nil
}

// pythonFloat writes a float as Python's repr does: the fewest digits that give
// it back, an exponent of at least two digits outside of 1e-4 to 1e16, and never
// without a point or an exponent.
func pythonFloat(f float64) string {
	short := strconv.FormatFloat(f, 'e', -1, 64)
	exponent, _ := strconv.Atoi(short[strings.IndexByte(short, 'e')+1:])
	if exponent < -4 || exponent >= 16 {
		return short
	}
	plain := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(plain, ".") {
		plain += ".0"
	}
	return plain
}
