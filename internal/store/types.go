package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// typedColumn is a column of a table, and the type that all its values have. null:
// they may be missing.
type typedColumn struct {
	table, name, kind string
	null              bool
}

// typedColumns lists the columns of all tables that are of a type of the engine's,
// table by table.
func typedColumns(ctx context.Context, tx *sql.Tx) ([]typedColumn, error) {
	rows, err := tx.QueryContext(ctx, `SELECT t.name, c.name, lower(c.type), c."notnull" = 0 AND c.pk = 0
		FROM sqlite_master t JOIN pragma_table_info(t.name) c
		WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\' AND c.type IN ('TEXT', 'INTEGER', 'BLOB')
		ORDER BY t.name, c.cid`)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(r row) (c typedColumn, err error) {
		return c, r.Scan(&c.table, &c.name, &c.kind, &c.null)
	})
}

// wrongTypes tells of values that are of another type than their column, at most
// some twenty of a table. Text that lies there as bytes reads the same, and is
// another value to the engine: a query for it finds nothing.
func wrongTypes(ctx context.Context, tx *sql.Tx, note func(error)) error {
	all, err := typedColumns(ctx, tx)
	if err != nil {
		return err
	}
	for len(all) > 0 {
		end := slices.IndexFunc(all, func(c typedColumn) bool { return c.table != all[0].table })
		if end < 0 {
			end = len(all)
		}
		if err := wrongTypesOf(ctx, tx, all[:end], note); err != nil {
			return err
		}
		all = all[end:]
	}
	return nil
}

// wrongTypesOf is wrongTypes for the columns of one table, in one go.
func wrongTypesOf(ctx context.Context, tx *sql.Tx, columns []typedColumn, note func(error)) error {
	var odd strings.Builder
	for i, c := range columns {
		types := `'` + c.kind + `'`
		if c.null {
			types += `, 'null'`
		}
		fmt.Fprintf(&odd, ` WHEN typeof(%s) NOT IN (%s) THEN %d`, quoted(c.name), types, i)
	}
	rows, err := tx.QueryContext(ctx, `SELECT rowid, CASE`+odd.String()+` END AS odd FROM `+quoted(columns[0].table)+` WHERE odd IS NOT NULL LIMIT ?`, maxProblems)
	if err != nil {
		return err
	}
	tell := func(r row) (none struct{}, err error) {
		var id, number int64
		if err := r.Scan(&id, &number); err != nil {
			return none, err
		}
		c := columns[number]
		note(fmt.Errorf("table '%s', row %d: the value of column '%s' is not of the type %s", c.table, id, c.name, c.kind))
		return none, nil
	}
	return each(rows, tell, func(*struct{}) error { return nil })
}

// quoted is a name as SQL has it.
func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
