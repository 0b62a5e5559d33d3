package password

import (
	"bytes"
	"strings"
	"testing"
)

const (
	salt16 = "c29tZXNhbHRzb21lc2FsdA" // somesaltsomesalt
	tag32  = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)

func phc(params, salt, tag string) string {
	return "$argon2id$v=19$" + params + "$" + salt + "$" + tag
}

// The hash is one of the test vectors of argon2's reference implementation, so
// that what is stored stays readable for others, and theirs for us.
const vector = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"

func TestHashesAreThoseOfTheReferenceImplementation(t *testing.T) {
	r, err := parsePHC(vector)
	if err != nil {
		t.Fatal(err)
	}
	if tag := r.tagOf("password"); !r.matches(tag) {
		t.Errorf("the tag is %x, want %x", tag, r.tag)
	}
	if r.matches(r.tagOf("Password")) {
		t.Error("another password matches")
	}
}

func TestPHCAtTheBoundsIsRead(t *testing.T) {
	for name, text := range map[string]string{
		"the default":           phc("m=19456,t=2,p=1", salt16, tag32),
		"the least parameters":  phc("m=8,t=1,p=1", salt16, tag32),
		"the most parameters":   phc("m=1048576,t=16,p=16", salt16, tag32),
		"least for its threads": phc("m=128,t=1,p=16", salt16, tag32),
		"salt of 8, tag of 16":  phc("m=64,t=1,p=1", encoded(8), encoded(16)),
		"salt and tag of 64":    phc("m=64,t=1,p=1", encoded(64), encoded(64)),
	} {
		r, err := parsePHC(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if r.String() != text {
			t.Errorf("%s: comes out as %s", name, r)
		}
	}
}

// encoded is n zero bytes in base64 without padding.
func encoded(n int) string { return strings.Repeat("A", (n*8+5)/6) }

var outOfBounds = map[string]struct{ text, want string }{
	"too little memory":             {phc("m=7,t=1,p=1", salt16, tag32), "memory of 7 KiB: use 8 to 1048576"},
	"too little memory for threads": {phc("m=31,t=1,p=4", salt16, tag32), "memory of 31 KiB: use 32 to 1048576"},
	"more than 1 GiB":               {phc("m=1048577,t=1,p=1", salt16, tag32), "memory of 1048577 KiB"},
	"as much as fits in 32 bits":    {phc("m=4294967295,t=4294967295,p=255", salt16, tag32), "parallelism of 255"},
	"17 passes":                     {phc("m=64,t=17,p=1", salt16, tag32), "time of 17"},
	"17 threads":                    {phc("m=4096,t=1,p=17", salt16, tag32), "parallelism of 17"},
	"a salt of 7 bytes":             {phc("m=64,t=1,p=1", encoded(7), tag32), "salt of 7 bytes"},
	"a salt of 65 bytes":            {phc("m=64,t=1,p=1", encoded(65), tag32), "salt of 65 bytes"},
	"a tag of 15 bytes":             {phc("m=64,t=1,p=1", salt16, encoded(15)), "tag of 15 bytes"},
	"a tag of 65 bytes":             {phc("m=64,t=1,p=1", salt16, encoded(65)), "tag of 65 bytes"},
	"no salt":                       {phc("m=64,t=1,p=1", "", tag32), "salt of 0 bytes"},
	"no tag, which all would match": {phc("m=64,t=1,p=1", salt16, ""), "tag of 0 bytes"},
}

func TestPHCOutOfBoundsIsRefused(t *testing.T) {
	for name, c := range outOfBounds {
		_, err := parsePHC(c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want '%s'", name, err, c.want)
		}
	}
}

var damaged = map[string]string{
	"blank":                        " ",
	"a word":                       "secret",
	"dollars":                      "$$$$$",
	"another kind of argon2":       "$argon2i$v=19$m=64,t=1,p=1$" + salt16 + "$" + tag32,
	"bcrypt":                       "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
	"another version":              "$argon2id$v=16$m=64,t=1,p=1$" + salt16 + "$" + tag32,
	"no version":                   "$argon2id$m=64,t=1,p=1$" + salt16 + "$" + tag32,
	"another order":                phc("t=1,m=64,p=1", salt16, tag32),
	"a parameter missing":          phc("m=64,t=1", salt16, tag32),
	"a parameter more":             phc("m=64,t=1,p=1,keyid=A", salt16, tag32),
	"a parameter twice":            phc("m=64,m=64,p=1", salt16, tag32),
	"a parameter of 0":             phc("m=64,t=0,p=1", salt16, tag32),
	"all parameters of 0":          phc("m=0,t=0,p=0", salt16, tag32),
	"a parameter without a number": phc("m=64,t=,p=1", salt16, tag32),
	"a leading zero":               phc("m=064,t=1,p=1", salt16, tag32),
	"a sign":                       phc("m=+64,t=1,p=1", salt16, tag32),
	"a blank in a number":          phc("m= 64,t=1,p=1", salt16, tag32),
	"a number beyond 32 bits":      phc("m=4294967360,t=1,p=1", salt16, tag32),
	"threads beyond 8 bits":        phc("m=4096,t=1,p=257", salt16, tag32),
	"padding":                      phc("m=64,t=1,p=1", salt16+"==", tag32),
	"a line end in the salt":       phc("m=64,t=1,p=1", salt16[:4]+"\n"+salt16[4:], tag32),
	"a line end behind":            phc("m=64,t=1,p=1", salt16, tag32) + "\n",
	"bits behind the last byte":    phc("m=64,t=1,p=1", salt16, tag32[:len(tag32)-1]+"B"),
	"the alphabet of URLs":         phc("m=64,t=1,p=1", salt16, strings.Repeat("-", 43)),
	"a field more":                 phc("m=64,t=1,p=1", salt16, tag32) + "$",
	"no dollar in front":           phc("m=64,t=1,p=1", salt16, tag32)[1:],
	"something in front":           "x" + phc("m=64,t=1,p=1", salt16, tag32),
	"much text":                    phc("m=64,t=1,p=1", salt16, strings.Repeat("A", 1<<20)),
	"cut short":                    phc("m=64,t=1,p=1", salt16, tag32)[:40],
}

func TestDamagedPHCIsRefusedAndNeverRepeated(t *testing.T) {
	for name, text := range damaged {
		_, err := parsePHC(text)
		if err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), salt16) || strings.Contains(err.Error(), tag32) {
			t.Errorf("%s: the error repeats it: %v", name, err)
		}
	}
}

