package caddyauth_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/fake/oidcprovider"
)

// TestScopesOfATokenLimitIt: the provider says what a token may be used for.
func TestScopesOfATokenLimitIt(t *testing.T) {
	for name, test := range map[string]struct {
		options []string
		claims  map[string]any
		want    string
	}{
		"no claim is configured":      {nil, map[string]any{"scope": "read"}, "read,write,extended"},
		"our words":                   {[]string{"scopes_claim scope"}, map[string]any{"scope": "openid write read"}, "read,write"},
		"a list":                      {[]string{"scopes_claim scp"}, map[string]any{"scp": []string{"extended"}}, "extended"},
		"the claim is missing":        {[]string{"scopes_claim scope"}, nil, ""},
		"letters count for nothing":   {[]string{"scopes_claim scope"}, map[string]any{"scope": "R W Read"}, ""},
		"the provider's words":        {[]string{"scopes_claim scope", "scope api read", "scope api.write read write"}, map[string]any{"scope": "api"}, "read"},
		"several of them":             {[]string{"scopes_claim scope", "scope api read", "scope api.write extended"}, map[string]any{"scope": "api api.write"}, "read,extended"},
		"ours, where there are names": {[]string{"scopes_claim scope", "scope api read"}, map[string]any{"scope": "write"}, ""},
		"another claim":               {[]string{"scopes_claim scope"}, map[string]any{"scp": "read"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			op := newProvider(t, oidcprovider.Config{})
			f := startFederatedWith(t, op, providerSite(keycloak(op, append(test.options, forJane)...)))
			f.expectCaller(f.token(test.claims), "jane|user||"+test.want+"|jwt|")
		})
	}
}

func TestScopesOfATokenAreHeldAgainstTheGate(t *testing.T) {
	op := newProvider(t, oidcprovider.Config{})
	f := startFederatedWith(t, op, providerSite(keycloak(op, forJane, "scopes_claim scope", "scope api read"), "accept jwt", "require scope write"))
	token := f.token(map[string]any{"scope": "api"})
	r := f.ask(token)
	expectCause(t, r, 403, "insufficient_scope", "scope")
	if got := r.Header["Www-Authenticate"]; !slices.Equal(got, []string{`Bearer realm="restricted", error="insufficient_scope", scope="write"`}) {
		t.Errorf("the challenge is %q", got)
	}
	if noted := notedOf(t, r); noted.User != "jane" || noted.Credential != "jwt" || noted.Wanted != "scope write" {
		t.Errorf("it is noted as %+v", noted)
	}
	expectFailure(t, postJSON(t, f.Server, "/api/v1/auth/apikey", `{"name":"x","priv":"R"}`, bearer(token)...), 403, "insufficient_scope", "You do not have access to this API.")
}

func TestRequiredScopes(t *testing.T) {
	f := startFederated(t, forJane, "required_scopes api")
	f.expectRefused(f.token(), 403, "insufficient_scope", "token_scope")
	f.expectRefused(f.token(map[string]any{"scope": "api2 API"}), 403, "insufficient_scope", "token_scope")
	expectFailure(t, f.Get(t, "/api/v1/user/whoami", bearer(f.token())...), 403, "insufficient_scope", "You do not have access to this API.")
	f.expectCaller(f.token(map[string]any{"scope": "openid api"}), plainJane)
	f.expectCaller(f.token(map[string]any{"scp": []string{"api"}}), plainJane)
}

// TestRolesAndGroupsOfATokenLastAsLongAsIt: they are added to those of the account, and
// never kept.
func TestRolesAndGroupsOfATokenLastAsLongAsIt(t *testing.T) {
	f := startFederated(t, "roles_claim realm_access.roles", "role ops-admin admin auditor", "groups_claim groups", "group netops network")
	f.link("alice", jane.Subject)
	f.expectCaller(f.token(), "alice|admin,auditor|network,ops|read,write,extended|jwt|")
	few := jane
	few.Roles, few.Groups = []string{"admin"}, nil
	f.op.AddUser(few)
	// A name of the provider's that is not mapped means nothing, whatever it looks like.
	f.expectCaller(f.token(), "alice|admin|ops|read,write,extended|jwt|")
	u := f.account("alice")
	if !slices.Equal(u.Roles, []string{"admin"}) || !slices.Equal(u.Groups, []string{"ops"}) {
		t.Errorf("the account has %v and %v", u.Roles, u.Groups)
	}
}

