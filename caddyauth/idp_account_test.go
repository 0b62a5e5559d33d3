package caddyauth_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/fake/oidcprovider"
	"github.com/sallyport/sallyport/internal/identity"
)

// plainJane is jane with an account of her own, as shownCaller tells her.
const plainJane = "jane|user||read,write,extended|jwt|"

func TestNobodyHasAnAccountUnlessItIsLinked(t *testing.T) {
	f := startFederated(t)
	token := f.token()
	f.expectRefused(token, 403, "user_not_allowed", "no_account")
	r := f.Get(t, "/api/v1/user/whoami", bearer(token)...)
	expectFailure(t, r, 403, "user_not_allowed", "User auto-creation is disabled")
	f.link("alice", jane.Subject)
	// The same token: that there was no account is not remembered for long.
	f.expectCaller(token, "alice|admin|ops|read,write,extended|jwt|")
	if err := f.UnlinkIdentity(t.Context(), "test", f.op.Issuer(), jane.Subject); err != nil {
		t.Fatal(err)
	}
	time.Sleep(propagation)
	f.expectRefused(token, 403, "user_not_allowed", "no_account")
}

func TestAccountIsMadeAtTheFirstRequest(t *testing.T) {
	f := startFederated(t, forJane)
	tokens := make([]string, 20)
	for i := range tokens {
		tokens[i] = f.token()
	}
	var all sync.WaitGroup
	answers := make([]caddyrun.Response, len(tokens))
	for i, token := range tokens {
		all.Go(func() { answers[i] = f.ask(token) })
	}
	all.Wait()
	for _, r := range answers {
		if r.StatusCode != 200 || r.Text != plainJane {
			t.Errorf("%d %s", r.StatusCode, r.Text)
		}
	}
	f.expectCaller(tokens[0], plainJane)
	if got := f.usernames(); !slices.Equal(got, []string{"alice", "jane"}) {
		t.Errorf("the accounts are %v", got)
	}
	u := f.account("jane")
	if u.DisplayName != "Jane Doe" || u.Email != "jane@example.org" || u.EmailVerified {
		t.Errorf("the account is %+v", u)
	}
}

// TestNameOfAnAccountGivesNothing: a name at the provider is no claim to the account of
// that name here.
func TestNameOfAnAccountGivesNothing(t *testing.T) {
	f := startFederated(t, forJane)
	f.addUser(identity.NewUser{Username: "jane", Roles: []string{"admin"}, Groups: []string{"ops"}, Email: jane.Email})
	time.Sleep(propagation)
	f.expectCaller(f.token(), "jane1|user||read,write,extended|jwt|")
	for _, name := range []string{"admin", "root", "ALICE", "alíce"} {
		f.op.AddUser(oidcprovider.User{Subject: "of " + name, Name: name, Password: "x"})
		r := f.ask(tokenOf(t, f.op, "of "+name))
		expect(t, r, 200, "")
		if got, _, _ := strings.Cut(r.Text, "|"); !strings.HasSuffix(got, "1") && !strings.HasSuffix(got, "2") {
			t.Errorf("'%s' became '%s'", name, got)
		}
	}
	if links, err := f.Identities(t.Context(), "alice", "", 10); err != nil || len(links) > 0 {
		t.Errorf("alice is linked: %v, %v", links, err)
	}
}

func TestMailLinksOnlyWhatIsTrusted(t *testing.T) {
	const isNobody, isOld = "no_account", "old|admin||read,write,extended|jwt|"
	for name, test := range map[string]struct {
		options []string
		claims  map[string]any
		// mails are those of the accounts old, old2 and so on.
		mails []string
		want  string
	}{
		"a verified address that is trusted":         {[]string{"trust_email"}, nil, []string{"jane@example.org"}, isOld},
		"the same in another case":                   {[]string{"trust_email"}, map[string]any{"email": "JANE@Example.ORG"}, []string{"jane@example.org"}, isOld},
		"an address that is not verified":            {[]string{"trust_email"}, map[string]any{"email_verified": false}, []string{"jane@example.org"}, isNobody},
		"one that is verified in words":              {[]string{"trust_email"}, map[string]any{"email_verified": "yes"}, []string{"jane@example.org"}, isNobody},
		"one of which nothing is said":               {[]string{"trust_email"}, map[string]any{"email_verified": nil}, []string{"jane@example.org"}, isNobody},
		"an address that two accounts have":          {[]string{"trust_email"}, nil, []string{"jane@example.org", "jane@example.org"}, isNobody},
		"a provider that is not trusted":             {nil, nil, []string{"jane@example.org"}, isNobody},
		"a pattern":                                  {[]string{"trust_email"}, map[string]any{"email": "*@example.org"}, []string{"jane@example.org"}, isNobody},
		"an expression":                              {[]string{"trust_email"}, map[string]any{"email": "x@example.org OR jane@example.org"}, []string{"jane@example.org"}, isNobody},
		"a wildcard of SQL":                          {[]string{"trust_email"}, map[string]any{"email": "%@%"}, []string{"jane@example.org"}, isNobody},
		"another claim that providers have it in":    {[]string{"trust_email"}, map[string]any{"email": nil, "emails": []string{"jane@example.org"}}, []string{"jane@example.org"}, isNobody},
		"a name that looks like the account's email": {[]string{"trust_email"}, map[string]any{"email": nil, "preferred_username": "jane@example.org"}, []string{"jane@example.org"}, isNobody},
	} {
		t.Run(name, func(t *testing.T) {
			op := newProvider(t, oidcprovider.Config{})
			s := startPrepared(t, providerSite(keycloak(op, test.options...)), func(a *admin) {
				for i, mail := range test.mails {
					n := identity.NewUser{Username: "old" + strings.Repeat("2", i), Roles: []string{"admin"}, Email: mail}
					if _, err := a.AddUser(t.Context(), "test", n); err != nil {
						t.Fatal(err)
					}
				}
			})
			f := &federated{s, newAdmin(t, s.Dir+"/auth.db"), op}
			token := f.token(test.claims)
			if test.want == isNobody {
				f.expectRefused(token, 403, "user_not_allowed", isNobody)
				return
			}
			f.expectCaller(token, test.want)
			// From now on the link decides, whatever becomes of the address.
			f.expectCaller(f.token(map[string]any{"email": "other@example.org"}), test.want)
			// Who has the address next is somebody else.
			op.AddUser(oidcprovider.User{Subject: "next", Name: "next", Email: jane.Email, EmailVerified: true})
			expectCause(t, f.ask(tokenOf(t, op, "next")), 403, "user_not_allowed", isNobody)
		})
	}
}

