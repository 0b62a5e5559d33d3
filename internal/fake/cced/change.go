package cced

// pair is a property and the value that it is to have.
type pair struct {
	key, value string
}

// parsePairs reads `key = value ...`. Of a key that is there twice the last
// counts.
func parsePairs(words [][]byte) ([]pair, bool) {
	if len(words)%3 != 0 {
		return nil, false
	}
	var pairs []pair
next:
	for ; len(words) > 0; words = words[3:] {
		if string(words[1]) != "=" {
			return nil, false
		}
		key, value := string(words[0]), string(words[2])
		for i := range pairs {
			if pairs[i].key == key {
				pairs[i].value = value
				continue next
			}
		}
		pairs = append(pairs, pair{key, value})
	}
	return pairs, true
}

// isMagic reports whether a property is one that the daemon takes and ignores.
func isMagic(key string) bool {
	return key == "OID" || key == "CLASS" || key == "NAMESPACE" || key == "CLASSVER"
}

// resolve turns pairs into assignments. It answers a line for each that is
// wrong, and reports whether all are good.
func (c *conn) resolve(oid int64, s *space, pairs []pair) ([]assignment, bool) {
	var sets []assignment
	good := true
	for _, p := range pairs {
		i, known := s.index[p.key]
		switch {
		case isMagic(p.key):
		case !known:
			c.badData(oid, p.key, unknownAttr)
			good = false
		case !s.properties[i].accepts(p.value):
			c.badData(oid, p.key, s.properties[i].kind.message)
			good = false
		default:
			sets = append(sets, assignment{i, p.value})
		}
	}
	return sets, good
}

// set answers SET.
func (c *conn) set(words [][]byte) {
	oid, good := parseOID(words[0])
	words = words[1:]
	var spaceName []byte
	if good && len(words) > 0 && string(words[0]) == "." {
		if len(words) == 1 {
			c.closing = true // the real daemon's worker crashes
			return
		}
		spaceName = words[1]
		words = words[2:]
	}
	pairs, wellFormed := parsePairs(words)
	if !good || !wellFormed {
		c.badParameters()
		return
	}
	if wanted, good := c.checkSet(oid, spaceName, pairs); good {
		c.change(wanted)
	}
}

// checkSet finds out whether a SET may be done, and answers if not. Bad data
// come before rights.
func (c *conn) checkSet(oid int64, spaceName []byte, pairs []pair) (change, bool) {
	c.server.store.mu.RLock()
	defer c.server.store.mu.RUnlock()
	o := c.look(oid)
	if o == nil {
		c.unknownObject(oid)
		return change{}, false
	}
	n := o.class.space(string(spaceName))
	if n < 0 {
		c.unknownSpace(spaceName)
		return change{}, false
	}
	s := o.class.spaces[n]
	sets, good := c.resolve(oid, s, pairs)
	if !good {
		c.fail()
		return change{}, false
	}
	for _, set := range sets {
		if p := s.properties[set.property]; !c.may(p.write, o) {
			c.line("304 PERMISSION DENIED ", p.name)
			good = false
		}
	}
	if !good {
		c.fail()
	}
	return change{kind: changed, oid: oid, class: o.class, space: n, sets: sets}, good
}

// create answers CREATE. The number of the object is told before it is known
// whether there will be one.
func (c *conn) create(words [][]byte) {
	pairs, good := parsePairs(words[1:])
	if !good {
		c.badParameters()
		return
	}
	of := c.server.schema.byName[string(words[0])]
	if of == nil {
		c.unknownClass(words[0])
		return
	}
	sets, good := c.resolve(0, of.spaces[0], pairs)
	if good && !c.mayCreate(of) {
		c.line("304 PERMISSION DENIED CREATE")
		good = false
	}
	if !good {
		c.fail()
		return
	}
	oid := c.server.store.reserve()
	c.number("104 OBJECT ", oid)
	c.change(change{kind: created, oid: oid, class: of, sets: sets})
}

func (c *conn) mayCreate(of *class) bool {
	c.server.store.mu.RLock()
	defer c.server.store.mu.RUnlock()
	return c.may(of.create, nil)
}

// destroy answers DESTROY.
func (c *conn) destroy(words [][]byte) {
	oid, good := parseOID(words[0])
	if !good {
		c.badParameters()
		return
	}
	c.server.store.mu.RLock()
	o := c.look(oid)
	allowed := o != nil && c.may(o.class.destroy, o)
	c.server.store.mu.RUnlock()
	switch {
	case o == nil:
		c.unknownObject(oid)
	case !allowed:
		c.line("304 PERMISSION DENIED DESTROY")
		c.fail()
	default:
		c.change(change{kind: destroyed, oid: oid, class: o.class})
	}
}
