package password

import (
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// BcryptPrefix begins the bcrypt hashes of other software, in the form in which they
// are stored here.
const BcryptPrefix = "$bcrypt$"

const (
	// minCost is the least that bcrypt knows. With each more a hash takes twice as
	// long: of maxCost, which is what howler has, it takes a quarter of a second or two,
	// and each attempt to log in takes as long as the costliest one.
	minCost, maxCost = bcrypt.MinCost, 12
	// bcryptReads is as much of a password as bcrypt looks at, in bytes.
	bcryptReads = 72
	// Its salt has 128 bits, and of the tag it leaves out the last of 24 bytes.
	bcryptSalt, bcryptTag = 16, 23
)

// crypt64 is how bcrypt writes bytes: base64 with another alphabet.
var crypt64 = base64.NewEncoding("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789").WithPadding(base64.NoPadding)

// bcryptText is a hash as other software writes it. The variants 2a, 2b and 2y differ
// in how they treat passwords of more than 255 bytes, of which we never hash so many.
var bcryptText = regexp.MustCompile(`^\$2[aby]\$([0-9]{2})\$([./A-Za-z0-9]{22})([./A-Za-z0-9]{31})$`)

// bcryptRecord is what is kept of a password, or of the secret of a key, whose bcrypt
// hash was imported. It is one of the first 72 bytes of what was typed.
type bcryptRecord struct {
	cost      int
	salt, tag []byte
}

var errBcryptText = errors.New("the hash is not of the form $2b$12$…, with 53 letters after the cost")

// ImportedBcrypt writes a bcrypt hash of other software, such as $2b$12$…, in the form
// in which Turn reads it: `$bcrypt$r=<cost>$<salt>$<tag>`, in base64 without padding as
// the PHC string format has it. The cost is 4 to 12. The error holds nothing of the
// hash but its cost.
func ImportedBcrypt(text string) (string, error) {
	parts := bcryptText.FindStringSubmatch(text)
	if parts == nil {
		return "", errBcryptText
	}
	var r bcryptRecord
	var costErr, saltErr, tagErr error
	r.cost, costErr = strconv.Atoi(parts[1])
	// Bits that count nothing are passed over, as bcrypt does.
	r.salt, saltErr = crypt64.DecodeString(parts[2])
	r.tag, tagErr = crypt64.DecodeString(parts[3])
	if err := errors.Join(costErr, saltErr, tagErr); err != nil {
		return "", errBcryptText
	}
	return r.String(), r.check()
}

// CheckBcrypt reports whether a text is what ImportedBcrypt writes.
func CheckBcrypt(text string) error {
	_, err := parseBcrypt(text)
	return err
}

func (r bcryptRecord) String() string {
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("%sr=%d$%s$%s", BcryptPrefix, r.cost, encode(r.salt), encode(r.tag))
}

// crypt is the hash as bcrypt writes it.
func (r bcryptRecord) crypt() []byte {
	return fmt.Appendf(nil, "$2b$%02d$%s%s", r.cost, crypt64.EncodeToString(r.salt), crypt64.EncodeToString(r.tag))
}

// matches computes one hash of the record's cost, and compares in constant time.
func (r bcryptRecord) matches(typed string) bool {
	return bcrypt.CompareHashAndPassword(r.crypt(), []byte(typed[:min(len(typed), bcryptReads)])) == nil
}

var errBcrypt = errors.New("stored password hash is not of the form " + BcryptPrefix + "r=…$salt$tag")

// parseBcrypt reads what String writes, and nothing that String would write in another
// way, as parsePHC does.
func parseBcrypt(text string) (bcryptRecord, error) {
	var r bcryptRecord
	if len(text) > maxPHC {
		return r, errBcrypt
	}
	fields := strings.Split(text, "$")
	if len(fields) != 5 {
		return r, errBcrypt
	}
	cost, numbered := parseNumber(fields[2], "r=", 8)
	r.cost = int(cost)
	var saltErr, tagErr error
	r.salt, saltErr = base64.RawStdEncoding.DecodeString(fields[3])
	r.tag, tagErr = base64.RawStdEncoding.DecodeString(fields[4])
	if !numbered || saltErr != nil || tagErr != nil || r.String() != text {
		return r, errBcrypt
	}
	return r, r.check()
}

func (r bcryptRecord) check() error {
	switch {
	case r.cost < minCost || r.cost > maxCost:
		return fmt.Errorf("bcrypt hash of cost %d; it must be %d to %d", r.cost, minCost, maxCost)
	case len(r.salt) != bcryptSalt:
		return fmt.Errorf("bcrypt hash with a salt of %d bytes; it has %d", len(r.salt), bcryptSalt)
	case len(r.tag) != bcryptTag:
		return fmt.Errorf("bcrypt hash with a tag of %d bytes; it has %d", len(r.tag), bcryptTag)
	}
	return nil
}

// ExpectBcrypt says that there is an imported hash in a form that begins with
// BcryptPrefix, so that from now on the time of an answer must not tell whose it is. It
// costs each log-in the time of a second hash, one of the greatest cost that was ever
// expected. What is no such hash is passed over.
func (h *Hasher) ExpectBcrypt(phc string) {
	if r, err := parseBcrypt(phc); err == nil {
		h.expectCost(r.cost)
	}
}

func (h *Hasher) expectCost(cost int) {
	for {
		known := h.bcryptCost.Load()
		if known >= int32(cost) || h.bcryptCost.CompareAndSwap(known, int32(cost)) {
			return
		}
	}
}

// VerifySecret reports whether typed is the secret of a key of which phc, a hash of
// ImportedBcrypt, is stored. Where such hashes are expected it takes the time of one of
// the greatest cost, whatever phc holds: "" means that there is none. err is about a
// damaged phc; ok is false then.
func (t *Turn) VerifySecret(phc, typed string) (ok bool, err error) {
	if t.released.Load() {
		return false, errReleased
	}
	if phc == "" {
		return t.hasher.verifyBcrypt(nil, typed), nil
	}
	r, err := parseBcrypt(phc)
	if err != nil {
		return t.hasher.verifyBcrypt(nil, typed), err
	}
	t.hasher.expectCost(r.cost)
	return t.hasher.verifyBcrypt(&r, typed), nil
}

// verifyBcrypt reports whether r, if there is one, is a hash of what was typed. Two
// hashes take as long as one of the next cost: so a hash below the expected cost is
// followed by dummies, and the time is always the same.
func (h *Hasher) verifyBcrypt(r *bcryptRecord, typed string) (ok bool) {
	expected := int(h.bcryptCost.Load())
	if expected == 0 {
		return false
	}
	if r == nil {
		h.hashes.Add(1)
		dummyBcrypt(expected).matches(typed)
		return false
	}
	h.hashes.Add(1)
	ok = r.matches(typed)
	for cost := r.cost; cost < expected; cost++ {
		dummyBcrypt(cost).matches(typed)
	}
	return ok
}

// dummyBcrypt stands for the hash that a user has not. Nothing is accepted by it.
func dummyBcrypt(cost int) bcryptRecord {
	return bcryptRecord{cost, make([]byte, bcryptSalt), make([]byte, bcryptTag)}
}
