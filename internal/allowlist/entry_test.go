package allowlist_test

import (
	"net/netip"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport/sallyport/internal/allowlist"
)

func TestEntriesAreComparedByWhatTheyMean(t *testing.T) {
	for text, want := range map[string]string{
		"191.89.131.84":            "191.89.131.84/32",
		"191.89.131.84/32":         "191.89.131.84/32",
		"::ffff:191.89.131.84":     "191.89.131.84/32",
		"::ffff:191.89.131.84/128": "191.89.131.84/32",
		"::ffff:10.0.0.0/104":      "10.0.0.0/8",
		"::FFFF:a00:1/104":         "10.0.0.0/8",
		"::ffff:0:0/96":            "0.0.0.0/0",
		"10.1.2.3/8":               "10.0.0.0/8",
		"2001:DB8::":               "2001:db8::/128",
		"2001:db8:0:0::5/64":       "2001:db8::/64",
		"::/0":                     "::/0",
		"0.0.0.0/0":                "0.0.0.0/0",
	} {
		e, err := allowlist.ParseEntry(text)
		if err != nil || e.Prefix.String() != want || e.Text != text {
			t.Errorf("'%s' is %v, %v; want %s", text, e, err, want)
		}
	}
}

func TestWhatIsNoEntryIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "write an address or a network",
		"localhost":              "write an address or a network",
		"10.0.0":                 "write an address or a network",
		"10.0.0.0/33":            "write an address or a network",
		"10.0.0.0/":              "write an address or a network",
		"010.0.0.1":              "write an address or a network",
		"10.0.0.1:80":            "write an address or a network",
		"10.0.0.1 ":              "write an address or a network",
		"[2001:db8::1]":          "write an address or a network",
		"fe80::1%eth0":           "without the zone",
		"fe80::1%eth0/64":        "without the zone",
		"::ffff:10.0.0.0/64":     "not clear",
		strings.Repeat("x", 500): "…': write an address",
		"10.0.0.1\n10.0.0.2":     "entry '10.0.0.1?10.0.0.2'",
	} {
		if _, err := allowlist.ParseEntry(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("'%s': %v, want …%s…", text, err, want)
		}
	}
}

func TestTheSmallestNetworkCounts(t *testing.T) {
	list := newList(t, "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "2001:db8::/32", "2001:db8:1::/48", "fe80::/10", "10.1.0.0/16", "::ffff:10.1.2.3")
	if n := len(list.Entries()); n != 6 {
		t.Errorf("%d entries, want each once", n)
	}
	for address, want := range map[string]string{
		"10.9.9.9":              "10.0.0.0/8",
		"10.1.9.9":              "10.1.0.0/16",
		"10.1.2.3":              "10.1.2.3",
		"::ffff:10.1.2.3":       "10.1.2.3",
		"::ffff:10.9.9.9":       "10.0.0.0/8",
		"2001:db8:ffff::1":      "2001:db8::/32",
		"2001:db8:1::1":         "2001:db8:1::/48",
		"fe80::1%eth0":          "fe80::/10",
		"11.0.0.1":              "",
		"2001:db9::1":           "",
		"::10.1.2.3":            "",
		"::ffff:11.1.2.3":       "",
		"64:ff9b::10.1.2.3":     "",
		"0:0:0:ffff:0:a01:203:": "",
	} {
		a, err := netip.ParseAddr(address)
		i, listed := list.Find(a)
		switch {
		case want == "" && listed:
			t.Errorf("%s is found as %s", address, list.Entries()[i].Text)
		case want != "" && (err != nil || !listed || list.Entries()[i].Text != want):
			t.Errorf("%s: %d, %t, %v; want %s", address, i, listed, err, want)
		}
	}
	if _, listed := allowlist.NewList(nil).Find(netip.MustParseAddr("10.0.0.1")); listed {
		t.Error("an empty list has an address")
	}
}

func newList(t testing.TB, texts ...string) *allowlist.List {
	t.Helper()
	return allowlist.NewList(entries(t, texts...))
}

func entries(t testing.TB, texts ...string) (list []allowlist.Entry) {
	t.Helper()
	for _, text := range texts {
		e, err := allowlist.ParseEntry(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, e)
	}
	return list
}

func prefix(t testing.TB, text string) netip.Prefix {
	t.Helper()
	return entries(t, text)[0].Prefix
}

// FuzzParseEntry: an entry is what net/netip reads, in the one form in which callers'
// addresses are compared, and an error is a line that can be shown.
func FuzzParseEntry(f *testing.F) {
	for _, text := range []string{
		"192.0.2.7", "192.0.2.77/24", "2001:db8::1/64", "::ffff:192.0.2.7", "::ffff:192.0.2.0/120", "::ffff:0:0/95", "::/0",
		"fe80::1%eth0", "192.0.2.7/33", "010.0.0.1", "\u0085\u202e", strings.Repeat("é", 40),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := allowlist.ParseEntry(text)
		if err != nil {
			if said := err.Error(); !utf8.ValidString(said) || len(said) > 400 || strings.ContainsFunc(said, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Fatalf("%q", said)
			}
			return
		}
		p := e.Prefix
		if !p.IsValid() || p != p.Masked() || p.Addr().Is4In6() || p.Addr().Zone() != "" || e.Text != text {
			t.Fatalf("%q is %+v", text, e)
		}
		if again, err := allowlist.ParseEntry(p.String()); err != nil || again.Prefix != p {
			t.Fatalf("%s is read as %s, %v", p, again.Prefix, err)
		}
		written, _, _ := strings.Cut(text, "/")
		address, err := netip.ParseAddr(written)
		if err != nil || !p.Contains(address.Unmap()) {
			t.Fatalf("%s does not contain %s, %v", p, written, err)
		}
	})
}
