package store

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
)

// How a database file is to be read and written, at two places of its first page
// (https://www.sqlite.org/fileformat2.html, section 1.3.3).
const (
	writeVersion, readVersion = 18, 19
	// alone: the file is all there is of the database.
	alone = 1
	// withLog: there is a write-ahead log beside it while it is open.
	withLog = 2
)

// setVersion changes how a file is to be read and written, given its beginning. It
// reports whether there is enough of it.
func setVersion(beginning []byte, version byte) bool {
	if len(beginning) <= readVersion {
		return false
	}
	beginning[writeVersion], beginning[readVersion] = version, version
	return true
}

// writePages writes all pages of the database, as the transaction sees them, which
// is a whole database file. The driver's own copy would open the new file by its
// name: in a folder of another user that could be a link to any file of root's.
func writePages(ctx context.Context, tx *sql.Tx, w io.Writer, version byte) error {
	rows, err := tx.QueryContext(ctx, `SELECT data FROM sqlite_dbpage ORDER BY pgno`)
	if err != nil {
		return err
	}
	defer rows.Close()
	buffered := bufio.NewWriterSize(w, 1<<20)
	var page sql.RawBytes
	for first := true; rows.Next(); first = false {
		if err := rows.Scan(&page); err != nil {
			return err
		}
		if first && !setVersion(page, version) {
			return fmt.Errorf("the first page has %d bytes", len(page))
		}
		if _, err := buffered.Write(page); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return buffered.Flush()
}

// frozen is the data source name of a database file that nobody changes, by its
// absolute path. Nothing is written beside it.
func frozen(path string) string {
	query := url.Values{"mode": {"ro"}, "immutable": {"1"}}
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: query.Encode()}).String()
}

// checkPages reads a database file that nobody changes, and gives an error if it is
// not sound.
func checkPages(ctx context.Context, path string) error {
	// In a URI a relative path would be the name of a host.
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	db, err := sql.Open(sqliteDialect.driver, frozen(path))
	if err != nil {
		return err
	}
	defer db.Close()
	var problem string
	if err := db.QueryRowContext(ctx, sqliteDialect.check).Scan(&problem); err != nil {
		return err
	}
	if problem != "ok" {
		return fmt.Errorf("the copy is not sound: %s", problem)
	}
	return nil
}
