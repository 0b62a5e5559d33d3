package cscp

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// OID is the number of an object. There is no object 0.
type OID uint64

// maxOIDDigits is how many digits an OID may have: more do not fit in what cced
// takes for one, and it answers for another object.
const maxOIDDigits = 18

// ParseOID reads an OID: 1 to 18 digits that are not all zero.
func ParseOID(text string) (OID, error) {
	if text == "" || len(text) > maxOIDDigits || !all(text, isDigit) {
		return 0, fmt.Errorf("an oid is 1 to %d digits", maxOIDDigits)
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err == nil && n == 0 {
		err = errors.New("there is no object 0")
	}
	return OID(n), err
}

// String is the number in digits.
func (o OID) String() string { return strconv.FormatUint(uint64(o), 10) }

func (o OID) check() error {
	if o == 0 || o >= 1e18 {
		return badParameter("an oid is 1 to %d digits, and not 0", maxOIDDigits)
	}
	return nil
}

// MaxUser is the longest user name that can have a session: cced cuts longer
// ones, and then does not accept the session's id.
const MaxUser = 31

// SessionIDLength is how long cced's session ids are.
const SessionIDLength = 63

// maxName bounds the names of classes, namespaces and properties. cced has no
// such bound; its own names have 30.
const maxName = 256

// maxCriteria bounds a search. A class has some dozens of properties, and cced
// looks at each object for each criterion.
const maxCriteria = 100

// ParameterError says that a command cannot be written: a parameter is missing,
// is no name, or cannot be said in the protocol. It never holds a value.
type ParameterError struct{ text string }

func (e *ParameterError) Error() string { return e.text }

func badParameter(format string, args ...any) error {
	return &ParameterError{fmt.Sprintf(format, args...)}
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func inName(c byte) bool   { return isLetter(c) || isDigit(c) || c == '_' }

func all(text string, of func(byte) bool) bool {
	for i := range len(text) {
		if !of(text[i]) {
			return false
		}
	}
	return true
}

// IsName reports whether text can be the name of a class, namespace or property.
// cced writes names into its replies as they were sent, so one with a line end
// in it could forge replies; none gets as far.
func IsName(text string) bool {
	return text != "" && len(text) <= maxName && !isDigit(text[0]) && all(text, inName)
}

// isPath reports whether text is a name, perhaps with a namespace before it.
func isPath(text string) bool {
	namespace, property, found := strings.Cut(text, ".")
	if !found {
		return IsName(text)
	}
	return IsName(namespace) && IsName(property)
}

func checkName(what, name string) error {
	if !IsName(name) {
		return badParameter("the %s is missing or has other characters than letters, digits and '_'", what)
	}
	return nil
}

// checkText refuses what no quoting can carry: a NUL ends what cced has read.
func checkText(what, text string) error {
	if strings.IndexByte(text, 0) >= 0 {
		return badParameter("%s has a NUL in it, which cced cannot take", what)
	}
	return nil
}

func checkValue(name, value string) error {
	if strings.IndexByte(value, 0) >= 0 {
		return checkText("the value of "+name, value)
	}
	return nil
}

func checkNamespace(name string) error {
	if name == "" {
		return nil
	}
	return checkName("namespace", name)
}

func checkPairs(pairs []Pair) error {
	for _, p := range pairs {
		if err := checkName("name of a property", p.Name); err != nil {
			return err
		}
		if err := checkValue(p.Name, p.Value); err != nil {
			return err
		}
	}
	return nil
}

func (c Auth) check() error {
	return cmp.Or(checkText("the user name", c.User), checkText("the password", string(c.Password)))
}

func (c AuthKey) check() error {
	if c.User == "" || len(c.User) > MaxUser {
		return badParameter("a user name with a session has 1 to %d bytes", MaxUser)
	}
	// cced may accept an empty one.
	id := string(c.SessionID)
	if id == "" || len(id) > SessionIDLength || !all(id, func(b byte) bool { return isLetter(b) || isDigit(b) }) {
		return badParameter("a session id is 1 to %d letters and digits", SessionIDLength)
	}
	return checkText("the user name", c.User)
}

func (c Get) check() error {
	return cmp.Or(c.OID.check(), checkNamespace(c.Namespace))
}

func (c Set) check() error {
	return cmp.Or(c.OID.check(), checkNamespace(c.Namespace), checkPairs(c.Values))
}

func (c Create) check() error {
	return cmp.Or(checkName("class", c.Class), checkPairs(c.Values))
}

func (c Destroy) check() error { return c.OID.check() }

func (c Find) check() error {
	if err := checkName("class", c.Class); err != nil {
		return err
	}
	if len(c.Criteria) > maxCriteria {
		return badParameter("there are more than %d criteria", maxCriteria)
	}
	for _, k := range c.Criteria {
		if err := k.check(); err != nil {
			return err
		}
	}
	return c.Sort.check()
}

func (k Criterion) check() error {
	if !isPath(k.Property) {
		return badParameter("a criterion needs the name of a property, such as fullName or Email.aliases")
	}
	// cced would take it for the sort. With its namespace it is a property again.
	if isSortWord(k.Property) {
		return badParameter("a property called '%s' cannot be searched", k.Property)
	}
	if k.Regexp {
		if err := CheckRegexp(k.Value); err != nil {
			return badParameter("the regular expression for %s: %v", k.Property, err)
		}
	}
	return checkValue(k.Property, k.Value)
}

func (s *Sort) check() error {
	if s == nil {
		return nil
	}
	if !isPath(s.Property) {
		return badParameter("sortprop needs the name of a property, such as fullName or Email.aliases")
	}
	name, locale, found := strings.Cut(s.Type, "(")
	language, closed := strings.CutSuffix(locale, ")")
	if !IsName(name) || found && (!closed || !all(language, func(c byte) bool { return inName(c) || strings.IndexByte(".@-", c) >= 0 })) {
		return badParameter("sorttype is ascii, old_numeric, ip, hostname, locale(xx) or one of the schema's")
	}
	return nil
}

func (c Names) check() error {
	if c.OID != 0 {
		return c.OID.check()
	}
	return checkName("class", c.Class)
}

func (c Suspend) check() error { return checkText("the reason", c.Reason) }

func (EndKey) check() error  { return nil }
func (WhoAmI) check() error  { return nil }
func (Classes) check() error { return nil }
func (Begin) check() error   { return nil }
func (Commit) check() error  { return nil }
func (Resume) check() error  { return nil }
func (Bye) check() error     { return nil }
