package howler

import (
	"encoding/json"
	"regexp"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
)

// NewKey is a request to make an API key.
type NewKey struct {
	Name string
	// Scopes may be empty: such a key proves who the caller is and opens
	// nothing.
	Scopes principal.Scopes
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

var newKeyFields = []string{"name", "priv", "expiry_date", "agents"}

// keyName is what can stand in `keyname:secret` and in a path.
var keyName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// ParseNewKey reads a JSON body and checks it in howler's order: form, name,
// letters, expiry date. Howler crashes without name or priv. The agents of
// impersonation keys must be a list of texts and are not used.
func ParseNewKey(body []byte, rules KeyRules, now time.Time) (NewKey, *Failure) {
	object, failure := readObject(body, newKeyFields)
	if failure != nil {
		return NewKey{}, failure
	}
	name, named := readText(object["name"])
	letters, lettered := readPrivileges(object["priv"])
	if !named || !lettered || !isOptionalList(object["agents"]) {
		return NewKey{}, InvalidData
	}
	if !keyName.MatchString(name) {
		return NewKey{}, BadKeyName
	}
	if failure := rules.NameFree(name); failure != nil {
		return NewKey{}, failure
	}
	scopes, failure := rules.scopes(letters)
	if failure != nil {
		return NewKey{}, failure
	}
	expires, failure := rules.expiry(object["expiry_date"], now)
	if failure != nil {
		return NewKey{}, failure
	}
	return NewKey{Name: name, Scopes: scopes, Expires: expires}, nil
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
	case impersonates:
		return 0, NoImpersonation
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

func isOptionalList(value json.RawMessage) bool {
	_, ok := readTextList(value)
	return ok || value == nil || isNull(value)
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
