package identity

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/plural"
	"github.com/sallyport/sallyport/internal/store"
)

// refuseAtOnce bounds the keys and sessions that are ended in one transaction.
const refuseAtOnce = 1000

// PepperStatus says what is under which pepper.
type PepperStatus struct {
	store.PepperUses
	// Moved is the share of the living keys and tokens that need no pepper but
	// the newest, from 0 to 1.
	Moved float64 `json:"moved"`
	// LeftOver are the fingerprints of peppers that are in the pepper file, and
	// that the store does not need.
	LeftOver []string `json:"left_over"`
	// FileError says why the pepper file cannot be read; empty if it can.
	FileError string `json:"file_error,omitempty"`
}

// Unneeded are the fingerprints of the peppers that nothing needs: those that only the
// pepper file has, and old ones of the store that no living key or token is under.
func (s *PepperStatus) Unneeded() []string { return unneeded(s.LeftOver, &s.PepperUses) }

func unneeded(onlyInFile []string, uses *store.PepperUses) []string {
	list := slices.Clone(onlyInFile)
	for i, p := range uses.Peppers {
		if i > 0 && p.Keys+p.Tokens == 0 {
			list = append(list, p.Fingerprint)
		}
	}
	return list
}

// Retired says what RetirePeppers has done.
type Retired struct {
	// Peppers are the fingerprints of those that are gone, from store or file.
	Peppers []string `json:"peppers"`
	// Keys and Sessions were ended, since they needed one of them.
	Keys     int `json:"keys"`
	Sessions int `json:"sessions"`
}

// OldPepperError says that something living needs an old pepper.
type OldPepperError struct{ Keys, Tokens int64 }

func (e *OldPepperError) Error() string {
	return fmt.Sprintf("%s and %s need an old pepper, and keys that have expired count, since the clock may be wrong; they move when they are used: wait for them, revoke the keys that nobody needs, or refuse all of them for ever with --force", plural.Of(e.Keys, "key"), plural.Of(e.Tokens, "token"))
}

// endedBy is when a token has to have ended to need no pepper: its last uses may not
// have been written yet.
func endedBy(now time.Time) time.Time { return now.Add(-sweepSlack) }

// PepperStatus counts what is under which pepper. Keys that have expired are among
// them, and tokens that have ended in the last minutes may be.
func (r *Registry) PepperStatus(ctx context.Context) (PepperStatus, error) {
	uses, err := r.store.PepperUses(ctx, endedBy(r.now()))
	if err != nil {
		return PepperStatus{}, err
	}
	s := PepperStatus{PepperUses: uses, Moved: 1, LeftOver: []string{}}
	if all := uses.Keys + uses.Tokens; all > 0 {
		s.Moved = 1 - float64(uses.OldKeys+uses.OldTokens)/float64(all)
	}
	file, err := ReadPeppers(r.peppers.file)
	if err != nil {
		s.FileError = err.Error()
		return s, nil
	}
	for _, p := range uses.Peppers {
		file = file.Without(p.Fingerprint)
	}
	s.LeftOver = append(s.LeftOver, file.Fingerprints()...)
	return s, nil
}

