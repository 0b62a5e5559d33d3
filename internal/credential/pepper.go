package credential

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"
)

// PepperSize is the number of bytes of a pepper; as text it is twice as many
// hexadecimal digits.
const PepperSize = 32

// VerifierSize is the number of bytes of a verifier.
const VerifierSize = sha256.Size

// Verifier is what is kept of a key: HMAC-SHA-256 of it under the pepper.
type Verifier [VerifierSize]byte

// Equal compares in constant time.
func (v *Verifier) Equal(other *Verifier) bool {
	return subtle.ConstantTimeCompare(v[:], other[:]) == 1
}

// Pepper is the server's secret that is not in the database. Its zero value is
// not usable; make one by NewPepper or ParsePepper. It may be used by many
// goroutines at once.
type Pepper struct {
	fingerprint string
	macs        *sync.Pool // of *mac
	text        Secret
}

// mac is an HMAC with the buffers one use of it needs, so that a check
// allocates nothing.
type mac struct {
	hash hash.Hash
	in   []byte
	out  []byte
}

// NewPepper makes a random pepper.
func NewPepper(random io.Reader) (*Pepper, error) {
	raw := make([]byte, PepperSize)
	if _, err := io.ReadFull(random, raw); err != nil {
		return nil, fmt.Errorf("reading random bytes: %w", err)
	}
	return newPepper(raw)
}

// ErrPepperForm is the error of ParsePepper.
var ErrPepperForm = errors.New("a pepper is 64 hexadecimal digits and nothing else")

// ParsePepper reads a pepper as Text gives it. One line end is allowed.
func ParsePepper(text []byte) (*Pepper, error) {
	if n := len(text); n > 0 && text[n-1] == '\n' {
		text = text[:n-1]
	}
	raw := make([]byte, PepperSize)
	if len(text) != hex.EncodedLen(PepperSize) {
		return nil, ErrPepperForm
	}
	if _, err := hex.Decode(raw, text); err != nil {
		return nil, ErrPepperForm
	}
	return newPepper(raw)
}

func newPepper(raw []byte) (*Pepper, error) {
	// The fingerprint lies in the database in the clear: it is derived under a
	// label of its own, so that it says nothing about any key's verifier.
	print, err := hkdf.Key(sha256.New, raw, nil, "sallyport pepper fingerprint v1", 16)
	if err != nil {
		return nil, fmt.Errorf("deriving the pepper's fingerprint: %w", err)
	}
	newMAC := func() any {
		return &mac{hash: hmac.New(sha256.New, raw), in: make([]byte, 0, 128), out: make([]byte, 0, VerifierSize)}
	}
	return &Pepper{
		fingerprint: hex.EncodeToString(print),
		macs:        &sync.Pool{New: newMAC},
		text:        NewSecret(hex.EncodeToString(raw)),
	}, nil
}

// Fingerprint tells peppers apart without giving them away: 32 hexadecimal
// digits.
func (p *Pepper) Fingerprint() string { return p.fingerprint }

// Text is the pepper as it is written to its file.
func (p *Pepper) Text() Secret { return p.text }

// String returns REDACTED.
func (*Pepper) String() string { return redacted }

// Format prints REDACTED for every verb.
func (*Pepper) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// Verifier computes what is kept of word. It allocates nothing.
func (p *Pepper) Verifier(word string) (v Verifier) {
	m := p.macs.Get().(*mac)
	m.hash.Reset()
	m.in = append(m.in[:0], word...)
	m.hash.Write(m.in)
	m.out = m.hash.Sum(m.out[:0])
	copy(v[:], m.out)
	clear(m.in)
	p.macs.Put(m)
	return v
}
