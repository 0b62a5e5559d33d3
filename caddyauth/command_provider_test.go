package caddyauth_test

import (
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sallyport/sallyport/internal/fake/oidcprovider"
)

// openIDKey is that of a script's provider in its environment.
type openIDKey struct{}

// openID is the OpenID provider of a script:
//
//	openid start                       begin; its issuer is in $ISSUER, and jane has an account there
//	openid token <file> [<claim>=<value>...]
//	                                   a token of jane's for the audience ops; exp, iat and
//	                                   nbf are seconds from now, and `-` leaves a claim out
//	openid stop                        be down from now on
//	openid resume                      be there again
func openID(ts *testscript.TestScript, neg bool, args []string) {
	provider, _ := ts.Value(openIDKey{}).(*oidcprovider.Provider)
	if neg || len(args) == 0 || provider == nil {
		ts.Fatalf("usage: openid start|token|stop|resume")
	}
	switch args[0] {
	case "start":
		ts.Setenv("ISSUER", provider.Issuer())
		provider.AddUser(oidcprovider.User{
			Subject: "6f1c0a5e", Name: "jane", DisplayName: "Jane Doe", Email: "jane@example.org", EmailVerified: true,
			Groups: []string{"staff"}, Roles: []string{"ops-user"},
		})
	case "token":
		token, err := provider.AccessToken("6f1c0a5e", claimsOf(ts, args[2:]))
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(token+"\n"), 0o600))
	case "stop":
		provider.Stop()
	case "resume":
		ts.Check(provider.Resume())
	}
}

// claimsOf reads the claims of a token.
func claimsOf(ts *testscript.TestScript, args []string) map[string]any {
	claims := map[string]any{"aud": "ops"}
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		claims[name] = value
		if slices.Contains([]string{"exp", "iat", "nbf"}, name) {
			seconds, err := strconv.Atoi(value)
			ts.Check(err)
			claims[name] = time.Now().Unix() + int64(seconds)
		}
	}
	// nil takes a claim away.
	for name := range maps.Clone(claims) {
		if claims[name] == "-" {
			claims[name] = nil
		}
	}
	return claims
}
