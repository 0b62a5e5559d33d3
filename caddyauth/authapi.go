package caddyauth

import (
	"fmt"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/sallyport/sallyport/internal/howler"
	"github.com/sallyport/sallyport/internal/plugin/grammar"
	"github.com/sallyport/sallyport/internal/principal"
)

func init() {
	caddy.RegisterModule(AuthAPI{})
}

// AuthAPI answers the requests of people and programs that are about
// themselves: to log in and out, to make and to end API keys, to change the
// password, to see and to end sessions; and by which administrators look after
// users. Paths, bodies and texts are those of
// howler's authentication where it has them, so that its client works
// unchanged:
//
//	GET              <base>/                                 versions of the API
//	GET, POST        <base>/v1/auth/login                    password or API key → app token;
//	                                                         provider → redirect, code or refresh token → access token
//	POST             <base>/v1/auth/logout
//	GET, POST        <base>/v1/auth/apikey                   list own keys, make one
//	DELETE           <base>/v1/auth/apikey/{name}
//	POST             <base>/v1/auth/apikey/{name}/disable    and enable, rotate
//	GET, DELETE      <base>/v1/auth/sessions                 list own sessions, end all of them
//	DELETE           <base>/v1/auth/sessions/{id}
//	GET              <base>/v1/user/whoami
//	GET, PUT         <base>/v1/user/{name}                   oneself; anybody for the role admin
//	POST, DELETE     <base>/v1/user/{name}                   add and delete a user, for the role admin
//	GET              <base>/v1/configs                       what a log-in page has to know
//	POST, PUT        <base>/v1/user/password
//
// All but the log-in and configs need a credential: Basic with a password or a key, Bearer
// with a key or an app token, X-Api-Key, or the cookie of a session. A caller
// whom a gate has authenticated before needs no other one.
//
// Every answer is a JSON object in howler's envelope. A failure has the headers
// X-Error-Code, which is stable, and X-Error-Id, which stands in the log beside
// the cause.
//
// A request that is answered for a user has `{http.auth.user.id}`, which is
// user_id in the access log.
type AuthAPI struct {
	// Base is the path below which the endpoints are, such as /api. Empty means
	// the whole site. Requests for other paths go to the next handler. There
	// are no placeholders in it.
	Base string `json:"base,omitempty"`

	// AppTokenLifetime is how long an app token lasts that a log-in has given
	// to a program. Default: 1 hour.
	AppTokenLifetime *grammar.Lifetime `json:"app_token_lifetime,omitempty"`

	// SessionLifetime is how long a browser session lasts. Default: that of the
	// app.
	SessionLifetime *grammar.Lifetime `json:"session_lifetime,omitempty"`

	// MaxKeyLifetime is how long an API key that is made here may live. With
	// it, each needs an expiry date. Default: 0, which is for ever.
	MaxKeyLifetime caddy.Duration `json:"max_key_lifetime,omitempty"`

	// NoExtendedKeys forbids to make keys with the scope extended.
	NoExtendedKeys bool `json:"no_extended_keys,omitempty"`

	// Quota is how many requests of a user are answered at once, unless the user has
	// a number of his own. Default: 25; 0 is no limit.
	Quota *int `json:"quota,omitempty"`

	// InsecureQueryCredentials takes the credentials of a log-in from the query as
	// well, where every log on the way keeps them.
	InsecureQueryCredentials bool `json:"insecure_query_credentials,omitempty"`

	// InsecureKeyErrors tells anybody which names of keys a user has, and which of
	// the keys have expired or are for impersonation. Without it only those are told
	// who have presented the secret.
	InsecureKeyErrors bool `json:"insecure_key_errors,omitempty"`

	// InsecurePlainHTTP accepts log-ins and passwords over connections that are
	// not encrypted. Without it they are accepted over TLS, and from this
	// machine.
	InsecurePlainHTTP bool `json:"insecure_plain_http,omitempty"`

	// Debug logs for each request what was decided and why, rule by rule. No
	// value that a client has sent is in it.
	Debug bool `json:"debug,omitempty"`

	prover
	reporter
	appTokens, sessions principal.Lifetime
	challenges          challenges
	version             string
	running             *running
}

// defaultAppToken is howler's.
var defaultAppToken = principal.Lifetime{Absolute: time.Hour}

// CaddyModule returns the Caddy module information.
func (AuthAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.auth_api", New: func() caddy.Module { return new(AuthAPI) }}
}

// Provision finds the app and fills in the defaults.
func (h *AuthAPI) Provision(ctx caddy.Context) (err error) {
	h.reporter = newReporter(ctx.Logger())
	if h.app, err = appOf(ctx); err != nil {
		return err
	}
	h.insecurePlainHTTP = h.InsecurePlainHTTP
	h.appTokens = h.AppTokenLifetime.OrElse(defaultAppToken)
	h.sessions = h.SessionLifetime.OrElse(h.app.session)
	h.challenges = newChallenges(0, func(string) bool { return true })
	h.version = serverVersion()
	h.running = newRunning()
	if h.InsecureQueryCredentials {
		h.log.Warn("insecure_query_credentials: log-ins take passwords and keys from the query, where every log on the way keeps them")
	}
	if h.InsecureKeyErrors {
		h.log.Warn("insecure_key_errors: anybody can find out which names of keys a user has")
	}
	return nil
}

