package caddyauth

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/plugin/caller"
	"github.com/sallyport/sallyport/internal/plugin/grammar"
	"github.com/sallyport/sallyport/internal/principal"
)

// Rules say which callers a gate lets through.
type Rules struct {
	// Accept lists the kinds of credentials: api_key, app_token, bare_token, jwt,
	// password and session. Default: all of them.
	Accept []string `json:"accept,omitempty"`

	// Require lists what an accepted caller must have besides.
	Require Require `json:"require,omitzero"`

	// Audience names the service behind the gate. A key that is bound to
	// audiences is accepted only where one of them stands here. Placeholders
	// such as {env.X} work.
	Audience string `json:"audience,omitempty"`

	// APIVersion is the version of the service behind the gate, for keys that
	// are bound to one.
	APIVersion string `json:"api_version,omitempty"`

	// IdentityHeaders are request headers in which upstreams look for the user.
	// They are removed from each request, in every spelling by case, `_` and
	// `.`; a `*` at the end stands for anything. Default: X-User,
	// X-Remote-User and X-Auth-*.
	IdentityHeaders []string `json:"identity_headers,omitempty"`

	// ForwardIdentity is a request header that tells the upstream the user
	// name. What the client sent in it is removed.
	ForwardIdentity string `json:"forward_identity,omitempty"`

	// Impersonation lets a caller act as another user, whose key for impersonation he
	// presents in `X-Impersonating: Basic` with `user:keyname:key` besides his own
	// credential. What he may do then, both credentials must allow; roles and groups
	// are those of the user. Without it the header is none of this gate's business.
	Impersonation bool `json:"impersonation,omitempty"`

	// ForwardCredential leaves the accepted credential in the request.
	ForwardCredential bool `json:"forward_credential,omitempty"`

	// InsecurePlainHTTP accepts passwords over connections that are not
	// encrypted. Without it they are accepted over TLS, and from this machine.
	InsecurePlainHTTP bool `json:"insecure_plain_http,omitempty"`

	// Debug logs for each request what was decided and why, rule by rule. No
	// value that a client has sent is in it.
	Debug bool `json:"debug,omitempty"`

	// nobodyPasses says that the gate is optional.
	nobodyPasses bool

	prover
	reporter
	scopes     principal.Scopes
	identity   headerSet
	challenges challenges
	// wanted is told to administrators only.
	wanted map[*refusal]string
}

// Require lists what a caller must have: of each list that is not empty, at
// least one.
type Require struct {
	// Scopes of the credential: read, write, extended. None includes another.
	Scopes []string `json:"scopes,omitempty"`
	// Roles of the user.
	Roles []string `json:"roles,omitempty"`
	// Groups of the user.
	Groups []string `json:"groups,omitempty"`
}

// methods are the kinds of credentials that can be accepted.
var methods = []string{
	principal.MethodAPIKey, principal.MethodAppToken, principal.MethodBareToken,
	principal.MethodJWT, principal.MethodPassword, principal.MethodSession,
}

func (t *Rules) provision(ctx caddy.Context) (err error) {
	t.reporter = newReporter(ctx.Logger())
	if t.app, err = appOf(ctx); err != nil {
		return err
	}
	if t.scopes, err = principal.ParseScopes(t.Require.Scopes); err != nil {
		return err
	}
	if t.audience, err = grammar.Resolve("audience", t.Audience); err != nil {
		return err
	}
	t.apiVersion, t.insecurePlainHTTP = t.APIVersion, t.InsecurePlainHTTP
	t.ForwardIdentity = http.CanonicalHeaderKey(t.ForwardIdentity)
	t.identity = newIdentityHeaders(t.IdentityHeaders, t.ForwardIdentity)
	t.challenges, t.wanted = newChallenges(t.scopes, t.accepts), t.wantedBy()
	return nil
}

func (t *Rules) validate() error {
	for _, kind := range t.Accept {
		if !slices.Contains(methods, kind) {
			return fmt.Errorf("accept '%s' is unknown; there are %s", kind, strings.Join(methods, ", "))
		}
	}
	if _, err := principal.ParseScopes(t.Require.Scopes); err != nil {
		return err
	}
	return checkIdentityHeaders(t.IdentityHeaders, t.ForwardIdentity)
}