func TestRequiredGroups(t *testing.T) {
	f := startFederated(t, forJane, "required_groups staff netops")
	few := jane
	few.Groups = []string{"staff"}
	f.op.AddUser(few)
	token := f.token()
	f.expectRefused(token, 403, "user_not_allowed", "required_group")
	expectFailure(t, f.Get(t, "/api/v1/user/whoami", bearer(token)...), 403, "user_not_allowed", "This user is not allowed access to the system")
	if got := f.usernames(); !slices.Equal(got, []string{"alice"}) {
		t.Errorf("who may not come in has got an account: %v", got)
	}
	f.op.AddUser(jane)
	// Groups that are only needed are not taken over.
	f.expectCaller(f.token(), plainJane)
}

// TestDisabledUserIsRefusedAtOnce: a token that was seen before is no pass.
func TestDisabledUserIsRefusedAtOnce(t *testing.T) {
	f := startFederated(t, forJane, "leeway 1s")
	token := f.token()
	f.expectCaller(token, plainJane)
	if _, err := f.DisableUser(t.Context(), "test", "jane"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(propagation)
	f.expectRefused(token, 401, "invalid_token", "user_disabled")
	f.expectRefused(f.token(), 401, "invalid_token", "user_disabled")
	expectFailure(t, f.Get(t, "/api/v1/user/whoami", bearer(token)...), 403, "user_not_allowed", "This user is not allowed access to the system")
	if got := f.usernames(); !slices.Equal(got, []string{"alice", "jane"}) {
		t.Errorf("the accounts are %v", got)
	}
	if _, err := f.EnableUser(t.Context(), "test", "jane"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(propagation)
	f.expectRefused(token, 401, "invalid_token", "revoked")
	f.awaitNewToken(t, plainJane)
}

// awaitNewToken waits until a token that is issued now is accepted: what refuses all
// tokens before it refuses those of the same second as well, which is as exact as iat is.
func (f *federated) awaitNewToken(t *testing.T, want string) {
	t.Helper()
	within(t, 5*time.Second, func() bool {
		r := f.ask(f.token())
		return r.StatusCode == 200 && r.Text == want
	})
}

func TestDeletedUserIsRefusedAtOnce(t *testing.T) {
	f := startFederated(t)
	f.addUser(identity.NewUser{Username: "jane"})
	f.link("jane", jane.Subject)
	token := f.token()
	f.expectCaller(token, "jane|||read,write,extended|jwt|")
	if err := f.DeleteUser(t.Context(), "test", "jane"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(propagation)
	f.expectRefused(token, 403, "user_not_allowed", "no_account")
}

// TestTokenIsRefusedByItsID is `caddy auth provider revoke`.
func TestTokenIsRefusedByItsID(t *testing.T) {
	f := startFederated(t, forJane)
	token := f.token(map[string]any{"jti": "one"})
	f.expectCaller(token, plainJane)
	if err := f.RefuseToken(t.Context(), "test", f.op.Issuer(), "one", "", time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(propagation)
	f.expectRefused(token, 401, "invalid_token", "revoked")
	// It is the token that is refused, and not this text of it.
	f.expectRefused(f.token(map[string]any{"jti": "one", "x": 1}), 401, "invalid_token", "revoked")
	f.expectCaller(f.token(map[string]any{"jti": "two"}), plainJane)
}
