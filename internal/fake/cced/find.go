package cced

import (
	"bytes"
	"regexp"
	"slices"
)

// query is a FIND as it was written.
type query struct {
	criteria []criterion
	sortType []byte
	sortProp []byte
}

// criterion is a test of a property.
type criterion struct {
	space, property []byte
	value           []byte
	isPattern       bool
	pattern         *regexp.Regexp
	// n is the namespace and i the property by their indexes; i is -1 if there is
	// none.
	n, i int
}

// parseQuery reads what follows the class.
func parseQuery(words [][]byte) (query, bool) {
	var q query
	for len(words) > 0 {
		if n := q.addSort(words); n != 0 {
			if n < 0 {
				return q, false
			}
			words = words[n:]
			continue
		}
		one, n := parseCriterion(words)
		if n == 0 {
			return q, false
		}
		q.criteria = append(q.criteria, one)
		words = words[n:]
	}
	return q, (q.sortType == nil) == (q.sortProp == nil)
}

// addSort reads a sort word and its argument. It returns how many words it took,
// or -1 for what is said twice.
func (q *query) addSort(words [][]byte) int {
	if len(words) < 2 || isOperator(words[1]) || string(words[1]) == "." {
		return 0
	}
	kind, property := q.sortType, q.sortProp
	switch string(words[0]) {
	case "sorttype":
		q.sortType, property = words[1], nil
	case "sortprop":
		q.sortProp, kind = words[1], nil
	case "sort":
		q.sortType, q.sortProp = []byte("ascii"), words[1]
	case "sortnum":
		q.sortType, q.sortProp = []byte("old_numeric"), words[1]
	default:
		return 0
	}
	if kind != nil || property != nil {
		return -1
	}
	return 2
}

// parseCriterion reads `property = value` or `property ~ value`, the property
// with or without its namespace. It returns how many words it took.
func parseCriterion(words [][]byte) (criterion, int) {
	one := criterion{property: words[0]}
	taken := 1
	if len(words) > 2 && string(words[1]) == "." {
		one.space, one.property = words[0], words[2]
		taken = 3
	} else if space, property, dotted := bytes.Cut(words[0], []byte(".")); dotted {
		one.space, one.property = space, property
	}
	if len(words) < taken+2 || !isOperator(words[taken]) {
		return one, 0
	}
	one.isPattern = words[taken][0] == '~'
	one.value = words[taken+1]
	return one, taken + 2
}

func isOperator(word []byte) bool { return len(word) == 1 && (word[0] == '=' || word[0] == '~') }

// find answers FIND.
func (c *conn) find(words [][]byte) {
	q, good := parseQuery(words[1:])
	var compare order
	if good && q.sortType != nil {
		compare, good = c.server.schema.order(string(q.sortType))
	}
	if !good {
		c.badParameters()
		return
	}
	of := c.server.schema.byName[string(words[0])]
	if of == nil {
		c.unknownClass(words[0])
		return
	}
	if !q.resolve(of) {
		c.closing = true // the real daemon's worker crashes
		return
	}
	c.server.store.mu.RLock()
	defer c.server.store.mu.RUnlock()
	c.answerHits(c.hits(of, q.criteria), q.sortProp, compare)
}

// resolve finds the properties of a class, and compiles patterns. It is false if
// one cannot be.
func (q *query) resolve(of *class) bool {
	for k := range q.criteria {
		one := &q.criteria[k]
		one.n, one.i = of.property(one.space, one.property)
		if !one.isPattern {
			continue
		}
		var err error
		if one.pattern, err = compilePattern(string(one.value)); err != nil {
			return false
		}
	}
	return true
}

// hits are the objects of a class that pass all criteria.
func (c *conn) hits(of *class, criteria []criterion) []*object {
	var found []*object
	keep := func(o *object) {
		if o != nil && o.class == of && c.matchesAll(o, criteria) {
			found = append(found, o)
		}
	}
	stored := c.server.store.objects
	for oid, o := range stored {
		if c.transaction != nil && o != nil {
			o = c.look(int64(oid))
		}
		keep(o)
	}
	if c.transaction != nil {
		for _, oid := range c.transaction.created() {
			keep(c.transaction.objects[oid])
		}
	}
	return found
}

func (c *conn) matchesAll(o *object, criteria []criterion) bool {
	for k := range criteria {
		if !c.matches(o, &criteria[k]) {
			return false
		}
	}
	return true
}

// matches tests a property. One that the caller may not read never equals
// anything, yet patterns are tried on it.
func (c *conn) matches(o *object, one *criterion) bool {
	if one.i < 0 {
		return false
	}
	p, value := o.class.spaces[one.n].properties[one.i], o.values[one.n][one.i]
	switch {
	case one.isPattern:
		return one.pattern.MatchString(value)
	case !c.may(p.read, o):
		return false
	case p.array:
		return slices.Contains(elements(value), string(one.value))
	default:
		return value == string(one.value)
	}
}

// property finds a property by its names; its index is -1 if there is none.
func (c *class) property(space, name []byte) (int, int) {
	n := c.space(string(space))
	if n < 0 {
		return 0, -1
	}
	i, known := c.spaces[n].index[string(name)]
	if !known {
		return n, -1
	}
	return n, i
}

// answerHits lists objects, sorted if the property to sort by is known.
func (c *conn) answerHits(found []*object, sortProp []byte, compare order) {
	if compare != nil && len(found) > 0 {
		space, name, dotted := bytes.Cut(sortProp, []byte("."))
		if !dotted {
			space, name = nil, sortProp
		}
		if n, i := found[0].class.property(space, name); i >= 0 {
			slices.SortStableFunc(found, func(a, b *object) int { return compare(a.values[n][i], b.values[n][i]) })
		}
	}
	for _, o := range found {
		c.number("104 OBJECT ", o.oid)
	}
	c.ok()
}
