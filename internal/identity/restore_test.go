package identity

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/store"
)

// backedUp is a world in which alice has a key and a password, and a backup of its
// store with a copy of its pepper.
func backedUp(t *testing.T) (w *world, word, file, pepper string) {
	t.Helper()
	w = newWorld(t)
	w.setPassword("alice", right)
	word = w.issue("ci")
	file, pepper = filepath.Join(t.TempDir(), "backup.db"), filepath.Join(t.TempDir(), "pepper")
	if _, err := Backup(t.Context(), w.config, file, pepper); err != nil {
		t.Fatal(err)
	}
	return w, word, file, pepper
}

// prepared is a restore that has passed the checks.
func prepared(t testing.TB, c Config, file, pepper string) *Restore {
	t.Helper()
	r, err := NewRestore(t.Context(), c, file, pepper)
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

func peppersOf(t *testing.T, path string) *credential.Peppers {
	t.Helper()
	peppers, err := ReadPeppers(path)
	if err != nil {
		t.Fatal(err)
	}
	return peppers
}

func TestARunningMirrorFollowsARestore(t *testing.T) {
	w, word, file, _ := backedUp(t)
	w.must(w.RevokeKey(t.Context(), "os:test", ref("ci"), ""))
	later := w.issue("later")
	r := prepared(t, w.config, file, "")
	c, err := r.Compare(t.Context())
	if err != nil || len(c.Keys) != 1 || c.Keys[0].Name != "alice/ci" || c.Keys[0].Why != "revoked" {
		t.Errorf("it undoes %+v, %v", c.Keys, err)
	}
	w.must(r.Apply(t.Context(), "os:test"))
	const replaced = "the store's content was replaced by another one"
	if strings.Contains(w.log.String(), replaced) {
		t.Error("a replacement was logged before there was one")
	}
	w.later(0)
	if n := strings.Count(w.log.String(), replaced); n != 1 {
		t.Errorf("the replacement was logged %d times", n)
	}
	if was, is := w.check(word), w.check(later); was != Accepted || is != UnknownKey {
		t.Errorf("the key of the backup is %v, that of after it %v", was, is)
	}
	if after := w.check(w.issue("after")); after != Accepted {
		t.Errorf("a key that is issued then is %v", after)
	}
}

func TestAPepperComesBackWithItsBackup(t *testing.T) {
	_, word, file, pepper := backedUp(t)
	c := newConfig(t, nil)
	if _, err := NewRestore(t.Context(), c, file, ""); !errors.Is(err, fs.ErrNotExist) || !strings.HasSuffix(err.Error(), "pepper file '"+c.pepperFile()+"': file does not exist; name the copy of the pepper with --pepper") {
		t.Errorf("without any: %v", err)
	}
	other := filepath.Join(t.TempDir(), "other")
	write(t, other, strings.Repeat("ab", 32), 0o600)
	if _, err := NewRestore(t.Context(), c, file, other); !errors.Is(err, store.ErrPepper) || !strings.Contains(err.Error(), "the file '"+other+"' lacks the pepper") {
		t.Errorf("with another one: %v", err)
	}
	write(t, c.pepperFile(), strings.Repeat("ab", 32), 0o600)
	if _, err := NewRestore(t.Context(), c, file, ""); !errors.Is(err, store.ErrPepper) || !strings.Contains(err.Error(), "pepper file '"+c.pepperFile()+"' lacks the pepper") || !strings.HasSuffix(err.Error(), "name the copy of the pepper with --pepper") {
		t.Errorf("beside another one: %v", err)
	}
	if err := os.Remove(c.pepperFile()); err != nil {
		t.Fatal(err)
	}
	r := prepared(t, c, file, pepper)
	if _, err := r.Compare(t.Context()); !errors.Is(err, store.ErrNoStore) {
		t.Errorf("%v", err)
	}
	if _, err := r.Apply(t.Context(), "os:test"); err != nil {
		t.Fatal(err)
	}
	c.Create = false
	restored := openRegistry(t, c)
	if p := peppersOf(t, c.pepperFile()).Newest(); p.Verifier(word) != peppersOf(t, pepper).Newest().Verifier(word) {
		t.Error("the pepper is another one")
	}
	if events, err := restored.Events(t.Context(), 1); err != nil || events[0].Kind != "store.restore" || events[0].Actor != "os:test" {
		t.Errorf("%+v, %v", events, err)
	}
}

func TestARestoreNamesWhatIsNotThere(t *testing.T) {
	_, _, file, pepper := backedUp(t)
	c := newConfig(t, nil)
	missing := filepath.Join(t.TempDir(), "missing")
	if _, err := NewRestore(t.Context(), c, file, missing); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "'"+missing+"'") || strings.Contains(err.Error(), "replace-lost") {
		t.Errorf("no copy of the pepper: %v", err)
	}
	c.PepperFile = filepath.Join(missing, "pepper")
	r := prepared(t, c, file, pepper)
	if _, err := r.Compare(t.Context()); !errors.Is(err, store.ErrNoStore) {
		t.Error(err)
	}
	if _, err := r.Apply(t.Context(), "os:test"); !errors.Is(err, fs.ErrNotExist) || !strings.HasSuffix(err.Error(), "the folder '"+missing+"': file does not exist; make it by `install -d -m 0700 '"+missing+"'`, owned by the server's user") {
		t.Errorf("no folder for the pepper: %v", err)
	}
	if _, err := os.Stat(c.Location.Path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the store was made: %v", err)
	}
}