func TestParamsOutOfBoundsAreRefused(t *testing.T) {
	for _, good := range []Params{{}, {Memory: 8}, {Memory: 64, Time: 1, Threads: 1}, {1 << 20, 16, 16}} {
		if err := good.Check(); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	for _, bad := range []Params{{Memory: 7}, {Memory: 1<<20 + 1}, {Time: 17}, {Threads: 17}, {Memory: 8, Threads: 2}} {
		if bad.Check() == nil {
			t.Errorf("%+v: accepted", bad)
		}
	}
	if got, want := (Params{}).orDefault(), (Params{Memory: 19456, Time: 2, Threads: 1}); got != want {
		t.Errorf("the default is %+v, want %+v", got, want)
	}
}

func FuzzParsePHC(f *testing.F) {
	f.Add(phc("m=19456,t=2,p=1", salt16, tag32))
	f.Add(phc("m=8,t=1,p=1", encoded(8), encoded(16)))
	f.Add(vector)
	for _, text := range damaged {
		f.Add(text[:min(len(text), 300)])
	}
	for _, c := range outOfBounds {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parsePHC(text)
		if err != nil {
			return
		}
		if r.String() != text {
			t.Errorf("%q comes out as %q", text, r)
		}
		again, err := parsePHC(r.String())
		if err != nil || again.params != r.params || !bytes.Equal(again.salt, r.salt) || !again.matches(r.tag) {
			t.Errorf("%q: read again as %+v, %v", text, again, err)
		}
		if r.check() != nil || r.params.orDefault() != r.params {
			t.Errorf("%q: out of bounds: %+v", text, r.params)
		}
	})
}

func TestWhatIsStoredIsCheckedWithoutComputingIt(t *testing.T) {
	imported, err := Imported(minRounds, make([]byte, 8), make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	for text, good := range map[string]bool{vector: true, imported: true, "": false, "garbage": false, imported + "x$": false} {
		if err := CheckStored(text); (err == nil) != good {
			t.Errorf("'%s': %v", text, err)
		}
	}
}
