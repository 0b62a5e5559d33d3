package credential

import (
	"strings"
	"testing"
)

func TestATokenAgainstXSRFIsThatOfItsSession(t *testing.T) {
	// HMAC-SHA-256 by another program.
	const word, want = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg", "533ec40eb2e9ea19fb7759332f2e693ee85f553e03950ea3ba386aa5c804b0bc"
	if got := XSRFToken(word); got != want {
		t.Errorf("the token is %s", got)
	}
	for text, is := range map[string]bool{
		want: true, "": false, word: false, strings.ToUpper(want): false, want + "0": false, want[:63]: false, XSRFToken(word + "h"): false,
	} {
		if IsXSRFToken(word, text) != is {
			t.Errorf("'%s': %v", text, !is)
		}
	}
}
