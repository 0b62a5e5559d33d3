package caddyauth

import (
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/sallyport/sallyport/internal/allowlist"
	"github.com/sallyport/sallyport/internal/plugin/accesslist"
	"github.com/sallyport/sallyport/internal/plugin/caller"
	"github.com/sallyport/sallyport/internal/plugin/grammar"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/wire"
)

func init() {
	caddy.RegisterModule(ClientSecret{})
}

// ClientSecret lets requests pass that come from a listed address and carry the
// secret of that entry of the list, and refuses all others.
//
// The address is Caddy's client_ip, and nothing else. Behind a proxy, tell Caddy
// which proxies are yours by trusted_proxies and trusted_proxies_strict. Of
// several networks that hold the address the smallest one counts.
//
// The secret is removed from the request before the next handler sees it.
//
// A refusal is a JSON object with error, message and error_id:
//
//	400  more than one secret, an empty or a very long one
//	401  none, or another one than that of the entry
//	403  the address is not listed
//	429  too many wrong ones from this address; Retry-After says when to ask again
//	503  the file of secrets has not been read yet
//
// A request that passes has the same placeholders as behind token_auth, with
// `client:<entry>` as `{http.auth.user.id}` and `client_secret` as
// `{http.auth.user.method}`. A caller whom an earlier gate has authenticated
// stays who he is.
type ClientSecret struct {
	// Allow lists addresses and networks, such as 192.0.2.7 or 2001:db8::/64;
	// private_ranges stands for all private ones. Placeholders such as {env.X}
	// and {file./path} work, and may hold several, separated by blanks, commas
	// or line ends.
	Allow []string `json:"allow,omitempty"`

	// SecretsFile holds a line `entry:secret` for each entry. The start makes
	// the file, and adds a line with a new secret for each entry that has none;
	// other lines are never changed. Edits count within a second. It must not be
	// readable by everybody. Placeholders such as {env.X} work.
	SecretsFile string `json:"secrets_file,omitempty"`

	// Header is the request header with the secret. Default: X-Client-Secret.
	Header string `json:"header,omitempty"`

	// Failures says how many wrong secrets may come from an address, in IPv6
	// from a /64, before it has to wait. Default: 5 in 60 seconds.
	Failures *grammar.FailureLimit `json:"failures,omitempty"`

	// IdentityHeaders are request headers in which upstreams look for the user.
	// They are removed from each request. Default: X-User, X-Remote-User and
	// X-Auth-*.
	IdentityHeaders []string `json:"identity_headers,omitempty"`

	// ForwardIdentity is a request header that tells the upstream the user
	// name. What the client sent in it is removed.
	ForwardIdentity string `json:"forward_identity,omitempty"`

	// Debug logs each decision, rule by rule, without addresses and secrets.
	Debug bool `json:"debug,omitempty"`

	list      *accesslist.List
	identity  headerSet
	challenge []string
	reporter
}

// CaddyModule returns the Caddy module information.
func (ClientSecret) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.client_secret", New: func() caddy.Module { return new(ClientSecret) }}
}

// Refusals of this gate.
var (
	notListed      = &refusal{status: http.StatusForbidden, code: codeAddress, message: "this address is not allowed", cause: "not_listed"}
	secretMissing  = &refusal{status: http.StatusUnauthorized, code: codeMissing, message: textMissing, cause: allowlist.NothingPresented.String()}
	secretWrong    = &refusal{status: http.StatusUnauthorized, code: codeSecret, message: "the secret is not accepted", cause: allowlist.WrongSecret.String()}
	secretUnknown  = &refusal{status: http.StatusUnauthorized, code: codeSecret, message: secretWrong.message, cause: allowlist.NoSecret.String()}
	failedTooOften = &refusal{status: http.StatusTooManyRequests, code: codeTooMany, message: textTooMany, cause: allowlist.TooManyFailures.String()}
	notRead        = &refusal{status: http.StatusServiceUnavailable, code: codeUnavailable, message: textUnavailable, cause: allowlist.NotLoaded.String()}
)

// ofVerdict is the refusal for each verdict; Admitted has none.
var ofVerdict = map[allowlist.Verdict]*refusal{
	allowlist.NothingPresented: secretMissing,
	allowlist.WrongSecret:      secretWrong,
	allowlist.NoSecret:         secretUnknown,
	allowlist.TooManyFailures:  failedTooOften,
	allowlist.NotLoaded:        notRead,
}

// ServeHTTP is the gate.
func (c *ClientSecret) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	secret, err := accesslist.OneSecret(r.Header, c.Header)
	delete(r.Header, c.Header)
	c.identity.removeFrom(r)
	entry, wait, refused := c.judge(r, secret, err)
	metrics.countCheck(principal.MethodClientSecret, refused)
	if c.Debug {
		c.explain(refused)
	}
	if refused == nil {
		c.admit(r, entry)
		return next.ServeHTTP(w, r)
	}
	known := refusedCaller{method: methodNone}
	if secret != "" {
		known.method = principal.MethodClientSecret
	}
	id := c.report(r, refused, known)
	switch refused.status {
	case http.StatusUnauthorized:
		w.Header()["Www-Authenticate"] = append([]string(nil), c.challenge...)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", wire.RetryAfter(wait))
	}
	return refused.write(w, id)
}

// judge finds the entry of the caller, or says why he is refused. The error says
// what is wrong with the form of the secret.
func (c *ClientSecret) judge(r *http.Request, secret string, err error) (entry *allowlist.Entry, wait time.Duration, refused *refusal) {
	address := caller.Address(r)
	entry, listed := c.list.Find(address)
	switch {
	case !listed:
		return nil, 0, notListed
	case err != nil:
		return nil, 0, malformed(err)
	}
	verdict, wait := c.list.Admit(r.Context(), entry, address, secret)
	if verdict == allowlist.Admitted {
		return entry, 0, nil
	}
	if refused = ofVerdict[verdict]; refused == nil {
		refused = notRead
	}
	return nil, wait, refused
}

// admit makes the caller known to all who come later.
func (c *ClientSecret) admit(r *http.Request, entry *allowlist.Entry) {
	p := caller.Earlier(r)
	if p == nil {
		name := "client:" + entry.Text
		p = &principal.Principal{User: &principal.User{ID: name, Name: name}, Method: principal.MethodClientSecret}
	}
	announce(r, p, c.ForwardIdentity)
}

// explain logs what each rule has said. It is for somebody who looks for the
// mistake in a configuration, so the lines come at the level that is on by
// default.
func (c *ClientSecret) explain(refused *refusal) {
	const notAsked = "not asked"
	address, secret, failures := "listed", "right", "below the limit"
	switch refused {
	case nil:
	case notListed:
		address, secret, failures = "not listed", notAsked, notAsked
	case secretMissing:
		secret = "missing"
	case secretWrong:
		secret = "wrong"
	case secretUnknown:
		secret = "the file has none for the entry"
	case failedTooOften:
		secret, failures = notAsked, "reached"
	case notRead:
		secret, failures = "the file is not read yet", notAsked
	default:
		secret, failures = "malformed", notAsked
	}
	c.log.Info("client_secret decided", zap.Bool("passes", refused == nil),
		zap.String("address", address), zap.String("secret", secret), zap.String("failures", failures))
}

var (
	_ caddyhttp.MiddlewareHandler = (*ClientSecret)(nil)
	_ caddy.Provisioner           = (*ClientSecret)(nil)
	_ caddy.Validator             = (*ClientSecret)(nil)
)
