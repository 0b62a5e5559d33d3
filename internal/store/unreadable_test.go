package store_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/store"
)

func TestAStoreThatCannotBeReadForAWhileIsOpenedAnew(t *testing.T) {
	l := locate(t)
	with(t, l, "alice")
	s := open(t, l)
	bob, carol := user("bob"), user("carol")
	change(t, s, func(c *store.Change) error { return c.InsertUser(&bob) })
	if err := os.Truncate(l.Path+"-shm", 0); err != nil {
		t.Fatal(err)
	}
	for i := range store.FailedLooks {
		_, err := s.DataVersion(t.Context())
		if err == nil || !strings.Contains(err.Error(), "cannot be read or written") || !strings.Contains(err.Error(), l.Path) {
			t.Fatalf("look %d: %v", i, err)
		}
		if last := i == store.FailedLooks-1; errors.Is(err, store.ErrUnreadable) != last {
			t.Fatalf("look %d: %v", i, err)
		}
	}
	if err := s.Change(t.Context(), func(c *store.Change) error { return c.InsertUser(&carol) }); !errors.Is(err, store.ErrUnreadable) {
		t.Errorf("a change: %v", err)
	}
	reopen(t, s)
	if got := names(t, s); got != "alice bob" {
		t.Errorf("there is %s", got)
	}
	change(t, s, func(c *store.Change) error { return c.InsertUser(&carol) })
	sound(t, s)
}

func TestDamageIsThatOfTheConnectionsThatItCameFrom(t *testing.T) {
	l, other := locate(t), aside(t)
	with(t, l, "alice")
	with(t, other, "bob")
	s := open(t, l)
	before := s.Fail()
	move(t, other.Path, l.Path)
	reopen(t, s)
	overwrite(t, other, strings.Repeat("no database\n", 1000))
	_, damage := plain(t, other).ExecContext(t.Context(), `SELECT * FROM sqlite_schema`)
	if err := before(damage); !errors.Is(err, store.ErrDamaged) {
		t.Fatalf("%v", err)
	}
	if got := names(t, s); got != "bob" {
		t.Errorf("there is %s", got)
	}
	if err := s.Fail()(damage); !errors.Is(err, store.ErrDamaged) {
		t.Fatalf("%v", err)
	}
	if _, err := s.DataVersion(t.Context()); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("its own: %v", err)
	}
}

func TestADatabaseThatWasMadeSmallerAndGrowsInTheLogIsNotCutOff(t *testing.T) {
	l := locate(t)
	with(t, l, "alice")
	s := open(t, l)
	db := plain(t, l)
	run := func(statements ...string) {
		t.Helper()
		for _, statement := range statements {
			if _, err := db.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
	}
	const grow = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
		INSERT INTO audit_events (id, time, kind, outcome, actor, detail) SELECT 'x' || i, 1, 'k', 'ok', 'a', hex(zeroblob(500)) FROM n`
	look := func(when string) {
		t.Helper()
		if _, err := s.DataVersion(t.Context()); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	run(grow, "PRAGMA wal_checkpoint(TRUNCATE)")
	look("when it is large")
	run("DELETE FROM audit_events", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)", grow)
	look("when it is small, with much in the log")
	info, err := os.Stat(l.Path)
	if err != nil {
		t.Fatal(err)
	}
	cutOff(t, l, info.Size()/2)
	if _, err := s.DataVersion(t.Context()); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("when it is cut off: %v", err)
	}
}

func TestAChangeWaitsForALockNoLongerThanItsContext(t *testing.T) {
	l := locate(t)
	with(t, l, "alice")
	s := open(t, l)
	db := plain(t, l)
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	bob := user("bob")
	insert := func(c *store.Change) error { return c.InsertUser(&bob) }
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := s.Change(ctx, insert); err == nil {
		t.Error("it was made")
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it waited %v", took)
	}
	if _, err := db.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	change(t, s, insert)
	if got, want := s.Pragma(t, "busy_timeout"), "5000"; got != want {
		t.Errorf("the next one waits %s ms, want %s", got, want)
	}
}
