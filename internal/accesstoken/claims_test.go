package accesstoken_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/accesstoken"
)

// What tokens and the names of their claims may have, in bytes.
const (
	maxLength = 8 << 10
	maxPath   = 256
)

// claims are those of a good token.
func claims(t testing.TB, members string) *accesstoken.Claims {
	t.Helper()
	c, err := verify(newVerifier(t, secretRules()), withSecret(t, "", members), oneKey{key: secret})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const somebody = `"name":"Goose","n":1.50,"big":12345678901234567890,"yes":true,"no":false,"nothing":null,
	"groups":["a","b c"],"none":[],"mixed":["a",7],"wide":"a b","odd":"a  b","quoted":"a \"b\"","back":"a\\b","words":["a","b"],
	"realm_access":{"roles":["r"],"of.it":{"x":"dotted"}},
	"https://example.com/roles":["far"],"a.b":"whole","a":{"b":"parts","c":"below"},
	"x":{"y.z":"two"},"x.y":{"z":"one","q":"three"}`

func TestAClaimIsFoundByItsPath(t *testing.T) {
	c := claims(t, somebody)
	for path, want := range map[string]string{
		"sub":                  "u-1",
		"name":                 "Goose",
		"n":                    "1.50",
		"big":                  "12345678901234567890",
		"yes":                  "true",
		"no":                   "false",
		"a.b":                  "whole",
		"a.c":                  "below",
		"x.y.z":                "two",
		"x.y.q":                "three",
		"realm_access.of.it.x": "dotted",
	} {
		if got, ok := c.Text(path); !ok || got != want {
			t.Errorf("'%s' is '%s', %v; want '%s'", path, got, ok, want)
		}
	}
	for _, path := range []string{
		"", ".", "a.", ".a", "Name", "name.x", "nothing", "groups", "groups.0", "realm_access", "realm_access.", "a.b.c",
		strings.Repeat("a", maxPath+1), strings.Repeat("a.", 100),
	} {
		if got, ok := c.Text(path); ok || got != "" {
			t.Errorf("'%s' is '%s'", path, got)
		}
	}
}

func TestAClaimWithATooLongNameIsNotFound(t *testing.T) {
	longest := strings.Repeat("l", maxPath)
	c := claims(t, `"`+longest+`":"found","`+longest+`l":"not found"`)
	if got, _ := c.Text(longest); got != "found" {
		t.Errorf("'%s'", got)
	}
	if got, ok := c.Text(longest + "l"); ok {
		t.Errorf("'%s'", got)
	}
}

func TestAListIsAListOfTexts(t *testing.T) {
	c := claims(t, somebody)
	for path, want := range map[string][]string{
		"groups":                    {"a", "b c"},
		"none":                      nil,
		"mixed":                     nil,
		"name":                      nil,
		"missing":                   nil,
		"realm_access":              nil,
		"realm_access.roles":        {"r"},
		"https://example.com/roles": {"far"},
	} {
		if got := c.List(path); !slices.Equal(got, want) {
			t.Errorf("'%s' is %q, want %q", path, got, want)
		}
	}
}

// TestScopesAreWordsOfATextOrAList, by whatever claim they are in.
func TestScopesAreWordsOfATextOrAList(t *testing.T) {
	for path, want := range map[string][]string{
		"wide":    {"a", "b"},
		"words":   {"a", "b"},
		"name":    {"Goose"},
		"odd":     nil,
		"quoted":  nil,
		"back":    nil,
		"groups":  nil,
		"mixed":   nil,
		"yes":     nil,
		"missing": nil,
	} {
		rules := secretRules()
		rules.ScopesClaim = path
		c, err := verify(newVerifier(t, rules), withSecret(t, "", somebody), oneKey{key: secret})
		if err != nil || !slices.Equal(c.Scopes, want) {
			t.Errorf("'%s' is %+v, %v, want %q", path, c, err, want)
		}
	}
}

func TestOnlyTrueIsTrue(t *testing.T) {
	c := claims(t, `"yes":true,"no":false,"text":"true","one":1,"nothing":null,"in":{"it":true}`)
	for path, want := range map[string]bool{"yes": true, "in.it": true, "no": false, "text": false, "one": false, "nothing": false, "missing": false} {
		if got := c.Bool(path); got != want {
			t.Errorf("'%s' is %v", path, got)
		}
	}
}

func TestGroupsThatAreATextAreNoGroups(t *testing.T) {
	c := claims(t, `"groups":"admin"`)
	if got := c.List("groups"); got != nil {
		t.Errorf("%q", got)
	}
}
