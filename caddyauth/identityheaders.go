package caddyauth

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// headerSet is a set of header names. Names are the same if they differ by
// case, or by characters that are neither letters nor digits: CGI and WSGI
// servers make one of them.
type headerSet struct {
	names, beginnings []string
}

// newHeaderSet reads names; one that ends in `*` stands for all that begin so.
func newHeaderSet(names []string) headerSet {
	var s headerSet
	for _, name := range names {
		if beginning, open := strings.CutSuffix(name, "*"); open {
			s.beginnings = append(s.beginnings, strings.Map(foldHeader, beginning))
		} else {
			s.names = append(s.names, strings.Map(foldHeader, name))
		}
	}
	return s
}

var defaultIdentityHeaders = []string{"X-User", "X-Remote-User", "X-Auth-*"}

// newIdentityHeaders is the set of headers that a gate removes: those that are
// named, or the default ones, and that in which it tells the user.
func newIdentityHeaders(names []string, forward string) headerSet {
	if len(names) == 0 {
		names = defaultIdentityHeaders
	}
	if forward != "" {
		names = append(slices.Clone(names), forward)
	}
	return newHeaderSet(names)
}

func checkIdentityHeaders(names []string, forward string) error {
	for _, name := range append(slices.Clone(names), forward) {
		if err := checkIdentityHeader(name); err != nil {
			return err
		}
	}
	if forward != "" && !httpguts.ValidHeaderFieldName(forward) {
		return fmt.Errorf("forward_identity '%s' is not a header name", forward)
	}
	return nil
}

// checkIdentityHeader refuses what cannot be meant: no header name, or one
// whose removal would break every request.
func checkIdentityHeader(name string) error {
	if name == "" {
		return nil
	}
	literal := strings.TrimSuffix(name, "*")
	if !httpguts.ValidHeaderFieldName(literal) || strings.ContainsRune(literal, '*') {
		return fmt.Errorf("identity header '%s': write a header name, or the beginning of one and '*'", name)
	}
	for _, needed := range []string{"Authorization", "Connection", "Content-Length", "Content-Type", "Host", "Transfer-Encoding", "X-Api-Key"} {
		if set := newHeaderSet([]string{name}); set.has(needed) {
			return fmt.Errorf("identity header '%s' covers %s, which requests need", name, needed)
		}
	}
	return nil
}

func foldHeader(r rune) rune {
	switch {
	case 'A' <= r && r <= 'Z':
		return r + ('a' - 'A')
	case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
		return r
	}
	return '-'
}

// has reports whether name is in the set, without allocating.
func (s *headerSet) has(name string) bool {
	for _, n := range s.names {
		if len(n) == len(name) && beginsWith(name, n) {
			return true
		}
	}
	return slices.ContainsFunc(s.beginnings, func(b string) bool { return beginsWith(name, b) })
}

func beginsWith(name, folded string) bool {
	if len(name) < len(folded) {
		return false
	}
	for i := range len(folded) {
		if foldHeader(rune(name[i])) != rune(folded[i]) {
			return false
		}
	}
	return true
}

// removeFrom takes the headers of the set out of a request, wherever a client
// can put them.
func (s *headerSet) removeFrom(r *http.Request) {
	s.removeKeys(r.Header)
	s.removeFromConnection(r.Header)
	if r.Trailer != nil {
		s.removeKeys(r.Trailer)
		r.Body = &trailerGuard{ReadCloser: r.Body, trailer: r.Trailer, unwanted: s}
	}
}

func (s *headerSet) removeKeys(h http.Header) {
	for name := range h {
		if s.has(name) {
			delete(h, name)
		}
	}
}

// removeFromConnection keeps a client from naming an identity header in
// Connection (RFC 9110 section 7.6.1): a proxy behind the gate would drop the
// header that the gate has set.
func (s *headerSet) removeFromConnection(h http.Header) {
	values, present := h["Connection"]
	if !present {
		return
	}
	for i, value := range values {
		options := strings.Split(value, ",")
		options = slices.DeleteFunc(options, func(option string) bool { return s.has(strings.TrimSpace(option)) })
		values[i] = strings.Join(options, ",")
	}
}

// trailerGuard removes identity headers from the trailer, which net/http fills
// when the body has been read to its end: upstreams may merge it with the
// headers.
type trailerGuard struct {
	io.ReadCloser
	trailer  http.Header
	unwanted *headerSet
}

func (g *trailerGuard) Read(p []byte) (int, error) {
	n, err := g.ReadCloser.Read(p)
	if err != nil {
		g.unwanted.removeKeys(g.trailer)
	}
	return n, err
}
