package password

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
)

// vectors are hashes as intelmq-api has made them.
func vectors(t *testing.T) (list []importedVector) {
	t.Helper()
	text, err := os.ReadFile("testdata/intelmq-api.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &list); err != nil || len(list) != 4 {
		t.Fatalf("%d vectors, %v", len(list), err)
	}
	return list
}

type importedVector struct{ Password, Salt, Hash string }

func (v *importedVector) phc(t *testing.T) string {
	t.Helper()
	salt, saltErr := hex.DecodeString(v.Salt)
	tag, tagErr := hex.DecodeString(v.Hash)
	text, err := Imported(100_000, salt, tag)
	if saltErr != nil || tagErr != nil || err != nil {
		t.Fatal(saltErr, tagErr, err)
	}
	return text
}

func TestHashesOfIntelMQAPIAreVerifiedAndOutdated(t *testing.T) {
	turn := turnOf(t, cheap)
	for _, v := range vectors(t) {
		stored := v.phc(t)
		if ok, outdated, err := turn.Verify(stored, v.Password); !ok || !outdated || err != nil {
			t.Errorf("'%s': %t, %t, %v; want true, true, nil", v.Password, ok, outdated, err)
		}
		for _, wrong := range []string{v.Password + " ", "x" + v.Password, v.Hash} {
			if ok, outdated, err := turn.Verify(stored, wrong); ok || outdated || err != nil {
				t.Errorf("'%s' for '%s': %t, %t, %v; want false, false, nil", wrong, v.Password, ok, outdated, err)
			}
		}
	}
}

func TestAnImportedHashIsOneOfWhatWasTyped(t *testing.T) {
	turn := turnOf(t, cheap)
	typed := norm.NFD.String("pässwörd ☃")
	r := importedRecord{rounds: 1000, salt: make([]byte, 16)}
	r.tag = make([]byte, 32)
	tag, err := r.tagOf(typed)
	if err != nil {
		t.Fatal(err)
	}
	r.tag = tag
	if ok, _, _ := turn.Verify(r.String(), typed); !ok {
		t.Error("what was typed then is refused")
	}
	if ok, _, _ := turn.Verify(r.String(), norm.NFC.String(typed)); ok {
		t.Error("intelmq-api would have refused the other form")
	}
	if ok, _, _ := turn.Verify(hash(t, turn, norm.NFC.String(typed)), typed); !ok {
		t.Error("an own hash depends on the keyboard")
	}
}

// The bytes are those that others write who follow the PHC string format.
func TestImportedHashesAreInPHCForm(t *testing.T) {
	text, err := Imported(100_000, []byte("somesaltsomesalt"), make([]byte, 32))
	if want := "$pbkdf2-sha256$i=100000$" + salt16 + "$" + tag32; text != want || err != nil {
		t.Errorf("%s, %v", text, err)
	}
	if err := CheckImported(text); err != nil {
		t.Error(err)
	}
}

// damagedImports are hashes that nobody may get in by, with what is said of them.
var damagedImports = map[string]struct{ text, want string }{
	"one round":               {imported("i=1", salt16, tag32), "1 rounds; there must be 1000 to 10000000"},
	"999 rounds":              {imported("i=999", salt16, tag32), "999 rounds"},
	"more than ten million":   {imported("i=10000001", salt16, tag32), "10000001 rounds"},
	"more than fits 31 bits":  {imported("i=4294967296", salt16, tag32), "not of the form"},
	"a negative number":       {imported("i=-1000", salt16, tag32), "not of the form"},
	"a leading zero":          {imported("i=0100000", salt16, tag32), "not of the form"},
	"no name of the number":   {imported("100000", salt16, tag32), "not of the form"},
	"a length beside it":      {imported("i=100000,l=32", salt16, tag32), "not of the form"},
	"a salt of 7 bytes":       {imported("i=100000", encoded(7), tag32), "salt of 7 bytes"},
	"a salt of 65 bytes":      {imported("i=100000", encoded(65), tag32), "salt of 65 bytes"},
	"no salt":                 {imported("i=100000", "", tag32), "salt of 0 bytes"},
	"a tag of 15 bytes":       {imported("i=100000", salt16, encoded(15)), "tag of 15 bytes"},
	"no tag":                  {imported("i=100000", salt16, ""), "tag of 0 bytes"},
	"padding":                 {imported("i=100000", salt16+"==", tag32), "not of the form"},
	"bits that count nothing": {imported("i=100000", salt16, tag32[:42]+"B"), "not of the form"},
	"a line end":              {imported("i=100000", salt16, tag32+"\n"), "not of the form"},
	"a field too few":         {"$pbkdf2-sha256$i=100000$" + salt16, "not of the form"},
	"a field too many":        {imported("i=100000", salt16, tag32) + "$", "not of the form"},
	"nothing but the prefix":  {ImportedPrefix, "not of the form"},
	"a very long one":         {imported("i=100000", salt16, strings.Repeat("A", 400)), "not of the form"},
}

