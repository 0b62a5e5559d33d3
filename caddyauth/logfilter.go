package caddyauth

import (
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/logging"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/net/http/httpguts"

	"github.com/sallyport/sallyport/internal/redact"
)

func init() {
	caddy.RegisterModule(CredentialsFilter{})
}

// CredentialsFilter is a log filter that hides credentials: it writes REDACTED
// in their place. It is meant for these fields of Caddy's logs, in the server's
// own log as well as in access logs; the last two are those of requests to the
// admin API:
//
//	format filter {
//		request>headers credentials
//		resp_headers credentials
//		request>uri credentials
//		request>host credentials
//		request>method credentials
//		uri credentials
//		headers credentials
//	}
//
// Of headers it hides Authorization, Proxy-Authorization, Cookie, Set-Cookie,
// X-Api-Key, X-Client-Secret, X-Impersonating, X-XSRF-TOKEN, X-CSRF-Token, those
// whose names end as X-Vault-Token and X-Password do, and those in `headers`, in
// every spelling by case, `_` and `.`; of URLs, and of headers that hold one
// (Referer and Location among them), user and password and each parameter of
// path, query and fragment whose name says that it is a credential. What has the
// form of an API key, an app token or a JWT is hidden wherever it stands.
//
// A query that cannot be parsed is hidden whole, and so is a field that is
// neither text nor headers. Caddy does not ask filters for single headers, such
// as `request>headers>User-Agent delete`, beside this one for all of them.
type CredentialsFilter struct {
	// Headers are names of further headers that hold nothing but a credential.
	Headers []string `json:"headers,omitempty"`

	headers *redact.Headers
}

// CaddyModule returns the Caddy module information.
func (CredentialsFilter) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.logging.encoders.filter.credentials", New: func() caddy.Module { return new(CredentialsFilter) }}
}

// Provision prepares the names of headers.
func (f *CredentialsFilter) Provision(caddy.Context) error {
	f.headers = redact.NewHeaders(f.Headers...)
	return nil
}

// Validate refuses what is no header name, since it would hide nothing.
func (f *CredentialsFilter) Validate() error {
	for _, name := range f.Headers {
		if !httpguts.ValidHeaderFieldName(name) {
			return fmt.Errorf("'%s' is not a header name", name)
		}
	}
	return nil
}

// Filter redacts a field. Headers come as an object, a single header as an array
// that has its name, and a URI as a string.
func (f *CredentialsFilter) Filter(in zapcore.Field) zapcore.Field {
	if in.Type == zapcore.SkipType {
		return in
	}
	if in.Type == zapcore.StringType {
		in.String = redact.URI(f.headers.Values(in.Key, []string{in.String})[0])
		return in
	}
	switch value := in.Interface.(type) {
	case caddyhttp.LoggableHTTPHeader:
		return zap.Object(in.Key, redactedHeaders{value.Header, f.headers})
	case http.Header:
		return zap.Object(in.Key, redactedHeaders{value, f.headers})
	case caddyhttp.LoggableStringArray:
		return zap.Array(in.Key, caddyhttp.LoggableStringArray(f.headers.Values(in.Key, value)))
	}
	return zap.String(in.Key, redact.Redacted)
}

// redactedHeaders are headers that are redacted when they are written, without
// a copy of them.
type redactedHeaders struct {
	http.Header
	redact *redact.Headers
}

// MarshalLogObject writes the headers. Even a name can be a key, in the wrong
// place.
func (h redactedHeaders) MarshalLogObject(encoder zapcore.ObjectEncoder) error {
	for name, values := range h.Header {
		err := encoder.AddArray(redact.Text(name), caddyhttp.LoggableStringArray(h.redact.Values(name, values)))
		if err != nil {
			return err
		}
	}
	return nil
}

var (
	_ caddy.Provisioner       = (*CredentialsFilter)(nil)
	_ caddy.Validator         = (*CredentialsFilter)(nil)
	_ logging.LogFieldFilter  = (*CredentialsFilter)(nil)
	_ zapcore.ObjectMarshaler = redactedHeaders{}
)
