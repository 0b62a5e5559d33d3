package provider

import (
	"net/netip"
	"strings"
	"testing"
)

func TestSources(t *testing.T) {
	const issuer = "https://id.example.org/realm"
	for name, c := range map[string]struct {
		source Source
		// problem is what the error says, "" if there is none.
		problem string
	}{
		"an issuer is enough":                   {Source{Issuer: issuer}, ""},
		"an issuer may end in a slash":          {Source{Issuer: issuer + "/"}, ""},
		"discovery may have a query":            {Source{Issuer: issuer, DiscoveryURL: issuer + "/doc?p=policy"}, ""},
		"keys may be named":                     {Source{Issuer: issuer, JWKSURL: issuer + "/keys"}, ""},
		"http is for loopback":                  {Source{Issuer: "http://127.0.0.1:8080"}, ""},
		"in IPv6 too":                           {Source{Issuer: "http://[::1]:8080"}, ""},
		"and for localhost":                     {Source{Issuer: "http://localhost:8080"}, ""},
		"http is for nobody else":               {Source{Issuer: "http://id.example.org"}, "'http://id.example.org' is not https"},
		"nor for names that look like it":       {Source{Issuer: "http://localhost.example.org"}, "is not https"},
		"an issuer is needed":                   {Source{}, "issuer: that is no absolute URL"},
		"a path is no issuer":                   {Source{Issuer: "/realm"}, "issuer: that is no absolute URL"},
		"a name is no issuer":                   {Source{Issuer: "id.example.org"}, "issuer: that is no absolute URL"},
		"another scheme is refused":             {Source{Issuer: "file://host/etc/passwd"}, "is not https"},
		"a host is needed":                      {Source{Issuer: "https://:443/"}, "issuer: that is no absolute URL"},
		"an issuer has no query":                {Source{Issuer: issuer + "?tenant=a"}, "has a query"},
		"not even an empty one":                 {Source{Issuer: issuer + "?"}, "has a query"},
		"nor a fragment":                        {Source{Issuer: issuer + "#a"}, "has a fragment"},
		"nor an empty one":                      {Source{Issuer: issuer + "#"}, "has a fragment"},
		"nor a user":                            {Source{Issuer: "https://me:secret@id.example.org"}, "has a user or a password"},
		"what cannot be printed is refused":     {Source{Issuer: "https://id.example.org/a\tb"}, "no absolute URL"},
		"a long URL is refused":                 {Source{Issuer: issuer + strings.Repeat("a", maxURL)}, "2048 are the most"},
		"discovery is looked at too":            {Source{Issuer: issuer, DiscoveryURL: "ftp://id.example.org"}, "discovery: 'ftp://id.example.org' is not https"},
		"so are keys":                           {Source{Issuer: issuer, JWKSURL: "http://10.0.0.1/keys?secret"}, "jwks: 'http://10.0.0.1/keys' is not https"},
		"two ways to the keys are one too many": {Source{Issuer: issuer, DiscoveryURL: issuer, JWKSURL: issuer}, "both set"},
		"a network has to be one":               {Source{Issuer: issuer, Networks: []netip.Prefix{{}}}, "a network of the provider is none"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.source.Check()
			if c.problem != "" {
				wantText(t, err, c.problem)
				if _, opened := Open(c.source, Options{}); opened == nil {
					t.Error("it is opened all the same")
				}
			} else if err != nil {
				t.Error(err)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("'%v' has a secret", err)
			}
		})
	}
}

func TestSourcesThatAreTheSameShareAKey(t *testing.T) {
	a, b := netip.MustParsePrefix("10.1.2.3/8"), netip.MustParsePrefix("192.0.2.0/24")
	one := Source{Issuer: "https://a", Networks: []netip.Prefix{a, b}}
	if same := (Source{Issuer: "https://a", Networks: []netip.Prefix{b, a.Masked(), b}}); same.Key() != one.Key() {
		t.Errorf("'%s' is not '%s'", same.Key(), one.Key())
	}
	seen := map[string]Source{}
	for _, s := range []Source{
		one,
		{Issuer: "https://a"},
		{Issuer: "https://a/"},
		{Issuer: "https://a", Networks: []netip.Prefix{a}},
		{Issuer: "https://a", JWKSURL: "https://a"},
		{Issuer: "https://a", DiscoveryURL: "https://a"},
	} {
		if other, twice := seen[s.Key()]; twice {
			t.Errorf("%+v and %+v share a key", s, other)
		}
		seen[s.Key()] = s
	}
}

func TestTheDocumentIsBelowTheIssuer(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://a":    "https://a/.well-known/openid-configuration",
		"https://a/":   "https://a/.well-known/openid-configuration",
		"https://a/b/": "https://a/b/.well-known/openid-configuration",
	} {
		if got := (Source{Issuer: issuer}).discovery(); got != want {
			t.Errorf("'%s': '%s', want '%s'", issuer, got, want)
		}
	}
}
