package store_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/store"
)

// with makes a store with one user.
func with(t *testing.T, l store.Location, name string) {
	t.Helper()
	if err := store.Create(t.Context(), l, fingerprint, clock); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), l, store.Options{Fingerprints: []string{fingerprint}, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	owner := user(name)
	change(t, s, func(c *store.Change) error { return c.InsertUser(&owner) })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// aside is a location in another folder.
func aside(t *testing.T) store.Location { return locate(t) }

func move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, s *store.Store) string {
	t.Helper()
	users, err := s.Users(t.Context(), "", 10)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, u := range users {
		list = append(list, u.Username)
	}
	return strings.Join(list, " ")
}

func reopen(t *testing.T, s *store.Store) {
	t.Helper()
	if kept, err := s.Reopen(t.Context(), []string{fingerprint}); err != nil || kept != "" {
		t.Fatalf("kept '%s', %v", kept, err)
	}
}

func sound(t *testing.T, s *store.Store) {
	t.Helper()
	if problems, err := s.Check(t.Context()); err != nil || len(problems) != 0 {
		t.Errorf("%q, %v", problems, err)
	}
}

func TestAnotherFileIsOpenedAnew(t *testing.T) {
	l, backup := locate(t), aside(t)
	with(t, l, "alice")
	with(t, backup, "bob")
	s := open(t, l)
	before, err := s.DataVersion(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// It is in the log, and not yet in the file.
	carol, dave := user("carol"), user("dave")
	change(t, s, func(c *store.Change) error { return c.InsertUser(&carol) })
	away := filepath.Join(filepath.Dir(l.Path), "away.db")
	move(t, l.Path, away)
	if _, err := s.Reopen(t.Context(), []string{fingerprint}); !errors.Is(err, store.ErrReplaced) || !strings.Contains(err.Error(), l.Path) {
		t.Errorf("while there is none: %v", err)
	}
	move(t, backup.Path, l.Path)
	reopen(t, s)
	if got := names(t, s); got != "bob" {
		t.Errorf("there is %s", got)
	}
	if after, err := s.DataVersion(t.Context()); err != nil || after == before {
		t.Errorf("the version stays %d, %v", after, err)
	}
	delta, err := s.ChangesSince(t.Context(), store.Position{Number: 1})
	if err != nil || delta.Complete {
		t.Errorf("the copy in memory is not told to load: %+v, %v", delta, err)
	}
	change(t, s, func(c *store.Change) error { return c.InsertUser(&dave) })
	sound(t, s)
	// The old file has all that was acknowledged, and is whole by itself.
	old := open(t, store.Location{Engine: "sqlite", Path: away})
	if got := names(t, old); got != "alice carol" {
		t.Errorf("in the old file there is %s", got)
	}
	sound(t, old)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if got := names(t, open(t, l)); got != "bob dave" {
		t.Errorf("after all there is %s", got)
	}
}

func TestTheLogOfAFileThatIsGoneNeverGetsIntoAnother(t *testing.T) {
	for name, replace := range map[string]func(t *testing.T, l, backup store.Location){
		"moved away": func(t *testing.T, l, backup store.Location) {
			move(t, l.Path, l.Path+".away")
			move(t, backup.Path, l.Path)
		},
		"moved over": func(t *testing.T, l, backup store.Location) { move(t, backup.Path, l.Path) },
		"deleted": func(t *testing.T, l, backup store.Location) {
			if err := os.Remove(l.Path); err != nil {
				t.Fatal(err)
			}
			move(t, backup.Path, l.Path)
		},
	} {
		l, backup := locate(t), aside(t)
		with(t, l, "alice")
		with(t, backup, "bob")
		s := open(t, l)
		for _, letter := range "abcdefghijklmnopqrstuvwxyz" {
			u := user("user-" + string(letter))
			change(t, s, func(c *store.Change) error { return c.InsertUser(&u) })
		}
		log, err := os.Lstat(l.Path + "-wal")
		if err != nil || log.Size() == 0 {
			t.Fatalf("%s: there is no log: %v", name, err)
		}
		replace(t, l, backup)
		reopen(t, s)
		if got := names(t, s); got != "bob" {
			t.Errorf("%s: there is %s", name, got)
		}
		sound(t, s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if got := names(t, open(t, l)); got != "bob" {
			t.Errorf("%s: in the file there is %s", name, got)
		}
	}
}

func TestALogThatCannotBeSettledIsKept(t *testing.T) {
	l, backup := locate(t), aside(t)
	with(t, l, "alice")
	with(t, backup, "bob")
	s := open(t, l)
	carol := user("carol")
	change(t, s, func(c *store.Change) error { return c.InsertUser(&carol) })
	s.Break(t)
	away := filepath.Join(filepath.Dir(l.Path), "away.db")
	move(t, l.Path, away)
	move(t, backup.Path, l.Path)
	kept, err := s.Reopen(t.Context(), []string{fingerprint})
	if err != nil || !strings.HasPrefix(kept, l.Path+"-wal.replaced-20261122T") {
		t.Fatalf("kept '%s', %v", kept, err)
	}
	if got := names(t, s); got != "bob" {
		t.Errorf("there is %s", got)
	}
	// Whoever needs it puts the two together.
	move(t, kept, away+"-wal")
	if got := names(t, open(t, store.Location{Engine: "sqlite", Path: away})); got != "alice carol" {
		t.Errorf("in the old file and its log there is %s", got)
	}
}

func TestAFileThatComesBackGoesOn(t *testing.T) {
	l, other := locate(t), aside(t)
	with(t, l, "alice")
	with(t, other, "bob")
	s := open(t, l)
	carol, dave := user("carol"), user("dave")
	change(t, s, func(c *store.Change) error { return c.InsertUser(&carol) })
	away := l.Path + ".away"
	move(t, l.Path, away)
	if _, err := s.DataVersion(t.Context()); !errors.Is(err, store.ErrReplaced) {
		t.Errorf("%v", err)
	}
	move(t, away, l.Path)
	reopen(t, s)
	change(t, s, func(c *store.Change) error { return c.InsertUser(&dave) })
	// The same after another one was there.
	move(t, l.Path, away)
	move(t, other.Path, l.Path)
	reopen(t, s)
	move(t, l.Path, other.Path)
	move(t, away, l.Path)
	reopen(t, s)
	if got := names(t, s); got != "alice carol dave" {
		t.Errorf("there is %s", got)
	}
	sound(t, s)
}

func TestAFileThatCannotBeUsedIsNotOpenedAnew(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(t *testing.T, l store.Location)
		want  string
	}{
		"empty":          {func(t *testing.T, l store.Location) { cutOff(t, l, 0) }, "is empty: it was cut off or never was a store"},
		"half copied":    {func(t *testing.T, l store.Location) { cutOff(t, l, 8192) }, "is damaged; put back a backup"},
		"another pepper": {func(t *testing.T, l store.Location) { execute(t, l, `UPDATE peppers SET fingerprint = 'ffff'`) }, "needs the pepper of fingerprint ffff"},
		"a newer schema": {func(t *testing.T, l store.Location) { execute(t, l, newerSchema) }, "has schema 999"},
		"something else": {func(t *testing.T, l store.Location) { overwrite(t, l, strings.Repeat("no database\n", 1000)) }, "is damaged; put back a backup"},
	} {
		l, backup, good := locate(t), aside(t), aside(t)
		with(t, l, "alice")
		with(t, backup, "bob")
		with(t, good, "carol")
		s := open(t, l)
		test.spoil(t, backup)
		move(t, backup.Path, l.Path)
		for range 2 {
			_, err := s.Reopen(t.Context(), []string{fingerprint})
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), l.Path) {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, version := s.DataVersion(t.Context())
		_, schema := s.Schema(t.Context())
		_, users := s.Users(t.Context(), "", 1)
		for what, err := range map[string]error{"version": version, "schema": schema, "users": users} {
			if !errors.Is(err, store.ErrReplaced) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), l.Path) {
				t.Errorf("%s: %s: it is used, or nobody knows why not: %v", name, what, err)
			}
		}
		move(t, good.Path, l.Path)
		reopen(t, s)
		if got := names(t, s); got != "carol" {
			t.Errorf("%s: then there is %s", name, got)
		}
	}
}

