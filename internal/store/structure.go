package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// object is a table, index, view or trigger of a database, and the statement that
// has made it.
type object struct{ kind, name, table, statement string }

func (o object) String() string {
	if o.kind == "index" || o.kind == "trigger" {
		return fmt.Sprintf("%s '%s' of table '%s'", o.kind, o.name, o.table)
	}
	return fmt.Sprintf("%s '%s'", o.kind, o.name)
}

// querier is what asks: a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// ownObjects leaves out what the engine makes by itself. A trigger or view that has
// taken a name of the engine's is in it.
const ownObjects = `NOT (name LIKE 'sqlite\_%' ESCAPE '\' AND type IN ('table', 'index'))`

// maxObjects bounds how many are read: a store has some twenty.
const maxObjects = 1000

// objects lists what a database consists of. Spaces in the statements do not count.
func objects(ctx context.Context, q querier, where string) ([]object, error) {
	rows, err := q.QueryContext(ctx, `SELECT type, name, tbl_name, COALESCE(sql, '') FROM sqlite_master WHERE `+where+` ORDER BY type, name LIMIT ?`, maxObjects)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(r row) (o object, err error) {
		err = r.Scan(&o.kind, &o.name, &o.table, &o.statement)
		o.statement = strings.Join(strings.Fields(o.statement), " ")
		return o, err
	})
}

// beInert refuses a database with triggers or views, before anything is read that
// would run them: a store has none, and one that somebody has put in could undo
// each revocation, or never end.
func (s *Store) beInert(ctx context.Context) error {
	active, err := objects(ctx, s.open.Load().reads, `type IN ('trigger', 'view')`)
	if err != nil {
		return s.explain(s.open.Load(), err)
	}
	if len(active) == 0 {
		return nil
	}
	more := ""
	if len(active) > 1 {
		more = fmt.Sprintf(", and %d more", len(active)-1)
	}
	return fmt.Errorf("%s %w: it has the %s%s, which this program has not made and does not run; or drop it with another tool, if you know what it has done",
		s, ErrDamaged, active[0], more)
}

// Structure returns in what the database is made otherwise than this program makes
// one of that schema: what is missing, changed or added, at most some twenty
// sentences. Nothing else is read, so that it may be asked of any file. Of a newer
// schema nothing is known. The error is ErrDamaged if it cannot be read.
func (s *Store) Structure(ctx context.Context) (problems []string, err error) {
	err = s.snapshot(ctx, func(tx *sql.Tx) error {
		if err := beOurs(ctx, tx); err != nil {
			return s.named(err)
		}
		steps, err := appliedSteps(ctx, tx)
		if err != nil {
			return err
		}
		schema := slices.Max(append(steps, 0))
		if schema > s.schema {
			return nil
		}
		for step := int64(1); step <= schema; step++ {
			if !slices.Contains(steps, step) {
				problems = append(problems, fmt.Sprintf("it has schema %d, and step %d to it is not in table 'goose_db_version'", schema, step))
			}
		}
		is, err := objects(ctx, tx, ownObjects)
		if err != nil {
			return err
		}
		ought, err := s.structureOf(ctx, schema)
		problems = append(problems, differences(is, ought)...)
		return err
	})
	return problems[:min(len(problems), maxProblems)], asDamage(err)
}

// appliedSteps are the numbers of the migrations that were made.
func appliedSteps(ctx context.Context, tx *sql.Tx) ([]int64, error) {
	rows, err := tx.QueryContext(ctx, `SELECT DISTINCT version_id FROM goose_db_version WHERE is_applied LIMIT ?`, maxObjects)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(r row) (step int64, err error) { return step, r.Scan(&step) })
}

// structureOf is what a new store of a schema consists of. One without a schema
// has nothing to compare.
func (s *Store) structureOf(ctx context.Context, schema int64) (list []object, err error) {
	if schema == 0 {
		return nil, errNoTables
	}
	err = inMemory(ctx, s.location, schema, func(db *sql.DB) error {
		list, err = objects(ctx, db, ownObjects)
		return err
	})
	return list, err
}

// differences says in words how two databases differ.
func differences(is, ought []object) (problems []string) {
	same := func(a object) func(object) bool {
		return func(b object) bool { return a.kind == b.kind && a.name == b.name }
	}
	for _, o := range ought {
		switch i := slices.IndexFunc(is, same(o)); {
		case i < 0:
			problems = append(problems, fmt.Sprintf("the %s is missing", o))
		case is[i] != o:
			problems = append(problems, fmt.Sprintf("the %s is not made as this program makes it", o))
		}
	}
	for _, o := range is {
		if !slices.ContainsFunc(ought, same(o)) {
			problems = append(problems, fmt.Sprintf("the %s was added by another program", o))
		}
	}
	return problems
}
