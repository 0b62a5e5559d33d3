package provider

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/url"
)

// ErrUnavailable: the provider could not be asked, and what is known of it is not
// enough. It may be later.
var ErrUnavailable = errors.New("the provider is not available")

// ErrTooMany: the provider is being asked for tokens as often at once as it may be.
var ErrTooMany = errors.New("too many questions to the provider at once")

// ErrReturn: what came back from the provider by the browser belongs to no log-in
// that was begun here, or no more.
var ErrReturn = errors.New("the return from the provider fits no log-in that was begun here")

// ErrAnswer: what the provider has answered cannot be used.
var ErrAnswer = errors.New("the answer of the provider cannot be used")

// RefusedError says that the provider refuses, and why as far as the standards have a
// word for it.
type RefusedError struct {
	// Code is one of RFC 6749 sections 4.1.2.1 and 5.2 or OpenID Connect Core 1.0
	// section 3.1.2.6, and "" for all others.
	Code string
}

func (e *RefusedError) Error() string {
	if e.Code == "" {
		return "the provider refuses, with a code that no standard has"
	}
	return "the provider refuses: " + e.Code
}

// codes are those that are passed on. Others, and descriptions, are texts of a
// stranger.
var codes = map[string]bool{
	"access_denied": true, "invalid_client": true, "invalid_grant": true, "invalid_request": true,
	"invalid_scope": true, "server_error": true, "temporarily_unavailable": true,
	"unauthorized_client": true, "unsupported_grant_type": true, "unsupported_response_type": true,

	"account_selection_required": true, "consent_required": true, "interaction_required": true,
	"invalid_request_object": true, "invalid_request_uri": true, "login_required": true,
	"registration_not_supported": true, "request_not_supported": true, "request_uri_not_supported": true,
}

func refused(code string) *RefusedError {
	if !codes[code] {
		code = ""
	}
	return &RefusedError{code}
}

// failure is why a provider could not be asked, in words that may be shown: no query
// and nothing of an answer.
type failure struct{ text string }

func (f *failure) Error() string { return f.text }

// explain makes a failure of what the HTTP client says, which has the whole URL and
// may have parts of an answer.
func explain(err error) *failure {
	if known, ok := errors.AsType[*failure](err); ok {
		return known
	}
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	if errors.Is(err, context.Canceled) {
		return &failure{"the question was given up"}
	}
	if timed, ok := errors.AsType[net.Error](err); ok && timed.Timeout() {
		return &failure{"there was no answer in time"}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &failure{"the connection was closed before the answer was whole"}
	}
	if namesNoContent(err) {
		return &failure{clip(err.Error())}
	}
	return &failure{"the answer is not HTTP, was cut off, or is a proxy's that refuses"}
}

// namesNoContent reports whether the text of an error is about names, addresses and
// certificates only.
func namesNoContent(err error) bool {
	for _, is := range []func(error) bool{
		isA[*net.OpError], isA[*net.DNSError], isA[*tls.CertificateVerificationError], isA[tls.RecordHeaderError],
		isA[tls.AlertError], isA[x509.UnknownAuthorityError], isA[x509.HostnameError], isA[x509.CertificateInvalidError],
	} {
		if is(err) {
			return true
		}
	}
	return false
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// maxShown bounds what is shown of a text of a stranger, in bytes.
const maxShown = 200

// clip makes a text of a stranger fit to be shown.
func clip(text string) string {
	if len(text) > maxShown {
		text = text[:maxShown] + "…"
	}
	shown := []rune(text)
	for i, r := range shown {
		if r < ' ' || r == 0x7f || r == '\ufffd' || r > '~' && r != '…' {
			shown[i] = '?'
		}
	}
	return string(shown)
}