func TestNoPepperOfTheFileIsLost(t *testing.T) {
	_, _, file, pepper := backedUp(t)
	other := newWorld(t)
	c := other.config
	if _, err := other.RotatePepper(t.Context(), "os:test"); err != nil {
		t.Fatal(err)
	}
	before := peppersOf(t, c.pepperFile()).Fingerprints()
	r := prepared(t, c, file, pepper)
	if _, err := r.Compare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Apply(t.Context(), "os:test"); err != nil {
		t.Fatal(err)
	}
	after := peppersOf(t, c.pepperFile())
	if prints := after.Fingerprints(); len(prints) != 3 || prints[0] != peppersOf(t, pepper).Newest().Fingerprint() {
		t.Errorf("there are %v", prints)
	}
	for _, print := range before {
		if after.Find(print) == nil {
			t.Errorf("%s is lost", print)
		}
	}
}

// A rotation between check and restore must not lose its pepper, nor share its number
// with one of the backup.
func TestARestoreIsRefusedIfThePepperIsRotatedMeanwhile(t *testing.T) {
	_, _, file, pepper := backedUp(t)
	other := newWorld(t)
	c := other.config
	r := prepared(t, c, file, pepper)
	if _, err := r.Compare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := other.RotatePepper(t.Context(), "os:test"); err != nil {
		t.Fatal(err)
	}
	before := peppersOf(t, c.pepperFile()).Fingerprints()
	if _, err := r.Apply(t.Context(), "os:test"); err == nil || !strings.Contains(err.Error(), "nothing was changed, try again") {
		t.Errorf("%v", err)
	}
	if after := peppersOf(t, c.pepperFile()).Fingerprints(); len(after) != 2 || after[0] != before[0] {
		t.Errorf("there are %v, were %v", after, before)
	}
	if _, err := other.User(t.Context(), "alice"); err != nil {
		t.Errorf("the store has changed: %v", err)
	}
}

