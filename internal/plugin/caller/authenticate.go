package caller

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/wire"
)

// appName is the name of the app that knows users and keys.
const appName = "caddyauth"

// ErrNoApp: the configuration has no app that knows users and keys. Whoever
// cannot do without one says so when it is provisioned.
var ErrNoApp = errors.New("nobody could log in: write 'caddyauth' into the global options, or a token_auth before this")

// Authenticator returns the app of a configuration that authenticates callers.
// The error wraps ErrNoApp if there is none, and is another one if it cannot be
// used.
func Authenticator(ctx caddy.Context) (principal.Authenticator, error) {
	return appAs[principal.Authenticator](ctx)
}

// Login returns the app of a configuration that gives tokens for passwords. The
// errors are those of Authenticator.
func Login(ctx caddy.Context) (principal.Login, error) { return appAs[principal.Login](ctx) }

func appAs[T any](ctx caddy.Context) (app T, err error) {
	value, err := ctx.AppIfConfigured(appName)
	if errors.Is(err, caddy.ErrNotConfigured) {
		return app, ErrNoApp
	}
	if err != nil {
		return app, err
	}
	app, ok := value.(T)
	if !ok {
		return app, fmt.Errorf("the app '%s' of this server is another one", appName)
	}
	return app, nil
}

// Authenticate says who has made a request: the caller whom an earlier gate has
// proven, held against the circumstances of this service, else whom the app
// finds. Without an app, which is nil then, it is the earlier gate's alone. A
// caller without an account, whom a list of addresses has let in, is nobody
// unless the service accepts that method.
func Authenticate(r *http.Request, app principal.Authenticator, s *principal.Service) (*principal.Principal, *principal.Refusal) {
	if app != nil {
		return app.Authenticate(r, s)
	}
	if p := Earlier(r); p != nil && accepts(s, p.Method) {
		return p, nil
	}
	return nil, &principal.Refusal{
		Status: http.StatusUnauthorized, Code: principal.CodeMissing, Message: "this needs a credential", Cause: "none",
		Challenge: []string{`Bearer realm="restricted"`},
	}
}

func accepts(s *principal.Service, method string) bool {
	if len(s.Accept) == 0 {
		return method != principal.MethodClientSecret
	}
	return slices.Contains(s.Accept, method)
}

// Earlier is the caller whom an earlier gate has proven, or nil.
func Earlier(r *http.Request) *principal.Principal {
	return principal.FromVariable(caddyhttp.GetVar(r.Context(), principal.Variable))
}

// SetHeaders adds what a refusal has for the headers of an answer: Retry-After or
// WWW-Authenticate.
func SetHeaders(h http.Header, f *principal.Refusal) {
	if f.Wait > 0 {
		h["Retry-After"] = []string{wire.RetryAfter(f.Wait)}
	}
	if len(f.Challenge) > 0 {
		h["Www-Authenticate"] = slices.Clone(f.Challenge)
	}
}
