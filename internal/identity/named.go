package identity

import (
	"maps"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// keyName is how a key by name is found.
type keyName struct {
	// fold is the folded name of the user, name that of the key.
	fold, name string
}

// namedKey is what is found.
type namedKey struct {
	id credential.KeyID
	// unused says that there is only the hash that was imported.
	unused bool
}

// keyNames finds the keys whose secrets come from other software. It is never changed.
type keyNames struct {
	keys map[keyName]namedKey
	// names finds back, from the id of a key.
	names map[credential.KeyID]keyName
	// unused is how many have only the hash that was imported.
	unused int
}

// noKeyNames is where there are none, as nearly everywhere.
var noKeyNames = &keyNames{}

func (n *keyNames) clone() *keyNames {
	c := &keyNames{maps.Clone(n.keys), maps.Clone(n.names), n.unused}
	if c.keys == nil {
		c.keys, c.names = map[keyName]namedKey{}, map[credential.KeyID]keyName{}
	}
	return c
}

func (n *keyNames) put(name keyName, key namedKey) {
	n.remove(key.id)
	n.keys[name], n.names[key.id] = key, name
	if key.unused {
		n.unused++
	}
}

func (n *keyNames) remove(id credential.KeyID) {
	name, known := n.names[id]
	if !known {
		return
	}
	if key := n.keys[name]; key.id == id {
		if key.unused {
			n.unused--
		}
		delete(n.keys, name)
	}
	delete(n.names, id)
}

// isNamed reports whether a key is found by its name. A revoked one has none.
func isNamed(k *store.Key) bool { return k.ByName && k.Revoked.IsZero() }

// putKeyNames brings the names up to keys that were added or changed, and to those that
// are gone. The keys themselves are in their tables.
func (x *index) putKeyNames(keys []store.Key, gone []string) error {
	old, next := x.names.Load(), (*keyNames)(nil)
	edit := func() *keyNames {
		if next == nil {
			next = old.clone()
		}
		return next
	}
	for _, text := range gone {
		id, err := parseID("key", text)
		if err != nil {
			return err
		}
		if _, known := old.names[id]; known {
			edit().remove(id)
		}
	}
	for i := range keys {
		id, err := parseID("key", keys[i].ID)
		if err != nil {
			return err
		}
		_, known := old.names[id]
		switch {
		case isNamed(&keys[i]):
			x.addKeyName(edit(), id, &keys[i])
		case known:
			edit().remove(id)
		}
	}
	if next != nil {
		x.names.Store(next)
	}
	return nil
}

// addKeyName adds the name of a key whose user is known.
func (x *index) addKeyName(n *keyNames, id credential.KeyID, k *store.Key) {
	if a := x.account(x.numbers[k.UserID]); a != nil {
		n.put(keyName{a.Fold, k.Name}, namedKey{id, k.ImportedHash != ""})
	}
}

// KeysByName reports whether any key is found by its user and its name, as those are
// that were imported.
func (m *Mirror) KeysByName() bool {
	x := m.index.Load()
	return x != nil && len(x.names.Load().keys) > 0
}

// FirstUses reports whether there is a key by name that was not used since it was
// imported, so that CheckFirstUse may prove what memory does not.
func (m *Mirror) FirstUses() bool {
	x := m.index.Load()
	return x != nil && x.names.Load().unused > 0
}

// checkNamed is checkKey for a secret that has not the form of our keys. It takes the
// same time whether there is a key of that name or not, and whether it was used before.
// The reason is Locked where there were too many guesses.
func (m *Mirror) checkNamed(x *index, now time.Time, p *credential.Presented, agent *principal.User, circumstances func() Circumstances) (Caller, Reason) {
	if _, _, ok := p.Named(); !ok || len(x.names.Load().keys) == 0 {
		return Caller{}, Malformed
	}
	look, free := m.guesses.look(&m.registry.settings.Load().Brakes, p, agent, circumstances().Address)
	if !free {
		return Caller{}, Locked
	}
	c, reason := m.findNamed(x, now, p, agent, circumstances)
	look.end(reason)
	return c, reason
}

// checkProven is checkKey for a key by name that was proven just now, by an attempt that
// the brakes have let through.
func (m *Mirror) checkProven(p *credential.Presented, agent *principal.User, circumstances func() Circumstances) (Caller, Reason) {
	x, now, fresh := m.look()
	if !fresh {
		return Caller{}, NotFresh
	}
	return m.findNamed(x, now, p, agent, circumstances)
}

func (m *Mirror) findNamed(x *index, now time.Time, p *credential.Presented, agent *principal.User, circumstances func() Circumstances) (Caller, Reason) {
	names := x.names.Load()
	name, secret, _ := p.Named()
	key, known := names.keys[keyName{Fold(p.User), name}]
	peppers := x.peppers.Load()
	word := peppers.newest().OpenNamed(key.id, secret)
	defer word.Close()
	if !known {
		verifier := word.Verifier()
		prove(nil, &verifier)
		return Caller{}, UnknownKey
	}
	s, records := x.keys.find(key.id)
	r, verifier := x.proveNamed(records, word, secret, peppers.living[0])
	if r == nil {
		return Caller{}, WrongSecret
	}
	a := x.account(r.user)
	if a == nil {
		return Caller{}, UnknownKey
	}
	if reason := admitKey(a, s, r, agent, now, circumstances); reason != Accepted {
		return Caller{}, reason
	}
	return m.callerBy(a, r, word, verifier, peppers, now), Accepted
}

// proveNamed is proveKey for the secret of a key by name. Until the first use there is
// no verifier, which nothing matches.
func (x *index) proveNamed(records []record, word *credential.Word, secret string, newest uint8) (proven *record, verifier credential.Verifier) {
	for i := range records {
		r := &records[i]
		if r.pepper == newest {
			verifier = word.Verifier()
		} else {
			verifier = x.peppers.Load().list[r.pepper].VerifierOfNamed(word.ID(), secret)
		}
		if r.verifier.Equal(&verifier) && !r.verifier.Equal(&noVerifier) {
			return r, verifier
		}
	}
	return nil, verifier
}
