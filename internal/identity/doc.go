// Package identity says who may do what with users, passwords, sessions and API
// keys, and answers who a caller is.
//
// It has two sides over one store:
//
//   - Registry changes things: it checks names, makes ids and secrets, and
//     writes the audit trail with each change. It proves passwords, within the
//     brakes on guessing, and begins and ends sessions.
//   - Mirror answers checks from memory. It loads the store once, applies each
//     change of this process before the change is acknowledged, and polls the
//     database for changes of others ten times a second.
//
// Mirror gives an answer only while it is fresh: while a successful look at the
// database, begun no longer than a second ago, proves that nothing was missed.
// Otherwise the answer is NotFresh, never a guess.
//
// A log-in begins a session, which has one or two tokens. They are bound as the
// key is that they came from, and end with key, password and user. Passwords are
// proven from the database: an attempt is counted as failed before it is looked
// at, and a proven one may be remembered for half a minute.
//
// The memory of a key or a token is a record of 64 bytes without pointers, in 3,844 sorted
// shards that are never changed: a change makes a new shard of some hundred
// records and swaps it in, so that readers take no lock, the collector has
// nothing to follow, and revoking one key among a million copies one shard.
//
// There is neither Caddy nor HTTP here.
package identity
