package intelmqapi

import (
	"net/http"
	"net/url"
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
// What says neither where it comes from is no browser, and passes.
func CrossSite(h http.Header, host, scheme string, allowed Origins, ambient bool) bool {
	origin, known := sender(h)
	switch h.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return false
	case "":
		if !known || origin == originOf(scheme, host) {
			return false
		}
	default:
		// An image or a link has no Origin; its Referer is no statement of the
		// page's own that it means to ask.
		origin = h.Get("Origin")
	}
	return !allowed.lists(origin) && (ambient || !allowed.any || origin == "")
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
