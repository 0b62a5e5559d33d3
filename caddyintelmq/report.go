package caddyintelmq

import (
	"errors"
	"net/http"

	"go.uber.org/zap"

	"github.com/sallyport/sallyport/internal/intelmqapi"
	"github.com/sallyport/sallyport/internal/intelmqctl"
	"github.com/sallyport/sallyport/internal/plugin/caller"
	"github.com/sallyport/sallyport/internal/plugin/report"
	"github.com/sallyport/sallyport/internal/principal"
)

// refuse notes that the caddyauth app has refused the caller.
func (c *call) refuse(refusal *principal.Refusal) { c.cause, c.refused = refusal.Cause, *refusal }

// failed is the answer where a command has given none. What intelmqctl says is
// told, since callers need it; what the system says is in the log.
func (h *IntelMQ) failed(c *call, err error) *intelmqapi.Answer {
	c.err = err
	failure, known := errors.AsType[*intelmqctl.Failure](err)
	if !known {
		c.cause = "internal"
		return broken()
	}
	c.cause = string(failure.Cause)
	return intelmqapi.Failed(failure)
}

// broken is the answer where it is our own fault.
func broken() *intelmqapi.Answer {
	return intelmqapi.Refused(http.StatusInternalServerError, "this has failed; the log has the cause, under the id of X-Error-Id", 0)
}

// report tells the logs why a request was not answered as asked, and gives the
// answer the id under which it is there.
func (h *IntelMQ) report(c *call, a *intelmqapi.Answer) {
	f := report.Refusal{Status: a.Status, Cause: c.cause, Err: c.err, Credential: c.refused.Method, User: c.refused.User, Wanted: c.wanted}
	if c.principal != nil {
		f.Credential, f.User = c.principal.Method, c.principal.Name
	}
	c.w.Header()["X-Error-Id"] = []string{h.reporter.Report(c.r, f)}
}

// auditChange notes what was changed by whom, or was tried.
func (h *IntelMQ) auditChange(c *call, a *intelmqapi.Answer) {
	entry := h.audit.Check(zap.InfoLevel, "intelmq change")
	if entry == nil {
		return
	}
	change, target := "save "+string(c.route), ""
	if command := c.question.Command; command != nil {
		change, target = intelmqctl.Name(command), intelmqctl.Target(command)
	}
	method, key := "none", ""
	if c.principal != nil {
		method, key = c.principal.Method, c.principal.KeyID
	}
	entry.Write(zap.String("change", change), zap.String("target", target),
		zap.String("caller", c.who()), zap.String("method", method), zap.String("key_id", key),
		zap.String("client_ip", caller.Address(c.r).String()), zap.Int("status", a.Status),
		zap.String("cause", c.cause))
}
