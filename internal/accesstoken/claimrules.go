package accesstoken

import (
	"crypto/subtle"
	"slices"
	"strings"
	"time"
)

func holdsTimes(x *trial) string {
	t := x.token
	if !t.expires.there {
		return "exp is missing: a token must end"
	}
	for _, d := range []date{t.expires, t.notBefore, t.issued} {
		if d.fault != "" {
			return d.fault
		}
	}
	return ""
}

func foundTimes(x *trial) string { return "exp is " + stamp(x.token.expires.time) }

func holdsExpired(x *trial) string {
	if end := x.token.expires.time.Add(x.rules.Leeway); !x.now.Before(end) {
		return "exp was " + stamp(x.token.expires.time) + ", " + apart(x.now, x.token.expires.time) + " ago" + x.clocks()
	}
	return ""
}

func foundExpired(x *trial) string {
	if left := x.token.expires.time.Sub(x.now); left > 0 {
		return "it is good for " + left.Round(time.Second).String()
	}
	return "exp is past, but within the leeway of " + x.rules.Leeway.String()
}

func holdsLifetime(x *trial) string {
	end := x.token.expires.time
	if end.After(x.now.Add(x.rules.MaxAge + x.rules.Leeway)) {
		return "exp is " + stamp(end) + ", further ahead than the " + x.rules.MaxAge.String() + " that a token may last"
	}
	return ""
}

func holdsNotYet(x *trial) string { return x.notToCome("nbf", x.token.notBefore) }

func holdsIssued(x *trial) string { return x.notToCome("iat", x.token.issued) }

func (x *trial) notToCome(name string, d date) string {
	if d.there && x.now.Before(d.time.Add(-x.rules.Leeway)) {
		return name + " is " + stamp(d.time) + ", " + apart(d.time, x.now) + " ahead" + x.clocks()
	}
	return ""
}

