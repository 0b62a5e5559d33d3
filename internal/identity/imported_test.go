package identity

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/password"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// importedHash is the hash of a password as other software has it.
func importedHash(t *testing.T, text string) string {
	t.Helper()
	salt := []byte("0123456789abcdef")
	tag, err := pbkdf2.Key(sha256.New, text, salt, 1000, 32)
	if err != nil {
		t.Fatal(err)
	}
	phc, err := password.Imported(1000, salt, tag)
	if err != nil {
		t.Fatal(err)
	}
	return phc
}

func imported(name, hash string) ImportedUser {
	return ImportedUser{Username: name, PasswordHash: hash}
}

// importUsers imports, which must succeed.
func (w *world) importUsers(users ...ImportedUser) []Import {
	w.t.Helper()
	done, err := w.ImportUsers(w.t.Context(), "os:root", users)
	if err != nil {
		w.t.Fatal(err)
	}
	return done
}

// phcOf is what is stored of a user's password.
func (w *world) phcOf(name string) string {
	w.t.Helper()
	record, err := w.store.LoginRecord(w.t.Context(), Fold(name), store.FailurePlace{})
	if err != nil {
		w.t.Fatal(err)
	}
	return record.Password.PHC
}

func TestImportedUsersLogInWithTheirPasswords(t *testing.T) {
	w := newWorld(t)
	for name, text := range map[string]string{"admin": "secret pass", "übung": "pässwörd ☃", "test": "pass"} {
		hash := importedHash(t, text)
		done := w.importUsers(imported(name, hash))
		if diff := cmp.Diff([]Import{{Username: name, Added: true, HasPassword: true}}, done); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if err := w.try(Attempt{name, "wrong", home}); !errors.Is(err, ErrWrongPassword) || w.phcOf(name) != hash {
			t.Errorf("%s, a wrong password: %v, and the hash is %.16s", name, err, w.phcOf(name))
		}
		for _, when := range []string{"the first log-in", "the second"} {
			s, words := w.logIn(Attempt{name, text, home}, hour(credential.BareToken))
			caller, reason := w.mirror.CheckToken(credential.BareToken, words[0], nil)
			if s.Username != name || reason != Accepted || caller.Scopes != principal.AllScopes || len(caller.User.Roles) != 0 {
				t.Errorf("%s, %s: %+v, %s", name, when, s, reason)
			}
			// The hash of the one before is replaced, though it is below the policy.
			if phc := w.phcOf(name); !strings.HasPrefix(phc, "$argon2id$") {
				t.Errorf("%s after %s: the hash is %.16s", name, when, phc)
			}
		}
		if caller, reason, err := w.mirror.CheckPassword(t.Context(), Attempt{name, text, home}); reason != Accepted || caller.User.Name != name {
			t.Errorf("%s by Basic: %s, %v", name, reason, err)
		}
	}
}

