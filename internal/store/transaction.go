package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"time"
)

// Change is a transaction that changes users and keys.
type Change struct {
	ctx     context.Context
	tx      *sql.Tx
	dialect dialect
	number  int64
}

// Change runs f in a transaction and commits it. If f returns an error nothing
// is changed and the error comes back. When Change returns nil the change is on
// disk.
func (s *Store) Change(ctx context.Context, f func(*Change) error) error {
	return s.inTransaction(ctx, func(tx *sql.Tx) error {
		return f(&Change{ctx: ctx, tx: tx, dialect: s.dialect})
	})
}

func (s *Store) inTransaction(ctx context.Context, f func(*sql.Tx) error) (err error) {
	c := s.open.Load()
	if err := s.inPlace(ctx, c); err != nil {
		return err
	}
	conn, err := s.waitInLine(ctx, c)
	if err != nil {
		return err
	}
	// It goes back to the pool, which keeps it unless it is of no use.
	defer func() {
		if s.dialect.isReadOnly(err) {
			_ = conn.Raw(func(any) error { return driver.ErrBadConn })
		}
		_ = conn.Close()
	}()
	if err := s.limitWait(ctx, conn); err != nil {
		return s.explain(c, err)
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return s.explain(c, err)
	}
	// After a commit there is nothing to undo. Otherwise undoing fails only where
	// the connection is lost, and with it the transaction. In a panic, too, the
	// one connection that writes must be given back.
	defer func() { _ = tx.Rollback() }()
	// The file, or its log, may have gone while we waited. From here on nobody else
	// can settle the log: it is ours to write until the commit.
	if _, err := s.find(c); err != nil {
		return err
	}
	if err := s.checkSchema(ctx, tx); err != nil {
		return s.explain(c, err)
	}
	if err := f(tx); err != nil {
		return s.explain(c, err)
	}
	if err := tx.Commit(); err != nil {
		return s.explain(c, err)
	}
	// The file or its log may have gone meanwhile, and the change with it.
	return s.inPlace(ctx, c)
}

// lineLimit is how long a change waits for those before it. With the busy
// timeout of the one at the head of the line nobody waits longer than twice as
// long.
const lineLimit = 5 * time.Second

// waitInLine takes the one connection that writes.
func (s *Store) waitInLine(ctx context.Context, c *connections) (*sql.Conn, error) {
	waiting, cancel := context.WithTimeout(ctx, lineLimit)
	defer cancel()
	conn, err := c.writes.Conn(waiting)
	if err != nil && waiting.Err() != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("store %s is busy: the changes before this one were not made within %s; see whether another program has locked it (`fuser`), or its disk is slow", s.location, lineLimit)
	}
	return conn, s.explain(c, err)
}

// limitWait lets the connection wait for the locks of others no longer than ctx does,
// at which the engine does not look meanwhile.
func (s *Store) limitWait(ctx context.Context, conn *sql.Conn) error {
	limit := busyLimit
	if end, ends := ctx.Deadline(); ends {
		limit = min(limit, max(0, time.Until(end)))
	}
	_, err := conn.ExecContext(ctx, s.dialect.wait(limit))
	return err
}

// snapshot runs f in a transaction that only reads.
func (s *Store) snapshot(ctx context.Context, f func(*sql.Tx) error) error {
	return s.snapshotOn(ctx, func(_ *sql.Conn, tx *sql.Tx) error { return f(tx) })
}

// snapshotOn is snapshot for who needs the connection, which has the transaction.
func (s *Store) snapshotOn(ctx context.Context, f func(*sql.Conn, *sql.Tx) error) error {
	c := s.open.Load()
	if err := s.inPlace(ctx, c); err != nil {
		return err
	}
	conn, err := c.reads.Conn(ctx)
	if err != nil {
		return s.explain(c, err)
	}
	// The connection goes back to the others.
	defer func() { _ = conn.Close() }()
	// The file may have gone while we waited.
	if _, err := s.find(c); err != nil {
		return err
	}
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return s.explain(c, err)
	}
	// Nothing was written, so there is nothing to lose.
	defer func() { _ = tx.Rollback() }()
	return s.explain(c, f(conn, tx))
}

// readAll reads the rows of a query into a slice that is not nil.
func readAll[T any](ctx context.Context, s *Store, scan func(row) (T, error), query string, args ...any) (list []T, err error) {
	err = s.snapshot(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		list, err = collect(rows, scan)
		return err
	})
	return list, err
}

// collect reads all rows into a slice that is not nil.
func collect[T any](rows *sql.Rows, scan func(row) (T, error)) ([]T, error) {
	list := []T{}
	err := each(rows, scan, func(t *T) error {
		list = append(list, *t)
		return nil
	})
	return list, err
}

// each reads row after row and closes rows.
func each[T any](rows *sql.Rows, scan func(row) (T, error), do func(*T) error) error {
	defer rows.Close()
	for rows.Next() {
		t, err := scan(rows)
		if err != nil {
			return err
		}
		if err := do(&t); err != nil {
			return err
		}
	}
	return rows.Err()
}
