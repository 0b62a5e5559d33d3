package store

import (
	"database/sql"
	"database/sql/driver"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
)

// FuzzColumns: whatever stands in a row, what is read of it is written as a value that
// reads the same, or it is an error. Nothing is read as less than it says.
func FuzzColumns(f *testing.F) {
	for _, text := range []string{
		`[]`, `["ops","web"]`, `["192.0.2.0/24","2001:db8::/64"]`, `["read","extended"]`, `null`, `[null]`, `[""]`, `["192.0.2.7/24"]`, `{}`, "",
	} {
		f.Add(text, []byte(text), int64(len(text)))
	}
	f.Add("[1]", make([]byte, credential.VerifierSize), int64(-1))
	f.Add("[[]]", []byte(nil), int64(1<<62))
	f.Add("[ ]", []byte(nil), int64(999_999))
	f.Add(`["a\"","\u003c"]`, []byte(nil), int64(1_000_000))
	f.Add(`["a,b"]`, []byte(nil), zeroMicros)
	f.Fuzz(func(t *testing.T, text string, raw []byte, number int64) {
		var names, namesAgain []string
		comesBack(t, text, listColumn[string]{&names}, listColumn[string]{&namesAgain}, &names, &namesAgain)
		var roles, rolesAgain []string
		comesBack(t, text, rolesOf(&roles), rolesOf(&rolesAgain), &roles, &rolesAgain)
		if joined := strings.Join(roles, ","); len(roles) > 0 && !slices.Equal(strings.Split(joined, ","), roles) || strings.ContainsAny(joined, "\r\n") {
			t.Errorf("%q gives the roles %q", text, roles)
		}
		var networks, networksAgain []netip.Prefix
		comesBack(t, text, listColumn[netip.Prefix]{&networks}, listColumn[netip.Prefix]{&networksAgain}, &networks, &networksAgain)
		var scopes, scopesAgain principal.Scopes
		comesBack(t, text, scopesColumn{&scopes}, scopesColumn{&scopesAgain}, &scopes, &scopesAgain)

		var v credential.Verifier
		if err := (verifierColumn{&v}).Scan(raw); (err == nil) != (len(raw) == credential.VerifierSize) || err == nil && string(v[:]) != string(raw) {
			t.Errorf("verifier %x of %x, %v", v, raw, err)
		}
		var at time.Time
		if err := (timeColumn{&at}).Scan(number); (err == nil) != (number != zeroMicros) || micros(at) != number || err == nil && at.IsZero() {
			t.Errorf("time %d is %s, %v", number, at, err)
		}
		var d time.Duration
		if err := (durationColumn{&d}).Scan(number); err == nil && d.Microseconds() != number {
			t.Errorf("duration %d is %s", number, d)
		}
	})
}

// column is one that is read and written.
type column interface {
	sql.Scanner
	driver.Valuer
}

// rolesOf reads as namesColumn does, and writes as users are written.
func rolesOf(list *[]string) column {
	return struct {
		sql.Scanner
		driver.Valuer
	}{namesColumn{list}, listColumn[string]{list}}
}

func comesBack(t *testing.T, text string, first, second column, got, again any) {
	t.Helper()
	if first.Scan(text) != nil {
		return
	}
	if list := reflect.ValueOf(got).Elem(); list.Kind() == reflect.Slice && list.IsNil() {
		t.Errorf("%T: %q is no list, and is read as one", first, text)
	}
	written, err := first.Value()
	if err == nil && written != text {
		t.Errorf("%T: %q is not as it is written, and read all the same", first, text)
	}
	if err == nil {
		err = second.Scan(written)
	}
	if err != nil || !reflect.DeepEqual(got, again) {
		t.Errorf("%T: %q is %v, written as %v and read as %v, %v", first, text, reflect.ValueOf(got).Elem(), written, reflect.ValueOf(again).Elem(), err)
	}
}

func TestColumnsThatAreDamagedAreErrors(t *testing.T) {
	var names []string
	var networks []netip.Prefix
	var scopes principal.Scopes
	var at time.Time
	var d time.Duration
	var v credential.Verifier
	for name, err := range map[string]error{
		"a list that is null":                     listColumn[string]{&names}.Scan("null"),
		"a list that is a number":                 listColumn[string]{&names}.Scan(int64(1)),
		"a list that is cut off":                  listColumn[string]{&names}.Scan(`["a"`),
		"a list that is empty by another form":    listColumn[string]{&names}.Scan("[ ]"),
		"a list with spaces":                      listColumn[string]{&names}.Scan(`["a", "b"]`),
		"a list of null":                          listColumn[string]{&names}.Scan("[null]"),
		"a list of nothing":                       listColumn[string]{&names}.Scan(`["a",""]`),
		"a network that is null":                  listColumn[netip.Prefix]{&networks}.Scan("[null]"),
		"a network that is none":                  listColumn[netip.Prefix]{&networks}.Scan(`[""]`),
		"a role that looks like two":              namesColumn{&names}.Scan(`["a,admin"]`),
		"a role with the end of a line":           namesColumn{&names}.Scan(`["x\nX-Evil: y"]`),
		"roles that are no list":                  namesColumn{&names}.Scan("null"),
		"scopes by their letters":                 scopesColumn{&scopes}.Scan(`["R"]`),
		"scopes in another order":                 scopesColumn{&scopes}.Scan(`["write","read"]`),
		"a time that would count as not set":      timeColumn{&at}.Scan(zeroMicros),
		"a duration that would count as none":     durationColumn{&d}.Scan(int64(999_999)),
		"a duration of nothing":                   durationColumn{&d}.Scan(int64(0)),
		"scopes that are null":                    scopesColumn{&scopes}.Scan("null"),
		"scopes that are bytes":                   scopesColumn{&scopes}.Scan([]byte("[]")),
		"a time that is text":                     timeColumn{&at}.Scan("2026-11-22"),
		"a duration that is text":                 durationColumn{&d}.Scan("1h"),
		"a duration that nobody lives to see end": durationColumn{&d}.Scan(int64(1) << 62),
		"a duration that ended before it began":   durationColumn{&d}.Scan(int64(-1)),
		"a verifier that is text":                 verifierColumn{&v}.Scan("x"),
		"a verifier that is too short":            verifierColumn{&v}.Scan(make([]byte, credential.VerifierSize-1)),
	} {
		if err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
