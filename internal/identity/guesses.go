package identity

import (
	"net/netip"

	"github.com/sallyport/sallyport/internal/brake"
	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
)

// guess is whose keys by name somebody may be guessing at, and from which network: as
// himself where agent is empty, or to act as the owner. One without an owner is of all
// who are guessed at from there.
type guess struct{ agent, owner, source string }

// guesses counts what memory did not prove of keys by name, whose secrets were made by
// other software and may be short: memory is asked past the brakes in the store. After as
// many as a name may have wrong passwords it proves none of the owner's from there for as
// long. What is presented then is an attempt as a password is one, and held against those
// brakes. So whoever has the right secret is not kept out by this alone, and a password
// with a colon in it is none the worse for being looked for here first.
type guesses struct{ counter *brake.Counter[guess] }

func newGuesses() guesses { return guesses{brake.New[guess]()} }

// looking is a look for a key by name while it lasts.
type looking struct {
	guesses       guesses
	these, others guess
	limits        [2]brake.Limit
}

// look begins a look. If it must not be, free is false.
func (g guesses) look(b *Brakes, p *credential.Presented, agent *principal.User, address netip.Addr) (l looking, free bool) {
	source := sourceOf(address)
	l = looking{guesses: g, these: guess{"", (&Attempt{Username: p.User}).fold(), source}, others: guess{source: source}}
	if agent != nil {
		l.these.agent = agent.Fold
	}
	l.limits = [2]brake.Limit{{Count: b.Failures, Period: b.Window}, {Count: sourceFactor * b.Failures, Period: b.Window}}
	if v, _ := g.counter.Begin(l.these, l.limits[0]); v != brake.Free {
		return l, false
	}
	if v, _ := g.counter.Begin(l.others, l.limits[1]); v != brake.Free {
		g.counter.End(l.these, l.limits[0], brake.Unknown)
		return l, false
	}
	return l, true
}

// end counts a look that has found nothing. One that has forgives nothing: it may be of
// somebody else in the same network.
func (l *looking) end(reason Reason) {
	outcome := brake.Unknown
	if reason == UnknownKey || reason == WrongSecret {
		outcome = brake.Failed
	}
	l.guesses.counter.End(l.these, l.limits[0], outcome)
	l.guesses.counter.End(l.others, l.limits[1], outcome)
}
