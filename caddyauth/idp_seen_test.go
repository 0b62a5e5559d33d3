package caddyauth

import (
	"fmt"
	"testing"
)

func TestSeenTokensAreBounded(t *testing.T) {
	s := newSeenTokens()
	word := func(n int) tokenDigest { return digestOf(fmt.Sprint("token ", n)) }
	one := new(seenToken)
	for n := range 3 * maxSeen {
		s.add(word(n), new(seenToken))
		if n == 0 {
			s.add(word(0), one)
		}
		// One that is presented again and again stays.
		if got, known := s.get(word(0)); !known || got != one {
			t.Fatalf("after %d tokens the first one is forgotten", n)
		}
	}
	kept := 0
	for _, part := range s {
		kept += part.Len()
	}
	if kept != maxSeen {
		t.Errorf("%d tokens are kept, want %d", kept, maxSeen)
	}
	if _, known := s.get(word(1)); known {
		t.Error("one that was not presented again is kept")
	}
}

func TestALongTokenHasADigestOfItsOwn(t *testing.T) {
	long := string(make([]byte, 4<<10))
	if digestOf(long+"a") == digestOf(long+"b") {
		t.Error("two tokens have one digest")
	}
}