func imported(rounds, salt, tag string) string {
	return ImportedPrefix + rounds + "$" + salt + "$" + tag
}

func TestDamagedImportsOpenNothing(t *testing.T) {
	turn := turnOf(t, cheap)
	for name, c := range damagedImports {
		if err := CheckImported(c.text); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), salt16) {
			t.Errorf("%s: %v; want '%s'", name, err, c.want)
		}
		for _, typed := range []string{"", right} {
			if ok, outdated, err := turn.Verify(c.text, typed); ok || outdated || err == nil {
				t.Errorf("%s, '%s': %t, %t, %v", name, typed, ok, outdated, err)
			}
		}
	}
}

func TestWhatIsOutOfBoundsIsNotWritten(t *testing.T) {
	for name, err := range map[string]error{
		"rounds": errorOf(Imported(999, make([]byte, 16), make([]byte, 32))),
		"salt":   errorOf(Imported(1000, make([]byte, 7), make([]byte, 32))),
		"tag":    errorOf(Imported(1000, make([]byte, 8), make([]byte, 15))),
	} {
		if err == nil {
			t.Errorf("%s out of bounds: no error", name)
		}
	}
}

func errorOf(_ string, err error) error { return err }

// With imported hashes a log-in takes the time of two, whoever it is: the time
// must not tell who was imported.
func TestWithImportedHashesVerifyComputesBothKinds(t *testing.T) {
	turn := turnOf(t, cheap)
	stored := map[string]string{"none": "", "the own": hash(t, turn, right), "damaged": damaged["a word"]}
	count := func(text string) uint64 {
		before := turn.hasher.Stats().Hashes
		_, _, _ = turn.Verify(text, right)
		return turn.hasher.Stats().Hashes - before
	}
	for name, text := range stored {
		if n := count(text); n != 1 {
			t.Errorf("without imports, %s: %d hashes", name, n)
		}
	}
	v := vectors(t)[0]
	stored["imported"], stored["a damaged import"] = v.phc(t), damagedImports["one round"].text
	if n := count(stored["imported"]); n != 2 {
		t.Errorf("the first imported one: %d hashes", n)
	}
	for name, text := range stored {
		if n := count(text); n != 2 {
			t.Errorf("with imports, %s: %d hashes", name, n)
		}
	}
}

func TestHashersAreToldOfImportsBeforeTheFirstComes(t *testing.T) {
	h := NewHasher(Config{Params: cheap})
	h.ExpectImported()
	turn := reserve(t, h)
	defer turn.Release()
	stored := hash(t, turn, right)
	before := h.Stats().Hashes
	if ok, outdated, err := turn.Verify(stored, right); !ok || outdated || err != nil || h.Stats().Hashes-before != 2 {
		t.Errorf("%t, %t, %v, %d hashes", ok, outdated, err, h.Stats().Hashes-before)
	}
}

// The dummy is never right, even for the password whose hash it has.
func TestTheDummyOfImportsIsNeverRight(t *testing.T) {
	turn := turnOf(t, cheap)
	turn.hasher.ExpectImported()
	dummy := &turn.hasher.importedDummy
	var err error
	if dummy.tag, err = dummy.tagOf(right); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"no password": "", "an own one": hash(t, turn, "another horse"), "damaged": "x", "a damaged import": ImportedPrefix} {
		if ok, outdated, _ := turn.Verify(text, right); ok || outdated {
			t.Errorf("%s: the dummy's password is accepted", name)
		}
	}
}

// FuzzParseImported: what is taken is written the same again, and within bounds.
func FuzzParseImported(f *testing.F) {
	for _, rounds := range []string{"100000", "1000", "999", "10000001", "0100000", "-1", "2147483648"} {
		f.Add(ImportedPrefix + "i=" + rounds + "$" + encoded(16) + "$" + encoded(32))
	}
	f.Add(ImportedPrefix + "i=1000$" + encoded(7) + "$" + encoded(65))
	f.Add(ImportedPrefix + "i=1000$$")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parseImported(text)
		if (CheckImported(text) == nil) != (err == nil) {
			t.Fatalf("%q: CheckImported does not say %v", text, err)
		}
		if err != nil {
			return
		}
		again, err := Imported(r.rounds, r.salt, r.tag)
		if err != nil || again != text || len(text) > maxPHC {
			t.Errorf("%q comes out as %q, %v", text, again, err)
		}
		if !r.matches(r.tag) || r.matches(r.tag[1:]) {
			t.Errorf("%q does not match itself alone", text)
		}
	})
}
