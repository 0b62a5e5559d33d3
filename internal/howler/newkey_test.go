package howler

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/principal"
)

func TestNewKeysAreRead(t *testing.T) {
	tomorrow := now.AddDate(0, 0, 1)
	for name, test := range map[string]struct {
		body string
		want NewKey
	}{
		"letters as a text":                   {`{"name":"ci","priv":"RW"}`, NewKey{Name: "ci", Scopes: principal.Read | principal.Write}},
		"letters as a list":                   {`{"name":"ci","priv":["R","W"]}`, NewKey{Name: "ci", Scopes: principal.Read | principal.Write}},
		"letters in any order, and twice":     {`{"name":"ci","priv":"EWRE"}`, NewKey{Name: "ci", Scopes: principal.AllScopes}},
		"no letters":                          {`{"name":"ci","priv":""}`, NewKey{Name: "ci"}},
		"no letters in a list":                {`{"name":"ci","priv":[]}`, NewKey{Name: "ci"}},
		"a date":                              {`{"name":"ci","priv":"R","expiry_date":"2026-11-23T10:30:00Z"}`, NewKey{Name: "ci", Scopes: principal.Read, Expires: tomorrow}},
		"a date with an offset":               {`{"name":"ci","priv":"R","expiry_date":"2026-11-23T12:30:00+02:00"}`, NewKey{Name: "ci", Scopes: principal.Read, Expires: tomorrow}},
		"a date that is null":                 {`{"name":"ci","priv":"R","expiry_date":null}`, NewKey{Name: "ci", Scopes: principal.Read}},
		"agents of a key that needs none":     {`{"name":"ci","priv":"R","agents":["bob"]}`, NewKey{Name: "ci", Scopes: principal.Read}},
		"agents that are null":                {`{"name":"ci","priv":"R","agents":null}`, NewKey{Name: "ci", Scopes: principal.Read}},
		"a key for impersonation":             {`{"name":"ci","priv":"RIW","agents":["Bob","group:ops"]}`, NewKey{Name: "impersonate_ci", Scopes: principal.Read | principal.Write, Impersonation: true, Agents: []string{"Bob", "group:ops"}}},
		"one that nobody may use yet":         {`{"name":"ci","priv":["I"]}`, NewKey{Name: "impersonate_ci", Impersonation: true}},
		"one whose name is as long as can be": {`{"name":"` + strings.Repeat("x", 52) + `","priv":"I"}`, NewKey{Name: "impersonate_" + strings.Repeat("x", 52), Impersonation: true}},
		"the name of another key with I":      {`{"name":"taken","priv":"I"}`, NewKey{Name: "impersonate_taken", Impersonation: true}},
		"all that a name can have":            {`{"name":"0.a_B-` + strings.Repeat("x", 58) + `","priv":"R"}`, NewKey{Name: "0.a_B-" + strings.Repeat("x", 58), Scopes: principal.Read}},
		"fields that nobody here knows":       {`{"name":"ci","priv":"R","comment":{"a":1}}`, NewKey{Name: "ci", Scopes: principal.Read}},
		"a name that another key begins as":   {`{"name":"take","priv":"R"}`, NewKey{Name: "take", Scopes: principal.Read}},
	} {
		got, failure := ParseNewKey([]byte(test.body), KeyRules{NameFree: taken("taken")}, now)
		if failure != nil {
			t.Errorf("%s: %s", name, failure.Text)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestNewKeysAreRefused breaks one rule after the other, the later ones still
// broken, so that the order of the checks is seen as well.
func TestNewKeysAreRefused(t *testing.T) {
	plain := KeyRules{}
	strict := KeyRules{MaxLifetime: 10 * 24 * time.Hour, NoExtended: true}
	tenDays := KeyRules{MaxLifetime: 10 * 24 * time.Hour}
	for name, test := range map[string]struct {
		rules KeyRules
		body  string
		want  *Failure
	}{
		"no body":                          {strict, ``, NoDataBlock},
		"no JSON":                          {strict, `name=ci`, NoDataBlock},
		"a list":                           {strict, `["taken"]`, InvalidData},
		"no name":                          {strict, `{"priv":"X"}`, InvalidData},
		"no letters":                       {strict, `{"name":"taken"}`, InvalidData},
		"a name that is a number":          {strict, `{"name":1,"priv":"X"}`, InvalidData},
		"a name that is null":              {strict, `{"name":null,"priv":"X"}`, InvalidData},
		"letters that are a number":        {strict, `{"name":"taken","priv":1}`, InvalidData},
		"letters that are null":            {strict, `{"name":"taken","priv":null}`, InvalidData},
		"a list of numbers":                {strict, `{"name":"taken","priv":[1]}`, InvalidData},
		"a list with null":                 {strict, `{"name":"taken","priv":["R",null]}`, InvalidData},
		"agents that are a text":           {strict, `{"name":"taken","priv":"X","agents":"bob"}`, InvalidData},
		"a name twice":                     {strict, `{"name":"a","name":"b","priv":"R"}`, InvalidData},
		"letters in two cases":             {strict, `{"name":"a","priv":"R","PRIV":"RWE"}`, InvalidData},
		"an empty name":                    {strict, `{"name":"","priv":"X"}`, BadKeyName},
		"a name with a colon":              {strict, `{"name":"a:b","priv":"X"}`, BadKeyName},
		"a name with a slash":              {strict, `{"name":"a/b","priv":"X"}`, BadKeyName},
		"a name with a line end":           {strict, `{"name":"a\n","priv":"X"}`, BadKeyName},
		"a name that begins with a dot":    {strict, `{"name":".a","priv":"X"}`, BadKeyName},
		"a name that is too long":          {strict, `{"name":"` + strings.Repeat("x", 65) + `","priv":"X"}`, BadKeyName},
		"a name that is taken":             {strict, `{"name":"taken","priv":"XE","expiry_date":"?"}`, KeyExists("taken")},
		"a letter that there is not":       {strict, `{"name":"a","priv":"XEI","expiry_date":"?"}`, UnknownPrivilege},
		"a small letter":                   {plain, `{"name":"a","priv":"r"}`, UnknownPrivilege},
		"a word in a list":                 {plain, `{"name":"a","priv":["read"]}`, UnknownPrivilege},
		"two letters in one":               {plain, `{"name":"a","priv":["RW"]}`, UnknownPrivilege},
		"an empty letter":                  {plain, `{"name":"a","priv":[""]}`, UnknownPrivilege},
		"E where there is none":            {strict, `{"name":"a","priv":"EI","expiry_date":"?"}`, ExtendedDisabled},
		"E and I":                          {tenDays, `{"name":"a","priv":"EI","expiry_date":"?"}`, ExtendedImpersonation},
		"no date for an impersonation key": {tenDays, `{"name":"a","priv":"RI"}`, ExpiryNeeded},
		"a long name with I":               {strict, `{"name":"` + strings.Repeat("x", 53) + `","priv":"XI"}`, LongImpersonationName},
		"a prefixed name that is taken":    {strict, `{"name":"ci","priv":"XEI","expiry_date":"?"}`, KeyExists("impersonate_ci")},
		"more agents than there can be":    {tenDays, `{"name":"a","priv":"I","agents":[` + strings.TrimSuffix(strings.Repeat(`"bob",`, 65), ",") + `]}`, TooManyAgents},
		"agents that are a number":         {plain, `{"name":"a","priv":"I","agents":1}`, InvalidData},
		"an agent that is a number":        {plain, `{"name":"a","priv":"I","agents":["bob",1]}`, InvalidData},
		"no date where one is needed":      {strict, `{"name":"a","priv":"R"}`, ExpiryNeeded},
		"null where a date is needed":      {strict, `{"name":"a","priv":"R","expiry_date":null}`, ExpiryNeeded},
		"a date that is none":              {strict, `{"name":"a","priv":"R","expiry_date":"2023/09/10 12:45"}`, ExpiryFormat},
		"an empty date":                    {plain, `{"name":"a","priv":"R","expiry_date":""}`, ExpiryFormat},
		"a date that is a number":          {plain, `{"name":"a","priv":"R","expiry_date":1800000000}`, ExpiryFormat},
		"a date after the last":            {tenDays, `{"name":"a","priv":"R","expiry_date":"2026-12-02T10:30:00.000001"}`, ExpiryTooLate(now.AddDate(0, 0, 10))},
		"a date that an offset makes late": {tenDays, `{"name":"a","priv":"R","expiry_date":"2026-12-02T10:30-00:01"}`, ExpiryTooLate(now.AddDate(0, 0, 10))},
		"a date that is now":               {plain, `{"name":"a","priv":"R","expiry_date":"2026-11-22T10:30"}`, ExpiryPast},
		"a date that is over":              {tenDays, `{"name":"a","priv":"R","expiry_date":"2023-01-01"}`, ExpiryPast},
	} {
		test.rules.NameFree = taken("taken", "impersonate_ci")
		got, failure := ParseNewKey([]byte(test.body), test.rules, now)
		if failure == nil || *failure != *test.want {
			t.Errorf("%s: got '%s', want '%s'", name, told(failure), told(test.want))
		}
		if !cmp.Equal(got, NewKey{}) {
			t.Errorf("%s: something was read: %+v", name, got)
		}
	}
}

func TestTheLastMomentIsAllowed(t *testing.T) {
	rules := KeyRules{MaxLifetime: 10 * 24 * time.Hour, NameFree: taken("")}
	if _, failure := ParseNewKey([]byte(`{"name":"a","priv":"R","expiry_date":"2026-12-02T10:30:00"}`), rules, now); failure != nil {
		t.Error(failure.Text)
	}
}

func TestANameThatCannotBeLookedUpIsNotFree(t *testing.T) {
	rules := KeyRules{NameFree: func(string) *Failure { return Unavailable }}
	if _, failure := ParseNewKey([]byte(`{"name":"a","priv":"R"}`), rules, now); failure != Unavailable {
		t.Errorf("got '%s'", told(failure))
	}
}

func TestKeyAnswersTellTheSecretAfterTheName(t *testing.T) {
	got := asJSON(t, KeyAnswer{"ci", secret("sly_x")})
	if diff := cmp.Diff(any(map[string]any{"apikey": "ci:sly_x"}), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// FuzzParseNewKey holds that what passes keeps to the rules.
func FuzzParseNewKey(f *testing.F) {
	for _, body := range []string{
		`{"name":"ci","priv":"RW"}`, `{"name":"ci","priv":["R"],"expiry_date":"2026-11-23"}`, `{"name":"ci","priv":"EI"}`,
		`{"name":"a:b","priv":"","agents":["x"]}`, `{"name":"a","priv":"I","agents":["x","group:y"]}`, `[]`, `{"name":"a","NAME":"b","priv":"R"}`,
	} {
		f.Add(body, true)
		f.Add(body, false)
	}
	f.Fuzz(func(t *testing.T, body string, strict bool) {
		rules := KeyRules{NameFree: taken("taken")}
		if strict {
			rules.MaxLifetime, rules.NoExtended = 24*time.Hour, true
		}
		key, failure := ParseNewKey([]byte(body), rules, now)
		switch {
		case failure != nil:
			if !cmp.Equal(key, NewKey{}) || failure.Status != 400 {
				t.Errorf("%+v, %+v", key, *failure)
			}
		case key.Name == "" || key.Name == "taken" || strings.ContainsAny(key.Name, ":/ \n\x00") || len(key.Name) > 64:
			t.Errorf("name %q", key.Name)
		case key.Impersonation && !strings.HasPrefix(key.Name, ImpersonationPrefix):
			t.Errorf("the name of a key for impersonation is %q", key.Name)
		case len(key.Agents) > MaxAgents || key.Agents != nil && !key.Impersonation || key.Impersonation && key.Scopes.Any(principal.Extended):
			t.Errorf("%+v", key)
		case strict && (key.Scopes.Any(principal.Extended) || !key.Expires.After(now) || key.Expires.After(now.Add(24*time.Hour))):
			t.Errorf("%+v", key)
		case !key.Expires.IsZero() && !key.Expires.After(now):
			t.Errorf("expired %s", key.Expires)
		}
	})
}
