package cced

import (
	"slices"
	"sync"
	"sync/atomic"
)

// object is an object as it was stored. It never changes: a change puts a new
// one in its place.
type object struct {
	oid    int64
	class  *class
	values [][]string // by namespace and property, as in the class
	// whole are the lines 102 of each namespace with all its properties, once
	// somebody has asked for them.
	whole []atomic.Pointer[[]byte]
}

func newObject(oid int64, of *class) *object {
	o := &object{oid: oid, class: of, whole: make([]atomic.Pointer[[]byte], len(of.spaces))}
	for _, s := range of.spaces {
		o.values = append(o.values, s.defaults)
	}
	return o
}

// value is the value of a property of the main namespace, "" if there is none.
func (o *object) value(name string) string {
	if i, known := o.class.spaces[0].index[name]; known {
		return o.values[0][i]
	}
	return ""
}

// with is the object with some values changed.
func (o *object) with(space int, sets []assignment) *object {
	changed := newObject(o.oid, o.class)
	copy(changed.values, o.values)
	changed.values[space] = slices.Clone(o.values[space])
	for _, set := range sets {
		if o.class.spaces[space].properties[set.property].name != neverStored {
			changed.values[space][set.property] = set.value
		}
	}
	return changed
}

// change is one CREATE, SET or DESTROY that was found good.
type change struct {
	kind  changeKind
	oid   int64
	class *class
	space int
	sets  []assignment
}

type changeKind int

const (
	created changeKind = iota
	changed
	destroyed
)

// assignment is a new value of a property, by its index.
type assignment struct {
	property int
	value    string
}

// value is what the change sets a property of the main namespace to.
func (c change) value(name string) (string, bool) {
	i, known := c.class.spaces[0].index[name]
	if !known || c.space != 0 {
		return "", false
	}
	for _, set := range c.sets {
		if set.property == i {
			return set.value, true
		}
	}
	return "", false
}

// store is the daemon's database.
type store struct {
	mu      sync.RWMutex
	objects []*object // by OID; nil where there is none
	// reserved are the OIDs of objects that are being made.
	reserved map[int64]struct{}
	// free is where the search for the smallest free OID begins.
	free int64
}

func newStore() *store {
	return &store{objects: []*object{nil}, reserved: map[int64]struct{}{}, free: 1}
}

// at is the object of an OID, or nil. The store must be locked.
func (s *store) at(oid int64) *object {
	if oid < 1 || oid >= int64(len(s.objects)) {
		return nil
	}
	return s.objects[oid]
}

// reserve gives out the smallest free OID.
func (s *store) reserve() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		oid := s.free
		s.free++
		if _, taken := s.reserved[oid]; !taken && s.at(oid) == nil {
			s.reserved[oid] = struct{}{}
			return oid
		}
	}
}

// release gives back the OIDs of objects that were not made after all.
func (s *store) release(changes []change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range changes {
		if c.kind == created {
			delete(s.reserved, c.oid)
			s.free = min(s.free, c.oid)
		}
	}
}

// apply stores changes, all at once for those who read.
func (s *store) apply(changes []change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range changes {
		switch c.kind {
		case created:
			delete(s.reserved, c.oid)
			for int64(len(s.objects)) <= c.oid {
				s.objects = append(s.objects, nil)
			}
			s.objects[c.oid] = newObject(c.oid, c.class).with(c.space, c.sets)
		case changed:
			// Another client may have destroyed it since it was looked at.
			if o := s.at(c.oid); o != nil && o.class == c.class {
				s.objects[c.oid] = o.with(c.space, c.sets)
			}
		case destroyed:
			if s.at(c.oid) != nil {
				s.objects[c.oid] = nil
				s.free = min(s.free, c.oid)
			}
		}
	}
}

// user finds the User object of a name. The store must be locked.
func (s *store) user(name string) *object {
	for _, o := range s.objects {
		if o != nil && o.class.name == "User" && o.value("name") == name {
			return o
		}
	}
	return nil
}
