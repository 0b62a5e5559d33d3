package intelmqsession

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
)

var errForeign = errors.New("is no session database of intelmq-api")

// maxDefinition is more than any definition of a plain table has, in bytes.
const maxDefinition = 1000

// plainTable is the definition of a table, its name and its columns, of words and
// commas alone. Without a second parenthesis it can compute nothing: no generated
// column, no default, no check. Nor is it a view or a virtual table.
var plainTable = regexp.MustCompile("(?i)^CREATE\\s+TABLE\\s+[\"'`\\[]?(\\w+)[\"'`\\]]?\\s*\\([\\w\\s,\"'`\\[\\]]+\\)[\\w\\s]*$")

// checkSchema makes sure that this is what we know, before anything is read of it.
func checkSchema(ctx context.Context, conn *sql.Conn) error {
	for _, table := range []string{"version", "user"} {
		if err := checkTable(ctx, conn, table); err != nil {
			return err
		}
	}
	return checkVersion(ctx, conn)
}

// checkTable looks at the definition as text: what the file says of its kind may be
// forged.
func checkTable(ctx context.Context, conn *sql.Conn, table string) error {
	var definition sql.NullString
	err := conn.QueryRowContext(ctx, `SELECT CASE WHEN octet_length(sql) <= ? THEN sql END FROM sqlite_schema WHERE type = 'table' AND name = ?`,
		maxDefinition, table).Scan(&definition)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%w: it has not the tables 'version' and 'user'", errForeign)
	}
	if err != nil {
		return err
	}
	if found := plainTable.FindStringSubmatch(definition.String); found == nil || found[1] != table {
		return fmt.Errorf("%w: the table '%s' is not plain columns, as intelmq-api makes it", errForeign, table)
	}
	return nil
}

func checkVersion(ctx context.Context, conn *sql.Conn) error {
	var rows int
	var version sql.NullString
	if err := conn.QueryRowContext(ctx, `SELECT count(*), CAST(max(version) AS TEXT) FROM version`).Scan(&rows, &version); err != nil {
		return err
	}
	if rows != 1 || version.String != "1" {
		return fmt.Errorf("is of a version that is not known here: '%.20s'; there is 1", version.String)
	}
	return nil
}
