// Package credential knows what callers present and what is kept of it.
//
// An API key is one word that secret scanners recognise:
//
//	sly_4fT0aQz81LkP + 43 random characters + 6 characters of checksum
//	└┬┘ └────┬─────┘
//	prefix   public id
//
// The id finds the key, the whole word proves it. At rest there is only
// HMAC-SHA-256(pepper, whole word): 256 random bits need no slow hash, and
// without the pepper, which is not in the database, a stolen database can
// neither verify nor plant a key. The checksum is no protection; it lets a
// typing error or a made-up word be refused without looking anything up.
//
// FromHeaders reads the one credential of a request. It decides nothing: what
// is malformed is an error, what is well formed may still be worthless.
//
// The package imports neither Caddy nor net/http and keeps no state.
package credential
