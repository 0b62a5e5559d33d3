package caddyauth

import (
	"net/http"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/howler"
	"github.com/sallyport/sallyport/internal/principal"
)

// The cookie that pages read, and the header in which they send it back: what one
// finds in howler, where nothing compares them. Pages of other sites cannot read the
// cookie.
const (
	xsrfCookie = "XSRF-TOKEN"
	xsrfHeader = "X-Xsrf-Token"
)

// codeXSRF: a page has not sent the token of its session.
const codeXSRF = "xsrf"

var noXSRFToken = &howler.Failure{Status: 403, Code: codeXSRF, Text: "Send the value of the cookie XSRF-TOKEN in the header X-XSRF-TOKEN."}

// guardSession refuses what changes something by the cookie of a session without the
// token of that session. That the request comes from our own origin is known by then;
// this holds where a browser tells that wrongly.
//
// A browser that has lost the token gets it anew when it reads something.
func (h *AuthAPI) guardSession(c *apiCall, word string) *failure {
	if isSafe(c.r.Method) {
		if !credential.IsXSRFToken(word, xsrfCookieOf(c.r)) {
			writeCookie(c.w, xsrfCookie, credential.XSRFToken(word), h.sessions.Absolute)
		}
		return nil
	}
	if !credential.IsXSRFToken(word, c.r.Header.Get(xsrfHeader)) {
		return told(noXSRFToken, codeXSRF)
	}
	return nil
}

// guardEarlierSession is guardSession for a caller whom a gate has proven, and whose
// session it may have taken out of the request. The token is that of the session that
// was proven, whatever cookies there are.
func (h *AuthAPI) guardEarlierSession(c *apiCall, p *principal.Principal) *failure {
	if isSafe(c.r.Method) {
		if word, err := sessionWord(c.r); err == nil && word != "" {
			return h.guardSession(c, word)
		}
		return nil
	}
	if p.IsXSRFToken == nil || !p.IsXSRFToken(c.r.Header.Get(xsrfHeader)) {
		return told(noXSRFToken, codeXSRF)
	}
	return nil
}

// isSafe reports whether requests of the method only read.
func isSafe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// xsrfCookieOf is the value of the cookie, "" unless there is exactly one.
func xsrfCookieOf(r *http.Request) string {
	if cookies := r.CookiesNamed(xsrfCookie); len(cookies) == 1 {
		return cookies[0].Value
	}
	return ""
}
