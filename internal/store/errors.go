package store

import "errors"

// Errors on which callers decide. They come wrapped in words that say which
// record or file is meant.
var (
	// ErrNotFound: there is no such user or key.
	ErrNotFound = errors.New("not found")
	// ErrExists: the name is taken.
	ErrExists = errors.New("exists already")
	// ErrNoStore: there is no database at the location.
	ErrNoStore = errors.New("there is no store")
	// ErrPepper: a pepper that something in the database is under is not at hand.
	ErrPepper = errors.New("wrong pepper")
	// ErrReplaced: the database file is no longer the one that was opened. Reopen
	// opens the one that is there.
	ErrReplaced = errors.New("the database file was replaced or deleted while it was open")
	// ErrLogLost: the log of the database, or its index, is no longer the one that was
	// opened. Reopen opens the database with another one.
	ErrLogLost = errors.New("the log of the database (-wal), or its index (-shm), was deleted or replaced while it was open")
	// ErrDamaged: the database cannot be understood. Reopen looks whether it can
	// again.
	ErrDamaged = errors.New("is damaged; put back a backup")
	// ErrPepperGone: the store does not know the pepper of a verifier, since another
	// process has retired it or put back a backup. Look which peppers it needs now.
	ErrPepperGone = errors.New("its pepper is none of the store's any more; try again")
	// ErrUnreadable: the database could not be read for a while. Reopen looks
	// whether it can again.
	ErrUnreadable = errors.New("the database is opened anew as soon as it can be read")
	// ErrInUse: another process has the store open.
	ErrInUse = errors.New("is in use")
)
