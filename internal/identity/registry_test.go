package identity

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

func TestOpenMakesStoreAndPepperOnlyWhenAsked(t *testing.T) {
	c := newConfig(t, nil)
	c.Create = false
	if _, err := Open(t.Context(), c); !errors.Is(err, store.ErrNoStore) {
		t.Fatalf("without Create: %v", err)
	}
	if entries, _ := os.ReadDir(filepath.Dir(c.Location.Path)); len(entries) != 0 {
		t.Errorf("something was made: %v", entries)
	}
	c.Create = true
	r := openRegistry(t, c)
	if !r.Created() {
		t.Error("it does not say that it was made")
	}
	info, err := os.Stat(DefaultPepperFile(c.Location))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("pepper file: %v, %v", info, err)
	}
	if again := openRegistry(t, c); again.Created() {
		t.Error("it was made twice")
	}
}

func TestOpenMakesADirectoryOnlyWhenAsked(t *testing.T) {
	c := newConfig(t, nil)
	c.Location.Path = filepath.Join(filepath.Dir(c.Location.Path), "a", "b", "auth.db")
	if _, err := Open(t.Context(), c); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "make its directory") {
		t.Fatalf("without CreateDir: %v", err)
	}
	c.CreateDir = true
	openRegistry(t, c)
	info, err := os.Stat(filepath.Dir(c.Location.Path))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("directory: %v, %v", info, err)
	}
}

func TestPepperFaultsStopTheStart(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(t *testing.T, path string)
		want  string
	}{
		"missing": {func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}, "is missing, but its store is there: put it back from a backup"},
		"another one": {func(t *testing.T, path string) {
			p, err := credential.NewPepper(strings.NewReader(strings.Repeat("x", 32)))
			if err != nil {
				t.Fatal(err)
			}
			write(t, path, p.Text().Reveal(), 0o600)
		}, "wrong pepper: store sqlite:"},
		"cut off":           {func(t *testing.T, path string) { write(t, path, "00", 0o600) }, "each a line of 64 hexadecimal digits"},
		"open to everybody": {func(t *testing.T, path string) { write(t, path, "", 0o644) }, "is open to everybody on this machine (mode 0644); run `chmod 600`"},
		"a directory": {func(t *testing.T, path string) {
			if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
				t.Fatal(err)
			}
		}, "is not a regular file"},
	} {
		c := newConfig(t, nil)
		r, err := Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		test.spoil(t, DefaultPepperFile(c.Location))
		_, err = Open(t.Context(), c)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), DefaultPepperFile(c.Location)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := errors.Join(os.WriteFile(path, []byte(text), mode), os.Chmod(path, mode)); err != nil {
		t.Fatal(err)
	}
}

func TestAPepperThatIsThereBeforeTheStoreNeedsAWord(t *testing.T) {
	c := newConfig(t, nil)
	c.PepperFile = filepath.Join(t.TempDir(), "from-the-vault")
	write(t, c.PepperFile, strings.Repeat("ab", 32)+"\n", 0o600)
	// A pepper without its store is more likely a disk that is not mounted.
	if _, err := Open(t.Context(), c); !errors.Is(err, store.ErrNoStore) || !strings.Contains(err.Error(), "but its pepper is there, in '"+c.PepperFile) {
		t.Errorf("without a word: %v", err)
	}
	c.Adopt = true
	openRegistry(t, c)
	if _, err := os.Stat(DefaultPepperFile(c.Location)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("another pepper was made: %v", err)
	}
}

// TestAStoreThatWasMadeByHalfIsMadeWhole begins where a process may have been
// killed that made store and pepper.
func TestAStoreThatWasMadeByHalfIsMadeWhole(t *testing.T) {
	for name, cut := range map[string]func(pepper, draft, store string) error{
		"before there was a store": func(pepper, draft, store string) error {
			return errors.Join(os.Rename(pepper, draft), os.Remove(store))
		},
		"before the pepper had its name": func(pepper, draft, _ string) error { return os.Rename(pepper, draft) },
		"before the draft was removed":   func(pepper, draft, _ string) error { return os.Link(pepper, draft) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newConfig(t, nil)
			fingerprint := func(r *Registry) string {
				newest, _ := r.peppers.newest()
				return newest.Fingerprint()
			}
			was := fingerprint(openRegistry(t, c))
			pepper := DefaultPepperFile(c.Location)
			if err := cut(pepper, draftOf(pepper), c.Location.Path); err != nil {
				t.Fatal(err)
			}
			if got := fingerprint(openRegistry(t, c)); got != was {
				t.Errorf("the pepper is %s, was %s", got, was)
			}
			if got, err := ReadPeppers(pepper); err != nil || got.Newest().Fingerprint() != was {
				t.Errorf("the pepper file does not hold %s; %v", was, err)
			}
			if _, err := os.Stat(draftOf(pepper)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the draft is still there: %v", err)
			}
		})
	}
}

