package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/store"
)

const issuer = "https://login.example.org"

// external is an identity of a user; its id is the subject's name.
func external(owner *store.User, subject string) store.Identity {
	return store.Identity{
		ID: "id-of-" + subject, UserID: owner.ID, Username: owner.Username, Issuer: issuer, Subject: subject,
		Provider: "corp", Email: "alice@example.org", Created: now,
	}
}

// loaded is all that Load gives of other providers.
func loaded(t *testing.T, s *store.Store) (users []store.User, identities []store.Identity, refused []store.RefusedToken) {
	t.Helper()
	_, err := s.Load(t.Context(), store.Receiver{
		User:     func(u *store.User) error { users = append(users, *u); return nil },
		Identity: func(i *store.Identity) error { identities = append(identities, *i); return nil },
		Refused:  func(r *store.RefusedToken) error { refused = append(refused, *r); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return users, identities, refused
}

func TestAnIdentityComesBackAsItWasLinked(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		alice, bob := user("alice"), user("bob")
		one, other := external(&alice, "1"), external(&bob, "2")
		change(t, s, func(c *store.Change) error {
			return errors.Join(c.InsertUser(&alice), c.InsertUser(&bob), c.InsertIdentity(&one), c.InsertIdentity(&other))
		})
		for name, list := range map[string]struct {
			userID, after string
			want          []store.Identity
		}{
			"of all":         {"", "", []store.Identity{one, other}},
			"of one user":    {bob.ID, "", []store.Identity{other}},
			"of a next page": {"", one.ID, []store.Identity{other}},
		} {
			got, err := s.Identities(t.Context(), list.userID, list.after, 10)
			equal(t, "the list "+name, list.want, got, err)
		}
		delta := since(t, s, 0)
		slices.SortFunc(delta.Identities, func(a, b store.Identity) int { return cmpText(a.ID, b.ID) })
		equal(t, "the changes", []store.Identity{one, other}, delta.Identities, nil)
		_, got, _ := loaded(t, s)
		equal(t, "the load", []store.Identity{{ID: one.ID, UserID: alice.ID}, {ID: other.ID, UserID: bob.ID}}, got, nil)
		if counts, err := s.Count(t.Context()); err != nil || counts.Identities != 2 {
			t.Errorf("%+v, %v", counts, err)
		}
		if summary, err := s.Summary(t.Context()); err != nil || summary.Identities != 2 {
			t.Errorf("%+v, %v", summary, err)
		}
	})
}

func cmpText(a, b string) int {
	if a < b {
		return -1
	}
	return 1
}

func TestAnIdentityIsLinkedOnce(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		alice := user("alice")
		one := external(&alice, "1")
		change(t, s, func(c *store.Change) error { return errors.Join(c.InsertUser(&alice), c.InsertIdentity(&one)) })
		again := one
		again.ID = "another id"
		for _, i := range []store.Identity{one, again} {
			err := s.Change(t.Context(), func(c *store.Change) error { return c.InsertIdentity(&i) })
			if !errors.Is(err, store.ErrExists) || err.Error() != "identity '1' of issuer 'https://login.example.org' exists already" {
				t.Errorf("%v", err)
			}
		}
		change(t, s, func(c *store.Change) error { return c.DeleteIdentity(one.ID) })
		err := s.Change(t.Context(), func(c *store.Change) error { return c.DeleteIdentity(one.ID) })
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%v", err)
		}
		if gone := since(t, s, 2).GoneIdentities; !slices.Equal(gone, []string{one.ID}) {
			t.Errorf("gone: %q", gone)
		}
	})
}

func TestIdentitiesGoWithTheirUser(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		alice := user("alice")
		one := external(&alice, "1")
		change(t, s, func(c *store.Change) error { return errors.Join(c.InsertUser(&alice), c.InsertIdentity(&one)) })
		change(t, s, func(c *store.Change) error { return c.DeleteUser(&alice) })
		if gone := since(t, s, 0).GoneIdentities; !slices.Equal(gone, []string{one.ID}) {
			t.Errorf("gone: %q", gone)
		}
		if _, left, _ := loaded(t, s); len(left) != 0 {
			t.Errorf("left: %+v", left)
		}
	})
}

