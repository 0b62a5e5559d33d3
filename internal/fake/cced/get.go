package cced

import (
	"bytes"
	"math"
	"strconv"
)

// parseOID reads an OID: digits, not zero. Too large a number is the largest.
func parseOID(word []byte) (int64, bool) {
	oid, digits := readNumber(word)
	return oid, digits && oid > 0
}

// readNumber reads digits, of which there may be none.
func readNumber(word []byte) (int64, bool) {
	var n int64
	for _, b := range word {
		if !isDigit(b) {
			return 0, false
		}
		if n > (math.MaxInt64-int64(b-'0'))/10 {
			n = math.MaxInt64
			continue
		}
		n = n*10 + int64(b-'0')
	}
	return n, true
}

// unknownObject answers that there is no such object. The daemon has room for
// 15 digits.
func (c *conn) unknownObject(oid int64) {
	text := strconv.FormatInt(oid, 10)
	c.line("300 UNKNOWN OBJECT ", text[:min(len(text), 15)])
	c.fail()
}

func (c *conn) unknownClass(name []byte) {
	c.line("301 UNKNOWN CLASS ", string(name))
	c.fail()
}

func (c *conn) unknownSpace(name []byte) {
	c.line("303 UNKNOWN NAMESPACE ", string(name))
	c.fail()
}

// look finds an object as the connection sees it: changes of its own
// transaction are made, destroyed objects gone. The store must be locked.
func (c *conn) look(oid int64) *object {
	if c.transaction != nil {
		if own, touched := c.transaction.objects[oid]; touched {
			return own
		}
	}
	return c.server.store.at(oid)
}

// get answers GET.
func (c *conn) get(words [][]byte) {
	oid, good := parseOID(words[0])
	if !good || len(words) == 2 || len(words) == 3 && string(words[1]) != "." {
		c.badParameters()
		return
	}
	c.server.store.mu.RLock()
	defer c.server.store.mu.RUnlock()
	stored := c.server.store.at(oid)
	o := stored
	if o == nil {
		o = c.look(oid) // it may be new in the transaction
	}
	if o == nil {
		c.unknownObject(oid)
		return
	}
	space := 0
	if len(words) == 3 {
		if space = o.class.space(string(words[2])); space < 0 {
			c.unknownSpace(words[2])
			return
		}
	}
	if stored == nil {
		c.line("107 CREATED")
		c.data("103 DATA ", o, space, nil)
	} else {
		c.stored(o, space)
		c.uncommitted(oid, space)
	}
	c.ok()
}

// stored answers the values of a namespace. Those of administrators, who may read
// everything, are kept, so that the stand-in is faster than what is measured with
// it.
func (c *conn) stored(o *object, space int) {
	if !c.caller.admin {
		c.data("102 DATA ", o, space, nil)
		return
	}
	whole := o.whole[space].Load()
	if whole == nil {
		before := len(c.out)
		c.data("102 DATA ", o, space, nil)
		text := bytes.Clone(c.out[before:])
		c.out, whole = c.out[:before], &text
		o.whole[space].Store(whole)
	}
	c.out = append(c.out, *whole...)
}

// uncommitted answers what the open transaction changes of an object.
func (c *conn) uncommitted(oid int64, space int) {
	if c.transaction == nil {
		return
	}
	own, touched := c.transaction.objects[oid]
	switch {
	case !touched:
	case own == nil:
		c.line("108 DESTROYED")
	default:
		c.data("103 DATA ", own, space, c.transaction.changedProperties(oid, space))
	}
}

// data answers the values of a namespace that the caller may read: all, or only
// those of some properties.
func (c *conn) data(code string, o *object, space int, only []bool) {
	s := o.class.spaces[space]
	if only == nil {
		c.quotedPair(code, "NAMESPACE", s.name)
		c.quotedPair(code, "CLASSVER", s.version)
		if space == 0 {
			c.quotedPair(code, "CLASS", o.class.name)
			c.out = append(c.out, code...)
			c.out = append(c.out, `OID = "`...)
			c.out = strconv.AppendInt(c.out, o.oid, 10)
			c.out = append(c.out, '"', '\n')
		}
	}
	for i, p := range s.properties {
		if (only == nil || only[i]) && c.may(p.read, o) {
			c.quotedPair(code, p.name, o.values[space][i])
		}
	}
}

func (c *conn) quotedPair(code, key, value string) {
	c.out = append(c.out, code...)
	c.out = append(c.out, key...)
	c.quoted(" = ", value)
}

// names answers NAMES: digits, or nothing at all, are an OID.
func (c *conn) names(words [][]byte) {
	var of *class
	if oid, digits := readNumber(words[0]); digits {
		c.server.store.mu.RLock()
		o := c.look(oid)
		c.server.store.mu.RUnlock()
		if o == nil {
			c.unknownObject(oid)
			return
		}
		of = o.class
	} else if of = c.server.schema.byName[string(words[0])]; of == nil {
		c.unknownClass(words[0])
		return
	}
	for _, s := range of.spaces[1:] {
		c.line("105 NAMESPACE ", s.name)
	}
	c.ok()
}

func (c *conn) classes([][]byte) {
	for _, class := range c.server.schema.classes {
		c.line("110 CLASS ", class.name)
	}
	c.ok()
}