func TestADraftThatIsNotOfTheStoreIsNotItsPepper(t *testing.T) {
	c := newConfig(t, nil)
	openRegistry(t, c)
	pepper := DefaultPepperFile(c.Location)
	if err := os.Remove(pepper); err != nil {
		t.Fatal(err)
	}
	write(t, draftOf(pepper), strings.Repeat("ab", 32)+"\n", 0o600)
	if _, err := Open(t.Context(), c); !errors.Is(err, store.ErrPepper) {
		t.Errorf("with a draft of another store: %v", err)
	}
	if _, err := os.Stat(pepper); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it has got the pepper's name: %v", err)
	}
}

func TestProcessesThatMakeAStoreAtTheSameTimeAgree(t *testing.T) {
	c := newConfig(t, nil)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			r, err := Open(t.Context(), c)
			if err != nil {
				t.Error(err)
				return
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if entries, _ := os.ReadDir(filepath.Dir(c.Location.Path)); len(entries) != 2 {
		t.Errorf("there are %v, not store and pepper", entries)
	}
}

func TestTheDatabaseHoldsNoSecret(t *testing.T) {
	w := newWorld(t)
	word := w.issue("ci")
	w.must(w.Info(t.Context()))
	pepper, err := os.ReadFile(DefaultPepperFile(w.config.Location))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(w.config.Location.Path + "*")
	if err != nil || len(files) < 2 {
		t.Fatalf("files %v, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for what, secret := range map[string]string{"key": word, "secret part": word[16:], "pepper": string(pepper[:64])} {
			if strings.Contains(string(text), secret) {
				t.Errorf("%s holds the %s", filepath.Base(file), what)
			}
		}
	}
}

func TestUsernames(t *testing.T) {
	w := newWorld(t)
	for _, good := range []string{"b", "bob.smith", "bob-2@example.org", "Jürgen", "山田", strings.Repeat("x", 64)} {
		u, err := w.AddUser(t.Context(), "test", NewUser{Username: good})
		if err != nil || u.Username != good || u.State != store.Active || u.Version != 1 {
			t.Errorf("'%s': %+v, %v", good, u, err)
		}
	}
	for _, same := range []string{"ALICE", "Ａlice", "BOB.SMITH", "JÜRGEN", "Ju\u0308rgen"} {
		_, err := w.AddUser(t.Context(), "test", NewUser{Username: same})
		if err == nil {
			t.Errorf("'%s' is a second user of that name", same)
		}
	}
	for _, bad := range []string{"", "a b", "a:b", "a/b", "a\nb", "a\x00", "a\xff", strings.Repeat("x", 65), "ﷺ", "a,b", "<script>"} {
		_, err := w.AddUser(t.Context(), "test", NewUser{Username: bad})
		if _, ok := errors.AsType[*InvalidError](err); !ok {
			t.Errorf("'%s': %v", bad, err)
		}
	}
}

func TestUserPropertiesAreChecked(t *testing.T) {
	w := newWorld(t)
	many := make([]string, maxList+1)
	for i := range many {
		many[i] = "r"
	}
	for name, n := range map[string]NewUser{
		"a role with a comma":    {Roles: []string{"a,b"}},
		"an empty role":          {Roles: []string{""}},
		"too many roles":         {Roles: many},
		"a group with a blank":   {Groups: []string{"a b"}},
		"a line end in the name": {DisplayName: "a\nb"},
		"a long e-mail address":  {Email: strings.Repeat("x", 256)},
	} {
		n.Username = "bob"
		_, err := w.AddUser(t.Context(), "test", n)
		if _, ok := errors.AsType[*InvalidError](err); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	u, err := w.AddUser(t.Context(), "test", NewUser{Username: "bob", Roles: []string{"b", "a", "b"}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "b"}, u.Roles); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
}

func TestEditChangesOnlyWhatIsGiven(t *testing.T) {
	w := newWorld(t)
	name := "Alice"
	u, err := w.EditUser(t.Context(), "test", "ALICE", UserEdit{DisplayName: &name})
	if err != nil || u.DisplayName != name || len(u.Roles) != 1 || u.Version != 2 {
		t.Errorf("%+v, %v", u, err)
	}
	none := []string{}
	if u, err = w.EditUser(t.Context(), "test", "alice", UserEdit{Roles: &none}); err != nil || len(u.Roles) != 0 || u.DisplayName != name {
		t.Errorf("%+v, %v", u, err)
	}
	if _, err := w.EditUser(t.Context(), "test", "nobody", UserEdit{}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
	bad := []string{"a b"}
	if _, err := w.EditUser(t.Context(), "test", "alice", UserEdit{Groups: &bad}); err == nil {
		t.Error("a bad group was taken")
	}
}

func TestKeyPropertiesAreChecked(t *testing.T) {
	w := newWorld(t)
	now := w.clock.now()
	prefixes := make([]netip.Prefix, maxList+1)
	for name, change := range map[string]func(*NewKey){
		"no name":                  func(n *NewKey) { n.Name = "" },
		"a name with a slash":      func(n *NewKey) { n.Name = "a/b" },
		"a name with a colon":      func(n *NewKey) { n.Name = "a:b" },
		"a name that is an option": func(n *NewKey) { n.Name = "-a" },
		"expired already":          func(n *NewKey) { n.Expires = now },
		"ends before it begins":    func(n *NewKey) { n.NotBefore, n.Expires = now.Add(2*time.Hour), now.Add(time.Hour) },
		"ends after 2106":          func(n *NewKey) { n.Expires = time.Date(2107, 1, 1, 0, 0, 0, 0, time.UTC) },
		"begins after 2106":        func(n *NewKey) { n.NotBefore = time.Date(2107, 1, 1, 0, 0, 0, 0, time.UTC) },
		"an unknown scope":         func(n *NewKey) { n.Scopes = 1 << 7 },
		"a network that is none":   func(n *NewKey) { n.Networks = prefixes[:1] },
		"too many networks":        func(n *NewKey) { n.Networks = prefixes },
		"an empty audience":        func(n *NewKey) { n.Audience = []string{""} },
		"a subject without slash":  func(n *NewKey) { n.Subject = []string{"reports"} },
		"a subject with dots":      func(n *NewKey) { n.Subject = []string{"/a/../b"} },
		"a star in the middle":     func(n *NewKey) { n.Subject = []string{"/a/*/b"} },
		"an empty subject":         func(n *NewKey) { n.Subject = []string{""} },
		"a line end in the agent":  func(n *NewKey) { n.UserAgent = "a\r\nb" },
		"a long version":           func(n *NewKey) { n.APIVersion = strings.Repeat("1", 65) },
	} {
		n := NewKey{Username: "alice", Name: "ci", Scopes: principal.Read}
		change(&n)
		_, word, err := w.IssueKey(t.Context(), "test", n)
		if _, ok := errors.AsType[*InvalidError](err); !ok || word != (credential.Secret{}) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := w.IssueKey(t.Context(), "test", NewKey{Username: "nobody", Name: "ci"}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a key of nobody: %v", err)
	}
	w.issue("ci")
	if _, _, err := w.IssueKey(t.Context(), "test", NewKey{Username: "alice", Name: "ci"}); !errors.Is(err, store.ErrExists) {
		t.Errorf("a second key of the name: %v", err)
	}
}

func TestRotateIsChecked(t *testing.T) {
	w := newWorld(t)
	w.issue("ci")
	for _, overlap := range []time.Duration{-1, 100 * 365 * 24 * time.Hour} {
		_, word, err := w.RotateKey(t.Context(), "test", ref("ci"), overlap)
		if _, ok := errors.AsType[*InvalidError](err); !ok || word != (credential.Secret{}) {
			t.Errorf("overlap %s: %v", overlap, err)
		}
	}
}

func TestARevokedKeyStaysRevoked(t *testing.T) {
	w := newWorld(t)
	id, _ := credential.ParseKey(w.issue("ci"))
	byID := store.KeyRef{ID: id.String()}
	w.must(w.RevokeKey(t.Context(), "test", byID, "lost"))
	_, enable := w.EnableKey(t.Context(), "test", byID)
	_, disable := w.DisableKey(t.Context(), "test", byID)
	_, revoke := w.RevokeKey(t.Context(), "test", byID, "again")
	_, _, rotate := w.RotateKey(t.Context(), "test", byID, 0)
	for name, err := range map[string]error{"enable": enable, "disable": disable, "revoke": revoke, "rotate": rotate} {
		if !errors.Is(err, ErrRevoked) || !strings.Contains(err.Error(), id.String()) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if k, err := w.Key(t.Context(), byID); err != nil || k.RevokedReason != "lost" {
		t.Errorf("%+v, %v", k, err)
	}
	if _, err := w.RevokeKey(t.Context(), "test", byID, "a\nb"); err == nil {
		t.Error("a reason of two lines was taken")
	}
}

func TestPrefixOfNewKeys(t *testing.T) {
	w := newWorld(t)
	old := w.issue("old")
	if err := w.Use(Settings{KeyPrefix: "ops1"}); err != nil {
		t.Fatal(err)
	}
	fresh := w.issue("fresh")
	if !strings.HasPrefix(old, "sly_") || !strings.HasPrefix(fresh, "ops1_") {
		t.Error("the prefixes are wrong")
	}
	for _, word := range []string{old, fresh} {
		if got := w.check(word); got != Accepted {
			t.Errorf("%s", got)
		}
	}
	if w.Use(Settings{KeyPrefix: "NO"}) == nil {
		t.Error("a bad prefix was taken")
	}
	c := newConfig(t, nil)
	c.KeyPrefix = "NO"
	if _, err := Open(t.Context(), c); err == nil {
		t.Error("Open takes a bad prefix")
	}
}

func TestEachChangeIsInTheAuditTrail(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.issue("ci")
	w.must(w.EditUser(ctx, "os:root", "alice", UserEdit{}))
	w.must(w.DisableUser(ctx, "os:root", "alice"))
	w.must(w.EnableUser(ctx, "os:root", "alice"))
	w.must(w.DisableKey(ctx, "os:root", ref("ci")))
	w.must(w.EnableKey(ctx, "os:root", ref("ci")))
	_, _, err := w.RotateKey(ctx, "os:root", ref("ci"), 0)
	w.must(nil, err)
	w.must(w.RevokeKey(ctx, "os:root", ref("ci"), "lost"))
	w.must(nil, w.DeleteUser(ctx, "os:root", "alice"))
	if _, err := w.AddUser(ctx, "a\nb", NewUser{Username: "bob"}); err == nil {
		t.Error("an actor of two lines was taken")
	}
	events, err := w.store.Events(ctx, 100)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, e := range events {
		kinds = append(kinds, e.Kind)
		if e.Outcome != "ok" || e.Actor == "" || e.UserID == "" || !e.Time.Equal(w.clock.now()) {
			t.Errorf("event %+v", e)
		}
	}
	want := []string{"user.delete", "key.revoke", "key.rotate", "key.enable", "key.disable", "user.enable", "user.disable", "user.edit", "key.issue", "user.add"}
	// All happened at one moment and ids are random within it.
	if diff := cmp.Diff(sorted(want), sorted(kinds)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestKeyRefs(t *testing.T) {
	for text, want := range map[string]store.KeyRef{
		"Alice/ci":     {UserFold: "alice", Name: "ci"},
		"0123456789AB": {ID: "0123456789AB"},
	} {
		if got, err := ParseKeyRef(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, bad := range []string{"", "/", "alice/", "/ci", "alice", "sly_0123456789AB"} {
		if _, err := ParseKeyRef(bad); err == nil {
			t.Errorf("'%s' is taken", bad)
		}
	}
}

func TestAUserCannotEnableWhatAnAdministratorHasDisabled(t *testing.T) {
	w := newWorld(t)
	w.issue("ci")
	alice := UserActor("alice")
	w.must(w.DisableKey(t.Context(), alice, ref("ci")))
	w.must(w.EnableKey(t.Context(), alice, ref("ci")))
	w.must(w.DisableKey(t.Context(), alice, ref("ci")))
	w.must(w.DisableKey(t.Context(), "os:root", ref("ci")))
	w.must(w.DisableKey(t.Context(), alice, ref("ci")))
	if _, err := w.EnableKey(t.Context(), alice, ref("ci")); !errors.Is(err, ErrDisabled) {
		t.Errorf("the user enables it: %v", err)
	}
	k, err := w.EnableKey(t.Context(), "os:root", ref("ci"))
	if err != nil || !k.Disabled.IsZero() || k.DisabledBy != "" {
		t.Errorf("the administrator does not: %+v, %v", k, err)
	}
}
