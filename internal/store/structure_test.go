package store_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/store"
)

// A trigger that undoes each revocation, and a view that never ends.
const (
	undoing = `CREATE TRIGGER undo AFTER UPDATE OF revoked ON api_keys BEGIN UPDATE api_keys SET revoked = NULL WHERE id = NEW.id; END`
	endless = `ALTER TABLE audit_events RENAME TO hidden;
		CREATE VIEW audit_events AS WITH RECURSIVE r (id, time) AS (SELECT 1, 1 UNION ALL SELECT id + 1, 1 FROM r) SELECT * FROM r`
)

func TestAStoreThatWouldDoSomethingByItselfIsNotOpened(t *testing.T) {
	for statement, want := range map[string]string{
		undoing: "it has the trigger 'undo' of table 'api_keys', which this program has not made and does not run",
		endless: "it has the view 'audit_events', which",
		`CREATE TRIGGER a DELETE ON users BEGIN SELECT 1; END; CREATE TRIGGER b DELETE ON users BEGIN SELECT 1; END`: "it has the trigger 'a' of table 'users', and 1 more, which",
	} {
		l, s := made(t)
		path, _ := backup(t, l)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		plainly(t, l, statement)
		plainly(t, at(path), statement)
		_, opened := store.Open(t.Context(), l, store.Options{Fingerprints: []string{fingerprint}, Now: clock})
		_, looked := store.OpenAsItIs(t.Context(), l, clock)
		_, backedUp := store.Backup(t.Context(), l, path+".2")
		_, restored := store.NewRestore(t.Context(), path, clock)
		for what, err := range map[string]error{"opening it": opened, "looking at it": looked, "a backup": backedUp, "a restore": restored} {
			if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %s: %v", statement, what, err)
			}
		}
	}
}

func TestAStoreThatHasComeWithATriggerIsNotUsed(t *testing.T) {
	l, s := made(t)
	path, _ := backup(t, l)
	plainly(t, at(path), undoing)
	move(t, path, l.Path)
	if _, err := s.Reopen(t.Context(), []string{fingerprint}); err == nil || !strings.Contains(err.Error(), "trigger 'undo'") {
		t.Errorf("%v", err)
	}
}

func TestADatabaseThatIsMadeOtherwiseIsFoundAndNotRestored(t *testing.T) {
	for statement, want := range map[string]string{
		`DROP TABLE passwords`:          "the table 'passwords' is missing",
		`DROP TABLE login_failures`:     "the index 'login_failures_last' of table 'login_failures' is missing",
		`DROP TABLE audit_events`:       "the table 'audit_events' is missing",
		`DROP INDEX api_keys_user_name`: "the index 'api_keys_user_name' of table 'api_keys' is missing",
		`DROP INDEX api_keys_user_name; CREATE INDEX api_keys_user_name ON api_keys (user_id, name)`: "the index 'api_keys_user_name' of table 'api_keys' is not made as this program makes it",
		`ALTER TABLE users ADD COLUMN cats TEXT`:                                                     "the table 'users' is not made as this program makes it",
		`CREATE TABLE cats (name TEXT)`:                                                              "the table 'cats' was added by another program",
		`CREATE INDEX cats ON users (email)`:                                                         "the index 'cats' of table 'users' was added by another program",
		`DELETE FROM goose_db_version WHERE version_id = 2`:                                          "it has schema 5, and step 2 to it is not in table 'goose_db_version'",
		`DELETE FROM goose_db_version WHERE version_id = 0`:                                          "it has schema 5, and step 0 to it is not in table 'goose_db_version'",
		`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 0)`:                       "the step 99 is in table 'goose_db_version' as none that was taken",
		`INSERT INTO goose_db_version (version_id, is_applied) VALUES (3, 0)`:                        "the step 3 is in table 'goose_db_version' as none that was taken",
		`INSERT INTO goose_db_version (version_id, is_applied) VALUES (3, 1)`:                        "step 3 is in table 'goose_db_version' more than once",
		`INSERT INTO goose_db_version (version_id, is_applied) VALUES (2.5, 1)`:                      "the step 2.5 is in table 'goose_db_version' as none that was taken",
		`INSERT INTO goose_db_version (version_id, is_applied) VALUES (-1, 1)`:                       "the step -1 is in table 'goose_db_version' as none that was taken",
		`UPDATE goose_db_version SET version_id = version_id + 0.5`:                                  "is a database of another program",
		`DELETE FROM goose_db_version`:                                                               "is a database of another program",
		`ALTER TABLE goose_db_version RENAME COLUMN is_applied TO applied`:                           "is damaged; put back a backup: ",
		`DROP TABLE users`: "is a database of another program",
	} {
		l, _ := made(t)
		path, _ := backup(t, l)
		plainly(t, at(path), statement)
		s, err := store.OpenAsItIs(t.Context(), at(path), clock)
		if err != nil {
			t.Fatal(err)
		}
		problems, err := s.Structure(t.Context())
		if !slices.Contains(problems, want) && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %q, %v", statement, problems, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		first := want
		if len(problems) > 0 {
			first = problems[0]
		}
		if _, err := store.NewRestore(t.Context(), path, clock); err == nil || !strings.Contains(err.Error(), first) {
			t.Errorf("%s: the restore says %v", statement, err)
		}
	}
}

