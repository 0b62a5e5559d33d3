package allowlist_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/allowlist"
)

const digest = "0123456789abcdef0123456789abcdef0123456789ABCDEF0123456789ABCDEF"

func TestLinesAreUnderstood(t *testing.T) {
	for text, want := range map[string]string{
		"":                                       "",
		"\n\n":                                   "",
		"# comment: with colon\n":                "",
		"  \t# comment":                          "",
		"10.0.0.1:swordfish":                     "10.0.0.1/32 weak",
		"10.0.0.1:swordfish-and-others\n":        "10.0.0.1/32",
		"10.0.0.1:swordfish-and-others\r\n":      "10.0.0.1/32",
		"\t 10.0.0.1 : swordfish-and-others \n":  "10.0.0.1/32",
		"2001:db8::/64:swordfish-and-others":     "2001:db8::/64",
		"2001:db8::1:swordfish-and-others":       "2001:db8::1/128",
		"2001:db8::1:beefsteak":                  "2001:db8::1/128 weak",
		"::ffff:10.0.0.1:swordfish-and-others":   "10.0.0.1/32",
		"10.1.2.3/8:#!$%&'()*+,-./;<=>?@[]^_{|}": "10.0.0.0/8",
		"10.0.0.1:sha256$salt$" + digest:         "10.0.0.1/32 hashed",
		"::1:sha256$salt$" + digest:              "::1/128 hashed",
	} {
		d, err := allowlist.ParseDocument([]byte(text))
		if err != nil {
			t.Errorf("'%s': %v", text, err)
			continue
		}
		if got := describe(d); got != want {
			t.Errorf("'%s' is '%s', want '%s'", text, got, want)
		}
	}
}

func describe(d *allowlist.Document) string {
	var words []string
	for _, e := range d.Entries() {
		words = append(words, e.Entry.Prefix.String())
		if e.Hashed {
			words = append(words, "hashed")
		}
		if e.Weak {
			words = append(words, "weak")
		}
	}
	return strings.Join(words, " ")
}

func TestBrokenLinesAreNamedByNumberAndNotShown(t *testing.T) {
	for line, want := range map[string]string{
		"10.0.0.1":                             "write 'entry:secret'",
		"10.0.0.1:":                            "there is no secret after the last ':'",
		"10.0.0.1: \t":                         "there is no secret after the last ':'",
		":swordfish":                           "before the last ':' there is no address or network",
		"office:swordfish":                     "before the last ':' there is no address or network",
		"10.0.0.1:sword:fish":                  "before the last ':' there is no address or network",
		"fe80::1%eth0:swordfish":               "before the last ':' there is no address or network",
		"10.0.0.1 swordfish":                   "write 'entry:secret'",
		"10.0.0.1:swordfish # office":          "blanks, control characters",
		"10.0.0.1:sword\x00fish":               "blanks, control characters",
		"10.0.0.1:swördfish":                   "blanks, control characters",
		"10.0.0.1:sword\xfffish":               "blanks, control characters",
		"10.0.0.1:" + strings.Repeat("x", 513): "longer than 512 bytes",
		"10.0.0.1:sha256$":                     "write a salt of letters and digits",
		"10.0.0.1:sha256$salt":                 "write a salt of letters and digits",
		"10.0.0.1:sha256$$" + digest:           "write a salt of letters and digits",
		"10.0.0.1:sha256$sa-lt$" + digest:      "write a salt of letters and digits",
		"10.0.0.1:sha256$salt$" + digest[1:]:   "write a salt of letters and digits",
		"10.0.0.1:sha256$salt$g" + digest[1:]:  "write a salt of letters and digits",
		"10.0.0.1:sha256$salt$" + digest + "0": "write a salt of letters and digits",
		"10.0.0.1:sha256$" + strings.Repeat("s", 65) + "$" + digest: "write a salt of letters and digits",
		"2001:db8::1:5":            "may be an IPv6 address without a secret",
		"2001:db8::1:beef/128":     "may be an IPv6 address without a secret",
		"::ffff:1.2.3.4/120":       "may be an IPv6 address without a secret",
		"::ffff:1.2.3.4/20":        "may be an IPv6 address without a secret",
		"2001:db8::1:1.2.3.4":      "may be an IPv6 address without a secret",
		"fe80::1:2%eth0":           "may be an IPv6 address without a secret",
		"10.0.0.1:SHA256$fish$0":   "write 'sha256$' in lower case",
		"10.0.0.1:Sha256$fish":     "write 'sha256$' in lower case",
		"2001:db8::/64":            "before the last ':' there is no address or network",
		"10.0.0.9/24:swordfish":    "line 1 has the same entry; delete one of them",
		"::ffff:10.0.0.0/120:fish": "line 1 has the same entry; delete one of them",
	} {
		_, err := allowlist.ParseDocument([]byte("10.0.0.0/24:first-secret\n# comment\n" + line + "\n"))
		if e, ok := errors.AsType[*allowlist.LineError](err); !ok || e.Number != 3 || !strings.Contains(err.Error(), want) {
			t.Errorf("'%s': %v, want line 3: …%s…", line, err, want)
		} else if strings.Contains(err.Error(), "fish") {
			t.Errorf("the error shows the line: %v", err)
		}
	}
}