// clocks ends what is said of a time that does not fit.
func (x *trial) clocks() string {
	return " with a leeway of " + x.rules.Leeway.String() + ": compare the clocks, or get a new token"
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func apart(later, earlier time.Time) string { return later.Sub(earlier).Round(time.Second).String() }

// holdsKind tells access tokens and others apart that have the same issuer, key and
// audience. OpenID Connect Core 1.0 sections 2 and 3.3.2.11 put nonce, at_hash and c_hash
// into ID tokens only, RFC 8417 section 2.2 has events in notices such as that of a
// log-out, Keycloak says in the payload's typ what it is, and Cognito in token_use. One
// that is bound to a key of its holder (cnf, RFC 7800 section 3.1) is worth nothing
// without a proof of that key, for which nobody asks here.
func holdsKind(x *trial) string {
	payload := x.token.payload
	if payload.member("events").kind != isAbsent {
		return "the payload has events: it is a notice, and says nothing of who calls"
	}
	if payload.member("cnf").kind != isAbsent {
		return "the payload has cnf: the token is bound to a key of its holder, and only plain bearer tokens are accepted"
	}
	typ, wanted := payload.member("typ"), []string{typeBearer, typeJWT, typeAccess}
	if x.rules.wantsIDToken() {
		wanted = []string{"ID", typeJWT}
	} else if fault := x.marksOfOthers(typ); fault != "" {
		return fault
	}
	isTyp := func(name string) bool { return strings.EqualFold(name, typ.text) }
	if typ.kind != isAbsent && (typ.kind != isText || !slices.ContainsFunc(wanted, isTyp)) {
		return describe("the payload's typ", typ) + ", which is another kind of token"
	}
	return ""
}

// typeBearer is Keycloak's typ for access tokens, in the payload.
const typeBearer = "Bearer"

// marksOfOthers finds what access tokens do not have. Keycloak before version 24 copies
// the nonce into them, too; it is taken from tokens that say that they are none of ID.
func (x *trial) marksOfOthers(typ value) string {
	payload, marks := x.token.payload, []string{"nonce", "at_hash", "c_hash"}
	if typ.text == typeBearer || x.token.isAccessType() {
		marks = marks[1:]
	}
	for _, name := range marks {
		if payload.member(name).kind != isAbsent {
			return "the payload has " + name + ": it is an ID token, and the access token is wanted"
		}
	}
	if use := payload.member("token_use"); use.kind != isAbsent && use.text != "access" {
		return describe("token_use", use) + ", and not 'access'"
	}
	return ""
}

func holdsAudience(x *trial) string {
	t := x.token
	if len(t.audience) == 0 {
		return describe("aud", t.payload.member("aud")) + ", and not a text or a list of one text or more"
	}
	if !slices.ContainsFunc(t.audience, x.isOurs) {
		return "aud is " + showAll(t.audience) + ", which has none of " + showAll(x.rules.Audience) + ": the token is for another service"
	}
	if !x.rules.wantsIDToken() {
		return ""
	}
	switch azp := t.payload.member("azp"); {
	case azp.kind == isAbsent && len(t.audience) > 1:
		return "azp is missing, and aud has several"
	case azp.kind != isAbsent && (azp.kind != isText || !x.isOurs(azp.text)):
		return describe("azp", azp) + ", and not one of " + showAll(x.rules.Audience)
	}
	return ""
}

func foundAudience(x *trial) string { return "aud is " + showAll(x.token.audience) }

func (x *trial) isOurs(audience string) bool { return slices.Contains(x.rules.Audience, audience) }

// showAll quotes the first few of a list.
func showAll(texts []string) string {
	const most = 4
	var shown []string
	for _, t := range texts[:min(most, len(texts))] {
		shown = append(shown, show(t))
	}
	if len(texts) > most {
		shown = append(shown, "…")
	}
	return strings.Join(shown, ", ")
}

// maxID is how many bytes names of somebody or something may have (OpenID Connect Core
// 1.0 section 2).
const maxID = 255

func holdsSubject(x *trial) string {
	sub := x.token.payload.member("sub")
	if sub.kind == isAbsent {
		return "sub is missing: the token does not say whose it is"
	}
	return wrongID("sub", sub)
}

func foundSubject(x *trial) string { return describe("sub", x.token.payload.member("sub")) }

func holdsID(x *trial) string {
	for _, name := range []string{"jti", "client_id", "azp"} {
		id := x.token.payload.member(name)
		if id.kind != isAbsent {
			if fault := wrongID(name, id); fault != "" {
				return fault
			}
		} else if name != "azp" && x.token.isAccessType() {
			return name + " is missing, which a token of type at+jwt must have"
		}
	}
	return ""
}

// wrongID says what is wrong with a claim that names somebody or something. It does not
// show it.
func wrongID(name string, v value) string {
	switch {
	case v.kind != isText:
		return describe(name, v) + ", and not a text"
	case v.text == "":
		return name + " is empty"
	case len(v.text) > maxID:
		return name + " has more than 255 bytes"
	case hasUnseen(v.text):
		return name + " has characters that nobody sees"
	}
	return ""
}

func holdsNonce(x *trial) string {
	if !x.rules.wantsIDToken() {
		return ""
	}
	nonce := x.token.payload.member("nonce")
	if nonce.kind != isText || subtle.ConstantTimeCompare([]byte(nonce.text), []byte(x.rules.Nonce)) != 1 {
		return "nonce is not that of this log-in"
	}
	return ""
}

func holdsScope(x *trial) string {
	x.scopes = x.token.scopes(x.rules.ScopesClaim)
	for _, needed := range x.rules.RequiredScopes {
		if !slices.Contains(x.scopes, needed) {
			return "the scope " + show(needed) + " is missing; the token has " + scopeList(x.scopes)
		}
	}
	return ""
}

func foundScope(x *trial) string { return "the token has " + scopeList(x.scopes) }

func scopeList(scopes []string) string {
	if len(scopes) == 0 {
		return "no scopes"
	}
	return "the scopes " + showAll(scopes)
}
