package cced

import "slices"

// transaction is what a connection has changed since BEGIN.
type transaction struct {
	changes []change
	// objects are the touched objects as they will be, nil for destroyed ones.
	objects map[int64]*object
}

// created are the OIDs of the new objects.
func (t *transaction) created() []int64 {
	var oids []int64
	for _, ch := range t.changes {
		if ch.kind == created {
			oids = append(oids, ch.oid)
		}
	}
	return oids
}

// changedProperties says which properties of a namespace are set.
func (t *transaction) changedProperties(oid int64, space int) []bool {
	only := make([]bool, len(t.objects[oid].class.spaces[space].properties))
	for _, ch := range t.changes {
		if ch.oid == oid && ch.space == space {
			for _, set := range ch.sets {
				only[set.property] = true
			}
		}
	}
	return only
}

func (c *conn) begin([][]byte) {
	c.transaction = &transaction{objects: map[int64]*object{}}
	c.ok()
}

// commit answers COMMIT.
func (c *conn) commit([][]byte) {
	changes := c.transaction.changes
	c.transaction = nil
	c.carryOut(changes)
}

// forgetTransaction gives the open transaction up.
func (c *conn) forgetTransaction() {
	if c.transaction != nil {
		c.server.store.release(c.transaction.changes)
		c.transaction = nil
	}
}

// change does what was found good: at once, or at COMMIT.
func (c *conn) change(wanted change) {
	if c.transaction == nil {
		c.carryOut([]change{wanted})
		return
	}
	c.server.store.mu.RLock()
	var after *object
	switch wanted.kind {
	case created:
		after = newObject(wanted.oid, wanted.class).with(wanted.space, wanted.sets)
	case changed:
		if after = c.look(wanted.oid); after != nil { // another client may just have destroyed it
			after = after.with(wanted.space, wanted.sets)
		}
	case destroyed:
	}
	c.server.store.mu.RUnlock()
	c.transaction.changes = append(c.transaction.changes, wanted)
	c.transaction.objects[wanted.oid] = after
	c.ok()
}

// carryOut runs the handlers of changes one client at a time, stores all or
// nothing, and answers.
func (c *conn) carryOut(changes []change) {
	if c.tellSuspended() {
		c.giveUp(changes)
		return
	}
	if c.server.readOnly.Load() {
		c.server.store.release(changes)
		c.ok()
		return
	}
	if c.server.failChanges.Load() || !c.lock() {
		c.giveUp(changes)
		return
	}
	outcome := c.handle(changes)
	if outcome.killed {
		c.server.store.release(changes)
		c.closing = true // and the lock is never given back
		return
	}
	if outcome.good {
		all := slices.Concat(changes, outcome.changes)
		c.server.store.apply(all)
		c.server.keepPasswords(all)
	}
	<-c.run.changing
	c.out = append(c.out, outcome.out...)
	if outcome.good {
		c.ok()
	} else {
		c.giveUp(changes)
	}
}

func (c *conn) giveUp(changes []change) {
	c.server.store.release(changes)
	c.fail()
}

// lock waits for the changes of others. It is false if the daemon stops.
func (c *conn) lock() bool {
	select {
	case c.run.changing <- struct{}{}:
		return true
	default:
	}
	c.flush()
	select {
	case c.run.changing <- struct{}{}:
		return true
	case <-c.run.stopping:
		return false
	}
}
