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
	err = s.snapshot(ctx, func(tx *sql.Tx) (err error) {
		problems, err = s.structure(ctx, tx)
		return s.notUnderstood(ctx, err)
	})
	return problems[:min(len(problems), maxProblems)], err
}

func (s *Store) structure(ctx context.Context, tx *sql.Tx) (problems []string, err error) {
	if err := beOurs(ctx, tx); err != nil {
		return nil, err
	}
	schema, problems, err := steps(ctx, tx)
	if err != nil {
		return nil, err
	}
	if schema > s.schema {
		return nil, nil
	}
	var encoding string
	if err := tx.QueryRowContext(ctx, `PRAGMA encoding`).Scan(&encoding); err != nil {
		return nil, err
	}
	if encoding != utf8 {
		problems = append(problems, fmt.Sprintf("its text is encoded as %s, not as %s", encoding, utf8))
	}
	is, err := objects(ctx, tx, ownObjects)
	if err != nil {
		return nil, err
	}
	ought, err := s.structureOf(ctx, schema)
	if err != nil {
		return nil, err
	}
	return append(problems, differences(is, ought)...), nil
}

// utf8 is what SQLite calls the encoding of a new database. That of one that is there
// cannot change, so that none of another one can take its place.
const utf8 = "UTF-8"

// steps reads the table of migrations. A store has the step 0 and one for each
// migration up to that of its schema, once each and applied; of what is otherwise it
// tells. By a row that is not applied goose does not know where it is.
func steps(ctx context.Context, tx *sql.Tx) (schema int64, problems []string, err error) {
	type step struct{ number, applied any }
	rows, err := tx.QueryContext(ctx, `SELECT version_id, is_applied FROM goose_db_version LIMIT ?`, maxObjects)
	if err != nil {
		return 0, nil, err
	}
	is, err := collect(rows, func(r row) (s step, err error) { return s, r.Scan(&s.number, &s.applied) })
	if err != nil {
		return 0, nil, err
	}
	for _, s := range is {
		if number, whole := s.number.(int64); whole && s.applied == int64(1) {
			schema = max(schema, number)
		}
	}
	times := map[int64]int{}
	for _, s := range is {
		number, whole := s.number.(int64)
		if !whole || number < 0 || s.applied != int64(1) {
			problems = append(problems, fmt.Sprintf("the step %v is in table 'goose_db_version' as none that was taken", s.number))
			continue
		}
		times[number]++
	}
	for number := range min(schema+1, maxObjects) {
		switch times[number] {
		case 0:
			problems = append(problems, fmt.Sprintf("it has schema %d, and step %d to it is not in table 'goose_db_version'", schema, number))
		case 1:
		default:
			problems = append(problems, fmt.Sprintf("step %d is in table 'goose_db_version' more than once", number))
		}
	}
	return schema, problems, nil
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
