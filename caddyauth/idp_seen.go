package caddyauth

import (
	"crypto/sha256"

	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	// maxSeen bounds the tokens that are remembered, about. Each has a few hundred
	// bytes, and up to some 25 KiB where all its claims, roles and groups are as long as
	// can be; one that is forgotten is verified again.
	maxSeen = 10_000
	// seenParts is how many parts they are kept in, each with a lock: one lock for all
	// cost an eighth of a check where four threads wanted it.
	seenParts = 16
)

// seenTokens are tokens that were good, by digest: memory must not hold what can be
// presented. In each part the one that was not presented for the longest time makes room.
type seenTokens [seenParts]*lru.Cache[tokenDigest, *seenToken]

// tokenDigest stands for a token in memory.
type tokenDigest [sha256.Size]byte

// digestOf copies a token of the usual size to the stack: the hash takes no text, and a
// copy on the heap costs as much as all else that is done with a token that was seen.
func digestOf(word string) tokenDigest {
	var usual [2 << 10]byte
	return sha256.Sum256(append(usual[:0], word...))
}

func newSeenTokens() (s seenTokens) {
	for i := range s {
		// The error is about a size below one.
		s[i], _ = lru.New[tokenDigest, *seenToken](maxSeen / seenParts)
	}
	return s
}

func (s *seenTokens) part(d tokenDigest) *lru.Cache[tokenDigest, *seenToken] {
	return s[d[0]%seenParts]
}

func (s *seenTokens) get(d tokenDigest) (t *seenToken, known bool) { return s.part(d).Get(d) }

func (s *seenTokens) add(d tokenDigest, t *seenToken) { s.part(d).Add(d, t) }