func TestAUserIsFoundByTheOneVerifiedAddressOfMail(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		for name, email := range map[string]string{
			"alice": "Alice@Example.org", "bob": "bob@example.org", "bob2": "BOB@example.org",
			"unverified": "x@example.org", "none": "", "percent": "%@example.org", "umlaut": "Ä@example.org",
		} {
			u := user(name)
			u.Email, u.EmailVerified = email, name != "unverified"
			change(t, s, func(c *store.Change) error { return c.InsertUser(&u) })
		}
		for email, want := range map[string]string{
			"alice@example.org": "alice", "ALICE@EXAMPLE.ORG": "alice", "%@example.org": "percent", "Ä@example.org": "umlaut",
			"bob@example.org": "", "x@example.org": "", "": "", "_lice@example.org": "", "%": "", "ä@example.org": "", " alice@example.org": "",
		} {
			err := s.Change(t.Context(), func(c *store.Change) error {
				got, err := c.UserByEmail(email)
				if got.Username != want {
					t.Errorf("'%s' is of '%s', want '%s'", email, got.Username, want)
				}
				return err
			})
			if errors.Is(err, store.ErrNotFound) != (want == "") || want != "" && err != nil {
				t.Errorf("'%s': %v", email, err)
			}
		}
	})
}

func TestARefusedTokenStaysUntilItsEnd(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		long := store.RefusedToken{ID: "long", UserID: "id-alice", Expires: now.Add(time.Hour), Created: now}
		short := store.RefusedToken{ID: "short", Spent: true, Expires: now.Add(time.Minute), Created: now}
		change(t, s, func(c *store.Change) error { return errors.Join(c.RefuseToken(&long), c.RefuseToken(&short)) })
		err := s.Change(t.Context(), func(c *store.Change) error {
			got, err := c.RefusedToken("long")
			equal(t, "the token", long, got, err)
			_, err = c.RefusedToken("none")
			return err
		})
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%v", err)
		}
		change(t, s, func(c *store.Change) error { return c.SweepRefused(now.Add(time.Minute+time.Microsecond), 10) })
		if delta := since(t, s, 0); !slices.Equal(delta.GoneRefused, []string{"short"}) || len(delta.Refused) != 1 || delta.Refused[0] != long {
			t.Errorf("gone %q, and there are %+v", delta.GoneRefused, delta.Refused)
		}
		if _, _, left := loaded(t, s); len(left) != 1 || left[0].ID != "long" || left[0].Spent {
			t.Errorf("left: %+v", left)
		}
	})
}

func TestATokenThatIsRefusedTwiceIsRefusedForTheLongerTime(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		for _, one := range []store.RefusedToken{
			{ID: "x", Spent: true, Expires: now.Add(time.Hour), Created: now},
			{ID: "x", Expires: now.Add(time.Minute), Created: now.Add(time.Second)},
			{ID: "x", Spent: true, Expires: now, Created: now},
		} {
			change(t, s, func(c *store.Change) error { return c.RefuseToken(&one) })
		}
		change(t, s, func(c *store.Change) error {
			got, err := c.RefusedToken("x")
			equal(t, "the token", store.RefusedToken{ID: "x", Expires: now.Add(time.Hour), Created: now}, got, err)
			return err
		})
	})
}

func TestTokensOfAnotherProviderEndWithoutAChangeOfTheRecord(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		alice := user("alice")
		change(t, s, func(c *store.Change) error { return c.InsertUser(&alice) })
		change(t, s, func(c *store.Change) error { return c.RefuseTokens(alice.ID, now) })
		alice.TokensAfter = now
		got, err := s.UserByFold(t.Context(), "alice")
		equal(t, "the user", alice, got, err)
		equal(t, "the changes", []store.User{alice}, since(t, s, 1).Users, nil)
		if users, _, _ := loaded(t, s); len(users) != 1 || !users[0].TokensAfter.Equal(now) {
			t.Errorf("the load gives %+v", users)
		}
		err = s.Change(t.Context(), func(c *store.Change) error { return c.RefuseTokens("nobody", now) })
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%v", err)
		}
	})
}