func TestABackupWithARecordThatIsNotSoundIsRefused(t *testing.T) {
	for statement, want := range map[string]string{
		`UPDATE api_keys SET id = 'short'`:                                   "key 'short' in the store",
		`UPDATE api_keys SET verifier = zeroblob(5)`:                         "a verifier in the database has 5 bytes, not 32",
		`UPDATE api_keys SET scopes = 'none'`:                                "table 'api_keys', record 1: ",
		`UPDATE users SET roles = '{'`:                                       "a list in the database is damaged",
		`UPDATE api_keys SET networks = '["anywhere"]'`:                      "a list in the database is damaged",
		`UPDATE api_keys SET created = 'x'`:                                  "a time is a string in the database",
		`UPDATE passwords SET phc = 'garbage'`:                               "stored password hash is not of the form",
		`UPDATE passwords SET phc = ''`:                                      "stored password hash is not of the form",
		`UPDATE users SET state = 'weird'`:                                   "user 'alice' has the state 'weird', which is none",
		`UPDATE users SET username_fold = 'bob'`:                             "user 'alice' would be found by the name 'bob'",
		`UPDATE users SET username = 'a b', username_fold = 'a b'`:           "user 'a b' has a name that no user can have",
		`UPDATE users SET auth_epoch = 9223372036854775807`:                  "user 'alice' has counters that cannot be counted up",
		`UPDATE audit_events SET time = 9223372036854775807 WHERE rowid = 1`: "table 'audit_events', record 1: a time in the database is damaged",
		`INSERT INTO sessions (id, user_id, method, scopes, created) SELECT 's', id, 'nope', '["read"]', 0 FROM users`:    "session 's' has the method 'nope', with which none begins",
		`INSERT INTO sessions (id, user_id, method, scopes, created) SELECT 's', id, 'api_key', '["read"]', 0 FROM users`: "session 's' has the method 'api_key', with which none begins, or not the key for it",
	} {
		w, _, file, _ := backedUp(t)
		c := w.config
		spoil(t, file, statement)
		_, err := NewRestore(t.Context(), c, file, "")
		if err == nil || !strings.Contains(err.Error(), "has records that this program does not write; use an older one: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", statement, err)
		}
		spoil(t, c.Location.Path, statement)
		i, err := Inspect(t.Context(), c, func(string) {})
		if err != nil || len(i.Refused) == 0 || !strings.Contains(i.Refused[0], want) {
			t.Errorf("%s: the inspection has %v, %v", statement, i.Refused, err)
		}
	}
}

