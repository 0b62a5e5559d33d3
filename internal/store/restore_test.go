package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/store"
)

// restore checks a backup, which must be good.
func restore(t *testing.T, path string) *store.Restore {
	t.Helper()
	r, err := store.NewRestore(t.Context(), path, clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func seal(t *testing.T, r *store.Restore, replaced int64) {
	t.Helper()
	if err := r.Seal(t.Context(), "another history", &store.Summary{Number: replaced}, event("restored")); err != nil {
		t.Fatal(err)
	}
}

// always lets a replacement be.
func always(*store.Summary) error { return nil }

// A backup that was put in place as a file has not the journal of a store.
func TestAStoreThatWasPutThereByHandIsReplaced(t *testing.T) {
	l, _ := made(t)
	path, _ := backup(t, l)
	r := restore(t, path)
	seal(t, r, 2)
	there, _ := backup(t, l)
	byHand := store.Location{Engine: l.Engine, Path: there}
	if err := r.Replace(t.Context(), byHand, always); err != nil {
		t.Fatal(err)
	}
	if mode := open(t, byHand).Pragma(t, "journal_mode"); mode != "wal" {
		t.Errorf("its journal is '%s'", mode)
	}
}

func TestABackupThatIsNoneIsRefused(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	l, s := made(t)
	good, _ := backup(t, l)
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	changed := func(name string, statements ...string) string {
		path := file(name, text)
		plainly(t, at(path), statements...)
		return path
	}
	spoilt := file("spoilt", text)
	spoil(t, at(spoilt))
	withLog := file("open", text)
	file("open-wal", []byte("x"))
	for path, want := range map[string]string{
		filepath.Join(dir, "none"): "no such file or directory",
		dir:                        "it is not a regular file",
		file("empty", nil):         "it has 0 bytes and is no SQLite database",
		file("text", []byte(strings.Repeat("x", 200))): "it has 200 bytes and is no SQLite database",
		file("cut", text[:len(text)-4096]):             "is damaged; use an older one",
		file("head", text[:512]):                       "is damaged; use an older one",
		spoilt:                                         "is damaged; use an older one",
		withLog:                                        "open-wal' is beside it, so that it is no backup but a store that is open",
		changed("cats", `DROP TABLE users`):            "", // any of them
		changed("newer", `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)`):                                                         "has schema 999, this program knows 5",
		changed("orphan", `PRAGMA foreign_keys = OFF`, `UPDATE api_keys SET user_id = 'nobody'`):                                                          "row 1 of table api_keys belongs to a row of table users that is missing",
		changed("ahead", `UPDATE change_counter SET number = 1`):                                                                                          "1 changes have numbers after that of the last one",
		changed("index", `PRAGMA writable_schema = ON`, `UPDATE sqlite_master SET sql = replace(sql, 'time)', 'kind)') WHERE name = 'audit_events_time'`): "",
	} {
		r, err := store.NewRestore(t.Context(), path, clock)
		if err == nil {
			t.Errorf("'%s' is taken: %v", path, r.Close())
			continue
		}
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), filepath.Base(path)) {
			t.Errorf("'%s': %v", path, err)
		}
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) != 0 {
		t.Errorf("copies are left: %v, %v", left, err)
	}
	if _, err := s.Key(t.Context(), store.KeyRef{ID: idA}); err != nil {
		t.Errorf("the store has changed: %v", err)
	}
}

