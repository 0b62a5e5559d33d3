package howler

import (
	"encoding/json"
	"regexp"
	"slices"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
)

// NewKey is a request to make an API key.
type NewKey struct {
	// Name is the one to store: that of a key for impersonation begins with
	// ImpersonationPrefix, which the client has not written.
	Name string
	// Scopes may be empty: such a key proves who the caller is and opens
	// nothing.
	Scopes principal.Scopes
	// Impersonation makes a key for X-Impersonating alone. Agents are who may use
	// it, as they were written: user names, and `group:` with the name of a group.
	Impersonation bool
	Agents        []string
	// Expires is in UTC; zero is never.
	Expires time.Time
}

// KeyRules is what a new key must keep to.
type KeyRules struct {
	// MaxLifetime is how long a key may live; with it, a key must have an expiry
	// date. Zero is for ever.
	MaxLifetime time.Duration
	// NoExtended forbids E.
	NoExtended bool
	// NameFree answers whether the caller has no key of that name yet: nil if
	// so, KeyExists if not, another failure if it cannot be found out. It is
	// needed, since howler tells of the name before it tells of anything else;
	// two requests at once are told apart by the store.
	NameFree func(name string) *Failure
}

// ImpersonationPrefix begins the names of keys for impersonation.
const ImpersonationPrefix = "impersonate_"

// MaxAgents is how many agents a key may have. A group is one.
const MaxAgents = 64

var newKeyFields = []string{"name", "priv", "expiry_date", "agents"}

// keyName is what can stand in `keyname:secret` and in a path.
var keyName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// ParseNewKey reads a JSON body and checks it in howler's order: form, name,
// letters, expiry date. Howler crashes without name or priv, and looks for a
// key of the name before it puts the prefix in front, so that it overwrites the
// first of two keys for impersonation. Agents are a list of texts; those of other
// keys are ignored.
func ParseNewKey(body []byte, rules KeyRules, now time.Time) (NewKey, *Failure) {
	object, failure := readObject(body, newKeyFields)
	if failure != nil {
		return NewKey{}, failure
	}
	key, letters, failure := readNewKey(object)
	if failure != nil {
		return NewKey{}, failure
	}
	if failure := rules.NameFree(key.Name); failure != nil {
		return NewKey{}, failure
	}
	if key.Scopes, failure = rules.scopes(letters); failure != nil {
		return NewKey{}, failure
	}
	if len(key.Agents) > MaxAgents {
		return NewKey{}, TooManyAgents
	}
	if key.Expires, failure = rules.expiry(object["expiry_date"], now); failure != nil {
		return NewKey{}, failure
	}
	return key, nil
}

// readNewKey reads what does not depend on rules.
func readNewKey(object map[string]json.RawMessage) (key NewKey, letters []string, failure *Failure) {
	name, named := readText(object["name"])
	letters, lettered := readPrivileges(object["priv"])
	agents, listed := readOptionalList(object["agents"])
	if !named || !lettered || !listed {
		return key, nil, InvalidData
	}
	key.Name, key.Impersonation = name, slices.Contains(letters, impersonation)
	switch {
	case !keyName.MatchString(name):
		return key, nil, BadKeyName
	case !key.Impersonation:
		return key, letters, nil
	}
	key.Name, key.Agents = ImpersonationPrefix+name, agents
	if !keyName.MatchString(key.Name) {
		return key, nil, LongImpersonationName
	}
	return key, letters, nil
}

func (r *KeyRules) scopes(letters []string) (principal.Scopes, *Failure) {
	scopes, impersonates, failure := parseLetters(letters)
	extended := scopes.Any(principal.Extended)
	switch {
	case failure != nil:
		return 0, failure
	case extended && r.NoExtended:
		return 0, ExtendedDisabled
	case extended && impersonates:
		return 0, ExtendedImpersonation
	}
	return scopes, nil
}

// expiry reads the date. An empty text is no date but an unreadable one: it must
// not make a key that lives for ever.
func (r *KeyRules) expiry(value json.RawMessage, now time.Time) (time.Time, *Failure) {
	if value == nil || isNull(value) {
		if r.MaxLifetime > 0 {
			return time.Time{}, ExpiryNeeded
		}
		return time.Time{}, nil
	}
	text, _ := readText(value)
	expires, ok := ParseExpiry(text)
	switch latest := now.Add(r.MaxLifetime); {
	case !ok:
		return time.Time{}, ExpiryFormat
	case r.MaxLifetime > 0 && expires.After(latest):
		return time.Time{}, ExpiryTooLate(latest)
	case !expires.After(now):
		return time.Time{}, ExpiryPast
	}
	return expires, nil
}

// readOptionalList reads a list of texts, which may be missing or null.
func readOptionalList(value json.RawMessage) ([]string, bool) {
	if value == nil || isNull(value) {
		return nil, true
	}
	return readTextList(value)
}

// KeyAnswer is the payload that answers the making or the rotation of a key.
type KeyAnswer struct {
	Name   string
	Secret credential.Secret
}

// MarshalJSON writes {"apikey": "name:secret"}, the secret in the clear: this is
// the one time that it is told.
func (a KeyAnswer) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"apikey": a.Name + ":" + a.Secret.Reveal()})
}
