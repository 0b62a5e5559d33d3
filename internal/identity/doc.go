// Package identity says who may do what with users and API keys, and answers
// who a caller is.
//
// It has two sides over one store:
//
//   - Registry changes things: it checks names, makes ids and secrets, and
//     writes the audit trail with each change.
//   - Mirror answers checks from memory. It loads the store once, applies each
//     change of this process before the change is acknowledged, and polls the
//     database for changes of others ten times a second.
//
// Mirror gives an answer only while it is fresh: while a successful look at the
// database, begun no longer than a second ago, proves that nothing was missed.
// Otherwise the answer is NotFresh, never a guess.
//
// The memory of a key is a record of 64 bytes without pointers, in 3,844 sorted
// shards that are never changed: a change makes a new shard of some hundred
// records and swaps it in, so that readers take no lock, the collector has
// nothing to follow, and revoking one key among a million copies one shard.
//
// There is neither Caddy nor HTTP here.
package identity
