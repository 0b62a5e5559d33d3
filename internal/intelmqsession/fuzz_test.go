package intelmqsession

import (
	"bytes"
	"database/sql"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzParseUser: a user who is taken has a name and both hashes of their sizes; one who
// is not has an error of one line, which tells nothing of them.
func FuzzParseUser(f *testing.F) {
	hash, salt := strings.Repeat("ab", hashSize), strings.Repeat("0f", saltSize)
	f.Add("admin", hash, salt)
	f.Add("übung\n\u202e\xff", hash[1:], salt)
	f.Add(strings.Repeat("é", maxName+1), hash, salt)
	f.Add("", strings.ToUpper(hash), "g"+salt[1:])
	f.Fuzz(func(t *testing.T, name, hash, salt string) {
		u, err := parseUser(name, hash, salt)
		if err == nil {
			checkUser(t, u)
			if u.Name != name || !strings.EqualFold(hex.EncodeToString(u.Hash), hash) || !strings.EqualFold(hex.EncodeToString(u.Salt), salt) {
				t.Fatalf("%q, %q, %q is %+v", name, hash, salt, u)
			}
			return
		}
		checkWrong(t, err)
		if rest := strings.ReplaceAll(err.Error(), printable(name), ""); len(hash) > 16 && strings.Contains(rest, hash) || len(salt) > 16 && strings.Contains(rest, salt) {
			t.Fatalf("%v tells a hash", err)
		}
	})
}

// FuzzRead: wherever a database is damaged or cut off, users are taken whole or not at
// all, within the bounds, and the file stays as it is.
func FuzzRead(f *testing.F) {
	whole := small(f)
	at := func(part string) uint16 { return uint16(bytes.Index(whole, []byte(part))) }
	f.Add(uint16(0), []byte(nil), uint16(len(whole)))
	f.Add(uint16(0), []byte(nil), uint16(len(whole)/2))
	f.Add(uint16(0), []byte("no database"), uint16(len(whole)))
	f.Add(at("TEXT PRIMARY KEY"), []byte("BLOB"), uint16(len(whole)))
	f.Add(at("version"), []byte("VERSION"), uint16(len(whole)))
	f.Add(at("admin"), []byte("\n\xff\x00"), uint16(len(whole)))
	f.Fuzz(func(t *testing.T, at uint16, damage []byte, end uint16) {
		content := bytes.Clone(whole[:min(int(end), len(whole))])
		copy(content[min(int(at), len(content)):], damage)
		path := filepath.Join(t.TempDir(), "session.db")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		users, wrong, err := Read(t.Context(), path)
		if err != nil && (len(users)+len(wrong) > 0 || !strings.Contains(err.Error(), path)) {
			t.Fatalf("%d users, %d wrong, %v", len(users), len(wrong), err)
		}
		if len(users)+len(wrong) > MaxUsers {
			t.Fatalf("%d users, %d wrong", len(users), len(wrong))
		}
		for _, u := range users {
			checkUser(t, u)
		}
		for _, one := range wrong {
			checkWrong(t, one)
		}
		entries, dirErr := os.ReadDir(filepath.Dir(path))
		after, fileErr := os.ReadFile(path)
		if dirErr != nil || fileErr != nil || len(entries) != 1 || !bytes.Equal(after, content) {
			t.Fatalf("it was written to: %v, %v, %v", entries, dirErr, fileErr)
		}
	})
}

func checkUser(t *testing.T, u User) {
	t.Helper()
	if n := utf8.RuneCountInString(u.Name); n < 1 || n > maxName || len(u.Hash) != hashSize || len(u.Salt) != saltSize {
		t.Fatalf("%+v", u)
	}
}

func checkWrong(t *testing.T, err error) {
	t.Helper()
	if said := err.Error(); !utf8.ValidString(said) || len(said) > 500 || strings.ContainsFunc(said, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Fatalf("%q", said)
	}
}

// small is a database of three kilobytes: with pages of the usual size it would be
// mostly zeros.
func small(f *testing.F) []byte {
	f.Helper()
	path := filepath.Join(f.TempDir(), "session.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		f.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	for _, statement := range []string{
		"PRAGMA page_size = 512",
		"CREATE TABLE version (version INTEGER)", "INSERT INTO version VALUES (1)",
		"CREATE TABLE user (username TEXT PRIMARY KEY, password TEXT, salt TEXT)",
		"INSERT INTO user VALUES ('admin', '" + strings.Repeat("ab", hashSize) + "', '" + strings.Repeat("0f", saltSize) + "')",
	} {
		if _, err := db.ExecContext(f.Context(), statement); err != nil {
			f.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		f.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	return content
}
