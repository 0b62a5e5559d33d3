package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

// Location says where a store is. Its text form is `sqlite:<path>`.
type Location struct {
	// Engine is sqlite.
	Engine string
	// Path is the database file, absolute.
	Path string
}

// ParseLocation reads `sqlite:<path>`. The path is made absolute.
func ParseLocation(text string) (Location, error) {
	engine, path, found := strings.Cut(text, ":")
	if !found {
		return Location{}, fmt.Errorf("store '%s': write sqlite:<path>", text)
	}
	return NewLocation(engine, path)
}

// NewLocation checks the parts of a location. The path is made absolute.
func NewLocation(engine, path string) (Location, error) {
	if engine != "sqlite" {
		return Location{}, fmt.Errorf("store engine '%s' is unknown; there is sqlite", engine)
	}
	if path == "" || strings.ContainsRune(path, 0) {
		return Location{}, errors.New("store: the path of the database file is missing")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return Location{}, fmt.Errorf("store '%s': %w", path, err)
	}
	return Location{Engine: engine, Path: abs}, nil
}

func (l Location) String() string { return l.Engine + ":" + l.Path }

// dialect is all in which engines differ.
type dialect struct {
	driver string
	goose  goose.Dialect
	// connector opens connections to a database without reading anything of it.
	connector func(Location) (driver.Connector, error)
	// wait is a statement that lets a connection wait so long for the locks of
	// others.
	wait func(time.Duration) string
	// settings are run on each connection when it was opened. The last one reads
	// the database.
	settings []string
	// memory is the data source name for a new database in memory.
	memory string
	// content is the file of a database in memory, ready for use, given the
	// driver's connection to it.
	content func(connection any) ([]byte, error)
	// journal is a query that gives the database the journal that lets readers and
	// the one writer go on beside each other, and keeps it; its row is the name of
	// the journal that there is, journalled if it succeeded.
	journal, journalled string
	// dataVersion is a query whose result changes whenever another connection
	// has committed something.
	dataVersion string
	// check is a query that reads everything and gives a row for each problem,
	// or the one row `ok`; checkAll compares indexes with their tables as well.
	check, checkAll string
	// settle is a query that puts what is in the log into the database. Of the
	// three numbers of its row the last two are the pages in the log, and those
	// that have been put into the database.
	settle string
	// spareLog lets the driver's connection leave the log where it is when it is the
	// last one that is closed.
	spareLog func(connection any) error
	// isUnique, isOrphan, isFault and isDamage recognise the driver's errors: a name
	// that is taken, a row that refers to one that is missing, anything at all, and
	// what is no database any more.
	isUnique, isOrphan, isFault, isDamage func(error) bool
	// isUnreadable recognises that the disk, or a file beside the database, does
	// not give what it should.
	isUnreadable func(error) bool
	// isReadOnly recognises that a connection cannot write, and never will: the
	// file could not be opened for writing.
	isReadOnly func(error) bool
	// advice says what is wrong and what to do about a fault, where that is
	// known.
	advice func(error, Location) string
}

