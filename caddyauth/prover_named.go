package caddyauth

import (
	"net/http"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/plugin/caller"
	"github.com/sallyport/sallyport/internal/principal"
)

// ofBasic is what may stand in Basic besides a key of our form: a key by name, which
// other software has made, and a password. Until one of them is proven nobody can tell
// them apart.
type ofBasic struct{ key, password bool }

// bothOfBasic is where any credential is accepted.
var bothOfBasic = ofBasic{true, true}

// named reports whether the claim may be a key by name.
func (c *claim) named() bool {
	_, _, named := c.Named()
	return named
}

// mayBeNamed reports whether what looks like a password may be a key by name. Where
// that cannot be found out now, prove says so.
func (v *prover) mayBeNamed(r *http.Request, c *claim) bool {
	if c.method != principal.MethodPassword || !c.named() {
		return false
	}
	mirror, err := v.app.mirror(r.Context())
	return err != nil || mirror.KeysByName()
}

// proveNamed proves a key by name, and where a password is accepted as well, that. What
// memory does not prove is one attempt at both, under the brakes of passwords: status,
// text and time are the same whether there is a key of that name or not.
func (v *prover) proveNamed(r *http.Request, m *identity.Mirror, c *claim, orPassword bool) (identity.Caller, identity.Reason, error) {
	circumstances := func() identity.Circumstances { return v.circumstances(r) }
	proven, reason := m.Check(&c.Presented, circumstances)
	if reason == identity.NotFresh && m.Refresh(r.Context()) {
		proven, reason = m.Check(&c.Presented, circumstances)
	}
	if !orPassword {
		c.method = principal.MethodAPIKey
	}
	// Malformed is what there is no such key for any more, Locked where it was guessed at.
	unproven := reason == identity.UnknownKey || reason == identity.WrongSecret || reason == identity.Malformed || reason == identity.Locked
	if !unproven {
		c.method = principal.MethodAPIKey
		return proven, reason, nil
	}
	// The store is shared with the configuration before this one; the brakes are not.
	if _, err := v.app.registry(); err != nil {
		return identity.Caller{}, identity.NotFresh, err
	}
	check := func() (byKey bool, err error) {
		proven, byKey, reason, err = m.CheckFirstUse(r.Context(), &c.Presented, caller.Address(r), orPassword, circumstances)
		return byKey, err
	}
	byKey, err := check()
	if reason == identity.NotFresh && err == nil && m.Refresh(r.Context()) {
		byKey, err = check()
	}
	if byKey {
		c.method = principal.MethodAPIKey
	}
	metrics.countBrake(reason)
	return proven, reason, err
}
