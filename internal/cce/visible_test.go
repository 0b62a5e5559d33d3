package cce_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/cce"
	"github.com/sallyport/sallyport/internal/cscp"
)

func TestPropertiesThatLookLikeSecretsAreHidden(t *testing.T) {
	limits := cce.Limits{Hide: cce.DefaultHidden()}
	for name, want := range map[string]bool{
		"password":           true,
		"mysqlPassword":      true,
		"PASS":               true,
		"passwd_md5":         true,
		"crypt_password":     true,
		"CryptHash":          true,
		"readCommunity":      true,
		"readWriteCommunity": true,
		"Snmp.readCommunity": true,
		"Pass.fullName":      false,
		"fullName":           false,
		"pas":                false,
		"":                   false,
	} {
		if got := limits.Hides([]byte(name)); got != want {
			t.Errorf("'%s': %v, want %v", name, got, want)
		}
	}
	if (&cce.Limits{}).Hides([]byte("password")) {
		t.Error("without a pattern something is hidden")
	}
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"name", "name", true},
		{"name", "NAME", true},
		{"name", "names", false},
		{"name", "nam", false},
		{"na?e", "name", true},
		{"na?e", "nae", false},
		{"*", "", true},
		{"*", "name", true},
		{"n*", "name", true},
		{"*e", "name", true},
		{"*e", "named", false},
		{"*a*e*", "name", true},
		{"a*b*c", "aXbXbYc", true},
		{"a*b*c", "aXbXbYcd", false},
		{"**", "x", true},
		{"?*", "", false},
	} {
		limits := cce.Limits{Hide: []string{c.pattern}}
		if got := limits.Hides([]byte(c.name)); got != c.want {
			t.Errorf("'%s' for '%s': %v, want %v", c.pattern, c.name, got, c.want)
		}
	}
}

func TestNoPatternTakesLong(t *testing.T) {
	limits := cce.Limits{Hide: []string{strings.Repeat("*a", 100) + "*b"}}
	name := []byte(strings.Repeat("a", 10_000))
	begin := time.Now()
	if limits.Hides(name) {
		t.Error("it matches")
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestHidingAllocatesNothing(t *testing.T) {
	limits, name := cce.Limits{Hide: cce.DefaultHidden()}, []byte("localePreference")
	if n := testing.AllocsPerRun(100, func() { limits.Hides(name) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestWhatIsBeyondTheLimitsIsRefused(t *testing.T) {
	reader := cce.Limits{ReadOnly: true, Hide: []string{"*pass*"}, Classes: []string{"Vsite", "User"}}
	find := func(class, property string) cscp.Find {
		return cscp.Find{Class: class, Criteria: []cscp.Criterion{{Property: "name", Value: "x"}, {Property: property, Value: "^a", Regexp: true}}}
	}
	sorted := find("User", "fullName")
	sorted.Sort = &cscp.Sort{Type: "ascii", Property: "password"}
	for name, c := range map[string]struct {
		command cscp.Command
		why     string
	}{
		"GET":                         {cscp.Get{OID: 1}, ""},
		"FIND":                        {find("User", "fullName"), ""},
		"NAMES of an object":          {cscp.Names{OID: 1}, ""},
		"NAMES of a class":            {cscp.Names{Class: "Vsite"}, ""},
		"CLASSES":                     {cscp.Classes{}, ""},
		"WHOAMI":                      {cscp.WhoAmI{}, ""},
		"FIND of another class":       {find("System", "name"), "class 'System' is not among those that the caller may see"},
		"FIND of a class like it":     {find("user", "name"), "class 'user' is not among those that the caller may see"},
		"NAMES of another class":      {cscp.Names{Class: "System"}, "class 'System' is not among those that the caller may see"},
		"FIND by a hidden property":   {find("User", "password"), "property 'password' is hidden from the caller, and cannot be searched for"},
		"FIND by one in a namespace":  {find("User", "Ftp.passwd"), "property 'Ftp.passwd' is hidden from the caller, and cannot be searched for"},
		"FIND sorted by a hidden one": {sorted, "property 'password' is hidden from the caller, and cannot be sorted by"},
		"SET":                         {cscp.Set{OID: 1}, "SET is refused: the caller may only read"},
		"CREATE":                      {cscp.Create{Class: "Vsite"}, "CREATE is refused: the caller may only read"},
		"DESTROY":                     {cscp.Destroy{OID: 1}, "DESTROY is refused: the caller may only read"},
		"SUSPEND":                     {cscp.Suspend{}, "ADMIN SUSPEND is refused: the caller may only read"},
		"RESUME":                      {cscp.Resume{}, "ADMIN RESUME is refused: the caller may only read"},
		"BEGIN":                       {cscp.Begin{}, "BEGIN is refused: the caller may only read"},
		"COMMIT":                      {cscp.Commit{}, "COMMIT is refused: the caller may only read"},
		"AUTH":                        {cscp.Auth{}, "AUTH is refused: the caller may only read"},
		"AUTHKEY":                     {cscp.AuthKey{}, "AUTHKEY is refused: the caller may only read"},
	} {
		err := reader.Allows(c.command)
		if c.why == "" && err != nil || c.why != "" && (err == nil || err.Error() != c.why) {
			t.Errorf("%s: %v, want '%s'", name, err, c.why)
		}
		if _, refused := errors.AsType[*cce.RefusedError](err); refused != (c.why != "") {
			t.Errorf("%s: refused is %v", name, refused)
		}
	}
}

func TestAWriterIsHeldToTheClassesAndNoLimitsLimitNothing(t *testing.T) {
	writer := cce.Limits{Classes: []string{"Vsite"}}
	if err := writer.Allows(cscp.Create{Class: "User"}); err == nil {
		t.Error("another class is allowed")
	}
	for _, command := range []cscp.Command{cscp.Create{Class: "Vsite"}, cscp.Set{OID: 1}, cscp.Begin{}} {
		check(t, writer.Allows(command))
	}
	var nothing cce.Limits
	for _, command := range []cscp.Command{cscp.Create{Class: "User"}, cscp.Suspend{}, cscp.Find{Class: "User", Criteria: []cscp.Criterion{{Property: "password"}}}} {
		check(t, nothing.Allows(command))
	}
	if !nothing.AllowsClass("System") || writer.AllowsClass("System") {
		t.Error("the classes are not held")
	}
}

func TestLimitsThatCannotBeMeantAreRefused(t *testing.T) {
	good := cce.Limits{Hide: append(cce.DefaultHidden(), "a?c", "*"), Classes: []string{"Vsite"}}
	check(t, good.Check())
	for name, bad := range map[string]cce.Limits{
		"an empty pattern":        {Hide: []string{""}},
		"brackets":                {Hide: []string{"[ab]*"}},
		"a namespace in it":       {Hide: []string{"Snmp.*"}},
		"an empty class":          {Classes: []string{""}},
		"a pattern for a class":   {Classes: []string{"V*"}},
		"two classes in one word": {Classes: []string{"Vsite,User"}},
	} {
		if err := bad.Check(); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
