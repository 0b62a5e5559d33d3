package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/store"
)

func TestCheckFindsNothingWrongWithASoundStore(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		owner := user("alice")
		change(t, s, func(c *store.Change) error { return c.InsertUser(&owner) })
		problems, err := s.Check(t.Context())
		if err != nil || problems == nil || len(problems) != 0 {
			t.Errorf("%q, %v", problems, err)
		}
	})
}

func TestCheckEndsWithItsContext(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Check(ctx); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestCheckFindsWhatIsDamaged(t *testing.T) {
	l := locate(t)
	damaged(t, l)
	problems, err := open(t, l).Check(t.Context())
	if len(problems) == 0 && (err == nil || !strings.Contains(err.Error(), "is damaged; put back a backup")) {
		t.Errorf("%q, %v", problems, err)
	}
}

// damaged makes a store at l, and writes over the page of an index that opening
// it does not read.
func damaged(t *testing.T, l store.Location) {
	t.Helper()
	if err := store.Create(t.Context(), l, fingerprint, clock); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), l, store.Options{Fingerprints: []string{fingerprint}, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	change(t, s, func(c *store.Change) error {
		for i := range 500 {
			owner := user(fmt.Sprintf("user%04d", i))
			if err := c.InsertUser(&owner); err != nil {
				return err
			}
		}
		return nil
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(l.Path)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.LastIndex(string(text), "id-user0499")
	if at < 0 {
		t.Fatal("the last user is not in the file")
	}
	page := at / 4096 * 4096
	copy(text[page:], strings.Repeat("x", 4096))
	if err := os.WriteFile(l.Path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
