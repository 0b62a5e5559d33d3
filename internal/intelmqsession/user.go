package intelmqsession

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// Rounds is the number of rounds of each hash.
	Rounds = 100_000
	// saltSize and hashSize are in bytes.
	saltSize, hashSize = 16, 32
	// maxName is more than any name that can be taken, in characters.
	maxName = 256
)

// User is one who could log in to intelmq-api.
type User struct {
	Name string
	// Salt and Hash are those of the password, 16 and 32 bytes.
	Salt, Hash []byte
}

// HasPassword reports whether the password is another one than the empty one,
// with which nobody could log in: intelmq-api takes an empty field of the form
// for a missing one. It computes a hash.
func (u *User) HasPassword() (bool, error) {
	empty, err := pbkdf2.Key(sha256.New, "", u.Salt, Rounds, hashSize)
	if err != nil {
		return false, fmt.Errorf("hash of a password: %w", err)
	}
	return subtle.ConstantTimeCompare(empty, u.Hash) == 0, nil
}

// readUsers leaves texts that are too long where they are: octet_length looks at
// their length only.
func readUsers(ctx context.Context, conn *sql.Conn) (users []User, wrong []error, err error) {
	rows, err := conn.QueryContext(ctx, `SELECT CASE WHEN octet_length(username) <= ? THEN username END,
		CASE WHEN octet_length(password) <= ? THEN password END, CASE WHEN octet_length(salt) <= ? THEN salt END
		FROM user ORDER BY username LIMIT ?`, maxName*utf8.UTFMax, 2*hashSize, 2*saltSize, MaxUsers+1)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for n := 0; rows.Next(); n++ {
		if n == MaxUsers {
			return nil, nil, fmt.Errorf("has more than %d users", MaxUsers)
		}
		var name, hash, salt sql.NullString
		if err := rows.Scan(&name, &hash, &salt); err != nil {
			return nil, nil, err
		}
		if u, err := parseUser(name.String, hash.String, salt.String); err != nil {
			wrong = append(wrong, err)
		} else {
			users = append(users, u)
		}
	}
	return users, wrong, rows.Err()
}

func parseUser(name, hash, salt string) (u User, err error) {
	u.Name = name
	if name == "" || utf8.RuneCountInString(name) > maxName {
		return u, fmt.Errorf("a user has no name, or one that is longer than %d characters", maxName)
	}
	if u.Hash, err = parseHex("password", hash, hashSize); err == nil {
		u.Salt, err = parseHex("salt", salt, saltSize)
	}
	if err != nil {
		return u, fmt.Errorf("user '%s': %w", printable(name), err)
	}
	return u, nil
}

// parseHex reads digits, and never tells them.
func parseHex(what, text string, size int) ([]byte, error) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != size {
		return nil, fmt.Errorf("%s is not %d hexadecimal digits", what, 2*size)
	}
	return raw, nil
}

// printable is a name as it may stand in a line of an error.
func printable(name string) string {
	const most = 80
	runes := []rune(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, strings.ToValidUTF8(name, "?")))
	if len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return string(runes)
}
