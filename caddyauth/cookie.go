package caddyauth

import (
	"net/http"
	"strings"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
)

// sessionCookie is the name of the cookie of a browser session. Browsers take
// one of this beginning only over TLS, for this host alone and for all paths
// (RFC 6265bis section 4.1.3.2).
const sessionCookie = "__Host-sallyport"

// setSessionCookie gives a browser its session, and its pages what they need to
// change something by it.
func setSessionCookie(w http.ResponseWriter, word string, lifetime time.Duration) {
	writeCookie(w, sessionCookie, word, lifetime)
	writeCookie(w, xsrfCookie, credential.XSRFToken(word), lifetime)
}

// clearSessionCookie takes both away.
func clearSessionCookie(w http.ResponseWriter) {
	const past = -time.Second
	writeCookie(w, sessionCookie, "", past)
	writeCookie(w, xsrfCookie, "", past)
}

func writeCookie(w http.ResponseWriter, name, value string, lifetime time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(lifetime / time.Second),
		Secure: true, HttpOnly: name != xsrfCookie, SameSite: http.SameSiteLaxMode,
	})
}

// sessionWord returns the value of the session cookie, "" if there is none.
// Several are an error: which of them a reader takes is anybody's guess.
func sessionWord(r *http.Request) (string, error) {
	if len(r.Header["Cookie"]) == 0 {
		return "", nil
	}
	cookies := r.CookiesNamed(sessionCookie)
	switch len(cookies) {
	case 0:
		return "", nil
	case 1:
		return cookies[0].Value, nil
	}
	return "", errSeveralCookies
}

// removeSessionCookie takes the session cookie out of a request and leaves the
// others as they are.
func removeSessionCookie(h http.Header) {
	lines, present := h["Cookie"]
	if !present {
		return
	}
	kept := lines[:0:0]
	for _, line := range lines {
		if line = withoutSession(line); line != "" {
			kept = append(kept, line)
		}
	}
	if len(kept) == 0 {
		delete(h, "Cookie")
		return
	}
	h["Cookie"] = kept
}

func withoutSession(line string) string {
	if !strings.Contains(line, sessionCookie) {
		return line
	}
	var kept []string
	for part := range strings.SplitSeq(line, ";") {
		name, _, _ := strings.Cut(part, "=")
		if strings.TrimSpace(name) != sessionCookie {
			kept = append(kept, strings.TrimSpace(part))
		}
	}
	return strings.Join(kept, "; ")
}

// crossOrigin finds requests that another site has made a browser send.
var crossOrigin = http.NewCrossOriginProtection()

// fromSameOrigin reports whether a request may be authorized by a cookie, which
// browsers send along whoever has asked for it. What only reads may; so may
// what the browser says comes from our own pages. One that says nothing is no
// browser of today, and can use a header.
func fromSameOrigin(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		if r.Header.Get("Upgrade") == "" {
			return true
		}
	}
	if r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "" {
		return false
	}
	return !fromOtherOrigin(r)
}

// fromOtherOrigin reports whether a browser says that another site has made it
// send the request, whatever the method.
func fromOtherOrigin(r *http.Request) bool {
	// The check lets reading methods pass, but a WebSocket begins with one.
	unsafe := *r
	unsafe.Method = http.MethodPost
	return crossOrigin.Check(&unsafe) != nil
}
