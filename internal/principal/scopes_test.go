package principal

import (
	"encoding/json"
	"testing"
)

// FuzzScopes: a set is known words only, and what is written of it is read as the
// same set.
func FuzzScopes(f *testing.F) {
	for _, text := range []string{`["read","W"]`, `["R","R","extended"]`, `[]`, `null`, `[null]`, `["READ"]`, `["read","x"]`, `"read"`, `[1]`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		const before = Extended
		s := before
		if err := json.Unmarshal(text, &s); err != nil {
			if s != before {
				t.Fatalf("%q is refused, and yet %s", text, s)
			}
			return
		}
		written, err := json.Marshal(s)
		var again Scopes
		if err != nil || s&^AllScopes != 0 || json.Unmarshal(written, &again) != nil || again != s {
			t.Fatalf("%q is %d, written as %s and read as %d, %v", text, s, written, again, err)
		}
	})
}