func TestWhereThereIsNoStoreTheBackupBecomesOne(t *testing.T) {
	from, _ := made(t)
	path, _ := backup(t, from)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, l := restore(t, path), locate(t)
	if _, err := r.Compare(t.Context(), l); !errors.Is(err, store.ErrNoStore) {
		t.Errorf("%v", err)
	}
	seal(t, r, 0)
	if err := r.Place(t.Context(), l, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	if err := r.Place(t.Context(), l, func() error { return nil }); !errors.Is(err, os.ErrExist) {
		t.Errorf("a second time: %v", err)
	}
	s := open(t, l)
	if mode := s.Pragma(t, "journal_mode"); mode != "wal" {
		t.Errorf("its journal is '%s'", mode)
	}
	events, err := s.Events(t.Context(), 10)
	if err != nil || len(events) != 2 {
		t.Errorf("its events are %v, %v", events, err)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("the backup has changed: %v", err)
	}
}

func TestABackupOfEverySchemaCanBeRestored(t *testing.T) {
	for schema := int64(1); schema <= 5; schema++ {
		from := locate(t)
		store.CreateOld(t, from, schema, schema1...)
		path, _ := backup(t, from)
		r, l := restore(t, path), locate(t)
		if r.Backup.Schema != schema {
			t.Errorf("it was of schema %d, not %d", r.Backup.Schema, schema)
		}
		seal(t, r, 0)
		if err := r.Place(t.Context(), l, func() error { return nil }); err != nil {
			t.Fatal(err)
		}
		s := open(t, l)
		k, err := s.Key(t.Context(), store.KeyRef{UserFold: "alice", Name: "ci"})
		if err != nil || k.ID != idA || k.LastUsed.Unix() != 3 || k.PreviousExpires.Unix() != 9 {
			t.Errorf("schema %d: key %+v, %v", schema, k, err)
		}
		if now, err := s.Schema(t.Context()); err != nil || now != 5 {
			t.Errorf("schema %d has become %d, %v", schema, now, err)
		}
	}
}

// Whoever has the store open sees the one content or the other, and goes on.
func TestAStoreThatIsOpenIsReplacedAtOnce(t *testing.T) {
	l, s := made(t)
	path, _ := backup(t, l)
	alice := user("alice")
	for i := range 500 {
		k := key(&alice, fmt.Sprintf("%012d", i), fmt.Sprint(i))
		change(t, s, func(c *store.Change) error { return c.InsertKey(&k) })
	}
	version := dataVersion(t, s)
	stop, seen := make(chan struct{}), map[int64]bool{}
	var readers sync.WaitGroup
	readers.Go(func() {
		for {
			counts, err := s.Count(t.Context())
			if err != nil {
				t.Error(err)
			}
			seen[counts.Keys] = true
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	r := restore(t, path)
	if _, err := r.Compare(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	seal(t, r, 502)
	if err := r.Replace(t.Context(), l, always); err != nil {
		t.Fatal(err)
	}
	close(stop)
	readers.Wait()
	for keys := range seen {
		if keys != 1 && keys != 501 {
			t.Errorf("a reader has seen %d keys", keys)
		}
	}
	if counts, err := s.Count(t.Context()); err != nil || counts.Keys != 1 {
		t.Errorf("there are %d keys, %v", counts.Keys, err)
	}
	if dataVersion(t, s) == version {
		t.Error("whoever looks whether something has changed does not see it")
	}
	delta, err := s.ChangesSince(t.Context(), store.Position{Number: 502})
	if err != nil || delta.Complete {
		t.Errorf("whoever has followed so far is told %+v, %v", delta, err)
	}
	k := key(&alice, "999999999999", "new")
	change(t, s, func(c *store.Change) error { return c.InsertKey(&k) })
	if mode := open(t, l).Pragma(t, "journal_mode"); mode != "wal" {
		t.Errorf("its journal is '%s'", mode)
	}
	problems, err := s.Inspect(t.Context(), func(string) {})
	if err != nil || len(problems) != 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

func dataVersion(t *testing.T, s *store.Store) int64 {
	t.Helper()
	version, err := s.DataVersion(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return version
}

func TestPagesOfAnotherSizeAreMadeToFit(t *testing.T) {
	l, s := made(t)
	path, _ := backup(t, l)
	plainly(t, at(path), `PRAGMA page_size = 8192`, `VACUUM`)
	r := restore(t, path)
	seal(t, r, 2)
	if err := r.Replace(t.Context(), l, always); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Key(t.Context(), store.KeyRef{ID: idA}); err != nil {
		t.Error(err)
	}
}

func TestAReplacementThatIsBrokenOffChangesNothing(t *testing.T) {
	l, s := made(t)
	path, _ := backup(t, l)
	bob := user("bob")
	change(t, s, func(c *store.Change) error { return c.InsertUser(&bob) })
	r := restore(t, path)
	seal(t, r, 3)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Replace(ctx, l, always); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	s.Fill(t)
	lock := plain(t, l)
	if _, err := lock.ExecContext(t.Context(), `BEGIN IMMEDIATE`); err != nil {
		t.Fatal(err)
	}
	if err := r.Replace(t.Context(), l, always); err == nil || !strings.Contains(err.Error(), "is locked by another program") {
		t.Errorf("while it is locked: %v", err)
	}
	if _, err := s.UserByFold(t.Context(), "bob"); err != nil {
		t.Errorf("it has changed: %v", err)
	}
}

func TestWhatARestoreUndoesIsTold(t *testing.T) {
	l, s := made(t)
	alice, err := s.UserByFold(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	users := map[string]*store.User{}
	for _, name := range []string{"disabled", "deleted", "demoted", "passworded", "same"} {
		u := user(name)
		users[name] = &u
		change(t, s, func(c *store.Change) error {
			return errors.Join(c.InsertUser(&u), c.SetPassword(&u, store.Password{PHC: "old", Changed: now}))
		})
	}
	keys := map[string]*store.Key{}
	for i, name := range []string{"disabled", "revoked", "rotated", "same", "expired"} {
		k := key(&alice, fmt.Sprintf("%012d", i), name)
		if name == "expired" {
			k.Expires = now.Add(-time.Hour)
		}
		keys[name] = &k
		change(t, s, func(c *store.Change) error { return c.InsertKey(&k) })
	}
	of := key(users["disabled"], "KKKKKKKKKKKK", "of a user who is told of")
	begun := session(&alice, "1", token("tokenOfAlice"))
	change(t, s, func(c *store.Change) error { return errors.Join(c.InsertKey(&of), c.InsertSession(&begun)) })
	path, _ := backup(t, l)

	users["disabled"].State = store.Disabled
	users["demoted"].Roles = []string{}
	keys["disabled"].Disabled, keys["revoked"].Revoked, keys["expired"].Revoked = now, now, now
	rotated := event("2")
	rotated.Kind, rotated.KeyID, rotated.Time = "key.rotate", keys["rotated"].ID, now.Add(time.Second)
	change(t, s, func(c *store.Change) error {
		_, ended := c.EndSessions(store.SessionFilter{ID: begun.ID})
		return errors.Join(ended, c.UpdateUser(users["disabled"]), c.UpdateUser(users["demoted"]), c.DeleteUser(users["deleted"]),
			c.SetPassword(users["passworded"], store.Password{PHC: "new", Changed: now.Add(time.Hour)}),
			c.UpdateKey(keys["disabled"]), c.UpdateKey(keys["revoked"]), c.UpdateKey(keys["expired"]), c.Record(rotated))
	})
	got, err := restore(t, path).Compare(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	want := store.Comparison{
		Now: got.Now,
		Keys: []store.Returning{
			{ID: keys["disabled"].ID, Name: "alice/disabled", Why: "disabled"},
			{ID: keys["revoked"].ID, Name: "alice/revoked", Why: "revoked"},
			{ID: keys["rotated"].ID, Name: "alice/rotated", Why: "rotated"},
		},
		Users: []store.Returning{
			{ID: "id-deleted", Name: "deleted", Why: "deleted"},
			{ID: "id-demoted", Name: "demoted", Why: "other roles or groups"},
			{ID: "id-disabled", Name: "disabled", Why: "disabled"},
			{ID: "id-passworded", Name: "passworded", Why: "other password"},
		},
		Sessions: 1, Identities: []store.Returning{},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAnEventThatTheBackupHasIsNotLater(t *testing.T) {
	l, s := made(t)
	rotated := event("2")
	rotated.Kind, rotated.KeyID, rotated.Time = "key.rotate", idA, now.Add(time.Hour)
	change(t, s, func(c *store.Change) error { return c.Record(rotated) })
	path, _ := backup(t, l)
	if c, err := restore(t, path).Compare(t.Context(), l); err != nil || len(c.Keys) != 0 {
		t.Errorf("%+v, %v", c.Keys, err)
	}
	rotated.ID, rotated.Time = "3", now.Add(-time.Hour)
	change(t, s, func(c *store.Change) error { return c.Record(rotated) })
	if c, err := restore(t, path).Compare(t.Context(), l); err != nil || len(c.Keys) != 1 || c.Keys[0].Why != "rotated" {
		t.Errorf("%+v, %v", c.Keys, err)
	}
}

// What may is told is the last word: nobody writes any more.
func TestNobodyWritesWhileAReplacementIsDecided(t *testing.T) {
	l, s := made(t)
	path, _ := backup(t, l)
	alice := user("alice")
	k := key(&alice, "999999999999", "acknowledged")
	r := restore(t, path)
	c, err := r.Compare(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	seal(t, r, c.Now.Number)
	change(t, s, func(c *store.Change) error { return c.InsertKey(&k) })
	refused := errors.New("refused")
	err = r.Replace(t.Context(), l, func(now *store.Summary) error {
		if now.Number != c.Now.Number+1 || now.Keys != 2 {
			t.Errorf("it is told %+v", now)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := s.Change(ctx, func(*store.Change) error { return nil }); err == nil {
			t.Error("somebody else can write")
		}
		return refused
	})
	if !errors.Is(err, refused) {
		t.Errorf("%v", err)
	}
	if _, err := s.Key(t.Context(), store.KeyRef{ID: k.ID}); err != nil {
		t.Errorf("it has changed: %v", err)
	}
	change(t, s, func(c *store.Change) error { return c.Record(event("goes on")) })
}

func TestACopyThatIsNotOfThisStoreIsRefused(t *testing.T) {
	l, s := made(t)
	path, _ := backup(t, l)
	for what, between := range map[string]func(*store.Change) error{
		"got another pepper": func(c *store.Change) error { return c.AddPepper("another", now) },
		"was restored":       func(c *store.Change) error { return nil },
	} {
		r := restore(t, path)
		c, err := r.Compare(t.Context(), l)
		if err != nil {
			t.Fatal(err)
		}
		seal(t, r, c.Now.Number)
		change(t, s, between)
		if what == "was restored" {
			other := restore(t, path)
			if c, err = other.Compare(t.Context(), l); err != nil {
				t.Fatal(err)
			}
			if err := other.Seal(t.Context(), "other", &c.Now, event("other")); err != nil {
				t.Fatal(err)
			}
			if err := other.Replace(t.Context(), l, always); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Replace(t.Context(), l, always); err == nil || !strings.Contains(err.Error(), "nothing was changed, try again") {
			t.Errorf("the store %s: %v", what, err)
		}
	}
}

func TestAReplacementLeavesNoLogBehind(t *testing.T) {
	l, _ := made(t)
	path, _ := backup(t, l)
	r := restore(t, path)
	seal(t, r, 2)
	if err := r.Replace(t.Context(), l, always); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(l.Path + "-wal"); err != nil || info.Size() != 0 {
		t.Errorf("it has %d bytes, %v", info.Size(), err)
	}
}

func TestAStoreOfANewerVersionIsNotCompared(t *testing.T) {
	l, _ := made(t)
	path, _ := backup(t, l)
	plainly(t, l, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)`)
	got, err := restore(t, path).Compare(t.Context(), l)
	if err != nil || !got.Newer || got.Now.Users != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

// What the check calls damaged cannot be trusted to be read, or to be written over.
func TestAStoreThatIsDamagedIsNotCompared(t *testing.T) {
	for statement, want := range map[string]string{
		`DROP TABLE passwords`:                                   "the table 'passwords' is missing",
		`DROP TABLE audit_events`:                                "the index 'audit_events_time' of table 'audit_events' is missing, and 1 more",
		`DROP TABLE users`:                                       "is a database of another program",
		`ALTER TABLE users RENAME COLUMN groups TO g2`:           "the table 'users' is not made as this program makes it",
		`ALTER TABLE change_counter DROP COLUMN history`:         "the table 'change_counter' is not made as this program makes it",
		`DELETE FROM goose_db_version`:                           "is a database of another program",
		`UPDATE goose_db_version SET version_id = 2.5`:           "is a database of another program",
		`DELETE FROM goose_db_version WHERE version_id = 0`:      "step 0 to it is not in table 'goose_db_version'",
		`DELETE FROM change_counter`:                             "the number of the last change is missing",
		`UPDATE change_counter SET number = 1.5`:                 "so that memory may miss some, and 1 more",
		`UPDATE change_counter SET number = 9223372036854775807`: "the number of the last change, 9223372036854775807, is none",
		`UPDATE change_counter SET number = 9223372036854775807; INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)`: "the number of the last change, 9223372036854775807, is none",
		`UPDATE audit_events SET time = 'x'`:                "of the audit trail has no time",
		`UPDATE audit_events SET time = -62135596800000000`: "it is of the year 1",
		`UPDATE peppers SET created = 'x'`:                  "the pepper of number 1 has no fingerprint, or no time",
		`PRAGMA foreign_keys = OFF; DELETE FROM peppers`:    "it names no pepper",
		`CREATE TABLE cats (name TEXT)`:                     "the table 'cats' was added by another program",
	} {
		l, s := made(t)
		change(t, s, func(c *store.Change) error { return c.Record(event("one")) })
		path, _ := backup(t, l)
		plainly(t, l, statement)
		c, err := restore(t, path).Compare(t.Context(), l)
		if !errors.Is(err, store.ErrDamaged) || !strings.HasPrefix(err.Error(), "store "+l.String()+" is damaged; put back a backup: ") || strings.Count(err.Error(), "damaged; ") != 1 || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", statement, err)
		}
		if c.Now.Number != 0 || len(c.Now.Peppers) != 0 {
			t.Errorf("%s: there is %+v", statement, c.Now)
		}
	}
}

// A disk that fails, say, is no damage because of which a store may be moved aside.
func TestAComparisonThatIsBrokenOffIsNoDamage(t *testing.T) {
	l, _ := made(t)
	path, _ := backup(t, l)
	r := restore(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Compare(ctx, l); !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrDamaged) {
		t.Errorf("%v", err)
	}
	if _, err := r.Compare(t.Context(), l); err != nil {
		t.Errorf("once more: %v", err)
	}
}

func TestAStoreThatCannotBeReadIsMovedAside(t *testing.T) {
	from, _ := made(t)
	path, _ := backup(t, from)
	l := locate(t)
	for _, damage := range []string{"", strings.Repeat("no database\n", 100)} {
		for suffix, content := range map[string]string{"": damage, "-wal": "log", "-shm": "index"} {
			if err := os.WriteFile(l.Path+suffix, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		r := restore(t, path)
		if _, err := r.Compare(t.Context(), l); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("%v", err)
		}
		seal(t, r, 0)
		later := now.Add(time.Duration(len(damage)) * time.Second)
		names, err := store.SetAside(l, later)
		if err != nil || len(names) != 3 || !strings.HasPrefix(names[0], l.Path+".damaged-20261122T") || names[1] != names[0]+"-wal" {
			t.Errorf("%v, %v", names, err)
		}
		if text, err := os.ReadFile(names[0]); err != nil || string(text) != damage {
			t.Errorf("'%s' has '%s', %v", names[0], text, err)
		}
		if err := r.Place(t.Context(), l, func() error { return nil }); err != nil {
			t.Fatal(err)
		}
		if _, err := open(t, l).Key(t.Context(), store.KeyRef{ID: idA}); err != nil {
			t.Error(err)
		}
		if names, err := store.SetAside(l, later); err == nil || !strings.Contains(err.Error(), "is there already") {
			t.Errorf("under a name that is taken: %v, %v", names, err)
		}
	}
}
