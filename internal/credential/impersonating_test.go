package credential

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

func TestTheKeyForImpersonationIsReadFromItsHeader(t *testing.T) {
	basic := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	for name, test := range map[string]struct {
		values []string
		want   Presented
		err    error
	}{
		"no header":            {nil, Presented{}, nil},
		"user, name and key":   {[]string{"Basic " + basic("bob:impersonate_ops:word")}, Presented{Kind: Basic, User: "bob", KeyName: "impersonate_ops", Secret: "impersonate_ops:word", Word: "word"}, nil},
		"user and key":         {[]string{"basic " + basic("bob:word")}, Presented{Kind: Basic, User: "bob", Secret: "word", Word: "word"}, nil},
		"two headers":          {[]string{"Basic " + basic("bob:a:b"), "Basic " + basic("bob:a:b")}, Presented{}, ErrSeveralImpersonating},
		"an empty header":      {[]string{""}, Presented{}, ErrImpersonatingForm},
		"no blank":             {[]string{"Basic"}, Presented{}, ErrImpersonatingForm},
		"nothing behind it":    {[]string{"Basic "}, Presented{}, ErrImpersonatingForm},
		"two blanks":           {[]string{"Basic a b"}, Presented{}, ErrImpersonatingForm},
		"another scheme":       {[]string{"Bearer bob:token"}, Presented{}, ErrImpersonatingScheme},
		"no base64":            {[]string{"Basic abc"}, Presented{}, ErrBase64},
		"a line end in base64": {[]string{"Basic " + basic("bob:a:b")[:4] + "\r\n" + basic("bob:a:b")[4:]}, Presented{}, ErrBase64},
		"more than 8 KiB":      {[]string{"Basic " + strings.Repeat("a", MaxHeader)}, Presented{}, ErrTooLong},
	} {
		got, err := FromImpersonating(map[string][]string{ImpersonatingHeader: test.values})
		if got != test.want || !errors.Is(err, test.err) || (err == nil) != (test.err == nil) {
			t.Errorf("%s: %+v, %v; want %+v, %v", name, got, err, test.want, test.err)
		}
	}
}

// FuzzFromImpersonating: what is accepted is Basic of a user, and reading it again
// gives the same.
func FuzzFromImpersonating(f *testing.F) {
	for _, value := range []string{"Basic Ym9iOmE6Yg==", "basic Ym9iOg==", "Basic", "Basic  ", "Bearer a:b", "Basic abc", "\x00", "Basic Ym9i\nOmE6Yg=="} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		got, err := FromImpersonating(map[string][]string{ImpersonatingHeader: {value}})
		if err != nil {
			if got != (Presented{}) {
				t.Fatalf("%q is refused, and yet %+v", value, got)
			}
			return
		}
		if got.Kind != Basic || len(value) > MaxHeader || strings.ContainsAny(value, "\r\n") {
			t.Fatalf("%q is taken as %+v", value, got)
		}
		again := "Basic " + base64.StdEncoding.EncodeToString([]byte(got.User+":"+got.Secret))
		if second, err := FromImpersonating(map[string][]string{ImpersonatingHeader: {again}}); err != nil || second.User != got.User || second.Word != got.Word || second.KeyName != got.KeyName {
			t.Fatalf("%q is read as %+v, and written anew as %+v, %v", value, got, second, err)
		}
	})
}