// Validate refuses settings that cannot be meant.
func (h *AuthAPI) Validate() error {
	if err := grammar.CheckBase(h.Base); err != nil {
		return err
	}
	if h.MaxKeyLifetime < 0 {
		return fmt.Errorf("max_key_lifetime %s: it must not be negative", time.Duration(h.MaxKeyLifetime))
	}
	if h.Quota != nil && *h.Quota < 0 {
		return fmt.Errorf("quota %d: it must not be negative", *h.Quota)
	}
	for option, lifetime := range map[string]principal.Lifetime{"app_token_lifetime": h.appTokens, "session_lifetime": h.sessions} {
		if err := lifetime.Check(); err != nil {
			return fmt.Errorf("%s: %w", option, err)
		}
	}
	return nil
}

// ServeHTTP answers what is below the base.
func (h *AuthAPI) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	path, ours := grammar.Below(h.Base, r.URL.Path)
	if !ours {
		return next.ServeHTTP(w, r)
	}
	c := &apiCall{w: w, r: r}
	payload, failed := h.guarded(c, path)
	if h.Debug {
		h.explain(c, failed)
	}
	if failed != nil {
		h.refuse(c, failed)
		return nil
	}
	h.answer(c, payload)
	return nil
}

// guarded is dispatch, with a panic turned into a failure: howler's client takes
// an answer without an envelope for no API at all.
func (h *AuthAPI) guarded(c *apiCall, path string) (payload any, failed *failure) {
	defer func() {
		switch reason := recover(); reason {
		case nil:
		case http.ErrAbortHandler:
			panic(reason)
		default:
			// What it says may have come from a client, so only its type is told.
			h.log.Error("panic in an endpoint", zap.String("type", fmt.Sprintf("%T", reason)), zap.Stack("stack"))
			payload, failed = nil, &failure{Failure: howler.Internal, cause: "panic"}
		}
	}()
	return h.dispatch(c, path)
}

// dispatch finds out what is wanted and whether the caller may, and does it.
func (h *AuthAPI) dispatch(c *apiCall, path string) (any, *failure) {
	target, refused := howler.Route(c.r.Method, path, originalURL(c.r).EscapedPath())
	if refused != nil {
		return nil, told(refused, "route")
	}
	c.target = target
	if !target.Public {
		if failed := h.admit(c); failed != nil {
			return nil, failed
		}
	}
	var err error
	if c.people, err = h.app.people(c.r.Context()); err != nil {
		return nil, unknown(err)
	}
	leave, failed := h.enter(c)
	if failed != nil {
		return nil, failed
	}
	defer leave()
	return actions[target.Action].do(h, c)
}

// action is what a route does, with words for the log.
type action struct {
	name string
	do   func(*AuthAPI, *apiCall) (any, *failure)
}

var actions = map[howler.Action]action{
	howler.Versions:       {"list versions", (*AuthAPI).listVersions},
	howler.LogIn:          {"log in", (*AuthAPI).logIn},
	howler.LogOut:         {"log out", (*AuthAPI).logOut},
	howler.ListKeys:       {"list keys", (*AuthAPI).listKeys},
	howler.CreateKey:      {"make a key", (*AuthAPI).createKey},
	howler.DeleteKey:      {"delete a key", (*AuthAPI).deleteKey},
	howler.DisableKey:     {"disable a key", (*AuthAPI).disableKey},
	howler.EnableKey:      {"enable a key", (*AuthAPI).enableKey},
	howler.RotateKey:      {"rotate a key", (*AuthAPI).rotateKey},
	howler.ListSessions:   {"list sessions", (*AuthAPI).listSessions},
	howler.EndSessions:    {"end all sessions", (*AuthAPI).endSessions},
	howler.EndSession:     {"end a session", (*AuthAPI).endSession},
	howler.ChangePassword: {"change the password", (*AuthAPI).changePassword},
	howler.ShowSelf:       {"show oneself", (*AuthAPI).showSelf},
	howler.ShowUser:       {"show a user", (*AuthAPI).showUser},
	howler.AddUser:        {"add a user", (*AuthAPI).addUser},
	howler.EditUser:       {"change a user", (*AuthAPI).editUser},
	howler.DeleteUser:     {"delete a user", (*AuthAPI).deleteUser},
	howler.ShowConfigs:    {"tell what a log-in page needs", (*AuthAPI).showConfigs},
}

func (h *AuthAPI) listVersions(*apiCall) (any, *failure) { return howler.VersionList(), nil }

func (h *AuthAPI) showConfigs(*apiCall) (any, *failure) {
	return howler.Configs{NoExtendedKeys: h.NoExtendedKeys, MaxKeyLifetime: time.Duration(h.MaxKeyLifetime), Providers: h.app.idps.logInNames()}, nil
}

var (
	_ caddyhttp.MiddlewareHandler = (*AuthAPI)(nil)
	_ caddy.Provisioner           = (*AuthAPI)(nil)
	_ caddy.Validator             = (*AuthAPI)(nil)
)
