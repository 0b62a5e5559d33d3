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
	words       *sync.Pool // of *Word
	text        Secret
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
	newWord := func() any {
		return &Word{hash: hmac.New(sha256.New, raw), in: make([]byte, 0, 128), out: make([]byte, 0, VerifierSize)}
	}
	return &Pepper{
		fingerprint: hex.EncodeToString(print),
		words:       &sync.Pool{New: newWord},
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

// Verifier computes what is kept of word.
func (p *Pepper) Verifier(word string) Verifier {
	w := p.take(word)
	defer w.Close()
	return w.Verifier()
}

// Open begins the check of a presented word. wellFormed is false if it has not
// the form of a key, or a wrong checksum; otherwise it must be closed. It
// allocates nothing.
func (p *Pepper) Open(word string) (w *Word, wellFormed bool) {
	if len(word) > maxKeyLength {
		return nil, false
	}
	w = p.take(word)
	if w.id, wellFormed = parseKey(w.in); !wellFormed {
		w.Close()
		return nil, false
	}
	return w, true
}

func (p *Pepper) take(word string) *Word {
	w := p.words.Get().(*Word)
	w.pool = p.words
	w.in = append(w.in[:0], word...)
	return w
}

// Word is a presented word while it is checked, with the hash and the buffers
// that this needs.
type Word struct {
	pool *sync.Pool
	hash hash.Hash
	in   []byte
	out  []byte
	id   KeyID
}

// ID is the public id, of which nothing is proven.
func (w *Word) ID() KeyID { return w.id }

// Verifier computes what to compare with that which is kept under the id.
func (w *Word) Verifier() (v Verifier) {
	w.hash.Reset()
	w.hash.Write(w.in)
	w.out = w.hash.Sum(w.out[:0])
	copy(v[:], w.out)
	return v
}

// Close forgets the word. It must not be used any more.
func (w *Word) Close() {
	clear(w.in)
	w.pool.Put(w)
}
