package identity

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// Reason says how a check ended. Its text is for logs; callers are told less.
type Reason uint8

// The reasons. Those after WrongSecret are found only for a caller who has
// presented the right secret.
const (
	// Accepted: the caller is who the credential says.
	Accepted Reason = iota
	// NotFresh: we cannot find out. The answer to the caller is 503.
	NotFresh
	// Malformed: not the form of a key, or a wrong checksum.
	Malformed
	// UnknownKey: no key has that id.
	UnknownKey
	// WrongSecret: the id is known, the rest is wrong.
	WrongSecret
	// WrongUser: the key is not of the user that was named with it.
	WrongUser
	// WrongName: the key does not have the name that was given with it.
	WrongName
	Revoked
	KeyDisabled
	UserDisabled
	Expired
	NotYetValid
	// Address and the following: the key is bound to other circumstances.
	Address
	UserAgent
	Audience
	Subject
	APIVersion
)

var reasonTexts = [...]string{
	Accepted: "accepted", NotFresh: "not_fresh", Malformed: "malformed", UnknownKey: "unknown_key",
	WrongSecret: "wrong_secret", WrongUser: "wrong_user", WrongName: "wrong_name", Revoked: "revoked",
	KeyDisabled: "key_disabled", UserDisabled: "user_disabled", Expired: "expired", NotYetValid: "not_yet_valid",
	Address: "address", UserAgent: "user_agent", Audience: "audience", Subject: "subject", APIVersion: "api_version",
}

func (r Reason) String() string { return reasonTexts[r] }

// Circumstances are what the limits of a key are held against.
type Circumstances struct {
	// Address is the caller's, unmapped and without zone. An invalid one is in
	// no network.
	Address netip.Addr
	// UserAgent is the User-Agent header.
	UserAgent string
	// Path is the path that the client asked for, decoded, before any rewriting.
	Path string
	// Audience and APIVersion are those of the gate.
	Audience, APIVersion string
}

// Caller is who presented an accepted key.
type Caller struct {
	Account *Account
	KeyID   credential.KeyID
	Scopes  principal.Scopes
}

// Check says whether the presented key is accepted under these circumstances.
// It allocates nothing.
func (m *Mirror) Check(p *credential.Presented, c *Circumstances) (Caller, Reason) {
	x, now, fresh := m.look()
	if !fresh {
		return Caller{}, NotFresh
	}
	id, wellFormed := credential.ParseKey(p.Word)
	if !wellFormed {
		return Caller{}, Malformed
	}
	s, r, reason := x.prove(id, m.pepper.Verifier(p.Word))
	if reason != Accepted {
		return Caller{}, reason
	}
	account := x.account(r.user)
	switch {
	case account == nil:
		return Caller{}, UnknownKey
	case p.Kind == credential.Basic && account.Username != p.User && account.fold != Fold(p.User):
		return Caller{}, WrongUser
	case p.KeyName != "" && r.name != x.hashName(p.KeyName):
		return Caller{}, WrongName
	}
	if reason := admit(account, s, r, now, c); reason != Accepted {
		return Caller{}, reason
	}
	m.used.note(id, now)
	return Caller{Account: account, KeyID: id, Scopes: r.scopes}, Accepted
}

// Recheck holds a key that was proven earlier in the same request against other
// circumstances, those of a second gate.
func (m *Mirror) Recheck(keyID string, c *Circumstances) Reason {
	x, now, fresh := m.look()
	if !fresh {
		return NotFresh
	}
	id, err := credential.ParseKeyID(keyID)
	if err != nil {
		return UnknownKey
	}
	s, records := x.find(id)
	if len(records) == 0 {
		return UnknownKey
	}
	account := x.account(records[0].user)
	if account == nil {
		return UnknownKey
	}
	return admit(account, s, &records[0], now, c)
}

// noVerifier is compared with when an id is unknown, so that this takes the
// same time. No secret has it.
var noVerifier credential.Verifier

// prove finds the record of id that has this verifier.
func (x *index) prove(id credential.KeyID, presented credential.Verifier) (*shard, *record, Reason) {
	s, records := x.find(id)
	if len(records) == 0 {
		presented.Equal(&noVerifier)
		return nil, nil, UnknownKey
	}
	var proven *record
	for i := range records {
		if records[i].verifier.Equal(&presented) {
			proven = &records[i]
		}
	}
	if proven == nil {
		return nil, nil, WrongSecret
	}
	return s, proven, Accepted
}

// admit holds a proven key against time and circumstances.
func admit(a *Account, s *shard, r *record, now time.Time, c *Circumstances) Reason {
	seconds := now.Unix()
	switch {
	case r.flags&flagRevoked != 0:
		return Revoked
	case r.flags&flagDisabled != 0:
		return KeyDisabled
	case !a.active:
		return UserDisabled
	case r.expires != 0 && seconds >= int64(r.expires):
		return Expired
	case seconds < int64(r.notBefore):
		return NotYetValid
	}
	if limits := s.limitsOf(r); limits != nil {
		return withinLimits(limits, c)
	}
	return Accepted
}

func withinLimits(l *store.Limits, c *Circumstances) Reason {
	switch {
	case len(l.Networks) > 0 && !contains(l.Networks, c.Address):
		return Address
	case l.UserAgent != "" && l.UserAgent != c.UserAgent:
		return UserAgent
	case len(l.Audience) > 0 && (c.Audience == "" || !slices.Contains(l.Audience, c.Audience)):
		return Audience
	case len(l.Subject) > 0 && !covers(l.Subject, c.Path):
		return Subject
	case l.APIVersion != "" && l.APIVersion != c.APIVersion:
		return APIVersion
	}
	return Accepted
}

// covers reports whether one of the patterns covers the path. A path that
// different readers may take for different ones is covered by none.
func covers(patterns []string, path string) bool {
	if !IsCleanPath(path) {
		return false
	}
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if beginning, open := strings.CutSuffix(pattern, "*"); open {
			return strings.HasPrefix(path, beginning)
		}
		return path == pattern
	})
}
