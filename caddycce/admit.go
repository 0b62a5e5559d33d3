package caddycce

import (
	"net/http"

	"github.com/sallyport/sallyport/internal/allowlist"
	"github.com/sallyport/sallyport/internal/cceapi"
	"github.com/sallyport/sallyport/internal/plugin/caller"
	"github.com/sallyport/sallyport/internal/plugin/report"
	"github.com/sallyport/sallyport/internal/principal"
)

// kind is where a caller's right to ask comes from.
type kind uint8

const (
	// stranger: there is none.
	stranger kind = iota
	// local: the request was made on this machine.
	local
	// listed: it comes from an address of api_access.
	listed
	// guest: the caddyauth app knows the caller, and an account is his.
	guest
)

// visitor is a caller.
type visitor struct {
	kind kind
	// entry is that of the address list for one who is listed.
	entry *allowlist.Entry
	// principal and rule are a guest's.
	principal *principal.Principal
	rule      *rule
}

// name says who it is, for the log.
func (v *visitor) name() string {
	switch v.kind {
	case local:
		return "localhost"
	case listed:
		return "client:" + v.entry.Text
	case guest:
		return v.principal.Actor()
	case stranger:
	}
	return "stranger"
}

// admit finds out who asks. Strangers learn nothing, not even whether a path is
// there.
func (h *CCE) admit(c *call) (visitor, *cceapi.Answer) {
	if v, refused, mine := h.guests.admit(c); mine {
		return v, refused
	}
	if caller.IsLocalhost(c.r) {
		// A browser on this machine is no program of it when it acts for a page from
		// elsewhere.
		if crossOrigin.Check(c.r) != nil {
			c.cause = "cross_origin"
			return visitor{}, crossSite()
		}
		return visitor{kind: local}, nil
	}
	if h.list != nil {
		if entry, found := h.list.Find(caller.Address(c.r)); found {
			return visitor{kind: listed, entry: entry}, nil
		}
	}
	c.cause = "address_not_listed"
	return visitor{}, cceapi.Forbidden()
}

// crossOrigin tells pages of other sites from programs and pages of this one.
var crossOrigin = http.NewCrossOriginProtection()

// guarded is serve, with a panic turned into a failure: the PHP classes take an
// answer without a JSON object for no API at all.
func (h *CCE) guarded(w http.ResponseWriter, c *call, rest string) *cceapi.Answer {
	return report.Guard(h.log, func() *cceapi.Answer { return h.serve(w, c, rest) }, func() *cceapi.Answer {
		c.cause = "panic"
		return h.fail(c, broken)
	})
}
