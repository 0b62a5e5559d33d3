package caddyauth

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/internal/accesstoken"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// claimMap says what the claims of a provider's tokens mean here.
type claimMap struct {
	// scopesClaim is "" where a token may be used for everything. scopes are what its
	// words mean; nil stands for our own words.
	scopesClaim string
	scopes      map[string]principal.Scopes
	// roles are what is made of the names in rolesClaim.
	rolesClaim string
	roles      map[string][]string
	// groups are the same for groupsClaim; nil takes names over as they are, but where
	// the claim is read for requiredGroups only.
	groupsClaim    string
	groups         map[string][]string
	givesGroups    bool
	requiredGroups []string
	usernameClaim  string
	// shown are the claims for placeholders.
	shown []string
}

const (
	defaultRolesClaim  = "roles"
	defaultGroupsClaim = "groups"
	// maxNames bounds the roles, and the groups, that a token gives.
	maxNames = 64
	// maxShown bounds the text of a claim that is shown, in bytes.
	maxShown = 1 << 10
)

// complete fills defaults in, and checks the names that are ours.
func (m *claimMap) complete() error {
	if m.rolesClaim == "" {
		m.rolesClaim = defaultRolesClaim
	}
	m.givesGroups = m.groupsClaim != "" || len(m.groups) > 0
	if m.groupsClaim == "" {
		m.groupsClaim = defaultGroupsClaim
	}
	for what, names := range map[string]map[string][]string{"role": m.roles, "group": m.groups} {
		for _, theirs := range slices.Sorted(maps.Keys(names)) {
			for _, ours := range names[theirs] {
				if !providerNamePattern.MatchString(ours) {
					return fmt.Errorf("%s '%s': '%s' cannot be one; use 1 to 64 letters, digits and . _ - with a letter or digit first", what, theirs, ours)
				}
			}
		}
	}
	return nil
}

// scopesOf is what a token may be used for.
func (m *claimMap) scopesOf(c *accesstoken.Claims) (set principal.Scopes) {
	if m.scopesClaim == "" {
		return principal.AllScopes
	}
	for _, word := range c.Scopes {
		if m.scopes != nil {
			set |= m.scopes[word]
			continue
		}
		for _, scope := range []principal.Scopes{principal.Read, principal.Write, principal.Extended} {
			if word == scope.String() {
				set |= scope
			}
		}
	}
	return set
}

// rolesOf are the roles that a token gives, at most maxNames of all that it names.
func (m *claimMap) rolesOf(c *accesstoken.Claims) (names []string, all int) {
	if len(m.roles) == 0 {
		return nil, 0
	}
	return mapped(c.List(m.rolesClaim), m.roles)
}

// groupsOf are the groups that a token gives, likewise.
func (m *claimMap) groupsOf(c *accesstoken.Claims) (names []string, all int) {
	switch {
	case !m.givesGroups:
		return nil, 0
	case len(m.groups) > 0:
		return mapped(c.List(m.groupsClaim), m.groups)
	}
	for _, name := range c.List(m.groupsClaim) {
		if providerNamePattern.MatchString(name) {
			names = append(names, strings.Clone(name))
		}
	}
	return sortedNames(names)
}

// mapped is what names mean here.
func mapped(names []string, meaning map[string][]string) ([]string, int) {
	var ours []string
	for _, name := range names {
		ours = append(ours, meaning[name]...)
	}
	return sortedNames(ours)
}

func sortedNames(names []string) (first []string, all int) {
	slices.Sort(names)
	names = slices.Compact(names)
	return names[:min(len(names), maxNames)], len(names)
}

// hasRequiredGroups reports whether a token has all groups that are needed.
func (m *claimMap) hasRequiredGroups(c *accesstoken.Claims) bool {
	if len(m.requiredGroups) == 0 {
		return true
	}
	has := c.List(m.groupsClaim)
	for _, needed := range m.requiredGroups {
		if !slices.Contains(has, needed) {
			return false
		}
	}
	return true
}

// shownOf are the claims for placeholders, as texts. One that is too long is not
// shown: half of it could mean something else. Nor is a list with a comma in an element,
// which would show as two: users may name groups at their provider as they like.
func (m *claimMap) shownOf(c *accesstoken.Claims) map[string]string {
	if len(m.shown) == 0 {
		return nil
	}
	texts := make(map[string]string, len(m.shown))
	for _, name := range m.shown {
		text, ok := c.Text(name)
		if !ok {
			list := c.List(name)
			if slices.ContainsFunc(list, func(element string) bool { return strings.Contains(element, ",") }) {
				continue
			}
			text = strings.Join(list, ",")
		}
		if len(text) <= maxShown && !strings.ContainsFunc(text, isControl) {
			texts[name] = strings.Clone(text)
		}
	}
	return texts
}

func isControl(r rune) bool { return r < ' ' || 0x7f <= r && r < 0xa0 }

// verifiedEmail is the address that the provider has verified, "" if there is none.
func verifiedEmail(c *accesstoken.Claims) string {
	email, _ := c.Text("email")
	if !c.Bool("email_verified") || !strings.Contains(email, "@") {
		return ""
	}
	return store.FoldEmail(email)
}

// emailOf is the address for a new account, which decides nothing: the first of the
// claims in which providers have it.
func emailOf(c *accesstoken.Claims) string {
	for _, name := range []string{"email", "emails", "preferred_username", "upn"} {
		text, ok := c.Text(name)
		if list := c.List(name); !ok && len(list) > 0 {
			text = list[0]
		}
		if strings.Contains(text, "@") {
			return store.FoldEmail(text)
		}
	}
	return ""
}

// displayNameOf is the name of the person; `Last, First` becomes `First Last`.
func displayNameOf(c *accesstoken.Claims) string {
	name, ok := c.Text("name")
	if !ok {
		name, _ = c.Text("displayName")
	}
	if last, first, found := strings.Cut(name, ", "); found && !strings.Contains(first, ",") {
		return first + " " + last
	}
	return name
}

// usernameOf is the name that a new account should have. One that is the mail address
// becomes its local part and the first label of its domain.
func (m *claimMap) usernameOf(c *accesstoken.Claims) string {
	if m.usernameClaim != "" {
		name, _ := c.Text(m.usernameClaim)
		return name
	}
	email := emailOf(c)
	for _, claim := range []string{"uname", "preferred_username"} {
		if name, ok := c.Text(claim); ok && name != "" && !strings.EqualFold(name, email) {
			return name
		}
	}
	if local, domain, found := strings.Cut(email, "@"); found {
		label, _, _ := strings.Cut(domain, ".")
		return local + "-" + label
	}
	return strings.ReplaceAll(displayNameOf(c), " ", "-")
}
