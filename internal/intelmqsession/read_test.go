package intelmqsession_test

import (
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/intelmqsession"
)

// database makes a session database of SQL text, and closes it.
func database(t *testing.T, statements ...string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "session.db")
	db := connect(t, path)
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func connect(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	return db
}

// recorded is the database that intelmq-api-adduser has made, as text.
func recorded(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("testdata/session.sql")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// schema is that of a database without users.
const schema = `CREATE TABLE version (version INTEGER); INSERT INTO version VALUES (1);
	CREATE TABLE user (username TEXT PRIMARY KEY, password TEXT, salt TEXT);`

// addUser is a statement that adds a user in good order.
func addUser(name string) string {
	return fmt.Sprintf(`INSERT INTO user VALUES ('%s', '%s', '%s');`, name, strings.Repeat("ab", 32), strings.Repeat("0f", 16))
}

func TestTheRecordedDatabaseIsRead(t *testing.T) {
	users, wrong, err := intelmqsession.Read(t.Context(), database(t, recorded(t)))
	if err != nil || len(wrong) != 0 || len(users) != 3 {
		t.Fatalf("%d users, %v, %v", len(users), wrong, err)
	}
	for i, want := range []struct {
		name, salt, hash string
		hasPassword      bool
	}{
		{"admin", "b19686b8f903bbed0dc30b6d99d00e53", "ddaa65fd9473fead82b133d3421c83836c847044b416fcd7209f763e65cbc8b9", true},
		{"empty", "900d484d04b70bf6124737515aecf43f", "c08abb5c9eb9c5be9b192b1e2cc4c1f9a8728eede13e4e325f9dfbdcb49fe57c", false},
		{"übung", "2b601d9b7560560d121982ddfa6a9441", "7b66ff019f1b9249711908eead73a1599b8ef44af9c8636c5961063755c49fda", true},
	} {
		u := users[i]
		has, err := u.HasPassword()
		if u.Name != want.name || hex.EncodeToString(u.Salt) != want.salt || hex.EncodeToString(u.Hash) != want.hash || has != want.hasPassword || err != nil {
			t.Errorf("%+v, %t, %v; want %+v", u, has, err, want)
		}
	}
}

func TestUsersThatCannotBeTakenAreNamed(t *testing.T) {
	good, salt := strings.Repeat("ab", 32), strings.Repeat("0f", 16)
	for name, c := range map[string]struct{ username, password, salt, want string }{
		"a hash that is cut off":   {"'bob'", "'" + good[1:] + "'", "'" + salt + "'", "user 'bob': password is not 64 hexadecimal digits"},
		"a longer hash":            {"'bob'", "'" + good + "00'", "'" + salt + "'", "user 'bob': password is not 64 hexadecimal digits"},
		"a very long hash":         {"'bob'", "hex(zeroblob(10000000))", "'" + salt + "'", "user 'bob': password is not 64 hexadecimal digits"},
		"no digits":                {"'bob'", "'" + strings.Repeat("xy", 32) + "'", "'" + salt + "'", "user 'bob': password is not 64 hexadecimal digits"},
		"no hash":                  {"'bob'", "NULL", "'" + salt + "'", "user 'bob': password is not 64 hexadecimal digits"},
		"a hash in bytes":          {"'bob'", "x'" + good + "'", "'" + salt + "'", "user 'bob': password is not 64 hexadecimal digits"},
		"a salt that is cut off":   {"'bob'", "'" + good + "'", "'" + salt[2:] + "'", "user 'bob': salt is not 32 hexadecimal digits"},
		"no salt":                  {"'bob'", "'" + good + "'", "NULL", "user 'bob': salt is not 32 hexadecimal digits"},
		"no name":                  {"NULL", "'" + good + "'", "'" + salt + "'", "a user has no name"},
		"an empty name":            {"''", "'" + good + "'", "'" + salt + "'", "a user has no name"},
		"a name with a line end":   {"'a' || char(10) || 'b'", "''", "'" + salt + "'", "user 'a?b': password is not"},
		"a name of 200":            {"hex(zeroblob(100))", "''", "'" + salt + "'", "user '" + strings.Repeat("0", 80) + "…': password is not"},
		"a name of 258":            {"hex(zeroblob(129))", "'" + good + "'", "'" + salt + "'", "a user has no name, or one that is longer than 256 characters"},
		"a name of a million":      {"hex(zeroblob(500000))", "'" + good + "'", "'" + salt + "'", "a user has no name, or one that is longer than 256 characters"},
		"a name of ten million":    {"hex(zeroblob(5000000))", "'" + good + "'", "'" + salt + "'", "a user has no name, or one that is longer than 256 characters"},
		"a name that is no UTF-8":  {"CAST(x'61ff' AS TEXT)", "''", "'" + salt + "'", "user 'a?': password is not"},
		"a name that turns around": {"'a' || char(8238)", "''", "'" + salt + "'", "user 'a?': password is not"},
	} {
		path := database(t, schema+addUser("alice"), fmt.Sprintf(`INSERT INTO user VALUES (%s, %s, %s)`, c.username, c.password, c.salt))
		users, wrong, err := intelmqsession.Read(t.Context(), path)
		if err != nil || len(users) != 1 || users[0].Name != "alice" || len(wrong) != 1 {
			t.Errorf("%s: %d users, %v, %v", name, len(users), wrong, err)
			continue
		}
		if got := wrong[0].Error(); !strings.HasPrefix(got, c.want) || strings.Contains(got, good[2:]) || strings.Contains(got, salt[2:]) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestWhatIsNoSessionDatabaseIsRefused(t *testing.T) {
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "session.db")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, c := range map[string]struct{ path, want string }{
		"no file":                      {filepath.Join(t.TempDir(), "none"), "no such file or directory"},
		"a folder":                     {t.TempDir(), "is no file"},
		"an empty file":                {write(""), "is no SQLite database"},
		"the configuration":            {write(`{"session_store": "/var/lib/intelmq/session.db"}`), "is no SQLite database"},
		"only the beginning of one":    {write("SQLite format 3\x00" + strings.Repeat("\x01", 4000)), "is damaged"},
		"a database of something else": {database(t, `CREATE TABLE version (version INTEGER)`), "is no session database of intelmq-api: it has not the tables"},
		"a view in place of a table":   {database(t, `CREATE TABLE version (version INTEGER); CREATE VIEW user AS SELECT 'bob' AS username`), "it has not the tables"},
		"a table of something else":    {database(t, `CREATE TABLE version (version INTEGER); INSERT INTO version VALUES (1); CREATE TABLE user (name TEXT)`), "is no session database of intelmq-api: SQL logic error: no such column: username"},
		"a newer version":              {database(t, schema, `UPDATE version SET version = 2`), "a version that is not known here: '2'"},
		"no version":                   {database(t, schema, `DELETE FROM version`), "a version that is not known here: ''"},
		"two versions":                 {database(t, schema, `INSERT INTO version VALUES (1)`), "a version that is not known here"},
		"a write-ahead log":            {database(t, schema, `PRAGMA journal_mode=wal`), "has a write-ahead log"},
		"more users than there can be": {database(t, schema, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i <= 1000) INSERT INTO user SELECT i, '', '' FROM n`), "has more than 1000 users"},
	} {
		users, wrong, err := intelmqsession.Read(t.Context(), c.path)
		if err == nil || len(users)+len(wrong) != 0 || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "session database '"+c.path+"': ") {
			t.Errorf("%s: %d users, %v, %v; want '%s'", name, len(users), wrong, err, c.want)
		}
	}
}

// TestATableThatComputesIsRefused: a file of a few pages could fill the memory.
func TestATableThatComputesIsRefused(t *testing.T) {
	const version = `CREATE TABLE version (version INTEGER); INSERT INTO version VALUES (1);`
	// Without an index, which would not fit what is forged.
	const user = `CREATE TABLE user (username TEXT, password TEXT, salt TEXT);`
	// A file may say of itself what no statement would make of it.
	forge := func(sql string) string {
		return `PRAGMA writable_schema = on; UPDATE sqlite_schema SET ` + sql + ` WHERE name = 'user'`
	}
	const large = `hex(zeroblob(3000000))`
	for name, c := range map[string]struct {
		statements []string
		want       string
	}{
		"a password":               {[]string{version, `CREATE TABLE user (username TEXT PRIMARY KEY, password TEXT AS (` + large + `), salt TEXT); INSERT INTO user VALUES ('bob', '')`}, "the table 'user' is not plain"},
		"a stored password":        {[]string{version, `CREATE TABLE user (username TEXT PRIMARY KEY, password TEXT GENERATED ALWAYS AS (` + large + `) STORED, salt TEXT)`}, "the table 'user' is not plain"},
		"a version":                {[]string{user, `CREATE TABLE version (a INTEGER, version AS (` + large + `)); INSERT INTO version VALUES (1)`}, "the table 'version' is not plain"},
		"a check":                  {[]string{version, `CREATE TABLE user (username TEXT PRIMARY KEY, password TEXT, salt TEXT, CHECK (length(` + large + `) > 1))`}, "the table 'user' is not plain"},
		"a default":                {[]string{version, `CREATE TABLE user (username TEXT PRIMARY KEY, password TEXT DEFAULT (` + large + `), salt TEXT)`}, "the table 'user' is not plain"},
		"a view":                   {[]string{version, `CREATE VIEW user AS SELECT 'bob' AS username, ` + large + ` AS password, '' AS salt`}, "it has not the tables"},
		"a view that says a table": {[]string{version, user, forge(`rootpage = 0, sql = 'CREATE VIEW user AS SELECT 1 AS username, ` + large + ` AS password, 1 AS salt'`)}, "is damaged"},
		"a virtual table":          {[]string{version, `CREATE VIRTUAL TABLE user USING fts5(username, password, salt)`}, "the table 'user' is not plain"},
		"a table of another name":  {[]string{version, user, forge(`sql = 'CREATE TABLE users(username, password, salt)'`)}, "is damaged"},
		"a definition of 2000":     {[]string{version, user, forge(`sql = 'CREATE TABLE user(username, password, salt` + strings.Repeat(" ", 2000) + `)'`)}, "the table 'user' is not plain"},
		"a definition of million":  {[]string{version, user, forge(`sql = 'CREATE TABLE user(username, password, salt` + strings.Repeat(" ", 1000000) + `)'`)}, "is no session database of intelmq-api: "},
		"a version of two million": {[]string{schema, `UPDATE version SET version = 'x' || hex(zeroblob(1000000))`}, "is no session database of intelmq-api: string or blob too big"},
	} {
		users, _, err := intelmqsession.Read(t.Context(), database(t, c.statements...))
		if err == nil || len(users) != 0 || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %d users, %v; want '%s'", name, len(users), err, c.want)
		}
	}
}

func TestAPlainTableMayBeWrittenInAnyForm(t *testing.T) {
	for _, user := range []string{
		`CREATE TABLE IF NOT EXISTS user(username TEXT PRIMARY KEY, password TEXT, salt TEXT)`,
		`CREATE TABLE "user" ("username" TEXT NOT NULL PRIMARY KEY, [password] text, ` + "`salt`" + ` TEXT) WITHOUT ROWID`,
		"create  table user (\n\tusername TEXT PRIMARY KEY,\r\n\tpassword TEXT, salt TEXT\n)",
	} {
		users, wrong, err := intelmqsession.Read(t.Context(), database(t, `CREATE TABLE version (version INTEGER); INSERT INTO version VALUES (1);`, user, addUser("alice")))
		if err != nil || len(users) != 1 || len(wrong) != 0 {
			t.Errorf("%s: %d users, %v, %v", user, len(users), wrong, err)
		}
	}
}

func TestReadingWritesNothing(t *testing.T) {
	path := database(t, recorded(t))
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// A program that reads, as intelmq-api between two requests.
	other := connect(t, path)
	defer other.Close()
	if _, err := other.ExecContext(t.Context(), `BEGIN; SELECT count(*) FROM session`); err != nil {
		t.Fatal(err)
	}
	if users, _, err := intelmqsession.Read(t.Context(), path); err != nil || len(users) != 3 {
		t.Errorf("%d users, %v", len(users), err)
	}
	after, err := os.ReadFile(path)
	if err != nil || string(after) != string(before) {
		t.Errorf("the file is another one: %v", err)
	}
	names, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(names) != 1 {
		t.Errorf("beside it there is %v, %v", names, err)
	}
	if _, err := other.ExecContext(t.Context(), `UPDATE session SET modified = 'now'; COMMIT`); err != nil {
		t.Errorf("the other program: %v", err)
	}
}

// The names of other programs' files may hold whatever means something in a URI.
func TestAnyPathIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?mode=rwc#%41.db")
	if err := os.Rename(database(t, recorded(t)), path); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Dir(path))
	for _, p := range []string{path, filepath.Base(path)} {
		if users, _, err := intelmqsession.Read(t.Context(), p); err != nil || len(users) != 3 {
			t.Errorf("%s: %d users, %v", p, len(users), err)
		}
	}
}

// A hot journal is what a writer leaves that was killed.
func TestAWriteThatWasCutShortIsNotCompleted(t *testing.T) {
	path := database(t, schema, `CREATE TABLE big (text TEXT)`, addUser("alice"))
	db := connect(t, path)
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN;
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 100) INSERT INTO big SELECT hex(randomblob(2000)) FROM n;
		UPDATE user SET username = 'half'`); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(t.TempDir(), "session.db")
	for _, suffix := range []string{"", "-journal"} {
		text, err := os.ReadFile(path + suffix)
		if err == nil {
			err = os.WriteFile(left+suffix, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	users, _, err := intelmqsession.Read(t.Context(), left)
	if err == nil || len(users) != 0 || !strings.Contains(err.Error(), "a write was cut short") {
		t.Errorf("%d users, %v", len(users), err)
	}
	if _, err := os.Stat(left + "-journal"); errors.Is(err, os.ErrNotExist) {
		t.Error("the journal was played back")
	}
}