const newerSchema = `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)`

func execute(t *testing.T, l store.Location, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", l.Path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), statement)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func cutOff(t *testing.T, l store.Location, size int64) {
	t.Helper()
	if err := os.Truncate(l.Path, size); err != nil {
		t.Fatal(err)
	}
}

func overwrite(t *testing.T, l store.Location, text string) {
	t.Helper()
	if err := os.WriteFile(l.Path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAFileThatIsCutOffIsNoticedAndUsedAgainWhenItIsWhole(t *testing.T) {
	for name, inLog := range map[string]bool{"with something in the log": true, "with all in the file": false} {
		l := locate(t)
		with(t, l, "alice")
		s := open(t, l)
		whole, err := os.ReadFile(l.Path)
		if err != nil {
			t.Fatal(err)
		}
		carol, dave := user("carol"), user("dave")
		want := "alice"
		if inLog {
			change(t, s, func(c *store.Change) error { return c.InsertUser(&carol) })
			want = "alice carol"
		}
		cutOff(t, l, int64(len(whole)/2))
		for range 2 {
			_, err := s.DataVersion(t.Context())
			if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), l.Path) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := s.Change(t.Context(), func(c *store.Change) error { return c.InsertUser(&dave) }); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("%s: a change: %v", name, err)
		}
		if _, err := s.Reopen(t.Context(), []string{fingerprint}); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("%s: opened anew while it is short: %v", name, err)
		}
		// Into the same file.
		file, err := os.OpenFile(l.Path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = file.Write(whole)
		if err := errors.Join(err, file.Close()); err != nil {
			t.Fatal(err)
		}
		reopen(t, s)
		if got := names(t, s); got != want {
			t.Errorf("%s: there is %s, want %s", name, got, want)
		}
		change(t, s, func(c *store.Change) error { return c.InsertUser(&dave) })
		sound(t, s)
	}
}