// TestNamesOfGroupsThatCannotBeOurs are left out: lists are joined by commas.
func TestNamesOfGroupsThatCannotBeOurs(t *testing.T) {
	f := startFederated(t, forJane, "groups_claim groups")
	f.expectCaller(f.token(map[string]any{"groups": []string{"a,ops", "b c", "", "ü", "-x", "fine", strings.Repeat("g", 65)}}), "jane|user|fine|read,write,extended|jwt|")
	f.expectCaller(f.token(map[string]any{"groups": "staff"}), plainJane)
	f.expectCaller(f.token(map[string]any{"groups": 7}), plainJane)
}

func TestClaimsThatShow(t *testing.T) {
	op := newProvider(t, oidcprovider.Config{})
	file := strings.Replace(providerSite(keycloak(op, forJane, "claims department groups tenant.name email")), shownCaller,
		"respond `{http.auth.user.claims.department}|{http.auth.user.claims.groups}|{http.auth.user.claims.tenant.name}|{http.auth.user.claims.email}|{http.auth.user.claims.sub}`", 1)
	f := startFederatedWith(t, op, file)
	show := func(claims map[string]any) string { return f.ask(f.token(claims)).Text }
	for name, test := range map[string]struct {
		claims map[string]any
		want   string
	}{
		"texts and lists":      {nil, "north|staff,netops||jane@example.org|"},
		"a path":               {map[string]any{"tenant": map[string]any{"name": "t1"}}, "north|staff,netops|t1|jane@example.org|"},
		"too long":             {map[string]any{"department": strings.Repeat("n", 1025)}, "|staff,netops||jane@example.org|"},
		"with a line end":      {map[string]any{"department": "a\r\nX-User: root"}, "|staff,netops||jane@example.org|"},
		"that are not there":   {map[string]any{"department": nil, "email": nil, "groups": nil}, "||||"},
		"with a placeholder":   {map[string]any{"department": "{env.CLIENT_SECRET}"}, "{env.CLIENT_SECRET}|staff,netops||jane@example.org|"},
		"an object is no text": {map[string]any{"department": map[string]any{"a": "b"}}, "|staff,netops||jane@example.org|"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := show(test.claims); got != test.want {
				t.Errorf("got  '%s'\nwant '%s'", got, test.want)
			}
		})
	}
	t.Run("a key has none", func(t *testing.T) {
		key := f.issue(f.Server, "ci")
		if r := f.Get(t, "/", bearer(key)...); r.Text != "||||" {
			t.Errorf("got '%s'", r.Text)
		}
	})
}

func TestNameOfANewAccount(t *testing.T) {
	for name, test := range map[string]struct {
		options []string
		claims  map[string]any
		want    string
	}{
		"howler's claim first":        {nil, map[string]any{"uname": "jd"}, "jd"},
		"the name at the provider":    {nil, nil, "jane"},
		"a mail address":              {nil, map[string]any{"preferred_username": "Jane@example.org"}, "jane-example"},
		"what is configured":          {[]string{"username_claim badge"}, map[string]any{"badge": "n17"}, "n17"},
		"nothing that is configured":  {[]string{"username_claim badge"}, nil, "user"},
		"only a name":                 {nil, map[string]any{"preferred_username": nil, "email": nil, "name": "Doe, Jane"}, "Jane-Doe"},
		"a path out of the directory": {nil, map[string]any{"preferred_username": "../../admin"}, "admin1"},
		"letters of another script":   {nil, map[string]any{"preferred_username": "аlice"}, "lice"},
	} {
		t.Run(name, func(t *testing.T) {
			f := startFederated(t, append(test.options, forJane)...)
			got, _, _ := strings.Cut(f.ask(f.token(test.claims)).Text, "|")
			if got != test.want {
				t.Errorf("got '%s', want '%s'", got, test.want)
			}
		})
	}
}

// self is what whoami tells.
type self struct {
	Username string
	Roles    []string
}

func TestWhoamiTellsTheRolesOfAToken(t *testing.T) {
	f := startFederated(t, forJane, "role ops-admin admin")
	who := payload[self](t, f.Get(t, "/api/v1/user/whoami", bearer(f.token())...))
	if who.Username != "jane" || !slices.Contains(who.Roles, "admin") {
		t.Errorf("whoami is %+v", who)
	}
}
