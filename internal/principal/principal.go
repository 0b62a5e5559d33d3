// Package principal is the authenticated caller, as the modules see him.
//
// A gate puts him into a variable of the request after it has checked a
// credential; whoever comes later in the chain reads him from there. So the
// modules meet in the request and need not know one another.
package principal

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
// put into a request.
type Principal struct {
	*User
	// Scopes is what the credential may be used for.
	Scopes Scopes
	// Method is how the caller was authenticated: api_key.
	Method string
	// KeyID is the public id of the API key that was used.
	KeyID string
}

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
