package credential

import (
	"crypto/rand"
	"strings"
	"testing"
)

// anyKey makes a key with a prefix.
func anyKey(t testing.TB, prefix string) string {
	t.Helper()
	id, err := NewKeyID(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	word, err := NewKey(rand.Reader, prefix, id)
	if err != nil {
		t.Fatal(err)
	}
	return word.Reveal()
}

func TestFindKey(t *testing.T) {
	key, long := anyKey(t, "sly"), anyKey(t, "abcdefghij012345")
	mistyped := key[:20] + "x" + key[21:]
	if mistyped == key {
		mistyped = key[:20] + "y" + key[21:]
	}
	for name, test := range map[string]struct{ text, want string }{
		"a key alone":                           {key, key},
		"the longest prefix":                    {long, long},
		"a key in a text":                       {"key=" + key + "; x", key},
		"behind other underscores":              {"_a_b__" + key, key},
		"a mistyped key":                        {mistyped, mistyped},
		"letters that belong to no prefix":      {"KEY" + key, key},
		"letters that may belong to the prefix": {"my" + key, "my" + key},
		"more letters behind":                   {key + "xyz-", key + "xyz"},
		"digits in front":                       {"1" + key, key},
		"the last of 16 letters":                {"x" + long, long},
		"one character too few":                 {key[:len(key)-1], ""},
		"no prefix":                             {key[3:], ""},
		"a prefix of one letter":                {key[2:], ""},
		"a prefix that begins with digits":      {"12" + key[3:], ""},
		"a hash in hexadecimal":                 {"app_" + strings.Repeat("0123456789abcdef", 4) + ".js", ""},
		"nothing":                               {"", ""},
	} {
		start, end := FindKey(test.text, 0)
		got := ""
		if start >= 0 {
			got = test.text[start:end]
		}
		if got != test.want {
			t.Errorf("%s: found '%s' in '%s'", name, got, test.text)
		}
	}
}

func TestFindKeyGoesOn(t *testing.T) {
	first, second := anyKey(t, "sly"), anyKey(t, "app")
	text := first + " " + second
	_, end := FindKey(text, 0)
	if start, end := FindKey(text, end); text[start:end] != second {
		t.Errorf("found '%s'", text[start:end])
	}
}

func FuzzFindKey(f *testing.F) {
	f.Add("a=", "&b", uint8(3))
	f.Add("sly_", "", uint8(0))
	f.Fuzz(func(t *testing.T, before, after string, n uint8) {
		prefix := "abcdefghij012345"[:2+n%15]
		key := anyKey(t, prefix)
		text := before + key + after
		for from := 0; ; {
			start, end := FindKey(text, from)
			if start < 0 {
				t.Fatalf("the key is not found in %q", text)
			}
			if start <= len(before) && end >= len(before)+len(key) {
				return
			}
			from = end
		}
	})
}