// The first hash is of the bytes as they were typed, so no other form is right;
// the own one is of what all keyboards agree on.
func TestTheFormInWhichAPasswordWasTypedCountsUntilTheFirstLogIn(t *testing.T) {
	const composed, decomposed = "p\u00e4ssword", "pa\u0308ssword"
	w := newWorld(t)
	w.importUsers(imported("bob", importedHash(t, decomposed)))
	if err := w.try(Attempt{"bob", composed, home}); !errors.Is(err, ErrWrongPassword) {
		t.Errorf("typed otherwise: %v", err)
	}
	for _, text := range []string{decomposed, composed} {
		if err := w.try(Attempt{"bob", text, home}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestAnImportedUserWithoutAPasswordCannotLogIn(t *testing.T) {
	w := newWorld(t)
	if done := w.importUsers(ImportedUser{Username: "empty"}); !done[0].Added || done[0].HasPassword {
		t.Errorf("%+v", done)
	}
	if err := w.try(Attempt{"empty", "x", home}); !errors.Is(err, ErrWrongPassword) {
		t.Error(err)
	}
	// Not even where the hash of the empty password came in.
	w.importUsers(imported("other", importedHash(t, "")))
	if err := w.try(Attempt{"other", "", home}); err == nil {
		t.Error("the empty password is accepted")
	}
	w.setPassword("empty", right)
	if err := w.try(Attempt{"empty", right, home}); err != nil {
		t.Error(err)
	}
}

func TestWhoIsThereStaysAsHeIs(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	done := w.importUsers(imported("bob", importedHash(t, "x")), imported("ALICE", importedHash(t, "secret pass")))
	if diff := cmp.Diff([]Import{{Username: "bob", Added: true, HasPassword: true}, {Username: "ALICE"}}, done); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := w.try(alice(right)); err != nil {
		t.Error(err)
	}
	if err := w.try(alice("secret pass")); !errors.Is(err, ErrWrongPassword) {
		t.Errorf("the password from elsewhere: %v", err)
	}
	events, err := w.Events(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, e := range events {
		if e.Kind != "session.begin" && (e.Actor != "os:root" || e.Kind == "user.add" && e.UserID == "") {
			t.Errorf("the audit trail has %+v", e)
		}
		said[e.Kind] = e.Detail
	}
	if said["user.add"] != "bob: imported" || said["user.import"] != "1 added, 1 already there" {
		t.Errorf("the audit trail says %v", said)
	}
}

func TestUsersAreImportedAllOrNone(t *testing.T) {
	hash := importedHash(t, "x")
	for name, c := range map[string]struct {
		users []ImportedUser
		want  string
	}{
		"a name with a blank":     {[]ImportedUser{imported("bob", hash), imported("a b", hash)}, "user name 'a b': use 1 to 64"},
		"no name":                 {[]ImportedUser{imported("bob", hash), imported("", hash)}, "user name '': use 1 to 64"},
		"one name twice":          {[]ImportedUser{imported("bob", hash), imported("Bob", hash)}, "'bob' and 'Bob' are one user name"},
		"a hash of another kind":  {[]ImportedUser{imported("bob", hash), imported("carol", "$argon2id$v=19$m=8,t=1,p=1$"+strings.Repeat("A", 22)+"$"+strings.Repeat("A", 43))}, "user 'carol': stored password hash is not of the form"},
		"a hash of too few turns": {[]ImportedUser{imported("bob", hash), imported("carol", strings.Replace(hash, "i=1000", "i=1", 1))}, "user 'carol': stored password hash: 1 rounds"},
		"more than there can be":  {make([]ImportedUser, 1001), "1001 users: import 1000 at most"},
	} {
		w := newWorld(t)
		_, err := w.ImportUsers(t.Context(), "os:root", c.users)
		if _, invalid := errors.AsType[*InvalidError](err); !invalid || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "AAAA") {
			t.Errorf("%s: %v; want '%s'", name, err, c.want)
		}
		if _, err := w.User(t.Context(), "bob"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: one was added all the same: %v", name, err)
		}
	}
}

func TestAllThatIsWrongWithAnImportIsSaidAtOnce(t *testing.T) {
	wrong := CheckImport([]ImportedUser{imported("a b", ""), imported("bob", "x"), imported("carol", ""), imported("CAROL", ""), imported("dave", "")})
	if len(wrong) != 3 {
		t.Errorf("%v", wrong)
	}
}

func TestAnImportThatCannotBeWrittenAddsNobody(t *testing.T) {
	w := newWorld(t)
	w.execute(`CREATE TRIGGER full BEFORE INSERT ON passwords BEGIN SELECT raise(ABORT, 'full'); END`)
	if _, err := w.ImportUsers(t.Context(), "os:root", []ImportedUser{imported("bob", ""), imported("carol", importedHash(t, "x"))}); err == nil {
		t.Error("no error")
	}
	if _, err := w.User(t.Context(), "bob"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("bob: %v", err)
	}
}

// The number of hashes, and so the time, must not tell who was imported, nor who
// is there at all; neither after an import nor after a restart.
func TestImportedUsersCostWhatAllOthersCost(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	count := func(when string, want uint64) {
		t.Helper()
		for _, name := range []string{"bob", "alice", "nobody"} {
			if n := w.hashes(func() { _ = w.try(Attempt{name, fmt.Sprint(when, name), home}) }); n != want {
				t.Errorf("%s, %s: %d hashes, want %d", when, name, n, want)
			}
		}
	}
	count("before the import", 1)
	w.importUsers(imported("bob", importedHash(t, "secret pass")))
	count("after the import", 2)
	w.restart()
	count("after a restart", 2)
	if err := w.try(Attempt{"bob", "secret pass", home}); err != nil {
		t.Fatal(err)
	}
	w.restart()
	count("after the last one has logged in", 1)
}
