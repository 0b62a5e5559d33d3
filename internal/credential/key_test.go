package credential

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
)

func TestKeyHasTheFormThatScannersLookFor(t *testing.T) {
	id, err := NewKeyID(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	word, err := NewKey(rand.Reader, "sly", id)
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^sly_[0-9A-Za-z]{61}$`).MatchString(word.Reveal()) {
		t.Errorf("the key has a wrong form: %d characters", len(word.Reveal()))
	}
	got, ok := ParseKey(word.Reveal())
	if !ok || got != id {
		t.Errorf("ParseKey gives %v, %t; want %v, true", got, ok, id)
	}
	again, err := NewKey(rand.Reader, "sly", id)
	if err != nil {
		t.Fatal(err)
	}
	if again == word {
		t.Error("two keys of one id have the same secret")
	}
}

// The words are made by hand, so that a change of alphabet, checksum or order
// of digits shows: keys that are in use must stay valid for ever. The checksums
// are CRC-32 of the rest, as `python3 -c 'import zlib; …'` computes it.
func TestKeyFormNeverChanges(t *testing.T) {
	const zeros = "0000000000000000000000000000000000000000000"
	for _, word := range []string{
		"sly_0123456789AB" + zeros + "19EI2s",
		"ops1_zzzzzzzzzzzz" + zeros + "19b3yG",
	} {
		if _, ok := ParseKey(word); !ok {
			t.Errorf("%s is not accepted; its checksum would be %s", word, checksum(word[:len(word)-keyChecksumLength]))
		}
	}
}

func TestParseKeyRefuses(t *testing.T) {
	id := KeyID([]byte("0123456789AB"))
	key, err := NewKey(rand.Reader, "sly", id)
	if err != nil {
		t.Fatal(err)
	}
	good := key.Reveal()
	for name, word := range map[string]string{
		"nothing":                    "",
		"a prefix alone":             "sly_",
		"a last character changed":   good[:len(good)-1] + string(other(good[len(good)-1])),
		"a character of the id":      good[:5] + string(other(good[5])) + good[6:],
		"one character less":         good[:len(good)-1],
		"one character more":         good + "0",
		"another prefix":             "sli" + good[3:],
		"no prefix":                  good[4:],
		"a prefix of one character":  "s" + good[3:],
		"a prefix that is too long":  strings.Repeat("a", 17) + good[3:],
		"a byte outside the letters": good[:20] + "-" + good[21:],
		"a NUL":                      good[:20] + "\x00" + good[21:],
		"a blank before":             " " + good,
		"a line end after":           good + "\n",
	} {
		if _, ok := ParseKey(word); ok {
			t.Errorf("%s: accepted", name)
		}
	}
}

func other(b byte) byte {
	if b == '0' {
		return '1'
	}
	return '0'
}

func TestPrefixes(t *testing.T) {
	for _, good := range []string{"sly", "ops1", "ab", strings.Repeat("a", 16)} {
		if err := CheckPrefix(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "a", "Sly", "1ab", "a_b", "a-b", strings.Repeat("a", 17), "ab\n"} {
		if CheckPrefix(bad) == nil {
			t.Errorf("%q is accepted", bad)
		}
		if _, err := NewKey(rand.Reader, bad, KeyID{}); err == nil {
			t.Errorf("NewKey takes %q", bad)
		}
	}
}

func TestShardsFollowTheOrderOfIDs(t *testing.T) {
	before := -1
	for _, text := range []string{"000000000000", "0zzzzzzzzzzz", "100000000000", "A00000000000", "a00000000000", "zzzzzzzzzzzz"} {
		id, err := ParseKeyID(text)
		if err != nil {
			t.Fatal(err)
		}
		if id.Shard() <= before && text != "000000000000" || id.Shard() >= KeyShards {
			t.Errorf("%s is in shard %d after %d", text, id.Shard(), before)
		}
		before = id.Shard()
	}
	for _, bad := range []string{"", "short", "0123456789A-", "0123456789ABC"} {
		if _, err := ParseKeyID(bad); !errors.Is(err, ErrKeyID) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestRandomBase62UsesEveryDigitEvenly(t *testing.T) {
	text, err := RandomBase62(rand.Reader, 62*1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, digit := range base62 {
		// 1000 expected; 6.5 standard deviations are 205.
		if n := strings.Count(text, string(digit)); n < 795 || n > 1205 {
			t.Errorf("digit %c comes up %d times of 1000 expected", digit, n)
		}
	}
}

func TestRandomFailureIsAnError(t *testing.T) {
	broken := io.LimitReader(rand.Reader, 3)
	if _, err := RandomBase62(broken, 12); err == nil {
		t.Error("RandomBase62 made something of three bytes")
	}
	if _, err := NewKeyID(bytes.NewReader(nil)); err == nil {
		t.Error("NewKeyID made something of nothing")
	}
	if _, err := NewKey(bytes.NewReader(nil), "sly", KeyID{}); err == nil {
		t.Error("NewKey made something of nothing")
	}
	if _, err := NewPepper(bytes.NewReader(make([]byte, PepperSize-1))); err == nil {
		t.Error("NewPepper made something of 31 bytes")
	}
}

func FuzzParseKey(f *testing.F) {
	key, err := NewKey(rand.Reader, "sly", KeyID([]byte("0123456789AB")))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(key.Reveal())
	f.Add("sly_0123456789AB")
	f.Add("")
	f.Fuzz(func(t *testing.T, word string) {
		id, ok := ParseKey(word)
		if !ok {
			return
		}
		if !strings.Contains(word, id.String()) || checksum(word[:len(word)-keyChecksumLength]) != word[len(word)-keyChecksumLength:] {
			t.Errorf("accepted %q as %s", word, id)
		}
		id.Shard()
	})
}

// FuzzParseKeyID: an id that is taken is its text, and has a place in the index in
// the order of the texts.
func FuzzParseKeyID(f *testing.F) {
	f.Add("0123456789AB", "zzzzzzzzzzzz")
	f.Add("AAAAAAAzzzzz", "AAAAAABaaaaa")
	f.Add("0123456789A", "0123456789A\xff")
	pattern := regexp.MustCompile(`\A[0-9A-Za-z]{12}\z`)
	f.Fuzz(func(t *testing.T, first, second string) {
		a, errA := ParseKeyID(first)
		b, errB := ParseKeyID(second)
		if pattern.MatchString(first) != (errA == nil) || pattern.MatchString(second) != (errB == nil) {
			t.Fatalf("%q: %v; %q: %v", first, errA, second, errB)
		}
		if errA != nil || errB != nil {
			return
		}
		if a.String() != first || len(first) != KeyIDLength {
			t.Fatalf("%q is %s", first, a)
		}
		place := func(id KeyID) int { return id.Shard()<<32 + int(id.Tag()) }
		if a.Shard() < 0 || a.Shard() >= KeyShards || first < second && place(a) > place(b) {
			t.Errorf("%s is at %d, %d, %s at %d, %d", a, a.Shard(), a.Tag(), b, b.Shard(), b.Tag())
		}
	})
}