var sqliteDialect = dialect{
	driver: "sqlite",
	goose:  goose.DialectSQLite3,
	connector: func(l Location) (driver.Connector, error) {
		query := url.Values{
			// rw: a file that has gone away must not come back empty.
			"mode":    {"rw"},
			"_txlock": {"immediate"},
		}
		return sqlite.NewConnector((&url.URL{Scheme: "file", Path: l.Path, RawQuery: query.Encode()}).String())
	},
	wait: sqliteWait,
	settings: []string{
		sqliteWait(busyLimit),
		"PRAGMA foreign_keys = ON",
		// What was acknowledged is on disk; NORMAL may lose the last transactions
		// in WAL mode when the power fails.
		"PRAGMA synchronous = FULL",
		"PRAGMA schema_version",
	},
	memory:      "file::memory:?_txlock=immediate&_pragma=foreign_keys(1)",
	content:     sqliteContent,
	journal:     "PRAGMA journal_mode = WAL",
	journalled:  "wal",
	dataVersion: "PRAGMA data_version",
	check:       "PRAGMA quick_check(20)",
	checkAll:    "PRAGMA integrity_check(20)",
	settle:      "PRAGMA wal_checkpoint(TRUNCATE)",
	spareLog:    sqliteSpareLog,
	isUnique: func(err error) bool {
		code := sqliteCode(err)
		return code == sqlite3.SQLITE_CONSTRAINT_UNIQUE || code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	},
	isOrphan: func(err error) bool { return sqliteCode(err) == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY },
	advice: func(err error, l Location) string {
		switch sqliteCode(err) & primaryCode {
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
			return "is locked by another program; find it with `fuser`"
		case sqlite3.SQLITE_FULL:
			return "cannot grow; make room on its disk"
		case sqlite3.SQLITE_IOERR:
			return "cannot be read or written; see whether its disk is full or failing"
		case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
			return fmt.Sprintf("cannot be written; the server's user needs the right to write the file, and to make others beside it (-wal, -shm) in the folder '%s': check owner and mode of both, and whether the disk is mounted read-only%s", filepath.Dir(l.Path), giveAway(l.Path, os.Geteuid()))
		}
		return ""
	},
	isDamage: func(err error) bool {
		code := sqliteCode(err)
		return code&primaryCode == sqlite3.SQLITE_CORRUPT || code&primaryCode == sqlite3.SQLITE_NOTADB || code == sqlite3.SQLITE_IOERR_SHORT_READ
	},
	isUnreadable: func(err error) bool {
		code := sqliteCode(err)
		return code&primaryCode == sqlite3.SQLITE_IOERR && code != sqlite3.SQLITE_IOERR_SHORT_READ
	},
	isReadOnly: func(err error) bool { return sqliteCode(err)&primaryCode == sqlite3.SQLITE_READONLY },
	isFault: func(err error) bool {
		return sqliteCode(err) != 0 || errors.Is(err, context.DeadlineExceeded)
	},
}

// busyLimit is how long a connection waits for the locks of others.
const busyLimit = 5 * time.Second

func sqliteWait(limit time.Duration) string {
	return fmt.Sprintf("PRAGMA busy_timeout = %d", limit.Milliseconds())
}

// sqliteContent is the file of a database in memory.
func sqliteContent(connection any) ([]byte, error) {
	database, ok := connection.(interface{ Serialize() ([]byte, error) })
	if !ok {
		return nil, errors.New("the driver cannot write out a database in memory")
	}
	content, err := database.Serialize()
	if err != nil {
		return nil, err
	}
	// A database in memory cannot be told so.
	if !setVersion(content, withLog) {
		return nil, errors.New("the driver has written out an empty database")
	}
	return content, nil
}

func sqliteSpareLog(connection any) error {
	file, ok := connection.(sqlite.FileControl)
	if !ok {
		return errors.New("the driver cannot keep a log")
	}
	_, err := file.FileControlPersistWAL("main", 1)
	return err
}

// primaryCode masks the part of SQLite's result codes that says what happened;
// the rest says more exactly why.
const primaryCode = 0xff

// sqliteCode is SQLite's extended result code of err, 0 if it has none.
func sqliteCode(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	return 0
}

// checkFile refuses what is no database before a driver touches it: an empty
// file would be taken for a new database, and all keys would be gone without a
// word.
func checkFile(path string) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("'%s' is a directory; name the database file", path)
	case !info.Mode().IsRegular():
		// SQLite would wait for whoever is at the other end of a pipe.
		return nil, fmt.Errorf("'%s': %w; name the database file", path, atomicfile.ErrNotRegular)
	case info.Size() == 0:
		return nil, &emptyError{path}
	}
	return info, nil
}

// emptyError: there is a file without content in place of the database.
type emptyError struct{ path string }

func (e *emptyError) Error() string {
	return fmt.Sprintf("'%s' is empty: it was cut off or never was a store; put a backup in its place, or delete it and its pepper to begin with a new one", e.path)
}