// RotatePepper gives the store a new pepper: new secrets are kept under it from
// now on, those that are there when they are used next. The pepper file holds it
// before the store knows of it. What the file holds besides stays until
// RetirePeppers, but is never used again: it may be a pepper that somebody has seen,
// which an older backup has made one that the store does not know.
//
// Whoever writes the file holds the store's one turn to write, so that no other
// process does: a pepper that got lost would take its keys with it.
func (r *Registry) RotatePepper(ctx context.Context, actor string) (PepperStatus, error) {
	err := r.change(ctx, store.Event{Kind: "pepper.rotate", Actor: actor}, func(c *store.Change, e *store.Event) error {
		needed, err := c.Peppers()
		if err != nil {
			return err
		}
		file, was, err := r.peppers.open(r.store.Location(), needed)
		if err != nil {
			return err
		}
		pepper, err := credential.NewPepper(r.random)
		if err != nil {
			return err
		}
		next, err := file.With(pepper)
		if errors.Is(err, credential.ErrManyPeppers) {
			return invalid("pepper file '%s' has %d peppers already; retire the old ones first by `caddy auth store pepper retire`", r.peppers.file, credential.MaxPeppers)
		}
		if err != nil {
			return err
		}
		e.Detail = pepper.Fingerprint()
		if err := c.AddPepper(e.Detail, r.now()); err != nil {
			return err
		}
		return r.peppers.write(next, file, was)
	})
	if err != nil {
		return PepperStatus{}, err
	}
	if err := r.peppers.read(ctx, r.store); err != nil {
		return PepperStatus{}, err
	}
	return r.PepperStatus(ctx)
}

// onlyNeeded are the peppers of a file that the store needs.
func onlyNeeded(needed []store.Pepper, file *credential.Peppers) *credential.Peppers {
	for _, fingerprint := range file.Fingerprints() {
		if !slices.ContainsFunc(needed, func(p store.Pepper) bool { return p.Fingerprint == fingerprint }) {
			file = file.Without(fingerprint)
		}
	}
	return file
}

// RetirePeppers removes all peppers but the newest. The error is an
// OldPepperError if something living needs one of them, and an InvalidError if the
// clock may be wrong; with force all that is refused for ever instead: the keys are
// revoked, the sessions end. The pepper file is written when the store needs them no
// more. If that was broken off, the next call does it.
//
// A key is living until it is revoked, expired or not: whether the clock is right
// nobody can say who has not seen it being set, and a session that is lost by it costs
// a log-in, but a key for ever.
func (r *Registry) RetirePeppers(ctx context.Context, actor string, force bool) (done Retired, err error) {
	// What was presented a moment ago is not to be refused.
	r.settle(ctx)
	done.Peppers = []string{}
	if force {
		if err := r.refuseOld(ctx, actor, &done); err != nil {
			return done, err
		}
	}
	err = r.change(ctx, store.Event{Kind: "pepper.retire", Actor: actor}, func(c *store.Change, e *store.Event) error {
		if !force {
			if err := r.trustClock(c); err != nil {
				return err
			}
		}
		uses, err := c.PepperUses(endedBy(r.now()))
		switch {
		case err != nil:
			return err
		case uses.OldKeys+uses.OldTokens > 0:
			return &OldPepperError{uses.OldKeys, uses.OldTokens}
		case len(uses.Peppers) == 1:
			return errNoneOld
		}
		e.Detail = fmt.Sprintf("%d old peppers", len(uses.Peppers)-1)
		return c.RetirePeppers(uses.Peppers[0].ID)
	})
	if err != nil && !errors.Is(err, errNoneOld) {
		return done, err
	}
	if err := r.peppers.read(ctx, r.store); err != nil {
		return done, err
	}
	done.Peppers, err = r.clearPepperFile(ctx)
	return done, err
}

// trustClock refuses to call anything ended by a clock that may be wrong.
func (r *Registry) trustClock(c *store.Change) error {
	latest, err := c.Latest()
	switch {
	case err != nil:
		return err
	case latest.After(r.now().Add(clockSlack)):
		return invalid("the clock says %s, and the audit trail has an event of %s: nobody can say what has ended; set the clock, or retire the old peppers with --force", r.now().UTC().Format(time.RFC3339), latest.Format(time.RFC3339))
	case !r.clockTrusted():
		return invalid("the clock was set a short while ago, so that what has ended may not have: wait for an hour, or retire the old peppers with --force")
	}
	return nil
}

// errNoneOld: the store needs one pepper only.
var errNoneOld = errors.New("there is no old pepper")