func TestADatabaseThatWasMadeSmallerByItsAdministratorIsNotCutOff(t *testing.T) {
	l := locate(t)
	with(t, l, "alice")
	s := open(t, l)
	change(t, s, func(c *store.Change) error {
		var errs []error
		for i := range 2000 {
			u := user("user" + strings.Repeat("x", i%50) + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676)))
			u.ID = u.Username
			u.Email = strings.Repeat("m", 200)
			errs = append(errs, c.InsertUser(&u))
		}
		return errors.Join(errs...)
	})
	db := plain(t, l)
	for _, statement := range []string{"PRAGMA wal_checkpoint(TRUNCATE)"} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.DataVersion(t.Context()); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(l.Path)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{"DELETE FROM users WHERE username <> 'alice'", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if after, err := os.Stat(l.Path); err != nil || after.Size() >= before.Size() {
		t.Fatalf("it has %d bytes, had %d, %v", after.Size(), before.Size(), err)
	}
	if _, err := s.DataVersion(t.Context()); err != nil {
		t.Error(err)
	}
	if got := names(t, s); got != "alice" {
		t.Errorf("there is %s", got)
	}
}

func TestAStoreThatWasUpgradedByANewerProgramIsLeftAlone(t *testing.T) {
	l := locate(t)
	with(t, l, "alice")
	s := open(t, l)
	before := number(t, s)
	execute(t, l, newerSchema)
	const want = "was upgraded to schema 999 by a newer version while this one, which knows 5, has it open; replace this program by that version"
	owner := user("bob")
	_, load := s.Load(t.Context(), store.Receiver{})
	_, since := s.ChangesSince(t.Context(), store.Position{Number: before})
	for what, err := range map[string]error{
		"load": load, "changes": since,
		"a change": s.Change(t.Context(), func(c *store.Change) error { return c.InsertUser(&owner) }),
	} {
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), l.Path) {
			t.Errorf("%s: %v", what, err)
		}
	}
	execute(t, l, `DELETE FROM goose_db_version WHERE version_id = 999`)
	if got := number(t, s); got != before {
		t.Errorf("then the number is %d, was %d", got, before)
	}
}

func TestANumberOfAnotherHistorySaysNothing(t *testing.T) {
	l := locate(t)
	with(t, l, "alice")
	s := open(t, l)
	p, err := s.Load(t.Context(), store.Receiver{})
	if err != nil {
		t.Fatal(err)
	}
	if delta, err := s.ChangesSince(t.Context(), p); err != nil || !delta.Complete {
		t.Errorf("in the same history: %+v, %v", delta, err)
	}
	execute(t, l, `UPDATE change_counter SET history = 'restored'`)
	if delta, err := s.ChangesSince(t.Context(), p); err != nil || delta.Complete {
		t.Errorf("in another one: %+v, %v", delta, err)
	}
}
