// Package principal is the authenticated caller, as the modules see him.
//
// A gate puts him into the request's context after it has checked a
// credential; whoever comes later in the chain reads him from there. So the
// modules meet in the request and need not know one another.
package principal

import "context"

// Principal is an authenticated caller. It is shared between goroutines and is
// never changed once it has been put into a context.
type Principal struct {
	// User is the user name.
	User string
	// UserID is the id that outlives a change of name (a UUID).
	UserID string
	// Roles and Groups are the user's. They must not be changed.
	Roles, Groups []string
	// RoleList and GroupList are the same, joined by commas.
	RoleList, GroupList string
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
