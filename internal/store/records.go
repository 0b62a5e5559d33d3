package store

import (
	"net/netip"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
)

// UserState says whether a user's credentials are accepted.
type UserState string

// The states of a user.
const (
	// Active users' credentials are accepted.
	Active UserState = "active"
	// Disabled users' credentials are refused until an administrator enables
	// the user; nothing is deleted.
	Disabled UserState = "disabled"
)

// User is an account.
type User struct {
	// ID is a UUIDv7. It never changes and is never given to another user.
	ID string `json:"id"`
	// Username is the name as it was given.
	Username string `json:"username"`
	// Fold is the form of Username that is unique: "Alice" and "alice" are one.
	Fold string `json:"-"`
	// DisplayName and Email are for people.
	DisplayName string `json:"display_name,omitempty"`
	Email       string `json:"email,omitempty"`
	// EmailVerified: an administrator has given Email, or a provider that is trusted for
	// it. An identity of such a provider is linked to who has that address.
	EmailVerified bool      `json:"-"`
	State         UserState `json:"state"`
	Roles         []string  `json:"roles"`
	Groups        []string  `json:"groups"`
	// Quota is how many of the user's requests an endpoint answers at once; 0
	// stands for what the endpoint says.
	Quota int64 `json:"quota,omitempty"`
	// Epoch is counted up when what was proven before must not count any more:
	// when the password changes.
	Epoch int64 `json:"-"`
	// TokensAfter is when a token of another provider must have been issued at the
	// earliest; zero is any time.
	TokensAfter time.Time `json:"-"`
	Created     time.Time `json:"created"`
	Updated     time.Time `json:"updated"`
	// Version counts the changes of the record, from 1.
	Version int64 `json:"version"`
}

// Limits bind a key to circumstances. The zero value binds to nothing; a field
// that is set must hold on every request.
type Limits struct {
	// Networks are the addresses the caller may come from.
	Networks []netip.Prefix `json:"networks,omitempty"`
	// UserAgent is the whole User-Agent header.
	UserAgent string `json:"user_agent,omitempty"`
	// Audience lists the services (the gate's `audience`) the key is for.
	Audience []string `json:"audience,omitempty"`
	// Subject lists paths, or beginnings of paths followed by '*'.
	Subject []string `json:"subject,omitempty"`
	// APIVersion is the gate's `api_version`.
	APIVersion string `json:"api_version,omitempty"`
}

// None reports whether l binds to nothing.
func (l *Limits) None() bool {
	return len(l.Networks) == 0 && l.UserAgent == "" && len(l.Audience) == 0 && len(l.Subject) == 0 && l.APIVersion == ""
}

// Key is an API key without its secret. Times that are zero are not set.
type Key struct {
	ID     string `json:"id"`
	UserID string `json:"-"`
	// Username is the owner's; it is filled in when a key is read.
	Username string `json:"user"`
	// UserState is the owner's, filled in as well.
	UserState UserState `json:"user_state"`
	// Name is unique among a user's keys that are not revoked.
	Name string `json:"name"`
	// Prefix is what the key began with when it was issued.
	Prefix   string              `json:"prefix"`
	Verifier credential.Verifier `json:"-"`
	// Pepper is the number of the pepper that Verifier is under.
	Pepper int64 `json:"-"`
	// Previous is the verifier that rotation replaced; it is accepted before
	// PreviousExpires, and under the pepper PreviousPepper.
	Previous        credential.Verifier `json:"-"`
	PreviousPepper  int64               `json:"-"`
	PreviousExpires time.Time           `json:"previous_expires,omitzero"`
	Scopes          principal.Scopes    `json:"scopes"`
	Limits
	NotBefore time.Time `json:"not_before,omitzero"`
	Expires   time.Time `json:"expires,omitzero"`
	Disabled  time.Time `json:"disabled,omitzero"`
	// DisabledBy is who has disabled the key: user:alice, os:root.
	DisabledBy    string    `json:"disabled_by,omitempty"`
	Revoked       time.Time `json:"revoked,omitzero"`
	RevokedReason string    `json:"revoked_reason,omitempty"`
	Created       time.Time `json:"created"`
	CreatedBy     string    `json:"created_by"`
	// LastUsed is exact to a minute or so and may lag behind after a crash.
	LastUsed time.Time `json:"last_used,omitzero"`
	// Impersonation: the key is for others, who act as its owner by it. It is
	// accepted beside a credential of theirs only.
	Impersonation bool `json:"impersonation,omitempty"`
	// Agents are who may use such a key: folded user names, and AgentGroup with
	// the name of a group.
	Agents []string `json:"agents,omitempty"`
	// ByName: the secret comes from other software. It has not the form of our
	// keys, and the key is found by the names of its user and its own.
	ByName bool `json:"by_name,omitempty"`
	// ImportedHash is the hash of such a secret until its first use. Until then
	// there is no verifier.
	ImportedHash string `json:"-"`
}

