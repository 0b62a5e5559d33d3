package credential

import (
	"bytes"
	"crypto/rand"
	"regexp"
	"strings"
	"testing"
)

// tokenKinds are all kinds of tokens, with the form that their clients know.
var tokenKinds = map[TokenKind]*regexp.Regexp{
	AppToken:     regexp.MustCompile(`^alice:[0-9a-f]{64}$`),
	BareToken:    regexp.MustCompile(`^[0-9a-f]{32}$`),
	SessionToken: regexp.MustCompile(`^[0-9A-Za-z]{43}$`),
}

func newToken(t testing.TB, kind TokenKind, username string) string {
	t.Helper()
	word, err := NewToken(rand.Reader, kind, username)
	if err != nil {
		t.Fatal(err)
	}
	return word.Reveal()
}

func TestTokensHaveTheFormsThatClientsKnow(t *testing.T) {
	for kind, form := range tokenKinds {
		word := newToken(t, kind, "alice")
		if !form.MatchString(word) {
			t.Errorf("%s: a token has another form, of %d characters", kind, len(word))
		}
		if newToken(t, kind, "alice") == word {
			t.Errorf("%s: two tokens are the same", kind)
		}
		for other := range tokenKinds {
			if other.Matches(word) != (other == kind) {
				t.Errorf("a token of kind %s is taken for one of kind %s: %t", kind, other, other != kind)
			}
		}
		if _, isKey := ParseKey(word); isKey {
			t.Errorf("a token of kind %s is taken for a key", kind)
		}
	}
}

func TestNoTokenIsMadeOf(t *testing.T) {
	if _, err := NewToken(rand.Reader, "ticket", "alice"); err == nil || !strings.Contains(err.Error(), "'ticket' is unknown") {
		t.Errorf("an unknown kind: %v", err)
	}
	for kind := range tokenKinds {
		if _, err := NewToken(bytes.NewReader(make([]byte, 15)), kind, "alice"); err == nil {
			t.Errorf("%s: 15 random bytes", kind)
		}
	}
}

func TestWhatHasNotTheFormOfAToken(t *testing.T) {
	app, bare, session := newToken(t, AppToken, "alice"), newToken(t, BareToken, "alice"), newToken(t, SessionToken, "alice")
	digits := strings.TrimPrefix(app, "alice:")
	for name, test := range map[string]struct {
		kind TokenKind
		word string
	}{
		"an app token of nobody":               {AppToken, ":" + digits},
		"an app token without a name":          {AppToken, digits},
		"an app token in capitals":             {AppToken, "alice:" + strings.Repeat("A", 64)},
		"an app token of two names":            {AppToken, "alice:bob:" + digits},
		"an app token with a digit less":       {AppToken, app[:len(app)-1]},
		"an app token with a digit more":       {AppToken, app + "0"},
		"an app token and a line end":          {AppToken, app + "\n"},
		"an app token of a long name":          {AppToken, strings.Repeat("a", 257) + ":" + digits},
		"a bare token with a digit less":       {BareToken, bare[:31]},
		"a bare token with a digit more":       {BareToken, bare + "0"},
		"a bare token with another digit":      {BareToken, "g" + bare[1:]},
		"a session less a character":           {SessionToken, session[:42]},
		"a session and a character":            {SessionToken, session + "0"},
		"a session with a sign":                {SessionToken, "-" + session[1:]},
		"a session with a letter of two bytes": {SessionToken, "é" + session[2:]},
		"nothing, as an app token":             {AppToken, ""},
		"nothing, as a bare token":             {BareToken, ""},
		"nothing, as a session":                {SessionToken, ""},
		"an unknown kind":                      {"ticket", bare},
	} {
		if test.kind.Matches(test.word) {
			t.Errorf("%s: it has the form", name)
		}
	}
}

func TestTheLongestNameFitsIntoAToken(t *testing.T) {
	name := strings.Repeat("𐐀", 64) // four bytes each
	if word := newToken(t, AppToken, name); !AppToken.Matches(word) {
		t.Errorf("a token of %d bytes does not match", len(word))
	}
}

func TestOpenTokenComputesTheVerifierThatIsKept(t *testing.T) {
	p := newTestPepper(t)
	for kind := range tokenKinds {
		word := newToken(t, kind, "alice")
		opened, wellFormed := p.OpenToken(kind, word)
		if !wellFormed {
			t.Fatalf("%s: a token is malformed", kind)
		}
		got, want := opened.Verifier(), p.Verifier(word)
		if !got.Equal(&want) {
			t.Errorf("%s: the verifier is another one", kind)
		}
		if _, err := ParseKeyID(want.ID().String()); err != nil || want.ID() != got.ID() {
			t.Errorf("%s: the id is %s, %v", kind, want.ID(), err)
		}
		opened.Close()
		if _, wellFormed := p.OpenToken(kind, word+"!"); wellFormed {
			t.Errorf("%s: something else has its form", kind)
		}
	}
}

func newTestPepper(t testing.TB) *Pepper {
	t.Helper()
	p, err := ParsePepper([]byte(pepperText))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// FuzzToken holds whatever comes against all kinds: nothing panics, and what
// has the form of one kind has that of no other, nor that of a key.
func FuzzToken(f *testing.F) {
	for kind := range tokenKinds {
		f.Add(newToken(f, kind, "alice"))
	}
	f.Add(":")
	f.Add("alice:bob:" + strings.Repeat("0", 64))
	f.Add(strings.Repeat("é", 43))
	f.Add("\x00")
	p := newTestPepper(f)
	f.Fuzz(func(t *testing.T, word string) {
		forms := 0
		for kind := range tokenKinds {
			opened, wellFormed := p.OpenToken(kind, word)
			if wellFormed != kind.Matches(word) {
				t.Errorf("%s: Matches and OpenToken disagree on %q", kind, word)
			}
			if !wellFormed {
				continue
			}
			forms++
			verifier := opened.Verifier()
			verifier.ID().Shard()
			opened.Close()
			if len(word) > maxTokenLength {
				t.Errorf("%s: %d bytes are taken", kind, len(word))
			}
		}
		if _, isKey := ParseKey(word); isKey {
			forms++
		}
		if forms > 1 {
			t.Errorf("%q has %d forms", word, forms)
		}
	})
}

// FuzzNewToken: whatever the user is called, a token has its own form.
func FuzzNewToken(f *testing.F) {
	f.Add("alice")
	f.Add("jürgen")
	f.Add(strings.Repeat("𐐀", 64))
	f.Fuzz(func(t *testing.T, username string) {
		// The names that there are: checked when a user is added.
		if username == "" || len(username) > 256 || strings.Contains(username, ":") {
			return
		}
		for kind := range tokenKinds {
			word := newToken(t, kind, username)
			for other := range tokenKinds {
				if other.Matches(word) != (other == kind) {
					t.Errorf("a token of kind %s for %q matches %s: %t", kind, username, other, other != kind)
				}
			}
		}
	})
}
