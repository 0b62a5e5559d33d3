package caddyauth_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/password"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// fixture is the accounts that howler's requests use. Their passwords are too
// short for anybody to set, so they are written into the store; their keys are
// issued here, and each stands in the place of howler's.
type fixture struct {
	*admin
	dir  string
	keys map[string]string // user:name → the issued key
}

type fixtureUser struct {
	Username string   `json:"username"`
	Password string   `json:"password"`
	Name     string   `json:"name"`
	Email    string   `json:"email"`
	Types    []string `json:"types"`
	Groups   []string `json:"groups"`
	Keys     []struct {
		Name   string   `json:"name"`
		Priv   string   `json:"priv"`
		Expiry string   `json:"expiry"`
		Agents []string `json:"agents"`
	} `json:"keys"`
}

// newFixture fills the store in a server's directory and waits until the server
// knows it.
func newFixture(t *testing.T, dir string) *fixture {
	t.Helper()
	f := &fixture{newAdmin(t, dir+"/auth.db"), dir, map[string]string{}}
	var file struct {
		Users []fixtureUser `json:"users"`
	}
	if err := json.Unmarshal([]byte(readFile(t, "testdata/howler/users.json")), &file); err != nil {
		t.Fatal(err)
	}
	for _, u := range file.Users {
		f.add(t, &u)
	}
	time.Sleep(propagation)
	return f
}

func (f *fixture) add(t *testing.T, u *fixtureUser) {
	t.Helper()
	_, err := f.AddUser(t.Context(), "test", identity.NewUser{
		Username: u.Username, DisplayName: u.Name, Email: u.Email, Roles: u.Types, Groups: u.Groups,
	})
	if err != nil {
		t.Fatal(err)
	}
	f.setAnyPassword(t, u.Username, u.Password)
	// Only a clock of then lets a key expire that is not there yet.
	location, err := store.NewLocation("sqlite", f.dir+"/auth.db")
	if err != nil {
		t.Fatal(err)
	}
	then, err := identity.Open(t.Context(), identity.Config{
		Location: location, Now: func() time.Time { return time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer then.Close()
	for _, k := range u.Keys {
		priv, impersonates := strings.CutSuffix(k.Priv, "I")
		scopes, err := principal.ParseScopes(strings.Split(priv, ""))
		if err != nil {
			t.Fatal(err)
		}
		n := identity.NewKey{Username: u.Username, Name: k.Name, Scopes: scopes, Impersonation: impersonates, Agents: k.Agents}
		switch k.Expiry {
		case "":
		case "<year 3000>":
			// Ours end with 2106.
			n.Expires = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
		default:
			if n.Expires, err = time.Parse(time.RFC3339, k.Expiry); err != nil {
				t.Fatal(err)
			}
		}
		_, word, err := then.IssueKey(t.Context(), "test", n)
		if err != nil {
			t.Fatal(err)
		}
		f.keys[u.Username+":"+k.Name] = word.Reveal()
	}
}

// setAnyPassword writes a password past the policy.
func (f *fixture) setAnyPassword(t *testing.T, username, text string) {
	t.Helper()
	info, err := f.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	location, err := store.NewLocation("sqlite", f.dir+"/auth.db")
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), location, store.Options{Fingerprints: []string{info.Pepper}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	turn, err := password.NewHasher(password.Config{}).Reserve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer turn.Release()
	phc, err := turn.Hash(text)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Change(t.Context(), func(c *store.Change) error {
		u, err := c.UserByFold(identity.Fold(username))
		if err != nil {
			return err
		}
		return c.SetPassword(&u, store.Password{PHC: phc, Changed: time.Now()})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// withKey puts the issued key in the place of howler's secret in
// `user:keyname:secret`, if there is a key of that name.
func (f *fixture) withKey(text string) string {
	parts := strings.SplitN(text, ":", 3)
	if len(parts) < 3 {
		return text
	}
	if word, known := f.keys[parts[0]+":"+parts[1]]; known {
		return parts[0] + ":" + parts[1] + ":" + word
	}
	return text
}

// forgetFailures takes the brakes off.
func (f *fixture) forgetFailures(t *testing.T) {
	t.Helper()
	for _, name := range []string{"admin", "user"} {
		if _, err := f.Unlock(t.Context(), "test", name); err != nil {
			t.Fatal(err)
		}
	}
}
