package credential

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"regexp"
)

const (
	// KeyIDLength is the number of base62 characters of a key's public id.
	KeyIDLength = 12
	// keySecretLength gives 43 × log2(62) = 256 random bits.
	keySecretLength = 43
	// keyChecksumLength holds any CRC-32: 62^6 > 2^32.
	keyChecksumLength = 6
	keyBodyLength     = KeyIDLength + keySecretLength + keyChecksumLength
	// maxPrefixLength is what CheckPrefix allows.
	maxPrefixLength = 16
	maxKeyLength    = maxPrefixLength + 1 + keyBodyLength

	// DefaultPrefix begins a key unless the configuration says otherwise.
	DefaultPrefix = "sly"
)

var prefixPattern = regexp.MustCompile(`^[a-z][a-z0-9]{1,15}$`)

// CheckPrefix reports whether keys may begin with prefix: 2 to 16 lower-case
// letters and digits, a letter first.
func CheckPrefix(prefix string) error {
	if !prefixPattern.MatchString(prefix) {
		return fmt.Errorf("key prefix '%s': use 2 to 16 lower-case letters and digits, a letter first", prefix)
	}
	return nil
}

// KeyID is the public part of an API key: 12 base62 characters. It may be shown
// and logged.
type KeyID [KeyIDLength]byte

func (id KeyID) String() string { return string(id[:]) }

// ErrKeyID is the error of ParseKeyID.
var ErrKeyID = errors.New("a key id is 12 letters and digits")

// ParseKeyID reads a public id on its own, as the database and the command line
// have it.
func ParseKeyID(s string) (KeyID, error) {
	if len(s) != KeyIDLength || !isBase62([]byte(s)) {
		return KeyID{}, ErrKeyID
	}
	return KeyID([]byte(s)), nil
}

// KeyShards is the number of values of KeyID.Shard.
const KeyShards = 62 * 62

// Shard numbers ids by their first two characters, from 0 to KeyShards-1, in
// the order of the ids. The id must be one that was parsed.
func (id KeyID) Shard() int {
	return int(digitValues[id[0]])*62 + int(digitValues[id[1]])
}

// Tag is the number that the five characters after those of Shard write. Within
// a shard tags are in the order of the ids. Two ids may have the same one.
func (id KeyID) Tag() uint32 {
	var tag uint32
	for _, digit := range id[2:7] {
		tag = tag*62 + uint32(digitValues[digit])
	}
	return tag
}

// NewKeyID makes a random id.
func NewKeyID(random io.Reader) (KeyID, error) {
	s, err := RandomBase62(random, KeyIDLength)
	if err != nil {
		return KeyID{}, err
	}
	return KeyID([]byte(s)), nil
}

// NewKey makes the word that is handed to the key's holder, once. The same id
// with a new random part is what rotating a key means.
func NewKey(random io.Reader, prefix string, id KeyID) (Secret, error) {
	if err := CheckPrefix(prefix); err != nil {
		return Secret{}, err
	}
	secret, err := RandomBase62(random, keySecretLength)
	if err != nil {
		return Secret{}, err
	}
	word := prefix + "_" + id.String() + secret
	return NewSecret(word + checksum(word)), nil
}

// ParseKey reports whether word has the form of an API key with a right
// checksum, under any prefix, and gives its public id. It proves nothing.
func ParseKey(word string) (KeyID, bool) { return parseKey([]byte(word)) }

func parseKey(word []byte) (KeyID, bool) {
	at := len(word) - keyBodyLength
	if at < 3 || len(word) > maxKeyLength || word[at-1] != '_' || !isBase62(word[at:]) {
		return KeyID{}, false
	}
	end := len(word) - keyChecksumLength
	var sum uint64
	for _, digit := range word[end:] {
		sum = sum*62 + uint64(digitValues[digit])
	}
	if sum != uint64(crc32.ChecksumIEEE(word[:end])) {
		return KeyID{}, false
	}
	return KeyID(word[at : at+KeyIDLength]), true
}

// checksum is the CRC-32 (IEEE 802.3) of word in six base62 digits, the most
// significant first.
func checksum(word string) string {
	sum := crc32.ChecksumIEEE([]byte(word))
	var out [keyChecksumLength]byte
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = base62[sum%62]
		sum /= 62
	}
	return string(out[:])
}
