package redact

import (
	"encoding/base64"
	"slices"
	"strings"
)

// Headers redacts headers of requests and answers.
type Headers struct {
	// hidden and urls are folded names.
	hidden, urls []string
}

// hiddenHeaders are the headers that hold nothing but a credential.
var hiddenHeaders = []string{
	"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie",
	"X-Api-Key", "X-Client-Secret", "X-Impersonating", "X-XSRF-TOKEN", "X-CSRF-Token",
}

// urlHeaders are those that hold a URL, or the target of a request.
var urlHeaders = []string{
	"Referer", "Origin", "Location", "Content-Location", "Refresh",
	"X-Forwarded-Uri", "X-Original-Uri", "X-Original-Url", "X-Rewrite-Url",
}

// challengeHeaders begin with the name of a scheme, too, but hold no credential.
var challengeHeaders = []string{"www-authenticate", "proxy-authenticate"}

// NewHeaders makes a Headers that hides Authorization, Proxy-Authorization,
// Cookie, Set-Cookie, X-Api-Key, X-Client-Secret, X-Impersonating, X-XSRF-TOKEN,
// X-CSRF-Token and the headers named in more.
//
// Names are the same if they differ by case, or by characters that are neither
// letters nor digits: `X_Api.Key` is X-Api-Key to some applications, and Caddy
// writes it to its log although it drops it from the request.
func NewHeaders(more ...string) *Headers {
	h := new(Headers)
	for _, name := range slices.Concat(hiddenHeaders, more) {
		h.hidden = append(h.hidden, strings.Map(fold, name))
	}
	for _, name := range urlHeaders {
		h.urls = append(h.urls, strings.Map(fold, name))
	}
	return h
}

// Values redacts the values of a header. They come back as they are if there is
// nothing to hide. Headers that hold a credential have one value, Redacted;
// those that hold a URL go through URI, and so does the rest through Text. A
// value that begins as one of Authorization does is hidden in any header.
func (h *Headers) Values(name string, values []string) []string {
	if len(values) == 0 {
		return values
	}
	if isIn(h.hidden, name) {
		return onlyRedacted
	}
	redact := Text
	switch {
	case isIn(h.urls, name):
		redact = URI
	case !isIn(challengeHeaders, name):
		redact = hideAuthorization
	}
	for i, value := range values {
		if redacted := redact(value); redacted != value {
			values = slices.Clone(values)
			values[i] = redacted
			for j := i + 1; j < len(values); j++ {
				values[j] = redact(values[j])
			}
			return values
		}
	}
	return values
}

// onlyRedacted is the value of each hidden header. Nobody may change it.
var onlyRedacted = []string{Redacted}

// hideAuthorization hides a value that was meant for Authorization. Base64 hides
// the form of the key in it.
func hideAuthorization(value string) string {
	if len(value) > maxLength {
		return Redacted
	}
	scheme, rest, found := strings.Cut(strings.TrimLeft(value, " \t"), " ")
	if !found {
		return Text(value)
	}
	switch {
	case strings.EqualFold(scheme, "Bearer"), strings.EqualFold(scheme, "Digest"), strings.EqualFold(scheme, "Negotiate"):
		return Redacted
	case strings.EqualFold(scheme, "Basic") && isBase64(strings.TrimSpace(rest)):
		return Redacted
	}
	return Text(value)
}

// isBase64 tells a credential from a program that is named Basic.
func isBase64(text string) bool {
	_, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	return err == nil
}

// isIn reports whether a name is one of the folded ones, without allocating.
func isIn(folded []string, name string) bool {
	return slices.ContainsFunc(folded, func(f string) bool {
		if len(f) != len(name) {
			return false
		}
		for i := range len(name) {
			if fold(rune(name[i])) != rune(f[i]) {
				return false
			}
		}
		return true
	})
}

func fold(r rune) rune {
	switch {
	case 'A' <= r && r <= 'Z':
		return r + ('a' - 'A')
	case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
		return r
	}
	return '-'
}
