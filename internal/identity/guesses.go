package identity

import (
	"net/netip"

	"github.com/sallyport/sallyport/internal/brake"
	"github.com/sallyport/sallyport/internal/credential"
)

// guess is whose keys by name somebody tries to guess, and from which network. The
// secret of such a key was made by other software and may be short, and memory proves it
// past the brakes in the store.
type guess struct{ owner, source string }

// guesses counts wrong secrets of keys by name. After as many as a name may have wrong
// passwords, memory proves none of the owner's from there for as long: what is presented
// then is an attempt as a password is one, and held against the same brakes.
type guesses struct{ counter *brake.Counter[guess] }

func newGuesses() guesses { return guesses{brake.New[guess]()} }

func (b *Brakes) guessLimit() brake.Limit { return brake.Limit{Count: b.Failures, Period: b.Window} }

func guessOf(p *credential.Presented, address netip.Addr) guess {
	return guess{(&Attempt{Username: p.User}).fold(), sourceOf(address)}
}

// guessedAt reports whether memory must not prove a key by name.
func (m *Mirror) guessedAt(p *credential.Presented, address netip.Addr) bool {
	return m.guesses.counter.Note(guessOf(p, address), m.registry.settings.Load().Brakes.guessLimit(), false) > 0
}

// noteGuess counts a wrong one.
func (m *Mirror) noteGuess(p *credential.Presented, address netip.Addr) {
	m.guesses.counter.Note(guessOf(p, address), m.registry.settings.Load().Brakes.guessLimit(), true)
}
