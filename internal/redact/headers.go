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
	"X-Forwarded-Uri", "X-Forwarded-Url", "X-Forwarded-Path", "X-Original-Uri", "X-Original-Url", "X-Rewrite-Url",
	"Destination", "Hx-Current-Url",
}

// queryHeaders hold the query of one, linkHeaders some between `<` and `>`.
var (
	queryHeaders = []string{"x-forwarded-query"}
	linkHeaders  = []string{"link"}
)

// challengeHeaders begin with the name of a scheme, too, but hold no credential.
var challengeHeaders = []string{"www-authenticate", "proxy-authenticate"}

// NewHeaders makes a Headers that hides Authorization, Proxy-Authorization,
// Cookie, Set-Cookie, X-Api-Key, X-Client-Secret, X-Impersonating, X-XSRF-TOKEN,
// X-CSRF-Token and the headers named in more, and besides all whose names end as
// those of credentials do, as X-Vault-Token and X-Password.
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
// those that hold URLs go through URI, and so does the rest through Text. A
// value that begins as one of Authorization does is hidden in any header.
func (h *Headers) Values(name string, values []string) []string {
	if len(values) == 0 {
		return values
	}
	if isIn(h.hidden, name) || isSecretHeader(name) {
		return onlyRedacted
	}
	redact := Text
	switch {
	case isIn(h.urls, name):
		redact = URI
	case isIn(queryHeaders, name):
		redact = hideQuery
	case isIn(linkHeaders, name):
		redact = hideLinks
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

// hideQuery redacts a query without the `?` in front.
func hideQuery(query string) string {
	if len(query) > maxLength {
		return Redacted
	}
	return hideParameters("?" + query)[1:]
}

// hideLinks hides a list of links whole if there is a credential in it.
func hideLinks(links string) string {
	if len(links) > maxLength {
		return Redacted
	}
	for part := range strings.FieldsFuncSeq(links, func(r rune) bool { return r == '<' || r == '>' }) {
		if URI(part) != part {
			return Redacted
		}
	}
	return links
}

// hideAuthorization hides a value that was meant for Authorization. Base64 hides
// the form of a password in it.
func hideAuthorization(value string) string {
	if len(value) > maxLength || isAuthorization(value) {
		return Redacted
	}
	return Text(value)
}

// isAuthorization reports whether a text begins with the name of a scheme, and a
// blank, which is `+` in a query.
func isAuthorization(text string) bool {
	text = strings.TrimLeft(text, " \t+")
	end := strings.IndexAny(text, " \t+")
	if end < 0 {
		return false
	}
	switch strings.ToLower(text[:min(end, len("negotiate")+1)]) {
	case "bearer", "digest", "negotiate":
		return true
	case "basic":
		return isBase64(strings.Trim(text[end:], " \t+"))
	}
	return false
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
