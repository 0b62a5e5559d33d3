package password

import (
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// crypted is a bcrypt hash of a text as other software has it, stored here.
func crypted(t testing.TB, text string, cost int) string {
	t.Helper()
	raw, err := bcrypt.GenerateFromPassword([]byte(text), cost)
	if err != nil {
		t.Fatal(err)
	}
	phc, err := ImportedBcrypt(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	return phc
}

// Hashes of passlib 1.7.4 and of the test vectors that come with its bcrypt.
var foreignBcrypt = map[string]string{
	"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW": "U*U",
	"$2b$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK": "U*U*",
	"$2y$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a": "U*U*U",
	"$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui": "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789chars after 72 are ignored",
}

func TestHashesOfBcryptAreVerifiedAndOutdated(t *testing.T) {
	turn := turnOf(t, cheap)
	for text, typed := range foreignBcrypt {
		phc, err := ImportedBcrypt(text)
		if err != nil || CheckImported(phc) != nil || CheckStored(phc) != nil || strings.Contains(phc, text[29:]) {
			t.Fatalf("'%s': '%s', %v", text, phc, err)
		}
		if ok, outdated, err := turn.Verify(phc, typed); !ok || !outdated || err != nil {
			t.Errorf("'%s': %t, %t, %v; want true, true, nil", typed, ok, outdated, err)
		}
		if ok, err := turn.VerifySecret(phc, typed); !ok || err != nil {
			t.Errorf("'%s' as a secret: %t, %v", typed, ok, err)
		}
		for _, wrong := range []string{"", "x" + typed, typed[:2], phc} {
			if ok, outdated, err := turn.Verify(phc, wrong); ok || outdated || err != nil {
				t.Errorf("'%s' for '%s': %t, %t, %v", wrong, typed, ok, outdated, err)
			}
			if ok, err := turn.VerifySecret(phc, wrong); ok || err != nil {
				t.Errorf("'%s' for '%s' as a secret: %t, %v", wrong, typed, ok, err)
			}
		}
	}
}

// bcrypt has read no more when the hash was made, so nobody knows the rest.
func TestBytesAfterThe72ndDoNotCountForBcrypt(t *testing.T) {
	turn := turnOf(t, cheap)
	first := strings.Repeat("k", 71) + "1"
	phc := crypted(t, first, 4)
	for typed, want := range map[string]bool{first: true, first + "tail": true, first[:71]: false, first[:71] + "2": false} {
		if ok, _, err := turn.Verify(phc, typed); ok != want || err != nil {
			t.Errorf("%d bytes: %t, %v; want %t", len(typed), ok, err, want)
		}
	}
}

func TestWhatIsNoBcryptIsNotImported(t *testing.T) {
	const salt, tag = "CCCCCCCCCCCCCCCCCCCCC.", "E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
	for text, want := range map[string]string{
		"":                               "not of the form",
		"__NO_PASSWORD__":                "not of the form",
		"$2x$05$" + salt + tag:           "not of the form",
		"$2$05$" + salt + tag:            "not of the form",
		"$2b$5$" + salt + tag:            "not of the form",
		"$2b$05$" + salt + tag + "A":     "not of the form",
		"$2b$05$" + salt + tag[1:]:       "not of the form",
		"$2b$05$" + salt + tag + "\n":    "not of the form",
		"$2b$03$" + salt + tag:           "cost 3; it must be 4 to 12",
		"$2b$13$" + salt + tag:           "cost 13; it must be 4 to 12",
		"$2b$31$" + salt + tag:           "cost 31",
		"$2b$05$" + salt + "+" + tag[1:]: "not of the form",
	} {
		if _, err := ImportedBcrypt(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), tag[1:]) {
			t.Errorf("'%s': %v; want '%s'", text, err, want)
		}
	}
}

var damagedBcrypt = map[string]string{
	"cost 3":                 BcryptPrefix + "r=3$" + salt16 + "$" + encoded(23),
	"cost 16":                BcryptPrefix + "r=16$" + salt16 + "$" + encoded(23),
	"a leading zero":         BcryptPrefix + "r=05$" + salt16 + "$" + encoded(23),
	"a salt of 15 bytes":     BcryptPrefix + "r=5$" + encoded(15) + "$" + encoded(23),
	"a tag of 24 bytes":      BcryptPrefix + "r=5$" + salt16 + "$" + encoded(24),
	"no tag":                 BcryptPrefix + "r=5$" + salt16 + "$",
	"a field too few":        BcryptPrefix + "r=5$" + salt16,
	"nothing but the prefix": BcryptPrefix,
	"a very long one":        BcryptPrefix + "r=5$" + salt16 + "$" + strings.Repeat("A", 400),
	"as others write it":     "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
}

func TestDamagedBcryptOpensNothing(t *testing.T) {
	turn := turnOf(t, cheap)
	turn.hasher.expectCost(4)
	for name, text := range damagedBcrypt {
		if CheckStored(text) == nil || CheckBcrypt(text) == nil {
			t.Errorf("%s: it is taken", name)
		}
		for _, typed := range []string{"", "U*U"} {
			if ok, outdated, err := turn.Verify(text, typed); ok || outdated || err == nil {
				t.Errorf("%s, '%s': %t, %t, %v", name, typed, ok, outdated, err)
			}
			if ok, err := turn.VerifySecret(text, typed); ok || err == nil {
				t.Errorf("%s, '%s' as a secret: %t, %v", name, typed, ok, err)
			}
		}
	}
}

// Whoever it is, a log-in takes the time of argon2id and of one bcrypt of the greatest
// cost, the secret of a key that of one bcrypt.
func TestWithBcryptHashesEachVerificationComputesOne(t *testing.T) {
	turn := turnOf(t, cheap)
	count := func(f func()) uint64 {
		before := turn.hasher.Stats().Hashes
		f()
		return turn.hasher.Stats().Hashes - before
	}
	low, high := crypted(t, right, 4), crypted(t, right, 5)
	stored := []string{"", hash(t, turn, right), damaged["a word"], damagedBcrypt["cost 3"]}
	for _, text := range stored {
		if n := count(func() { _, _, _ = turn.Verify(text, right) }); n != 1 {
			t.Errorf("without bcrypt, '%s': %d hashes", text, n)
		}
		if n := count(func() { _, _ = turn.VerifySecret("", right) }); n != 0 {
			t.Errorf("without bcrypt, a secret: %d hashes", n)
		}
	}
	turn.hasher.ExpectBcrypt("no hash")
	turn.hasher.ExpectBcrypt(high)
	turn.hasher.ExpectBcrypt(low)
	if got := turn.hasher.bcryptCost.Load(); got != 5 {
		t.Errorf("cost %d is expected, not the greatest", got)
	}
	for _, text := range append(stored, low, high) {
		if n := count(func() { _, _, _ = turn.Verify(text, right) }); n != 2 {
			t.Errorf("'%s': %d hashes", text, n)
		}
		if n := count(func() { _, _ = turn.VerifySecret(text, right) }); n != 1 {
			t.Errorf("'%s' as a secret: %d hashes", text, n)
		}
	}
}

// A dummy that stands in for the hash of somebody else says nothing about one's own.
func TestAnOwnPasswordIsNotOutdatedBesideBcrypt(t *testing.T) {
	turn := turnOf(t, cheap)
	turn.hasher.expectCost(4)
	if ok, outdated, err := turn.Verify(hash(t, turn, right), right); !ok || outdated || err != nil {
		t.Errorf("%t, %t, %v", ok, outdated, err)
	}
}

func TestAReleasedTurnVerifiesNoSecret(t *testing.T) {
	turn := turnOf(t, cheap)
	turn.Release()
	if ok, err := turn.VerifySecret(crypted(t, right, 4), right); ok || err == nil {
		t.Errorf("%t, %v", ok, err)
	}
}

// FuzzParseBcrypt: what is taken is written the same again, in either form, and within
// bounds.
func FuzzParseBcrypt(f *testing.F) {
	for text := range foreignBcrypt {
		f.Add(text)
	}
	for _, text := range damagedBcrypt {
		f.Add(text)
	}
	f.Add(BcryptPrefix + "r=12$" + encoded(16) + "$" + encoded(23))
	f.Fuzz(func(t *testing.T, text string) {
		if phc, err := ImportedBcrypt(text); err == nil {
			r, err := parseBcrypt(phc)
			if err != nil || r.cost < minCost || r.cost > maxCost {
				t.Fatalf("%q is %q: %v", text, phc, err)
			}
			text = phc
		}
		r, err := parseBcrypt(text)
		if (CheckBcrypt(text) == nil) != (err == nil) {
			t.Fatalf("%q: CheckBcrypt does not say %v", text, err)
		}
		if err != nil {
			return
		}
		if again, err := ImportedBcrypt(string(r.crypt())); err != nil || again != text || len(text) > maxPHC {
			t.Errorf("%q comes out as %q, %v", text, again, err)
		}
	})
}
