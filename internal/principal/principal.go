// Package principal is the authenticated caller, as the modules see him.
//
// A gate puts him into the request's context after it has checked a
// credential; whoever comes later in the chain reads him from there. So the
// modules meet in the request and need not know one another.
package principal

import "context"

// User is what is known of a caller's account. It is shared by all requests and
// never changed.
type User struct {
	// ID outlives a change of name (a UUID). Name is the user name.
	ID, Name string
	// Roles and Groups are sorted.
	Roles, Groups []string
	// RoleList and GroupList are the same, joined by commas.
	RoleList, GroupList string
}

// Principal is an authenticated caller. It is never changed once it has been
// put into a context.
type Principal struct {
	*User
	// Scopes is what the credential may be used for.
	Scopes Scopes
	// Method is how the caller was authenticated: api_key.
	Method string
	// KeyID is the public id of the API key that was used.
	KeyID string
}

// contextKey is the type of the one key this package puts into contexts.
type contextKey struct{}

// NewContext returns a context that carries p.
func NewContext(ctx context.Context, p *Principal) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// FromContext returns the caller of the request, or nil if nobody has been
// authenticated.
func FromContext(ctx context.Context) *Principal {
	p, _ := ctx.Value(contextKey{}).(*Principal)
	return p
}
