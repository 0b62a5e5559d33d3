package intelmqapi

import (
	"net/http"
	"net/url"
	"strings"
)

// CrossSite reports whether a browser says that a page of another site, which is
// not allowed to, has made it send this request. All actions of this contract are
// plain GETs, so that an image in any page could stop the botnet.
//
// Host and scheme are those of the request. Ambient says that a browser adds by
// itself what lets the request pass: a cookie, or nothing because nobody has to
// log in. Then an asterisk in the allowed origins does not count, but only an
// origin that is named. A token in a header is not ambient: the page must know it.
//
// A link in a mail, or an address that is typed, comes from no page; nobody can tell
// the two apart, so that neither changes anything where the right to is ambient. What
// does not say at all where it comes from is a program and passes, unless it may be
// a browser that was told to be silent.
func CrossSite(h http.Header, host, scheme string, allowed Origins, ambient bool) bool {
	origin, known := sender(h)
	switch h.Get("Sec-Fetch-Site") {
	case "same-origin":
		return false
	case "none":
		return ambient && h.Get("Sec-Fetch-Mode") == "navigate"
	case "":
		if !known {
			return ambient && isSilentBrowser(h)
		}
		if origin == originOf(scheme, host) {
			return false
		}
	default:
		// An image or a link has no Origin; its Referer is no statement of the
		// page's own that it means to ask.
		origin = h.Get("Origin")
	}
	return !allowed.lists(origin) && (ambient || !allowed.has(origin))
}

// ForeignLogIn reports whether a browser says that a log-in comes from a page which
// may not have it made: of an origin that is not allowed, or without a script that
// asks openly, as by a form. Such pages cannot read the token, but wrong passwords
// count against the users.
func ForeignLogIn(h http.Header, host, scheme string, allowed Origins) bool {
	origin, known := sender(h)
	switch h.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return false
	case "":
		return known && origin != originOf(scheme, host) && !allowed.has(origin)
	}
	return h.Get("Sec-Fetch-Mode") != "cors" || !allowed.has(h.Get("Origin"))
}

// isSilentBrowser reports whether what says nothing of its page may yet be sent by
// one. By plain HTTP browsers send no Sec-Fetch-Site, an image has no Origin, and its
// page can have the Referer left out. But each browser calls itself Mozilla, and
// X-Requested-With is what only a script of our own page can add: no preflight
// allows it to another one.
func isSilentBrowser(h http.Header) bool {
	return strings.Contains(h.Get("User-Agent"), "Mozilla/") && h.Get("X-Requested-With") == ""
}

// sender is the origin from which a browser says it comes. An address that cannot
// be read is an origin that nobody has.
func sender(h http.Header) (origin string, known bool) {
	if origin = h.Get("Origin"); origin != "" {
		return origin, true
	}
	referer := h.Get("Referer")
	if referer == "" {
		return "", false
	}
	u, err := url.Parse(referer)
	if err != nil || u.Host == "" {
		return "null", true
	}
	return originOf(u.Scheme, u.Host), true
}
