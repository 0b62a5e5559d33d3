// Package principal is the authenticated caller, as the modules see him.
//
// A gate puts him into a variable of the request after it has checked a
// credential; whoever comes later in the chain reads him from there. So the
// modules meet in the request and need not know one another.
package principal

import (
	"slices"
	"strings"
)

// User is what is known of a caller's account. It is shared by all requests and
// never changed.
type User struct {
	// ID outlives a change of name (a UUID). Name is the user name.
	ID, Name string
	// Fold is the form of the name that is unique.
	Fold string
	// Roles and Groups are sorted.
	Roles, Groups []string
	// Epoch is counted up by each change of the password.
	Epoch int64
	// Quota is how many of the user's requests an endpoint answers at once; 0 leaves
	// it to the endpoint.
	Quota int64
	// RoleList and GroupList are the same, joined by commas.
	RoleList, GroupList string
}

// With is the user with more roles and groups, for the time of a credential that adds
// them. Without any it is the user himself.
func (u *User) With(roles, groups []string) *User {
	if len(roles)+len(groups) == 0 {
		return u
	}
	more := *u
	more.Roles, more.Groups = union(u.Roles, roles), union(u.Groups, groups)
	more.RoleList, more.GroupList = strings.Join(more.Roles, ","), strings.Join(more.Groups, ",")
	return &more
}

// union is the names of both lists, sorted, each once.
func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// Principal is an authenticated caller. It is never changed once it has been
// put into a request.
type Principal struct {
	*User
	// Scopes is what the credential may be used for.
	Scopes Scopes
	// Method is how the caller was authenticated, one of the methods below.
	Method string
	// KeyID is the public id of the API key that was used, TokenID that of the
	// token; each is empty if it was something else.
	KeyID, TokenID string
	// Impersonation is set where somebody else acts as User; nil is the user himself.
	// Method, KeyID and TokenID are about the credential of the one who acts.
	Impersonation *Impersonation
	// External is the token of another provider that was presented; nil unless Method is
	// MethodJWT.
	External *External
	// IsXSRFToken reports, in constant time, whether a text is what pages of the
	// session send along with changes; nil unless Method is MethodSession. It is a
	// function so that no log can print the token.
	IsXSRFToken func(text string) bool
}

// Impersonation says who acts as a user, and by what right.
type Impersonation struct {
	// By is who acts.
	By *User
	// KeyID is the public id of the user's key that allows it.
	KeyID string
}

// Impersonator is the name of who acts as the user, "" if it is the user himself.
func (p *Principal) Impersonator() string {
	if p.Impersonation == nil {
		return ""
	}
	return p.Impersonation.By.Name
}

// Actor names who does something, for logs: `user:alice`, or `user:bob on behalf of
// user:alice` where bob acts as alice.
func (p *Principal) Actor() string {
	const user = "user:"
	if p.Impersonation == nil {
		return user + p.Name
	}
	return user + p.Impersonator() + " on behalf of " + user + p.Name
}

// Methods by which callers are authenticated, as gates accept them.
const (
	// MethodAPIKey is an API key.
	MethodAPIKey = "api_key"
	// MethodAppToken is a token that a log-in has given to a program, as
	// `Bearer user:token`.
	MethodAppToken = "app_token"
	// MethodBareToken is one that stands in Authorization without a scheme, or
	// after `Bearer`.
	MethodBareToken = "bare_token"
	// MethodClientSecret is the secret of an entry in an address list. Only its
	// own gate accepts it.
	MethodClientSecret = "client_secret"
	// MethodJWT is an access token of another provider: a JWT, as `Bearer`.
	MethodJWT = "jwt"
	// MethodPassword is user name and password, as Basic.
	MethodPassword = "password"
	// MethodSession is the cookie of a browser session.
	MethodSession = "session"
)

// Variable is the name of the request variable in which Caddy keeps the caller,
// for the modules that come later in the chain and for the handling of errors.
// A configuration can set variables too, but never one of this type.
const Variable = "sallyport.principal"

// FromVariable returns the caller that a variable holds, or nil if it holds
// none.
func FromVariable(value any) *Principal {
	p, _ := value.(*Principal)
	return p
}