func TestASessionKeepsWhatAProviderGave(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		alice := user("alice")
		begun := session(&alice, "1", token("AAAAAAAAAAAA"))
		begun.Roles, begun.Groups = []string{"auditor"}, []string{"ops", "web"}
		begun.Tokens[0].Roles, begun.Tokens[0].Groups = begun.Roles, begun.Groups
		change(t, s, func(c *store.Change) error { return errors.Join(c.InsertUser(&alice), c.InsertSession(&begun)) })
		equal(t, "the session", []store.Session{begun}, sessions(t, s, store.SessionFilter{}), nil)
		equal(t, "the changes", begun.Tokens, since(t, s, 0).Tokens, nil)
		_, err := s.Load(t.Context(), store.Receiver{Token: func(got *store.Token) error {
			if diff := cmp.Diff([][]string{begun.Roles, begun.Groups}, [][]string{got.Roles, got.Groups}); diff != "" {
				t.Errorf("the load (-want +got):\n%s", diff)
			}
			return nil
		}})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestAnAgentIsKnownBeforeHeIsThere(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		alice := user("alice")
		k := key(&alice, idA, "ci")
		k.Agents = []string{"bob", "group:ops"}
		change(t, s, func(c *store.Change) error { return errors.Join(c.InsertUser(&alice), c.InsertKey(&k)) })
		for fold, want := range map[string]bool{"bob": true, "alice": false, "bo": false, "": false} {
			change(t, s, func(c *store.Change) error {
				is, err := c.IsAgent(fold)
				if is != want {
					t.Errorf("'%s': %t", fold, is)
				}
				return err
			})
		}
	})
}

// schema4 is schema2 with an address of mail, which an administrator has given.
var schema4 = append(slices.Clip(schema2), `UPDATE users SET email = 'alice@example.org'`, `UPDATE api_keys SET previous_pepper_id = 1`)

func TestAStoreOfSchema4IsUpgradedWithAllThatIsInIt(t *testing.T) {
	l := locate(t)
	store.CreateOld(t, l, 4, schema4...)
	s := open(t, l)
	want := store.Counts{Users: 1, Keys: 1, Sessions: 1, Events: 1}
	counts, err := s.Count(t.Context())
	equal(t, "the counts", want, counts, err)
	change(t, s, func(c *store.Change) error {
		u, err := c.UserByEmail("alice@example.org")
		if u.Username != "Alice" || !u.TokensAfter.IsZero() {
			t.Errorf("%+v", u)
		}
		one := external(&u, "1")
		refused := store.RefusedToken{ID: "x", Expires: now, Created: now}
		return errors.Join(err, c.InsertIdentity(&one), c.RefuseToken(&refused))
	})
	if list := sessions(t, s, store.SessionFilter{}); len(list) != 1 || len(list[0].Roles)+len(list[0].Groups) != 0 {
		t.Errorf("%+v", list)
	}
	if problems, err := s.Inspect(t.Context(), func(string) {}); err != nil || len(problems) != 0 {
		t.Errorf("the check says %v, %v", problems, err)
	}
}

func TestWhatARestoreUndoesOfOtherProvidersIsTold(t *testing.T) {
	l, s := made(t)
	alice, err := s.UserByFold(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	bob, ended := user("bob"), user("ended")
	one, moved, same := external(&alice, "1"), external(&alice, "2"), external(&alice, "3")
	known := store.RefusedToken{ID: "known", Expires: now.Add(time.Hour), Created: now}
	change(t, s, func(c *store.Change) error {
		return errors.Join(c.InsertUser(&bob), c.InsertUser(&ended), c.InsertIdentity(&one), c.InsertIdentity(&moved), c.InsertIdentity(&same), c.RefuseToken(&known))
	})
	path, _ := backup(t, l)
	later, over := known, known
	later.ID, over.ID, over.Expires = "later", "over", now
	change(t, s, func(c *store.Change) error {
		away := errors.Join(c.DeleteIdentity(one.ID), c.DeleteIdentity(moved.ID))
		moved.UserID = bob.ID
		return errors.Join(away, c.InsertIdentity(&moved), c.RefuseToken(&later), c.RefuseToken(&over), c.RefuseTokens(ended.ID, now))
	})
	got, err := restore(t, path).Compare(t.Context(), l)
	want := store.Comparison{
		Now: got.Now, Keys: []store.Returning{}, Users: []store.Returning{{ID: ended.ID, Name: "ended", Why: "all sessions ended"}},
		Identities: []store.Returning{{ID: one.ID, Name: "alice of corp", Why: "unlinked"}, {ID: moved.ID, Name: "alice of corp", Why: "linked to another user"}},
		Refused:    1,
	}
	equal(t, "the comparison", want, got, err)
}
