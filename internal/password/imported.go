package password

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// ImportedPrefix begins the PBKDF2 hashes that were made by other software and imported.
const ImportedPrefix = "$pbkdf2-sha256$"

const (
	// importedRounds is what intelmq-api takes, and so what the dummy has.
	importedRounds = 100_000
	// The bounds keep a row that somebody has put into the database from being
	// guessed in no time, or from taking a core for minutes.
	minRounds, maxRounds = 1_000, 10_000_000
)

// importedRecord is what is kept of a password whose hash was imported:
// PBKDF2-HMAC-SHA256 (RFC 8018 section 5.2) over the bytes as they were typed.
type importedRecord struct {
	rounds    int
	salt, tag []byte
}

// Imported writes a PBKDF2-HMAC-SHA256 hash of other software in the form in
// which Turn.Verify reads it: `$pbkdf2-sha256$i=<rounds>$<salt>$<tag>`, in base64
// without padding as the PHC string format has it. rounds are 1000 to 10000000, a
// salt has 8 to 64 bytes, a tag 16 to 64. The error says what is out of bounds.
func Imported(rounds int, salt, tag []byte) (string, error) {
	r := importedRecord{rounds, salt, tag}
	return r.String(), r.check()
}

// CheckImported reports whether a text is what Imported or ImportedBcrypt writes. The
// error holds nothing of it but its rounds, or its cost.
func CheckImported(text string) error {
	if strings.HasPrefix(text, BcryptPrefix) {
		return CheckBcrypt(text)
	}
	_, err := parseImported(text)
	return err
}

func (r importedRecord) String() string {
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("%si=%d$%s$%s", ImportedPrefix, r.rounds, encode(r.salt), encode(r.tag))
}

// tagOf computes the hash of a password under the record's rounds and salt. The
// error is that of a program that was built to compute approved hashes only.
func (r importedRecord) tagOf(typed string) ([]byte, error) {
	return pbkdf2.Key(sha256.New, typed, r.salt, r.rounds, len(r.tag))
}

// matches compares in constant time.
func (r importedRecord) matches(tag []byte) bool { return subtle.ConstantTimeCompare(r.tag, tag) == 1 }

var errImported = errors.New("stored password hash is not of the form " + ImportedPrefix + "i=…$salt$tag")

// parseImported reads what String writes, and nothing that String would write in
// another way, as parsePHC does.
func parseImported(text string) (importedRecord, error) {
	var r importedRecord
	if len(text) > maxPHC {
		return r, errImported
	}
	fields := strings.Split(text, "$")
	if len(fields) != 5 {
		return r, errImported
	}
	rounds, numbered := parseNumber(fields[2], "i=", 31)
	r.rounds = int(rounds)
	var saltErr, tagErr error
	r.salt, saltErr = base64.RawStdEncoding.DecodeString(fields[3])
	r.tag, tagErr = base64.RawStdEncoding.DecodeString(fields[4])
	if !numbered || saltErr != nil || tagErr != nil || r.String() != text {
		return r, errImported
	}
	return r, r.check()
}

func (r importedRecord) check() error {
	if r.rounds < minRounds || r.rounds > maxRounds {
		return fmt.Errorf("stored password hash: %d rounds; there must be %d to %d", r.rounds, minRounds, maxRounds)
	}
	return checkSizes(r.salt, r.tag)
}
