package identity

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/store"
)

const (
	// moveEvery is how often secrets that were presented are brought under the
	// newest pepper.
	moveEvery = 2 * time.Second
	// movesAtOnce bounds one transaction, so that log-ins need not wait for it.
	movesAtOnce = 1000
	// maxMoves bounds the secrets that are remembered between two writes. Further
	// ones are noted at their next use.
	maxMoves = 100_000
	// maxFormer bounds the former ids of tokens that are remembered. They are of
	// use for as long as a request lasts that was proven by one.
	maxFormer = 100_000
)

// moves remembers secrets that were accepted under an older pepper, by their
// verifiers, until they are brought under the newest one. Only whoever presents a
// secret gives us what a new verifier is made of.
type moves struct {
	mu   sync.Mutex
	wait map[credential.Verifier]store.Move
}

// note returns the move of a verifier; make makes one that is not noted yet.
func (s *moves) note(old *credential.Verifier, pepper int64, make func() store.Move) store.Move {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m, known := s.wait[*old]; known && m.Pepper == pepper {
		return m
	}
	m := make()
	if s.wait == nil {
		s.wait = map[credential.Verifier]store.Move{}
	}
	if len(s.wait) < maxMoves {
		s.wait[*old] = m
	}
	return m
}

// take returns what has been noted since the last time.
func (s *moves) take() []store.Move {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := slices.Collect(maps.Values(s.wait))
	s.wait = nil
	return list
}

// noteMove notes that a secret was accepted under an older pepper, and returns
// its verifier under the newest. m says what is known of it; word is open under
// the newest pepper.
func (m *Mirror) noteMove(move store.Move, word *credential.Word) *credential.Verifier {
	noted := m.moves.note(&move.Old, move.Pepper, func() store.Move {
		move.New = word.Verifier()
		return move
	})
	return &noted.New
}

// keepMoving writes moves soon after they were noted, and a last time when ctx
// ends.
func (m *Mirror) keepMoving(ctx context.Context) {
	for sleep(ctx, moveEvery) {
		m.writeMoves(ctx)
	}
	ctx, cancel := lastly(ctx)
	defer cancel()
	m.writeMoves(ctx)
}

// writeMoves writes what has been noted. What could not be written is noted again
// at its next use, for it is still under the older pepper.
func (m *Mirror) writeMoves(ctx context.Context) {
	for batch := range slices.Chunk(m.moves.take(), movesAtOnce) {
		if err := m.writeBatch(ctx, batch); err != nil {
			m.log.Warn("keys and tokens could not be brought under the new pepper; it is tried again when they are used", slog.Int("number", len(batch)), slog.Any("error", err))
			continue
		}
		m.follow(context.WithoutCancel(ctx))
	}
}

func (m *Mirror) writeBatch(ctx context.Context, batch []store.Move) error {
	ctx, cancel := context.WithTimeout(ctx, queryLimit)
	defer cancel()
	return m.store.Change(ctx, func(c *store.Change) error {
		for i := range batch {
			if err := c.MoveVerifier(&batch[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// former finds tokens by the ids they had under the pepper before, for requests
// that were proven by those.
type former struct {
	mu  sync.Mutex
	ids map[credential.KeyID]credential.KeyID
}

func (f *former) put(before, id credential.KeyID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ids == nil || len(f.ids) >= maxFormer {
		f.ids = map[credential.KeyID]credential.KeyID{}
	}
	f.ids[before] = id
}

// find looks for a token under the ids that it got after this one, until there says
// that it is one. The peppers that a store may need at once bound how often it can
// have moved while a request lasted.
func (f *former) find(id credential.KeyID, there func(credential.KeyID) bool) (known bool) {
	for range credential.MaxPeppers {
		f.mu.Lock()
		id, known = f.ids[id]
		f.mu.Unlock()
		if !known || there(id) {
			return known
		}
	}
	return false
}
