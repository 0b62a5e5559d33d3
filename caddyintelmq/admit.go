package caddyintelmq

import (
	"net/http"
	"strings"

	"github.com/sallyport/sallyport/internal/intelmqapi"
	"github.com/sallyport/sallyport/internal/plugin/caller"
	"github.com/sallyport/sallyport/internal/principal"
)

// admit finds out who asks. Without an answer to that nothing is told but that a
// log-in is needed, in the words that scripts compare.
func (h *IntelMQ) admit(c *call) *intelmqapi.Answer {
	c.ambient = !isDeliberate(c.r.Header)
	if h.InsecureNoAuth {
		c.principal = caller.Earlier(c.r)
		// Nobody has to know anything to get in.
		c.ambient = true
		return nil
	}
	p, refusal := caller.Authenticate(c.r, h.app, &principal.Service{InsecurePlainHTTP: h.InsecurePlainHTTP})
	if refusal == nil {
		c.principal = p
		return nil
	}
	c.refuse(refusal)
	if refusal.Status == http.StatusUnauthorized || refusal.Status == http.StatusBadRequest {
		return intelmqapi.Unauthorized()
	}
	return intelmqapi.Refused(refusal.Status, refusal.Message, refusal.Wait)
}

// isDeliberate reports whether a request carries a credential that no browser sends
// by itself for a page of another site. A password of Basic it does send, as it does
// a cookie; and what an earlier gate has taken away is not known.
func isDeliberate(header http.Header) bool {
	if header["X-Api-Key"] != nil {
		return true
	}
	scheme, _, _ := strings.Cut(header.Get("Authorization"), " ")
	return scheme != "" && !strings.EqualFold(scheme, "Basic")
}

// permit holds what is asked against what the caller may.
func (h *IntelMQ) permit(c *call) *intelmqapi.Answer {
	changes := c.question.Changes()
	needed := principal.Read
	if changes {
		needed = principal.Write
	}
	if refused := h.needs(c, needed); refused != nil {
		return refused
	}
	if c.question.Forgeable() && intelmqapi.CrossSite(c.r.Header, c.r.Host, scheme(c.r), h.settings.origins, c.ambient) {
		c.cause = "cross_origin"
		return intelmqapi.Refused(http.StatusForbidden, "pages of another site cannot change anything here; allow_origins lists those that can", 0)
	}
	c.allowed = true
	return nil
}

// needs refuses a caller without a scope. To log out nobody needs one.
func (h *IntelMQ) needs(c *call, scope principal.Scopes) *intelmqapi.Answer {
	if c.route == intelmqapi.RouteLogout || c.principal == nil || c.principal.Scopes.Any(scope) {
		return nil
	}
	c.cause, c.wanted = "insufficient_scope", "scope "+scope.String()
	return intelmqapi.Refused(http.StatusForbidden, "this needs a credential with the scope "+scope.String(), 0)
}

// scheme is that by which a request has come to this server. Behind a proxy that
// takes TLS off browsers say with Sec-Fetch-Site where a page is from.
func scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}