// AgentGroup begins an agent that is a group.
const AgentGroup = "group:"

// Session is a log-in that has not ended. Its tokens prove it.
type Session struct {
	// ID is a UUIDv7 and no secret.
	ID       string `json:"id"`
	UserID   string `json:"-"`
	Username string `json:"user"`
	// Method is how the user logged in: password, api_key or jwt.
	Method string `json:"method"`
	// KeyID is the key that was used, if any.
	KeyID  string           `json:"key_id,omitempty"`
	Scopes principal.Scopes `json:"scopes"`
	// Roles and Groups are what a provider gave at the log-in beyond the user's own.
	Roles  []string `json:"roles,omitempty"`
	Groups []string `json:"groups,omitempty"`
	// Address and UserAgent are those of the log-in.
	Address   string    `json:"address,omitempty"`
	UserAgent string    `json:"user_agent,omitempty"`
	Created   time.Time `json:"created"`
	Tokens    []Token   `json:"tokens"`
}

// Token proves a session. User, scopes, roles, groups and limits are those of the session
// and of the key it came from; they are filled in when a token is read.
type Token struct {
	// ID is public: it is made of the verifier (credential.Verifier.ID).
	ID        string               `json:"id"`
	SessionID string               `json:"-"`
	Kind      credential.TokenKind `json:"kind"`
	Verifier  credential.Verifier  `json:"-"`
	// Pepper is the number of the pepper that Verifier is under.
	Pepper int64 `json:"-"`
	// FormerID is what ID was under the pepper before, if there was one.
	FormerID string `json:"-"`
	// Expires is the end whatever happens; zero means none.
	Expires time.Time `json:"expires,omitzero"`
	// Idle is how long the token may lie unused; zero means for ever.
	Idle time.Duration `json:"idle,omitzero"`
	// LastUsed is exact to a minute or so.
	LastUsed time.Time        `json:"last_used"`
	UserID   string           `json:"-"`
	Scopes   principal.Scopes `json:"-"`
	Roles    []string         `json:"-"`
	Groups   []string         `json:"-"`
	Limits   `json:"-"`
}

// Ended reports whether the token is over.
func (t *Token) Ended(now time.Time) bool {
	return !t.Expires.IsZero() && !now.Before(t.Expires) || t.Idle != 0 && now.After(t.LastUsed.Add(t.Idle))
}

// Event is one line of the audit trail: who did what to whom.
type Event struct {
	ID   string    `json:"id"`
	Time time.Time `json:"time"`
	// Kind is what was done, such as key.issue.
	Kind string `json:"kind"`
	// Outcome is ok; what failed changed nothing and is in the log.
	Outcome string `json:"outcome"`
	// Actor is who asked for it, such as os:root.
	Actor string `json:"actor"`
	// OnBehalfOf is as whom the actor acted, such as user:alice; empty is as
	// nobody else.
	OnBehalfOf string `json:"on_behalf_of,omitempty"`
	// UserID and KeyID are whom and what it was done to.
	UserID string `json:"user_id,omitempty"`
	KeyID  string `json:"key_id,omitempty"`
	Detail string `json:"detail,omitempty"`
}