func spoil(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func TestAnInspectionHoldsThePepperFileAgainstTheStore(t *testing.T) {
	r := newWorld(t)
	c := r.config
	inspect := func() Inspection {
		t.Helper()
		i, err := Inspect(t.Context(), c, func(string) {})
		if err != nil || len(i.Damage)+len(i.Refused) != 0 || i.Schema != i.Known {
			t.Fatalf("%+v, %v", i, err)
		}
		return i
	}
	if i := inspect(); len(i.Missing)+len(i.LeftOver) != 0 || i.PepperFault != nil {
		t.Errorf("%+v", i)
	}
	before := peppersOf(t, c.pepperFile()).Text().Reveal()
	status, err := r.RotatePepper(t.Context(), "os:test")
	if err != nil {
		t.Fatal(err)
	}
	if i := inspect(); !slices.Equal(i.LeftOver, []string{status.Peppers[1].Fingerprint}) {
		t.Errorf("no key is under the old pepper, and left over is %v", i.LeftOver)
	}
	write(t, c.pepperFile(), before, 0o600)
	if i := inspect(); len(i.Missing) != 1 || i.Missing[0] != status.Peppers[0].Fingerprint {
		t.Errorf("missing: %v", i.Missing)
	}
	write(t, c.pepperFile(), strings.Repeat("ab", 32), 0o600)
	if i := inspect(); len(i.Missing) != 2 || len(i.LeftOver) != 0 {
		t.Errorf("%v are missing and %v left over", i.Missing, i.LeftOver)
	}
	if err := os.Remove(c.pepperFile()); err != nil {
		t.Fatal(err)
	}
	if i := inspect(); !errors.Is(i.PepperFault, fs.ErrNotExist) {
		t.Errorf("%v", i.PepperFault)
	}
}

func TestALostPepperIsReplacedForUsersAndPasswords(t *testing.T) {
	w, word, _, _ := backedUp(t)
	c := w.config
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ReplaceLostPepper(t.Context(), c, "os:test"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("while it is there: %v", err)
	}
	if err := os.Remove(c.pepperFile()); err != nil {
		t.Fatal(err)
	}
	lost, print, err := ReplaceLostPepper(t.Context(), c, "os:test")
	if err != nil || lost.Keys != 1 {
		t.Fatalf("%+v, %v", lost, err)
	}
	// A killed process may have done the first half only.
	if err := os.Remove(c.pepperFile()); err != nil {
		t.Fatal(err)
	}
	if lost, again, err := ReplaceLostPepper(t.Context(), c, "os:test"); err != nil || lost.Keys != 0 || again == print {
		t.Errorf("%+v %s, %v", lost, again, err)
	}
	w.restart()
	keys, err := w.Keys(t.Context(), store.KeyFilter{Revoked: true, Limit: 10})
	if err != nil || len(keys) != 1 || keys[0].RevokedReason != "pepper lost" {
		t.Errorf("%+v, %v", keys, err)
	}
	if err := w.try(alice(right)); err != nil {
		t.Errorf("the password: %v", err)
	}
	if reason := w.check(word); reason == Accepted {
		t.Errorf("the old key is %v", reason)
	}
	if reason := w.check(w.issue("ci")); reason != Accepted {
		t.Errorf("a new key is %v", reason)
	}
}

func TestWhatNobodyCanSumUpIsFoundAllTheSame(t *testing.T) {
	for statement, want := range map[string]string{
		`UPDATE audit_events SET time = 'soon' WHERE rowid = 1`: "of the audit trail has no time",
		`DELETE FROM change_counter`:                            "the number of the last change is missing",
		`DROP TABLE passwords`:                                  "the table 'passwords' is missing",
	} {
		w, _, file, _ := backedUp(t)
		spoil(t, file, statement)
		if _, err := NewRestore(t.Context(), w.config, file, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", statement, err)
		}
		spoil(t, w.config.Location.Path, statement)
		i, err := Inspect(t.Context(), w.config, func(string) {})
		if err != nil || len(i.Structure) == 0 || !strings.Contains(i.Structure[0], want) {
			t.Errorf("%s: the inspection has %v, %v", statement, i.Structure, err)
		}
	}
}

// What the check calls damaged a restore replaces with the server stopped, as the
// remedy says.
func TestADamagedStoreIsMovedAsideByARestore(t *testing.T) {
	for _, statement := range []string{
		`DROP TABLE passwords`, `DROP TABLE audit_events`, `DELETE FROM change_counter`, `DELETE FROM goose_db_version`,
		`UPDATE audit_events SET time = 'x'`, `ALTER TABLE users RENAME COLUMN groups TO g2`, `ALTER TABLE change_counter DROP COLUMN history`,
		`UPDATE change_counter SET number = 1.5`, `UPDATE change_counter SET number = 9223372036854775807`, `UPDATE peppers SET created = 'x'`,
		`UPDATE goose_db_version SET version_id = version_id + 0.5`,
	} {
		w, word, file, _ := backedUp(t)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		spoil(t, w.config.Location.Path, statement)
		i, err := Inspect(t.Context(), w.config, func(string) {})
		if len(i.Structure)+len(i.Damage) == 0 && !errors.Is(err, store.ErrDamaged) {
			t.Errorf("%s: the inspection says %+v, %v", statement, i, err)
		}
		r := prepared(t, w.config, file, "")
		if _, err := r.Compare(t.Context()); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("%s: it is compared, %v", statement, err)
		}
		if done, err := r.Apply(t.Context(), "os:test"); err != nil || len(done.Aside) == 0 {
			t.Errorf("%s: moved aside is %v, %v", statement, done.Aside, err)
			continue
		}
		w.open()
		w.later(0)
		if got := w.check(word); got != Accepted {
			t.Errorf("%s: after the restore the key is %v", statement, got)
		}
	}
}

// A server from before may have restored such a backup.
func TestWithoutAPepperNoKeyIsCheckedAndNothingPanics(t *testing.T) {
	w := newWorld(t)
	word := w.issue("ci")
	spoil(t, w.config.Location.Path, `DELETE FROM api_keys; DELETE FROM peppers; UPDATE change_counter SET history = 'another', number = number + 100000`)
	w.clock.add(2 * time.Second)
	if err := w.poll(); err == nil || !strings.Contains(err.Error(), "the store names no pepper") {
		t.Errorf("the poll says %v", err)
	}
	if reason := w.check(word); reason != NotFresh {
		t.Errorf("the key is %v", reason)
	}
	if _, err := w.RotatePepper(t.Context(), "test"); !strings.Contains(fmt.Sprint(err), "names no pepper") {
		t.Errorf("a rotation: %v", err)
	}
	for _, force := range []bool{false, true} {
		if _, err := w.RetirePeppers(t.Context(), "test", force); !strings.Contains(fmt.Sprint(err), "names no pepper") {
			t.Errorf("a retirement: %v", err)
		}
	}
	if _, err := Open(t.Context(), w.config); !strings.Contains(fmt.Sprint(err), "names no pepper") {
		t.Errorf("the start: %v", err)
	}
}
