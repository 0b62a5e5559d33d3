package identity

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport/sallyport/internal/credential"
)

// FuzzParseKeyRef: a key is named by its public id, or by names that there can be. The
// error is one line, since the text may be anybody's.
func FuzzParseKeyRef(f *testing.F) {
	for _, text := range []string{"alice/ci", "0123456789AB", "ＡＬＩＣＥ/ci", "a/b/c", "/", "alice/", "\x1b[31m/\n", strings.Repeat("x", 300), "0123456789A\xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ref, err := ParseKeyRef(text)
		if err != nil {
			checkShown(t, err)
			return
		}
		if ref.ID != "" {
			if _, err := credential.ParseKeyID(ref.ID); err != nil || ref.ID != text || ref.UserFold+ref.Name != "" {
				t.Fatalf("%q is %+v", text, ref)
			}
			return
		}
		if again, err := ParseKeyRef(ref.UserFold + "/" + ref.Name); err != nil || again != ref || !keyNamePattern.MatchString(ref.Name) || Fold(ref.UserFold) != ref.UserFold {
			t.Fatalf("%q is %+v, and that is %+v, %v", text, ref, again, err)
		}
	})
}

// FuzzAdoptedName: whatever a provider calls somebody, he gets a name of ASCII that users
// can have, and that of nobody else.
func FuzzAdoptedName(f *testing.F) {
	for _, claim := range []string{"alice", "ALICE", "аlice", "whoami", "Admin", "", "ﬁ", "...", strings.Repeat("é", 300), "a\x00", "İ", "K", "\xff"} {
		f.Add(claim, uint16(3))
	}
	f.Fuzz(func(t *testing.T, claim string, others uint16) {
		base := adoptedName(claim)
		taken := map[string]bool{Fold(base): others > 0}
		for n := range int(others % 300) {
			taken[Fold(base+strconv.Itoa(n))] = n > 0
		}
		is := func(name string) (bool, error) { return reservedNames[Fold(name)] || taken[Fold(name)], nil }
		name, err := freeName(base, is)
		if err != nil || checkUsername(name) != nil || Fold(name) != strings.ToLower(name) || strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf }) {
			t.Fatalf("%q is called %q, %v", claim, name, err)
		}
		if used, _ := is(name); used {
			t.Fatalf("%q is called %q, as somebody else", claim, name)
		}
	})
}

// FuzzNewKey: a key that may be issued stays one when it is written and read again, has
// no more limits than there may be, and no text that would harm where it is shown.
func FuzzNewKey(f *testing.F) {
	for _, text := range []string{
		`{"user":"alice","name":"ci","scopes":["read"],"networks":["192.0.2.77/24","::ffff:192.0.2.0/120"],"expires":"2027-01-31T12:00:00Z"}`,
		`{"user":"alice","name":"ci","scopes":["R","W"],"audience":["a.example"],"subject":["/reports/*"],"user_agent":"curl/*","api_version":"1"}`,
		`{"user":"Ａ","name":"x","scopes":[],"not_before":"2027-01-01T00:00:00+05:00","expires":"2106-02-07T06:28:14Z"}`,
		`{"user":"a","name":"x","scopes":null,"networks":null,"subject":["/a/../b"]}`, `{"user":"a","name":"x","networks":[""]}`,
		`{"user":"a","name":"x","user_agent":"\u202e","expires":"0000-01-01T00:00:00Z"}`, `[]`,
	} {
		f.Add([]byte(text))
	}
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text []byte) {
		var n, again NewKey
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		if decoder.Decode(&n) != nil {
			return
		}
		if err := n.check(now); err != nil {
			checkShown(t, err)
			return
		}
		written, err := json.Marshal(n)
		if err == nil {
			err = json.Unmarshal(written, &again)
		}
		if err != nil || again.check(now) != nil {
			t.Fatalf("%s is written as %s, %v", text, written, err)
		}
		rewritten, err := json.Marshal(again)
		if err != nil || !bytes.Equal(written, rewritten) || !reflect.DeepEqual(n.Subject, again.Subject) {
			t.Fatalf("%s is written as %s, and then as %s, %v", text, written, rewritten, err)
		}
		if !n.Expires.IsZero() && (secondsDown(n.Expires) == 0 || !n.Expires.After(now)) || !n.NotBefore.IsZero() && secondsUp(n.NotBefore) == 0 {
			t.Fatalf("%s would have no end, or no beginning", text)
		}
		shown := append(append([]string{n.Username, n.Name, n.UserAgent, n.APIVersion}, n.Audience...), n.Subject...)
		if len(n.Networks) > maxList || len(n.Audience) > maxList || len(n.Subject) > maxList {
			t.Fatalf("%s has too many limits", text)
		}
		for _, one := range shown {
			if !utf8.ValidString(one) || len(one) > 1024 || strings.ContainsFunc(one, unicode.IsControl) {
				t.Fatalf("%q is taken", one)
			}
		}
	})
}

// FuzzCheckImport: users who can be imported have names that are different when they
// are folded; each error is one line.
func FuzzCheckImport(f *testing.F) {
	f.Add("alice", "ALICE", "")
	f.Add("alice", "bob", "$pbkdf2-sha256$i=100000$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Add("a\nb", strings.Repeat("\xff", 300), "$pbkdf2-sha256$i=1\n")
	f.Fuzz(func(t *testing.T, first, second, hash string) {
		wrong := CheckImport([]ImportedUser{imported(first, hash), imported(second, "")})
		for _, err := range wrong {
			checkShown(t, err)
		}
		if len(wrong) == 0 && (Fold(first) == Fold(second) || checkUsername(first) != nil || checkUsername(second) != nil) {
			t.Fatalf("%q and %q", first, second)
		}
	})
}

// checkShown holds an error to lines that can be shown.
func checkShown(t *testing.T, err error) {
	t.Helper()
	for one := range strings.Lines(err.Error()) {
		checkLine(t, strings.TrimSuffix(one, "\n"))
	}
}

func checkLine(t *testing.T, line string) {
	t.Helper()
	if !utf8.ValidString(line) || len(line) > 800 || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Fatalf("%d bytes: %q", len(line), line)
	}
}
