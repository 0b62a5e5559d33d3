package identity

import (
	"errors"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
)

// callerBy is the principal of whoever presents a key of alice.
func (w *world) callerBy(word string) *principal.Principal {
	w.t.Helper()
	c, reason := w.mirror.Check(&credential.Presented{Kind: credential.Bearer, Word: word}, at(Circumstances{Path: "/"}))
	if reason != Accepted {
		w.t.Fatal(reason)
	}
	return &principal.Principal{User: c.User, Scopes: c.Scopes, Method: principal.MethodAPIKey, KeyID: c.ID.String()}
}

// callerByPassword is the principal of alice with her password.
func (w *world) callerByPassword() *principal.Principal {
	w.t.Helper()
	c, reason, err := w.mirror.CheckPassword(w.t.Context(), alice(right))
	if reason != Accepted {
		w.t.Fatal(reason, err)
	}
	return &principal.Principal{User: c.User, Scopes: c.Scopes, Method: principal.MethodPassword}
}

func allScopes(n *NewKey) { n.Scopes = principal.AllScopes }

func TestACredentialThatHasEndedMeanwhileMakesNoKey(t *testing.T) {
	for name, end := range map[string]func(*world) error{
		"the key was revoked":      func(w *world) error { _, err := w.RevokeKey(w.t.Context(), "os:root", ref("ci"), ""); return err },
		"the key was disabled":     func(w *world) error { _, err := w.DisableKey(w.t.Context(), "os:root", ref("ci")); return err },
		"the user was disabled":    func(w *world) error { _, err := w.DisableUser(w.t.Context(), "os:root", "alice"); return err },
		"the user was deleted":     func(w *world) error { return w.DeleteUser(w.t.Context(), "os:root", "alice") },
		"the password was changed": func(w *world) error { _, err := w.SetPassword(w.t.Context(), "os:root", "alice", newer); return err },
		"the session was ended":    func(w *world) error { _, err := w.EndSessions(w.t.Context(), "os:root", "alice"); return err },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.setPassword("alice", right)
			session, _ := w.logIn(alice(right), NewToken{Kind: credential.SessionToken, Lifetime: principal.Lifetime{Absolute: time.Hour}})
			callers := map[string]*principal.Principal{
				"key": w.callerBy(w.issue("ci", allScopes)), "password": w.callerByPassword(),
				"session": {Scopes: principal.AllScopes, Method: principal.MethodSession, TokenID: session.Tokens[0].ID},
			}
			callers["session"].User = callers["key"].User
			if err := end(w); err != nil {
				t.Fatal(err)
			}
			ended := map[string][]string{
				"the key was revoked": {"key"}, "the key was disabled": {"key"},
				"the user was disabled": {"key", "password", "session"}, "the user was deleted": {"key", "password", "session"},
				"the password was changed": {"password", "session"}, "the session was ended": {"session"},
			}[name]
			for _, by := range ended {
				if _, _, err := w.IssueKeyFor(t.Context(), callers[by], NewKey{Name: "stolen-" + by, Scopes: principal.Read}); !errors.Is(err, ErrEnded) {
					t.Errorf("by its %s: %v", by, err)
				}
			}
		})
	}
}

