package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// firstPepper is the number of the pepper a store is made with.
const firstPepper = 1

// Pepper is one that verifiers in the store are under. The pepper itself is not
// in the store.
type Pepper struct {
	// ID is its number; a later pepper has a greater one.
	ID          int64     `json:"id"`
	Fingerprint string    `json:"fingerprint"`
	Created     time.Time `json:"created"`
}

// Peppers lists the peppers of the store, the newest first.
func (s *Store) Peppers(ctx context.Context) ([]Pepper, error) {
	scan := func(r row) (p Pepper, err error) { return p, r.Scan(&p.ID, &p.Fingerprint, timeColumn{&p.Created}) }
	return readAll(ctx, s, scan, `SELECT id, fingerprint, created FROM peppers ORDER BY id DESC`)
}

// checkPeppers reports whether all peppers of the store are at hand.
func (s *Store) checkPeppers(ctx context.Context, fingerprints []string) error {
	peppers, err := s.Peppers(ctx)
	if err != nil {
		return fmt.Errorf("reading the pepper's fingerprint: %w", err)
	}
	for _, p := range peppers {
		if !slices.Contains(fingerprints, p.Fingerprint) {
			return fmt.Errorf("%w: store %s needs the pepper of fingerprint %s, and there is %s; put the right pepper file in its place",
				ErrPepper, s.location, p.Fingerprint, strings.Join(fingerprints, ", "))
		}
	}
	return nil
}
