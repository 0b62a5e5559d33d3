// Package store keeps users, passwords, API keys, sessions, failed log-ins and
// audit events in a database.
//
// It keeps records and their order of change, and has no opinion on them:
// what a name may look like and who may do what is said in internal/identity.
// All of a change, its audit events and its number are one transaction, which
// is on disk when Change returns (SQLite: WAL, synchronous=FULL).
//
// A copy in memory is kept up to date by numbers: every changed user, key or
// token takes the next one in the transaction that changes it. Load reads everything
// with the number it stands for, ChangesSince what came later, DataVersion
// tells cheaply whether anything came at all.
//
// The engine is SQLite, and the statements are its own. Where another engine would
// differ stands mostly in dialect.go: connections, settings, and what an error means.
// What is about files stands in pages.go, replace.go, reopen.go and lock_unix.go, and a
// few questions to SQLite's own tables in inspect.go and summary.go.
package store
