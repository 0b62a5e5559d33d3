package credential

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func basic(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }

func TestFromHeaders(t *testing.T) {
	for name, test := range map[string]struct {
		headers map[string][]string
		want    Presented
	}{
		"no credential":                   {map[string][]string{"Accept": {"*/*"}}, Presented{}},
		"bearer":                          {map[string][]string{"Authorization": {"Bearer sly_x"}}, Presented{Kind: Bearer, Word: "sly_x"}},
		"bearer in any case":              {map[string][]string{"Authorization": {"bEARER sly_x"}}, Presented{Kind: Bearer, Word: "sly_x"}},
		"bearer with more blanks":         {map[string][]string{"Authorization": {"Bearer   sly_x "}}, Presented{Kind: Bearer, Word: "sly_x"}},
		"X-Api-Key":                       {map[string][]string{"X-Api-Key": {"sly_x"}}, Presented{Kind: APIKey, Word: "sly_x"}},
		"a bare token":                    {map[string][]string{"Authorization": {strings.Repeat("0f", 16)}}, Presented{Kind: Bare, Word: strings.Repeat("0f", 16)}},
		"Basic user:key":                  {map[string][]string{"Authorization": {basic("alice:sly_x")}}, Presented{Kind: Basic, User: "alice", Secret: "sly_x", Word: "sly_x"}},
		"Basic user:keyname:key":          {map[string][]string{"Authorization": {basic("alice:ci:sly_x")}}, Presented{Kind: Basic, User: "alice", Secret: "ci:sly_x", KeyName: "ci", Word: "sly_x"}},
		"basic in lower case":             {map[string][]string{"Authorization": {strings.Replace(basic("alice:x"), "Basic", "basic", 1)}}, Presented{Kind: Basic, User: "alice", Secret: "x", Word: "x"}},
		"Basic without a colon":           {map[string][]string{"Authorization": {basic("alice")}}, Presented{Kind: Basic, User: "alice"}},
		"Basic of nothing but a colon":    {map[string][]string{"Authorization": {basic(":")}}, Presented{Kind: Basic}},
		"Basic with colons in a password": {map[string][]string{"Authorization": {basic("alice:a:b:c")}}, Presented{Kind: Basic, User: "alice", Secret: "a:b:c", KeyName: "a:b", Word: "c"}},
		"an app token":                    {map[string][]string{"Authorization": {"Bearer alice:0f"}}, Presented{Kind: Bearer, Word: "alice:0f"}},
		"Basic with umlauts":              {map[string][]string{"Authorization": {basic("jürgen:x")}}, Presented{Kind: Basic, User: "jürgen", Secret: "x", Word: "x"}},
		"a scheme that nobody here knows": {map[string][]string{"Authorization": {"Digest username=alice"}}, Presented{Kind: UnknownScheme}},
		"exactly 8 KiB":                   {map[string][]string{"X-Api-Key": {strings.Repeat("a", MaxHeader)}}, Presented{Kind: APIKey, Word: strings.Repeat("a", MaxHeader)}},
	} {
		got, err := FromHeaders(test.headers)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestFromHeadersRefusesWhatIsMalformed(t *testing.T) {
	for name, test := range map[string]struct {
		headers map[string][]string
		want    error
	}{
		"two Authorization headers":   {map[string][]string{"Authorization": {"Bearer a", "Bearer a"}}, ErrSeveral},
		"two X-Api-Key headers":       {map[string][]string{"X-Api-Key": {"a", "a"}}, ErrSeveral},
		"Authorization and X-Api-Key": {map[string][]string{"Authorization": {"Bearer a"}, "X-Api-Key": {"a"}}, ErrSeveral},
		"an empty one of two":         {map[string][]string{"Authorization": {""}, "X-Api-Key": {"a"}}, ErrSeveral},
		"an empty Authorization":      {map[string][]string{"Authorization": {""}}, ErrEmpty},
		"an empty X-Api-Key":          {map[string][]string{"X-Api-Key": {""}}, ErrEmpty},
		"a bare token in capitals":    {map[string][]string{"Authorization": {strings.Repeat("0F", 16)}}, ErrForm},
		"no scheme":                   {map[string][]string{"Authorization": {"sly_x"}}, ErrForm},
		"a scheme alone":              {map[string][]string{"Authorization": {"Bearer"}}, ErrForm},
		"a scheme and a blank":        {map[string][]string{"Authorization": {"Bearer "}}, ErrForm},
		"a blank before":              {map[string][]string{"Authorization": {" Bearer x"}}, ErrForm},
		"more than 8 KiB":             {map[string][]string{"X-Api-Key": {strings.Repeat("a", MaxHeader+1)}}, ErrTooLong},
		"more than 8 KiB of Basic":    {map[string][]string{"Authorization": {basic(strings.Repeat("a", MaxHeader))}}, ErrTooLong},
		"no base64":                   {map[string][]string{"Authorization": {"Basic !!!"}}, ErrBase64},
		"base64 without its padding":  {map[string][]string{"Authorization": {"Basic YWxpY2U6eA"}}, ErrBase64},
		"base64 of the URL alphabet":  {map[string][]string{"Authorization": {"Basic PDw_Pz8-Pg=="}}, ErrBase64},
		"bits behind the padding":     {map[string][]string{"Authorization": {"Basic YWxpY2U6eB=="}}, ErrBase64},
		"a line end within base64":    {map[string][]string{"Authorization": {"Basic YWxp\r\nY2U6eA=="}}, ErrBase64},
		"base64 of what is not UTF-8": {map[string][]string{"Authorization": {basic("alice\xff:x")}}, ErrBase64},
		"Basic with a word after it":  {map[string][]string{"Authorization": {basic("alice:x") + " y"}}, ErrBase64},
	} {
		got, err := FromHeaders(test.headers)
		if !errors.Is(err, test.want) || got != (Presented{}) {
			t.Errorf("%s: got %+v, %v; want %v", name, got, err, test.want)
		}
	}
}

func FuzzFromHeaders(f *testing.F) {
	f.Add("Bearer x", "")
	f.Add(basic("alice:ci:x"), "")
	f.Add("Basic YWxp\nY2U6eA==", "")
	f.Add("", "sly_x")
	f.Add("Digest x", "y")
	f.Add("Bearer alice:"+strings.Repeat("0f", 32), "")
	f.Add(strings.Repeat("0f", 16), "")
	f.Add(basic("alice:pass:word"), "")
	f.Add(basic("alice:"), "")
	f.Fuzz(func(t *testing.T, authorization, apiKey string) {
		headers := map[string][]string{}
		if authorization != "" {
			headers[AuthorizationHeader] = []string{authorization}
		}
		if apiKey != "" {
			headers[APIKeyHeader] = []string{apiKey}
		}
		p, err := FromHeaders(headers)
		switch {
		case err != nil && p != (Presented{}):
			t.Errorf("an error with a credential: %+v, %v", p, err)
		case err == nil && (p.Kind == None) != (len(headers) == 0):
			t.Errorf("kind %d of %d headers", p.Kind, len(headers))
		case p.Kind == Basic && strings.Contains(p.User, ":"):
			t.Errorf("a user name with a colon: %q", p.User)
		case strings.Contains(p.Word, ":") && p.Kind == Basic:
			t.Errorf("a key with a colon: %q", p.Word)
		case p.Kind == Basic && p.Secret != p.Word && p.Secret != p.KeyName+":"+p.Word:
			t.Errorf("the password %q is not what was cut into %q and %q", p.Secret, p.KeyName, p.Word)
		case p.Kind != Basic && (p.User != "" || p.Secret != "" || p.KeyName != ""):
			t.Errorf("parts of Basic in kind %d", p.Kind)
		case p.Kind == Bare && (!BareToken.Matches(p.Word) || p.Word != authorization):
			t.Errorf("a bare token that is none: %q", p.Word)
		case p.Kind == UnknownScheme && p.Word != "":
			t.Errorf("a credential of an unknown scheme: %q", p.Word)
		}
	})
}
