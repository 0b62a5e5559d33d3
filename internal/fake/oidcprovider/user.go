package oidcprovider

import (
	"maps"
	"slices"

	"github.com/zitadel/oidc/v3/pkg/oidc"
)

// User is somebody who can log in.
type User struct {
	// Subject is sub, which never changes. Tokens are about it.
	Subject string
	// Name is what the user types at the log-in, and preferred_username.
	Name     string
	Password string
	// DisplayName is name.
	DisplayName   string
	Email         string
	EmailVerified bool
	Groups        []string
	Roles         []string
	// Claims are further ones. One of them under the name of another takes its place.
	Claims map[string]any
}

// claims are those of a token for scopes. name and preferred_username need profile,
// email and email_verified need email. Roles are where Keycloak has them and where
// Azure has them.
func (u *User) claims(scopes []string) map[string]any {
	all := map[string]any{}
	if slices.Contains(scopes, oidc.ScopeProfile) {
		all["preferred_username"] = u.Name
		all["name"] = u.DisplayName
	}
	if slices.Contains(scopes, oidc.ScopeEmail) {
		all["email"] = u.Email
		all["email_verified"] = u.EmailVerified
	}
	if len(u.Groups) > 0 {
		all["groups"] = u.Groups
	}
	if len(u.Roles) > 0 {
		all["roles"] = u.Roles
		all["realm_access"] = map[string]any{"roles": u.Roles}
	}
	maps.Copy(all, u.Claims)
	return all
}
