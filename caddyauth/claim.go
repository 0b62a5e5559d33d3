package caddyauth

import (
	"errors"
	"net/http"
	"strings"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/principal"
)

// claim is the one credential of a request and what kind it is.
type claim struct {
	method string
	credential.Presented
	// external is set when a token of another provider is proven.
	external *principal.External
}

var errSeveralCookies = errors.New("send one session cookie")

// readClaim finds the credential of a request. A cookie counts only where there
// is no header, and never in the place of a bad one. forTokens says that tokens of
// providers are accepted: then a Bearer that is too long is one that is not good.
func readClaim(r *http.Request, forTokens bool) (claim, *refusal) {
	presented, err := credential.FromHeaders(r.Header)
	switch {
	case forTokens && errors.Is(err, credential.ErrTooLong) && isBearer(r.Header.Get(credential.AuthorizationHeader)):
		return claim{}, longToken
	case err != nil:
		return claim{}, malformed(err)
	}
	if presented.Kind == credential.None {
		return readCookie(r)
	}
	if presented.Kind == credential.UnknownScheme {
		return claim{}, unknownScheme
	}
	method := methodOf(&presented)
	if presented.Kind == credential.Bearer && credential.BareToken.Matches(presented.Word) {
		// Tools send whatever they have as Bearer. Nothing else has this form.
		method = principal.MethodBareToken
	}
	return claim{method: method, Presented: presented}, nil
}

// isBearer reports whether the value of Authorization is of that scheme.
func isBearer(value string) bool {
	scheme, _, _ := strings.Cut(value, " ")
	return strings.EqualFold(scheme, "Bearer")
}

func readCookie(r *http.Request) (claim, *refusal) {
	word, err := sessionWord(r)
	switch {
	case err != nil:
		return claim{}, malformed(err)
	case word == "":
		return claim{}, missing
	case !fromSameOrigin(r):
		return claim{}, crossSite
	}
	return claim{method: principal.MethodSession, Presented: credential.Presented{Word: word}}, nil
}

// methodOf tells the kinds apart by their form. What has the form of one kind is
// never tried as another.
func methodOf(p *credential.Presented) string {
	switch {
	case p.Kind == credential.Bare:
		return principal.MethodBareToken
	// A user name ends at the colon; keys have none.
	case p.Kind == credential.Bearer && strings.Contains(p.Word, ":"):
		return principal.MethodAppToken
	// Neither have they a dot, nor have bare tokens.
	case p.Kind == credential.Bearer && strings.Count(p.Word, ".") >= 2:
		return principal.MethodJWT
	case p.Kind == credential.Basic && !isKey(p.Word):
		return principal.MethodPassword
	}
	return principal.MethodAPIKey
}

func isKey(word string) bool {
	_, hasForm := credential.ParseKey(word)
	return hasForm
}

// check proves a key or a token from memory.
func (c *claim) check(m *identity.Mirror, circumstances func() identity.Circumstances) (identity.Caller, identity.Reason) {
	switch c.method {
	case principal.MethodAppToken:
		return m.CheckToken(credential.AppToken, c.Word, circumstances)
	case principal.MethodBareToken:
		return m.CheckToken(credential.BareToken, c.Word, circumstances)
	case principal.MethodSession:
		return m.CheckToken(credential.SessionToken, c.Word, circumstances)
	}
	return m.Check(&c.Presented, circumstances)
}

// principal is the caller who has proven the claim.
func (c *claim) principal(caller *identity.Caller) *principal.Principal {
	p := &principal.Principal{User: caller.User, Scopes: caller.Scopes, Method: c.method, External: c.external}
	switch c.method {
	case principal.MethodAPIKey:
		p.KeyID = caller.ID.String()
	case principal.MethodAppToken, principal.MethodBareToken, principal.MethodSession:
		p.TokenID = caller.ID.String()
	}
	if c.method == principal.MethodSession {
		word := c.Word
		p.IsXSRFToken = func(text string) bool { return credential.IsXSRFToken(word, text) }
	}
	return p
}
