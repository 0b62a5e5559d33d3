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
	// ErrPepper: the pepper is not the one the database was made with.
	ErrPepper = errors.New("wrong pepper")
	// ErrReplaced: the database file is no longer the one that was opened.
	ErrReplaced = errors.New("the database file was replaced or deleted while it was open")
	// ErrDamaged: what is at the location cannot be read, and is no store any more.
	ErrDamaged = errors.New("no store can be read there")
	// ErrInUse: another process has the store open.
	ErrInUse = errors.New("is in use")
)
