package intelmqapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Origins are those whose pages may use the API from a browser (the Fetch
// standard, CORS protocol). The zero value allows none.
type Origins struct {
	any  bool
	list []string
}

// ParseOrigins reads allow_origins: an asterisk for all, or origins such as
// https://manager.example.org. Nil is the default of intelmq-api, the asterisk; an
// empty list allows none.
func ParseOrigins(texts []string) (Origins, error) {
	o := Origins{any: texts == nil}
	for _, text := range texts {
		if text == "*" {
			o.any = true
			continue
		}
		origin, err := parseOrigin(text)
		if err != nil {
			return Origins{}, fmt.Errorf("origin '%s': %w; write '*', or an origin such as https://manager.example.org:8443", text, err)
		}
		o.list = append(o.list, origin)
	}
	return o, nil
}

// All reports whether the asterisk is among them.
func (o Origins) All() bool { return o.any }

// parseOrigin reads an origin and brings it to the form in which browsers send it
// (RFC 6454 section 6.2): lower case, without the port of the scheme.
func parseOrigin(text string) (string, error) {
	scheme, host, found := strings.Cut(text, "://")
	scheme = strings.ToLower(scheme)
	if !found || scheme != "https" && scheme != "http" {
		return "", errors.New("it does not begin with https:// or http://")
	}
	if strings.ContainsAny(host, "/?#@*\\") {
		return "", errors.New("it has more than a scheme, a host and a port")
	}
	u, err := url.Parse(scheme + "://" + host)
	if err != nil || u.Hostname() == "" || strings.HasSuffix(host, ":") || !isPrintable(host) {
		return "", errors.New("its host cannot be read")
	}
	return originOf(scheme, host), nil
}

func isPrintable(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// originOf is the origin of a scheme and a host with or without a port, which it
// does not check.
func originOf(scheme, host string) string {
	scheme, host = strings.ToLower(scheme), strings.ToLower(host)
	switch scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return scheme + "://" + host
}

// lists reports whether an origin is allowed by name. Browsers send the canonical
// form, so that no other one is taken.
func (o Origins) lists(origin string) bool { return slices.Contains(o.list, origin) }

// has reports whether an origin is allowed, by name or by the asterisk.
func (o Origins) has(origin string) bool { return o.any && origin != "" || o.lists(origin) }

// What pages of other origins may do. Methods and life are those of intelmq-api,
// which does not allow a token to be sent.
const (
	allowedMethods = "GET, POST"
	allowedHeaders = "Accept, Accept-Language, Authorization, Content-Language, Content-Type, If-Match, X-Api-Key"
	exposedHeaders = "ETag, Retry-After"
	preflightLife  = "600"
)

// Simple are the headers of any answer to a request with this Origin; nil without
// one, and where it is not allowed.
func (o Origins) Simple(origin string) http.Header {
	if origin == "" {
		return nil
	}
	h := make(http.Header)
	if !o.allow(h, origin) {
		return nil
	}
	h.Set("Access-Control-Expose-Headers", exposedHeaders)
	return h
}

// allow sets the header that allows an origin, if it is allowed.
func (o Origins) allow(h http.Header, origin string) bool {
	switch {
	case o.any:
		h.Set("Access-Control-Allow-Origin", "*")
	case o.lists(origin):
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Vary", "Origin")
	default:
		return false
	}
	return true
}

// IsPreflight reports whether a browser asks by OPTIONS what a page may do.
func IsPreflight(method string, h http.Header) bool {
	return method == http.MethodOptions && h.Get("Origin") != "" && h.Get("Access-Control-Request-Method") != ""
}

// Preflight answers such a request: its Origin, the method and the headers that
// the page wants to send. It holds for every path.
func (o Origins) Preflight(origin, method, headers string) *Answer {
	var wrong []string
	h := make(http.Header)
	if !o.allow(h, origin) {
		wrong = append(wrong, "origin")
	}
	if method != http.MethodGet && method != http.MethodPost && method != http.MethodHead {
		wrong = append(wrong, "method")
	}
	if !mayHave(headers) {
		wrong = append(wrong, "headers")
	}
	if !o.any {
		h.Set("Vary", "Origin")
	}
	h.Set("Access-Control-Allow-Methods", allowedMethods)
	h.Set("Access-Control-Allow-Headers", allowedHeaders)
	h.Set("Access-Control-Max-Age", preflightLife)
	a := &Answer{Status: http.StatusOK, ContentType: typePlain, Body: []byte("OK"), Header: h}
	if wrong != nil {
		a.Status, a.Body = http.StatusBadRequest, []byte("Disallowed CORS "+strings.Join(wrong, ", "))
	}
	return a
}

// mayHave reports whether all headers of a list, which may be empty, are allowed.
func mayHave(headers string) bool {
	if headers == "" {
		return true
	}
	for name := range strings.SplitSeq(headers, ",") {
		if !isAllowedHeader(strings.TrimSpace(name)) {
			return false
		}
	}
	return true
}

func isAllowedHeader(name string) bool {
	for allowed := range strings.SplitSeq(allowedHeaders, ", ") {
		if strings.EqualFold(name, allowed) {
			return true
		}
	}
	return false
}