func TestAByteOrderMarkIsNamed(t *testing.T) {
	for _, text := range []string{"# office\n", "10.0.0.1:swordfish\n", ""} {
		_, err := allowlist.ParseDocument([]byte("\ufeff" + text))
		if err == nil || !strings.Contains(err.Error(), "line 1: it begins with a byte order mark") {
			t.Errorf("'%s': %v", text, err)
		}
	}
}

func TestAFileThatIsTooLargeIsRefused(t *testing.T) {
	for what, text := range map[string]string{
		"bytes": "#" + strings.Repeat("x", 16<<20),
		"lines": strings.Repeat("\n", 200_001),
	} {
		if _, err := allowlist.ParseDocument([]byte(text)); err == nil || !strings.Contains(err.Error(), "it has more than 16777216 bytes or 200000 lines") {
			t.Errorf("too many %s: %v", what, err)
		}
	}
}

const office = "# office\r\n\r\n  10.0.0.1 :\tfirst-secret  \r\n2001:db8::/64:second-secret\n# the end, without an end of line"

func TestMissingEntriesAreAddedAndAllElseStays(t *testing.T) {
	d := parse(t, office)
	added, err := d.Complete(entries(t, "10.0.0.1/32", "2001:db8::5/64", "192.0.2.0/24", "192.0.2.9/24", "::1"), counter())
	if err != nil || added != 2 {
		t.Fatalf("%d added, %v", added, err)
	}
	want := office + "\n192.0.2.0/24:" + word(1, 32) + "\n::1:" + word(2, 32) + "\n"
	if diff := cmp.Diff(want, string(d.Bytes())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if added, err := d.Complete(entries(t, "192.0.2.0/24", "::1"), counter()); added != 0 || err != nil {
		t.Errorf("again: %d added, %v", added, err)
	}
}

func TestRotatingChangesOneSecret(t *testing.T) {
	d := parse(t, office)
	secret, err := d.Rotate(prefix(t, "::ffff:10.0.0.1"), counter())
	if err != nil || secret != word(1, 32) {
		t.Fatalf("'%s', %v", secret, err)
	}
	if diff := cmp.Diff(strings.Replace(office, "first-secret", secret, 1), string(d.Bytes())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := d.Rotate(prefix(t, "10.0.0.2"), counter()); !errors.Is(err, allowlist.ErrNoEntry) {
		t.Errorf("an entry that is not there: %v", err)
	}
}

func TestHashingKeepsTheSecretValidAndHidesIt(t *testing.T) {
	d := parse(t, office)
	done, err := d.Hash(prefix(t, "2001:db8::/64"), counter())
	if err != nil || !done {
		t.Fatalf("%t, %v", done, err)
	}
	// SHA-256 of 1111111111111111second-secret, by sha256sum.
	want := strings.Replace(office, "second-secret", "sha256$1111111111111111$71b866ded6f9ee0de22c8c5cf25dcb1bc656a842a67bc73f6de158f32dbb0075", 1)
	if diff := cmp.Diff(want, string(d.Bytes())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if done, err := d.Hash(prefix(t, "2001:db8::/64"), counter()); done || err != nil {
		t.Errorf("again: %t, %v", done, err)
	}
	if _, err := d.Hash(prefix(t, "10.0.0.2"), counter()); !errors.Is(err, allowlist.ErrNoEntry) {
		t.Errorf("an entry that is not there: %v", err)
	}
	// A hashed entry stays hashed when it gets a new secret.
	secret, err := d.Rotate(prefix(t, "2001:db8::/64"), counter())
	if err != nil || strings.Contains(string(d.Bytes()), secret) || !d.Entries()[1].Hashed {
		t.Errorf("rotated: '%s', %v\n%s", secret, err, d.Bytes())
	}
}

func TestWithoutRandomnessNothingIsMade(t *testing.T) {
	none := func(int) (string, error) { return "", errors.New("no randomness") }
	d := parse(t, office)
	_, err1 := d.Complete(entries(t, "::1"), none)
	_, err2 := d.Rotate(prefix(t, "10.0.0.1"), none)
	_, err3 := d.Hash(prefix(t, "10.0.0.1"), none)
	if err1 == nil || err2 == nil || err3 == nil || string(d.Bytes()) != office {
		t.Errorf("%v, %v, %v\n%s", err1, err2, err3, d.Bytes())
	}
}

func FuzzDocument(f *testing.F) {
	f.Add([]byte(office))
	f.Add([]byte("::1:sha256$salt$" + digest + "\n\r\r\n#\n0/0:x"))
	f.Add([]byte("::ffff:1.2.3.4/104:x:y\n:\n::"))
	f.Add([]byte("\ufeff::ffff:1.2.3.4/120\n::1:SHA256$x"))
	f.Fuzz(func(t *testing.T, content []byte) {
		d, err := allowlist.ParseDocument(content)
		if err != nil {
			return
		}
		if !bytes.Equal(d.Bytes(), content) {
			t.Fatalf("unchanged it is written as\n%q", d.Bytes())
		}
		listed := d.Entries()
		if _, err := d.Complete(entries(t, "203.0.113.0/24"), counter()); err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(d.Bytes(), content) {
			t.Fatalf("with an entry added it is written as\n%q", d.Bytes())
		}
		for _, e := range listed {
			if _, err := d.Rotate(e.Entry.Prefix, counter()); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Hash(e.Entry.Prefix, counter()); err != nil {
				t.Fatal(err)
			}
		}
		again, err := allowlist.ParseDocument(d.Bytes())
		if err != nil {
			t.Fatalf("after a change: %v\n%q", err, d.Bytes())
		}
		if got, want := bytes.Count(again.Bytes(), []byte("\n")), bytes.Count(d.Bytes(), []byte("\n")); got != want || len(again.Entries()) < len(listed) {
			t.Fatalf("after a change there are %d lines, want %d, and %d entries, want %d", got, want, len(again.Entries()), len(listed))
		}
	})
}

func parse(t testing.TB, text string) *allowlist.Document {
	t.Helper()
	d, err := allowlist.ParseDocument([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// counter makes the words 1111…, 2222… and so on.
func counter() allowlist.Generator {
	i := 0
	return func(n int) (string, error) {
		i++
		return word(i, n), nil
	}
}

func word(i, n int) string { return strings.Repeat(fmt.Sprint(i%10), n) }