func TestASecretThatWasReplacedCannotTakeTheKeyOver(t *testing.T) {
	w := newWorld(t)
	old := w.issue("ci", allScopes)
	_, word, err := w.RotateKey(t.Context(), "os:root", ref("ci"), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{old, word.Reveal()} {
		derived := new(DerivedError)
		if _, _, err := w.RotateKeyFor(t.Context(), w.callerBy(secret), ref("ci")); !errors.As(err, &derived) {
			t.Errorf("within the overlap: %v", err)
		}
	}
	w.later(time.Hour)
	if _, _, err := w.RotateKeyFor(t.Context(), w.callerBy(word.Reveal()), ref("ci")); err != nil {
		t.Errorf("after it: %v", err)
	}
}

func TestALimitedKeyEnablesNoOther(t *testing.T) {
	w := newWorld(t)
	w.issue("disabled", allScopes)
	w.must(w.DisableKey(t.Context(), UserActor("alice"), ref("disabled")))
	for name, limit := range map[string]func(*NewKey){
		"ends":   func(n *NewKey) { allScopes(n); n.Expires = w.clock.now().Add(time.Hour) },
		"bound":  func(n *NewKey) { allScopes(n); n.Subject = []string{"/*"} },
		"scopes": func(n *NewKey) { n.Scopes = principal.Read | principal.Extended },
	} {
		derived := new(DerivedError)
		if _, err := w.EnableKeyFor(t.Context(), w.callerBy(w.issue(name, limit)), ref("disabled")); !errors.As(err, &derived) {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.must(w.EnableKeyFor(t.Context(), w.callerBy(w.issue("free", allScopes)), ref("disabled")))
}

func TestALimitedKeyMakesNoAdministrator(t *testing.T) {
	roles, yes, no, name, quota := []string{"admin"}, true, false, "Robert", int64(3)
	more := map[string]UserEdit{
		"a password": {Password: newer}, "roles": {Roles: &roles}, "groups": {Groups: &roles}, "activity": {Active: &yes},
		"a password and less": {Password: newer, Active: &no},
	}
	less := map[string]UserEdit{"no activity": {Active: &no}, "another name": {DisplayName: &name}, "a quota": {Quota: &quota}}
	for limit, change := range map[string]func(*NewKey){
		"ends":   func(n *NewKey) { allScopes(n); n.Expires = time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC) },
		"bound":  func(n *NewKey) { allScopes(n); n.Subject = []string{"/*"} },
		"scopes": func(n *NewKey) { n.Scopes = principal.Read | principal.Write },
		"none":   allScopes,
	} {
		t.Run(limit, func(t *testing.T) {
			w := newWorld(t)
			w.must(w.AddUser(t.Context(), "test", NewUser{Username: "bob"}))
			p := w.callerBy(w.issue(limit, change))
			check := func(what string, err error) {
				t.Helper()
				if _, derived := errors.AsType[*DerivedError](err); derived != (limit != "none") || !derived && err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			_, err := w.AddUserFor(t.Context(), p, NewUser{Username: "carol", Roles: roles, Password: right})
			check("a new user", err)
			for what, edit := range more {
				_, err := w.EditUserFor(t.Context(), p, "bob", edit)
				check(what, err)
			}
			for what, edit := range less {
				if _, err := w.EditUserFor(t.Context(), p, "bob", edit); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			if _, err := w.User(t.Context(), "carol"); (err == nil) != (limit == "none") {
				t.Errorf("the new user: %v", err)
			}
			if err := w.DeleteUserFor(t.Context(), p, "bob"); err != nil {
				t.Errorf("deleting: %v", err)
			}
		})
	}
}

func TestWhoHasEndedOrActsAsAnotherChangesNoUsers(t *testing.T) {
	name := "Robert"
	for cause, want := range map[string]error{"revoked": ErrEnded, "expired": ErrEnded, "acting": ErrImpersonated} {
		t.Run(cause, func(t *testing.T) {
			w := newWorld(t)
			w.must(w.AddUser(t.Context(), "test", NewUser{Username: "bob"}))
			p := w.callerBy(w.issue("ci", func(n *NewKey) {
				allScopes(n)
				if cause == "expired" {
					n.Expires = w.clock.now().Add(time.Hour)
				}
			}))
			switch cause {
			case "revoked":
				w.must(w.RevokeKey(t.Context(), "os:root", ref("ci"), ""))
			case "expired":
				w.later(time.Hour)
			case "acting":
				p.Impersonation = &principal.Impersonation{By: &principal.User{Name: "bob"}}
			}
			_, added := w.AddUserFor(t.Context(), p, NewUser{Username: "carol"})
			_, edited := w.EditUserFor(t.Context(), p, "bob", UserEdit{DisplayName: &name})
			_, self := w.EditUserFor(t.Context(), p, "alice", UserEdit{DisplayName: &name})
			for what, err := range map[string]error{"adding": added, "changing": edited, "changing oneself": self, "deleting": w.DeleteUserFor(t.Context(), p, "bob")} {
				if !errors.Is(err, want) {
					t.Errorf("%s: %v", what, err)
				}
			}
		})
	}
}