// clearPepperFile takes out of the pepper file what the store does not need, and
// returns the fingerprints. It only holds the store's turn to write.
func (r *Registry) clearPepperFile(ctx context.Context) (gone []string, err error) {
	gone = []string{}
	err = r.store.Change(ctx, func(c *store.Change) error {
		needed, err := c.Peppers()
		if err != nil {
			return err
		}
		file, was, err := r.peppers.open(r.store.Location(), needed)
		if err != nil {
			return err
		}
		rest := onlyNeeded(needed, file)
		for _, fingerprint := range file.Fingerprints() {
			if rest.Find(fingerprint) == nil {
				gone = append(gone, fingerprint)
			}
		}
		return r.peppers.write(rest, file, was)
	})
	if err != nil {
		return []string{}, fmt.Errorf("no old pepper is needed any more, and they are still in the pepper file; retire them again: %w", err)
	}
	return gone, nil
}

// refuseOld ends what needs an old pepper, some at a time.
func (r *Registry) refuseOld(ctx context.Context, actor string, done *Retired) error {
	for {
		var keys, sessions int
		err := r.change(ctx, store.Event{Kind: "pepper.refuse", Actor: actor}, func(c *store.Change, e *store.Event) (err error) {
			needed, err := c.Peppers()
			if err != nil {
				return err
			}
			if keys, err = r.refuseOldKeys(c, actor, needed[0].ID); err != nil {
				return err
			}
			if sessions, err = c.EndOldSessions(needed[0].ID, refuseAtOnce); err != nil {
				return err
			}
			if keys+sessions == 0 {
				return errNoneOld
			}
			e.Detail = plural.Of(keys, "key") + ", " + plural.Of(sessions, "session")
			return nil
		})
		if errors.Is(err, errNoneOld) {
			return nil
		}
		if err != nil {
			return err
		}
		done.Keys, done.Sessions = done.Keys+keys, done.Sessions+sessions
	}
}

// refuseOldKeys revokes keys under an old pepper, each with its event. One that was
// rotated since loses the secret before only.
func (r *Registry) refuseOldKeys(c *store.Change, actor string, newest int64) (int, error) {
	keys, err := c.OldKeys(newest, endedBy(r.now()), refuseAtOnce)
	if err != nil {
		return 0, err
	}
	for i := range keys {
		k, kind := &keys[i], "key.end_overlap"
		if k.Pepper != newest {
			kind = "key.revoke"
			k.Revoked, k.RevokedReason = r.now(), "pepper retired"
			if err := endSessionsOf(c, k); err != nil {
				return 0, err
			}
		}
		k.Previous, k.PreviousPepper, k.PreviousExpires = credential.Verifier{}, 0, time.Time{}
		if err := c.UpdateKey(k); err != nil {
			return 0, err
		}
		id, err := r.newID()
		if err != nil {
			return 0, err
		}
		if err := c.Record(&store.Event{ID: id, Time: r.now(), Kind: kind, Outcome: "ok", Actor: actor, UserID: k.UserID, KeyID: k.ID, Detail: k.Username + "/" + k.Name + ": pepper retired"}); err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}

// open reads the pepper file for a change of it, which is held against what the
// store needs: a wrong file must not be made the right one. What earlier changes
// have left beside it is removed.
func (p *peppers) open(l store.Location, needed []store.Pepper) (*credential.Peppers, fs.FileInfo, error) {
	file, was, err := readPeppers(p.file)
	if err != nil {
		return nil, nil, err
	}
	if err := p.check(l, needed, file); err != nil {
		return nil, nil, err
	}
	return file, was, p.sweepDrafts(file.Fingerprints())
}

// write puts peppers in place of those that were read.
func (p *peppers) write(next, before *credential.Peppers, was fs.FileInfo) error {
	if slices.Equal(next.Fingerprints(), before.Fingerprints()) {
		return nil
	}
	if err := p.replace(p.file, []byte(next.Text().Reveal()), was); err != nil {
		return fmt.Errorf("pepper file '%s' cannot be changed: %w; its folder must be one that the server's user may write in", p.file, err)
	}
	return nil
}
