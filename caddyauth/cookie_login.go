package caddyauth

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/provider"
)

// loginCookie begins the names of the cookies that bind log-ins under way to the
// browser in which they have begun. A provider's answer is worth nothing in another
// one, so that nobody can be made to log in as somebody else.
//
// Each log-in has a cookie of its own: a browser may have several tabs.
const loginCookie = "__Host-sallyport-login-"

const (
	// loginCookieTag is how many bytes of the digest of the state tell them apart.
	loginCookieTag = 4
	// maxLoginCookies is how many a browser may keep of log-ins that never came back.
	maxLoginCookies = 8
	// maxTakenAway bounds an answer: a browser keeps hardly more than a hundred cookies
	// of one host, and others may send what they like.
	maxTakenAway = 100
)

// loginCookieName is the cookie of the log-in with a state.
func loginCookieName(state string) string {
	digest := sha256.Sum256([]byte(state))
	return loginCookie + hex.EncodeToString(digest[:loginCookieTag])
}

// bindLogIn binds a log-in to the browser, and takes those away that are too many.
// Browsers send the oldest first (RFC 6265 section 5.4).
func bindLogIn(w http.ResponseWriter, r *http.Request, begun provider.Departure) {
	names := loginCookiesOf(r)
	for _, name := range names[:min(max(len(names)-maxLoginCookies, 0), maxTakenAway)] {
		writeCookie(w, name, "", -time.Second)
	}
	writeCookie(w, loginCookieName(begun.State.Reveal()), begun.Binding.Reveal(), provider.LogInLimit)
}

// loginCookiesOf are the names of the cookies of log-ins that a browser brings.
func loginCookiesOf(r *http.Request) (names []string) {
	for _, c := range r.Cookies() {
		tag, ours := strings.CutPrefix(c.Name, loginCookie)
		if raw, err := hex.DecodeString(tag); ours && err == nil && len(raw) == loginCookieTag {
			names = append(names, c.Name)
		}
	}
	return names
}

// takeBinding takes the cookie of the log-in with a state out of the browser: whatever
// comes of its return, there is no other. The binding is empty if there is no cookie,
// or more than one of that name.
func takeBinding(w http.ResponseWriter, r *http.Request, state string) (binding credential.Secret) {
	name := loginCookieName(state)
	cookies := r.CookiesNamed(name)
	if len(cookies) == 0 {
		return binding
	}
	writeCookie(w, name, "", -time.Second)
	if len(cookies) == 1 {
		binding = credential.NewSecret(cookies[0].Value)
	}
	return binding
}