func TestAStoreOfAnySchemaIsMadeAsThisProgramMakesIt(t *testing.T) {
	for schema := int64(1); schema <= 5; schema++ {
		l := locate(t)
		store.CreateOld(t, l, schema, schema1...)
		plainly(t, l, `ANALYZE`, `VACUUM`)
		s, err := store.OpenAsItIs(t.Context(), l, clock)
		if err != nil {
			t.Fatal(err)
		}
		if problems, err := s.Structure(t.Context()); err != nil || len(problems) != 0 {
			t.Errorf("schema %d: %q, %v", schema, problems, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if problems, err := open(t, l).Structure(t.Context()); err != nil || len(problems) != 0 {
			t.Errorf("brought up from schema %d: %q, %v", schema, problems, err)
		}
	}
}

// The encoding of a database cannot change, and the content of one cannot be put over
// that of another one.
func TestAStoreOfAnotherEncodingIsFoundAndNotRestored(t *testing.T) {
	l, _ := made(t)
	other := locate(t)
	db := plain(t, other)
	db.SetMaxOpenConns(1)
	statements := []string{`PRAGMA encoding = 'UTF-16le'`}
	rows, err := plain(t, l).QueryContext(t.Context(), `SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY type DESC`)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		statements = append(statements, text)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		t.Fatal(err)
	}
	for _, statement := range append(statements, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1), (1, 1), (2, 1), (3, 1), (4, 1), (5, 1)`) {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	const want = "its text is encoded as UTF-16le, not as UTF-8"
	s, err := store.OpenAsItIs(t.Context(), other, clock)
	if err != nil {
		t.Fatal(err)
	}
	if problems, err := s.Structure(t.Context()); err != nil || !slices.Equal(problems, []string{want}) {
		t.Errorf("%q, %v", problems, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.NewRestore(t.Context(), other.Path, clock); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("a restore: %v", err)
	}
}

// The text of this table is goose's. Where another goose writes another one, all
// stores that there are would be found to be made otherwise.
func TestTheTableOfMigrationsIsStillMadeSo(t *testing.T) {
	l, _ := made(t)
	var text string
	if err := plain(t, l).QueryRowContext(t.Context(), `SELECT sql FROM sqlite_master WHERE name = 'goose_db_version'`).Scan(&text); err != nil {
		t.Fatal(err)
	}
	const want = `CREATE TABLE goose_db_version ( id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL, is_applied INTEGER NOT NULL, tstamp TIMESTAMP DEFAULT (datetime('now')) )`
	if got := strings.Join(strings.Fields(text), " "); got != want {
		t.Errorf("it is made by\n%s\nand not by\n%s", got, want)
	}
}

func TestNumbersThatCannotBeCountedUpAreFound(t *testing.T) {
	for statement, want := range map[string]string{
		`DELETE FROM change_counter`:                                                            "the number of the last change is missing",
		`UPDATE change_counter SET number = 9223372036854775807`:                                "the number of the last change, 9223372036854775807, is none that can be counted up",
		`UPDATE change_counter SET number = -1; DELETE FROM changes`:                            "the number of the last change, -1, is none",
		`UPDATE change_counter SET number = 'x'`:                                                "the number of the last change, x, is none",
		`INSERT INTO peppers SELECT 9223372036854775807, 'other', created FROM peppers`:         "the pepper of number 9223372036854775807 has none that can be counted up",
		`INSERT INTO peppers SELECT 9, fingerprint, created FROM peppers`:                       "the pepper of fingerprint " + fingerprint + " is there more than once",
		`UPDATE peppers SET created = 'x'`:                                                      "the pepper of number 1 has no fingerprint, or no time",
		`PRAGMA foreign_keys = OFF; DELETE FROM api_keys; DELETE FROM peppers`:                  "it names no pepper, so that no key can be checked",
		`PRAGMA foreign_keys = OFF; DELETE FROM peppers; UPDATE change_counter SET number = -1`: ", and ",
	} {
		l, _ := made(t)
		path, _ := backup(t, l)
		plainly(t, at(path), statement)
		if _, err := store.NewRestore(t.Context(), path, clock); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", statement, err)
		}
	}
}

func TestAStoreThatNamesNoPepperIsNotOpened(t *testing.T) {
	l, _ := made(t)
	plainly(t, l, `DELETE FROM api_keys`, `DELETE FROM peppers`)
	_, err := store.Open(t.Context(), l, store.Options{Fingerprints: []string{fingerprint}, Now: clock})
	if err == nil || !strings.Contains(err.Error(), "the store names no pepper") {
		t.Errorf("%v", err)
	}
}
