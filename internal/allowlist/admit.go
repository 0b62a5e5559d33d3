package allowlist

import (
	"net/netip"
	"time"

	"github.com/sallyport/sallyport/internal/brake"
)

// Verdict says whether a caller from a listed address may pass.
type Verdict uint8

// The verdicts. Only Admitted lets the caller pass.
const (
	// NotLoaded: the file has not been read yet, so it cannot be found out.
	NotLoaded Verdict = iota
	// Admitted: the caller has presented the secret of the entry.
	Admitted
	// NothingPresented: the caller has presented no secret. This does not count
	// as a failure, since nothing was guessed.
	NothingPresented
	// WrongSecret: it is another secret than that of the entry.
	WrongSecret
	// NoSecret: the file has no secret for the entry, so that none is right.
	NoSecret
	// TooManyFailures: the caller has failed too often, and must wait, even with
	// the right secret.
	TooManyFailures
)

// String is the verdict in one word, for logs.
func (v Verdict) String() string {
	switch v {
	case NotLoaded:
		return "not_loaded"
	case Admitted:
		return "admitted"
	case NothingPresented:
		return "none"
	case WrongSecret:
		return "wrong_client_secret"
	case NoSecret:
		return "no_client_secret"
	case TooManyFailures:
		return "too_many_attempts"
	}
	return "unknown"
}

// Admit judges a caller who comes from an address of the entry. For
// TooManyFailures wait is how long it must wait. Where the secret is right and
// nobody has failed lately nothing is allocated.
func (f *File) Admit(entry netip.Prefix, caller netip.Addr, presented string, limit Limit) (v Verdict, wait time.Duration) {
	secrets := f.secrets.Load()
	if secrets == nil {
		return NotLoaded, 0
	}
	verifier, known := (*secrets)[entry]
	// Done for an entry without a secret as well, in the same time.
	right := verifier.matches(presented)
	switch {
	case presented == "":
		v = NothingPresented
	case !known:
		v = NoSecret
	case right:
		v = Admitted
	default:
		v = WrongSecret
	}
	failed := v == WrongSecret || v == NoSecret
	if wait := f.failures.Note(source{entry, brake.Source(caller)}, limit, failed); wait > 0 {
		return TooManyFailures, wait
	}
	return v, 0
}
