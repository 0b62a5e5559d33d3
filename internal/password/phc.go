package password

import (
	"cmp"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

const (
	// saltSize and tagSize, in bytes, are those that RFC 9106 section 4 names
	// for both of its recommendations.
	saltSize = 16
	tagSize  = 32

	// What is read may be shorter or longer, since other software made it. The
	// reference implementation of argon2 takes no salt below 8 bytes either.
	minSalt, maxSalt = 8, 64
	minTag, maxTag   = 16, 64

	// The upper bounds keep a row that somebody has put into the database from
	// taking the server's memory, or a core for minutes.
	maxMemory  = 1 << 20 // KiB
	maxTime    = 16
	maxThreads = 16

	// maxPHC is more than the longest text within these bounds has.
	maxPHC = 256
)

// Params is what one argon2id hash costs. A field that is 0 stands for its
// default; together these are the minimum that OWASP's Password Storage Cheat
// Sheet recommends for argon2id.
type Params struct {
	// Memory in KiB, from 8 for each thread (RFC 9106 section 3.1) to 1048576,
	// which is 1 GiB. The default is 19456, which is 19 MiB.
	Memory uint32
	// Time is the number of passes over the memory, 1 to 16. The default is 2.
	Time uint32
	// Threads is the degree of parallelism, 1 to 16. The default is 1, since
	// several log-ins at once share the cores.
	Threads uint8
}

// Check reports whether hashes of these parameters can be computed, 0 standing
// for the default.
func (p Params) Check() error {
	p = p.orDefault()
	switch {
	case p.Threads > maxThreads:
		return fmt.Errorf("argon2id parallelism of %d: use 1 to %d", p.Threads, maxThreads)
	case p.Memory < 8*uint32(p.Threads) || p.Memory > maxMemory:
		return fmt.Errorf("argon2id memory of %d KiB: use %d to %d", p.Memory, 8*uint32(p.Threads), maxMemory)
	case p.Time > maxTime:
		return fmt.Errorf("argon2id time of %d: use 1 to %d", p.Time, maxTime)
	}
	return nil
}

func (p Params) orDefault() Params {
	return Params{cmp.Or(p.Memory, 19456), cmp.Or(p.Time, 2), cmp.Or(p.Threads, 1)}
}

// OwnPrefix begins the hashes that Turn.Hash makes.
const OwnPrefix = "$argon2id$"

// record is what is kept of a password.
type record struct {
	params    Params
	salt, tag []byte
}

// String is the record in PHC form, as the database has it.
func (r record) String() string {
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("%sv=%d$m=%d,t=%d,p=%d$%s$%s",
		OwnPrefix, argon2.Version, r.params.Memory, r.params.Time, r.params.Threads, encode(r.salt), encode(r.tag))
}

// tagOf computes the hash of a password under the record's parameters and salt.
func (r record) tagOf(clean string) []byte {
	return argon2.IDKey([]byte(clean), r.salt, r.params.Time, r.params.Memory, r.params.Threads, uint32(len(r.tag)))
}

// matches compares in constant time.
func (r record) matches(tag []byte) bool { return subtle.ConstantTimeCompare(r.tag, tag) == 1 }

// below reports whether a new record of the current parameters would be above
// this one in any of the numbers.
func (r record) below(current Params) bool {
	return r.params.Memory < current.Memory || r.params.Time < current.Time || r.params.Threads < current.Threads ||
		len(r.salt) < saltSize || len(r.tag) < tagSize
}

var errPHC = errors.New("stored password hash is not of the form $argon2id$v=19$m=…,t=…,p=…$salt$tag")

// CheckStored reports whether a text is a hash that Turn.Verify reads: one of
// Turn.Hash, Imported or ImportedBcrypt. The error holds nothing of it but its
// parameters.
func CheckStored(text string) error {
	if strings.HasPrefix(text, ImportedPrefix) || strings.HasPrefix(text, BcryptPrefix) {
		return CheckImported(text)
	}
	_, err := parsePHC(text)
	return err
}

// parsePHC reads what String writes, and nothing that String would write in
// another way: no other order, no leading zeros, no padding. Errors hold nothing
// of the text but its parameters.
func parsePHC(text string) (record, error) {
	var r record
	if len(text) > maxPHC {
		return r, errPHC
	}
	fields := strings.Split(text, "$")
	if len(fields) != 6 || !r.params.parse(fields[3]) {
		return r, errPHC
	}
	var saltErr, tagErr error
	r.salt, saltErr = base64.RawStdEncoding.DecodeString(fields[4])
	r.tag, tagErr = base64.RawStdEncoding.DecodeString(fields[5])
	// The comparison holds all that is not looked at above: algorithm, version
	// and the bits and line ends that the decoder passes over.
	if saltErr != nil || tagErr != nil || r.String() != text {
		return r, errPHC
	}
	return r, r.check()
}

// parse reads m=…,t=…,p=…, and reports whether it has this form. A 0 would stand
// for the default, and is none of it.
func (p *Params) parse(text string) bool {
	fields := strings.Split(text, ",")
	if len(fields) != 3 {
		return false
	}
	memory, okM := parseNumber(fields[0], "m=", 32)
	time, okT := parseNumber(fields[1], "t=", 32)
	threads, okP := parseNumber(fields[2], "p=", 8)
	*p = Params{Memory: uint32(memory), Time: uint32(time), Threads: uint8(threads)}
	return okM && okT && okP
}

func parseNumber(text, name string, bits int) (uint64, bool) {
	digits, named := strings.CutPrefix(text, name)
	n, err := strconv.ParseUint(digits, 10, bits)
	return n, named && err == nil && n > 0
}

func (r record) check() error {
	if err := r.params.Check(); err != nil {
		return fmt.Errorf("stored password hash: %w", err)
	}
	return checkSizes(r.salt, r.tag)
}

func checkSizes(salt, tag []byte) error {
	if n := len(salt); n < minSalt || n > maxSalt {
		return fmt.Errorf("stored password hash: salt of %d bytes; it must have %d to %d", n, minSalt, maxSalt)
	}
	if n := len(tag); n < minTag || n > maxTag {
		return fmt.Errorf("stored password hash: tag of %d bytes; it must have %d to %d", n, minTag, maxTag)
	}
	return nil
}
