package cscp

import (
	"strconv"
	"strings"
)

// isRepeat reports whether a character repeats what stands before it.
func isRepeat(c byte) bool { return strings.IndexByte("*+?{", c) >= 0 }

// repeat reads the repeat of a.
func (p *regexpParser) repeat(a part) (part, error) {
	at := p.at
	counted := p.next() == '{'
	copies, mayMiss, err := p.count()
	switch {
	case err != nil:
	case isRepeat(p.next()):
		err = p.errorf(p.at, "a repeat of a repeat; write only one, and '\\%c' for the character", p.next())
	case a.wide:
		err = p.errorf(at, "to some libraries this repeats only a part of the character; write it in parentheses, as in '(é)*'")
	case a.anchored:
		err = p.errorf(at, "a repeat of '^' or '$'; write the anchor outside of the group that is repeated")
	case a.empty:
		err = p.errorf(at, "a repeat of what may be empty; write the group so that it always has a character, as in '(a+b)*'")
	case a.bare:
		err = p.errorf(at, "a repeat of a repeat; write one of them, as in 'a+' for '(a+)+'")
	case counted && a.repeats:
		err = p.errorf(at, "a counted repeat of what has a repeat in it; write the group as often as it should stand there")
	case a.atoms*copies > maxAtoms:
		err = p.tooLarge(at)
	}
	return part{atoms: a.atoms * copies, empty: mayMiss, repeats: true, bare: true}, err
}

// count reads a repeat. copies is how often the C library writes what is
// repeated; mayMiss tells that none is enough.
func (p *regexpParser) count() (copies int, mayMiss bool, err error) {
	c := p.next()
	if c == '{' {
		return p.counts()
	}
	p.at++
	if c == '+' {
		return 2, false, nil // the one that must be there, and one under '*'
	}
	return 1, true, nil
}

// counts reads {m}, {m,} or {m,n}.
func (p *regexpParser) counts() (copies int, mayMiss bool, err error) {
	at := p.at
	inside, _, closed := strings.Cut(p.text[at+1:], "}")
	low, high, comma := strings.Cut(inside, ",")
	if !comma {
		high = low
	}
	if !closed || !isCount(low) || high != "" && !isCount(high) {
		return 0, false, p.errorf(at, "this is no count; write '{2}', '{2,}' or '{0,2}', or '\\{' for the character")
	}
	p.at += len(inside) + len("{}")
	least, tooMany := strconv.Atoi(low)
	most := least
	if high != "" && tooMany == nil {
		most, tooMany = strconv.Atoi(high)
	}
	switch {
	case tooMany != nil || least > maxRepeat || most > maxRepeat:
		return 0, false, p.errorf(at, "a count above %d; write '*' or '+', or a smaller one", maxRepeat)
	case high == "":
		return least + 1, least == 0, nil
	case most == 0:
		return 0, false, p.errorf(at, "a repeat that never happens; leave it out with what it repeats")
	case least > most:
		return 0, false, p.errorf(at, "the second count is smaller than the first; write the smaller one first")
	}
	return most, least == 0, nil
}

// isCount reports whether text is a number as all libraries read it: without
// leading zeros.
func isCount(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == "" && (text == "0" || text[0] != '0')
}
