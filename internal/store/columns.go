package store

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
)

// micros is how a time lies in the database.
func micros(t time.Time) int64 { return t.UnixMicro() }

// optionalMicros is micros, and NULL for a time that is not set.
func optionalMicros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return micros(t)
}

// zeroMicros is the zero time, which everywhere else says that a time is not set. A
// key that was revoked then must not count as one that was not.
var zeroMicros = micros(time.Time{})

// timeColumn scans a time; NULL gives the zero time.
type timeColumn struct{ t *time.Time }

func (c timeColumn) Scan(value any) error {
	switch v := value.(type) {
	case nil:
		*c.t = time.Time{}
	case int64:
		if v == zeroMicros {
			return errZeroTime
		}
		*c.t = time.UnixMicro(v).UTC()
	default:
		return fmt.Errorf("a time is a %T in the database, not a number", value)
	}
	return nil
}

var errZeroTime = errors.New("a time in the database is damaged: it is of the year 1, which is how one is written that is not set")

// optionalDuration is a duration in microseconds, and NULL for one that is not
// set.
func optionalDuration(d time.Duration) any {
	if d == 0 {
		return nil
	}
	return d.Microseconds()
}

// The shortest and the longest duration that there are: a second, since less would
// count as none, and 292 years.
const (
	minMicros = int64(time.Second / time.Microsecond)
	maxMicros = int64(math.MaxInt64 / time.Microsecond)
)

// durationColumn scans a duration; NULL gives none.
type durationColumn struct{ d *time.Duration }

func (c durationColumn) Scan(value any) error {
	switch v := value.(type) {
	case nil:
		*c.d = 0
	case int64:
		if v < minMicros || v > maxMicros {
			return fmt.Errorf("a duration in the database is damaged: there is none of %d microseconds", v)
		}
		*c.d = time.Duration(v) * time.Microsecond
	default:
		return fmt.Errorf("a duration is a %T in the database, not a number", value)
	}
	return nil
}

// listColumn scans and writes a JSON array without empty elements. One that is
// written otherwise than Value does is damaged: that an empty list has one form only
// is what Load tells a key by that is bound to something. An empty one is a slice of
// no elements, so that it is [] in JSON; NULL, which only Load asks for, gives none.
type listColumn[T comparable] struct{ list *[]T }

func (c listColumn[T]) Scan(value any) error {
	if value == nil {
		*c.list = nil
		return nil
	}
	text, ok := value.(string)
	if !ok {
		return fmt.Errorf("a list is a %T in the database, not text", value)
	}
	list := []T{}
	if text == "[]" {
		// As nearly all are: loading a million keys takes an eighth less time.
		*c.list = list
		return nil
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return fmt.Errorf("a list in the database is damaged: %w", err)
	}
	var none T
	if again, err := (listColumn[T]{&list}).Value(); err != nil || again != text || slices.Contains(list, none) {
		return errOddList
	}
	*c.list = list
	return nil
}

// errOddList: null, or [ ], would mean the same as no list, which for the networks of
// a key is all there are.
var errOddList = errors.New("a list in the database is damaged: it is not as this program writes one, or has an empty element")

func (c listColumn[T]) Value() (driver.Value, error) {
	if len(*c.list) == 0 {
		return "[]", nil
	}
	text, err := json.Marshal(*c.list)
	return string(text), err
}

// namesColumn scans the roles or groups of a user, which others get joined by commas,
// in a header: a name must not look like two, nor like another line.
type namesColumn struct{ list *[]string }

func (c namesColumn) Scan(value any) error {
	var list []string
	if err := (listColumn[string]{&list}).Scan(value); err != nil {
		return err
	}
	divides := func(r rune) bool { return r == ',' || unicode.IsControl(r) }
	for _, name := range list {
		if strings.ContainsFunc(name, divides) {
			return errOddName
		}
	}
	*c.list = list
	return nil
}

var errOddName = errors.New("a role or group in the database is damaged: it has a comma, or the end of a line, in its name")

// textColumn scans text; NULL gives none.
type textColumn struct{ text *string }

func (c textColumn) Scan(value any) error {
	switch v := value.(type) {
	case nil:
		*c.text = ""
	case string:
		*c.text = v
	default:
		return fmt.Errorf("a text is a %T in the database", value)
	}
	return nil
}

// numberColumn scans a number; NULL gives 0.
type numberColumn struct{ n *int64 }

func (c numberColumn) Scan(value any) error {
	switch v := value.(type) {
	case nil:
		*c.n = 0
	case int64:
		*c.n = v
	default:
		return fmt.Errorf("a number is a %T in the database", value)
	}
	return nil
}

// boolColumn scans a number that is 0 or 1.
type boolColumn struct{ b *bool }

func (c boolColumn) Scan(value any) error {
	n, ok := value.(int64)
	if !ok || n != 0 && n != 1 {
		return fmt.Errorf("a yes or no in the database is damaged: it is a %T, and neither 0 nor 1", value)
	}
	*c.b = n == 1
	return nil
}

// verifierColumn scans a verifier of exactly its length; NULL gives zeros.
type verifierColumn struct{ v *credential.Verifier }

func (c verifierColumn) Scan(value any) error {
	switch v := value.(type) {
	case nil:
		*c.v = credential.Verifier{}
	case []byte:
		if len(v) != credential.VerifierSize {
			return fmt.Errorf("a verifier in the database has %d bytes, not %d", len(v), credential.VerifierSize)
		}
		*c.v = credential.Verifier(v)
	default:
		return fmt.Errorf("a verifier is a %T in the database, not bytes", value)
	}
	return nil
}

// scopesColumn scans and writes scopes as a JSON array of words.
type scopesColumn struct{ s *principal.Scopes }

func (c scopesColumn) Scan(value any) error {
	text, ok := value.(string)
	if !ok {
		return fmt.Errorf("scopes are a %T in the database, not text", value)
	}
	set, written := scopeSets[text]
	if !written {
		return errOddScopes
	}
	*c.s = set
	return nil
}

var errOddScopes = errors.New("scopes in the database are damaged: they are not as this program writes them")

// scopeSets finds scopes by the text that Value gives for them: to read each one
// as JSON would double the time that a million keys need.
var scopeSets = func() map[string]principal.Scopes {
	sets := map[string]principal.Scopes{}
	for set := range principal.AllScopes + 1 {
		text, err := json.Marshal(set)
		if err != nil {
			panic(err)
		}
		sets[string(text)] = set
	}
	return sets
}()

func (c scopesColumn) Value() (driver.Value, error) {
	text, err := json.Marshal(*c.s)
	return string(text), err
}

var (
	_ sql.Scanner   = timeColumn{}
	_ sql.Scanner   = listColumn[netip.Prefix]{}
	_ driver.Valuer = listColumn[string]{}
	_ sql.Scanner   = verifierColumn{}
	_ sql.Scanner   = scopesColumn{}
	_ driver.Valuer = scopesColumn{}
)

// row is what can be scanned once: *sql.Row and *sql.Rows.
type row interface{ Scan(...any) error }

// notFound turns the driver's word for "no row" into ErrNotFound with words for
// what was looked for.
func notFound(err error, format string, args ...any) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf(format+": %w", append(args, ErrNotFound)...)
	}
	return err
}
