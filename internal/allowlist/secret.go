package allowlist

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"strings"
)

const (
	// SecretLength is how many characters a generated secret has: 32 of base62
	// are 190 random bits.
	SecretLength = 32
	// saltLength is how many characters a generated salt has, 95 random bits.
	saltLength = 16
	// maxSalt and maxSecret bound what a line may hold, in bytes.
	maxSalt   = 64
	maxSecret = 512
	// weakLength: a secret that is shorter could be guessed from its digest, or
	// by a patient client.
	weakLength = 16
)

// hashBegins begins a secret of which the file holds only a digest:
// sha256$<salt>$<SHA-256 of salt and secret, 64 hexadecimal digits>.
const hashBegins = "sha256$"

// Generator makes n random characters of base62.
type Generator func(n int) (string, error)

// verifier is what is kept of a secret in memory.
type verifier struct {
	salt   string
	digest [sha256.Size]byte
}

var (
	errNoSecret   = errors.New("there is no secret after the last ':'")
	errLongSecret = errors.New("the secret is longer than 512 bytes")
	errBadSecret  = errors.New("the secret has blanks, control characters or letters that are not ASCII")
	errHashCase   = errors.New("write 'sha256$' in lower case; a secret that is none of our digests must not look like one")
	errBadHash    = errors.New("after 'sha256$' write a salt of letters and digits, '$' and 64 hexadecimal digits")
)

// parseSecret reads a secret as it stands in the file.
func parseSecret(text string) (v verifier, hashed bool, err error) {
	switch {
	case text == "":
		return v, false, errNoSecret
	case len(text) > maxSecret:
		return v, false, errLongSecret
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }):
		return v, false, errBadSecret
	}
	rest, hashed := strings.CutPrefix(text, hashBegins)
	if n := len(hashBegins); !hashed && len(text) >= n && strings.EqualFold(text[:n], hashBegins) {
		return v, false, errHashCase
	}
	if !hashed {
		return verifier{digest: sha256.Sum256([]byte(text))}, false, nil
	}
	salt, digest, found := strings.Cut(rest, "$")
	if !found || salt == "" || len(salt) > maxSalt || strings.ContainsFunc(salt, notAlphanumeric) || len(digest) != hex.EncodedLen(sha256.Size) {
		return v, true, errBadHash
	}
	if _, err := hex.Decode(v.digest[:], []byte(digest)); err != nil {
		return v, true, errBadHash
	}
	// A copy, since the text is a part of the whole file.
	v.salt = strings.Clone(salt)
	return v, true, nil
}

func notAlphanumeric(r rune) bool {
	return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}

// hashSecret returns the hashed form of a secret.
func hashSecret(secret string, generate Generator) (string, error) {
	salt, err := generate(saltLength)
	if err != nil {
		return "", err
	}
	digest := sha256.Sum256([]byte(salt + secret))
	return hashBegins + salt + "$" + hex.EncodeToString(digest[:]), nil
}

// matches reports whether presented is the secret. The time it takes tells
// nothing of the secret, and it allocates nothing.
func (v *verifier) matches(presented string) bool {
	if len(presented) > maxSecret {
		return false
	}
	var salted [maxSalt + maxSecret]byte
	n := copy(salted[:], v.salt)
	n += copy(salted[n:], presented)
	digest := sha256.Sum256(salted[:n])
	return subtle.ConstantTimeCompare(digest[:], v.digest[:]) == 1
}