// accepts reports whether a kind of credential is accepted here. Without a list
// it is every kind that can be listed: not that of another module's gate.
func (t *Rules) accepts(method string) bool {
	if len(t.Accept) == 0 {
		return slices.Contains(methods, method)
	}
	return slices.Contains(t.Accept, method)
}

// takesTokens reports whether tokens of providers are accepted, of which there are some.
func (t *Rules) takesTokens() bool {
	return len(t.app.idps.list) > 0 && t.accepts(principal.MethodJWT)
}

// authenticate says who the caller is, or why he is refused and what is known of him
// all the same.
func (t *Rules) authenticate(r *http.Request) (p *principal.Principal, known refusedCaller, refused *refusal) {
	var proven *principal.Principal
	p, known.method, refused = t.identify(r)
	if refused == nil {
		proven = p
		p, refused = t.impersonate(r, p)
	}
	if refused == nil {
		proven = p
		refused = t.authorize(p)
	}
	metrics.countCheck(known.method, refused)
	if t.Debug {
		t.explain(r, p, refused)
	}
	if refused == nil {
		return p, known, nil
	}
	if proven != nil {
		known.user, known.wanted = nameOf(proven), t.wanted[refused]
	}
	return nil, known, refused
}

// wantedBy says for each refusal of authorize what would be needed, made beforehand
// since attackers choose how often it is told.
func (t *Rules) wantedBy() map[*refusal]string {
	list := func(what string, names []string) string { return what + " " + strings.Join(names, " or ") }
	return map[*refusal]string{
		scopeMissing: list("scope", t.Require.Scopes),
		roleMissing:  list("role", t.Require.Roles),
		groupMissing: list("group", t.Require.Groups),
	}
}

// passesAsNobody reports whether a request passes that was refused for having no
// credential. Who presents a key to act by says that he is somebody, and the key must
// not reach what is behind the gate.
func (t *Rules) passesAsNobody(r *http.Request, refused *refusal) bool {
	acts := t.Impersonation && len(r.Header[credential.ImpersonatingHeader]) > 0
	return refused == missing && t.nobodyPasses && !acts
}

// identify proves the credential of the request, and says what kind it is. A
// caller whom an earlier gate has proven by something that is accepted here too
// is held against the circumstances of this gate.
func (t *Rules) identify(r *http.Request) (p *principal.Principal, method string, refused *refusal) {
	if p := caller.Earlier(r); p != nil && t.accepts(p.Method) {
		return p, p.Method, refusalFor(t.recheck(r, p))
	}
	c, refused := readClaim(r, t.takesTokens())
	if refused != nil {
		return nil, methodNone, refused
	}
	may := ofBasic{key: t.accepts(principal.MethodAPIKey), password: t.accepts(principal.MethodPassword)}
	switch {
	case !t.accepts(c.method) && (!may.key || !t.mayBeNamed(r, &c)):
		return nil, c.method, notAccepted
	case !t.maySend(r, c.method):
		return nil, c.method, plainHTTP
	}
	caller, reason, err := t.proveAs(r, &c, may)
	if reason != identity.Accepted {
		return nil, c.method, refusalFor(reason, err)
	}
	return c.principal(&caller), c.method, nil
}

// authorize holds the caller against the gate's own rules.
func (t *Rules) authorize(p *principal.Principal) *refusal {
	switch {
	case t.scopes != 0 && !p.Scopes.Any(t.scopes):
		return scopeMissing
	case len(t.Require.Roles) > 0 && !haveCommon(p.Roles, t.Require.Roles):
		return roleMissing
	case len(t.Require.Groups) > 0 && !haveCommon(p.Groups, t.Require.Groups):
		return groupMissing
	}
	return nil
}

func haveCommon(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// removeCredential takes away what the gate has looked at, unless the configuration
// wants it to stay.
func (t *Rules) removeCredential(h http.Header) {
	if t.ForwardCredential {
		return
	}
	delete(h, credential.AuthorizationHeader)
	delete(h, credential.APIKeyHeader)
	removeSessionCookie(h)
	if t.Impersonation {
		delete(h, credential.ImpersonatingHeader)
	}
}
