package caddycce

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/sallyport/sallyport/internal/cce"
	"github.com/sallyport/sallyport/internal/cceapi"
	"github.com/sallyport/sallyport/internal/cscp"
	"github.com/sallyport/sallyport/internal/plugin/body"
	"github.com/sallyport/sallyport/internal/plugin/caller"
	"github.com/sallyport/sallyport/internal/plugin/grammar"
	"github.com/sallyport/sallyport/internal/plugin/report"
	"github.com/sallyport/sallyport/internal/principal"
)

// call is a request on its way through the endpoint.
type call struct {
	r       *http.Request
	visitor visitor
	request *cceapi.Request
	// user is the account of cced in whose name it is carried out.
	user string
	// failed is what was wrong of a log-in: the password, or the client secret.
	// Brakes keep these few.
	failed string
	// cause is why it was not, for the log; it holds no client's text.
	cause string
	err   error
	// errorID is that under which the log has the cause, once it has.
	errorID string
	// done is called when the answer is written.
	done func()
	// refusal is that of the caddyauth app, if it has refused the caller.
	refusal *principal.Refusal
}

// ServeHTTP answers what is at the base.
func (h *CCE) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	rest, ours := grammar.Below(h.Base, r.URL.Path)
	if !ours {
		return next.ServeHTTP(w, r)
	}
	h.limits()
	start := time.Now()
	c := &call{r: r, done: func() {}}
	defer func() { c.done() }()
	answer := h.guarded(w, c, rest)
	h.settle(c, answer, time.Since(start))
	if c.errorID != "" {
		w.Header()["X-Error-Id"] = []string{c.errorID}
	}
	if c.refusal != nil {
		caller.SetHeaders(w.Header(), c.refusal)
	}
	return write(w, answer)
}

// serve finds out who asks, then what is asked, and has it done.
func (h *CCE) serve(w http.ResponseWriter, c *call, rest string) *cceapi.Answer {
	var refused *cceapi.Answer
	if c.visitor, refused = h.admit(c); refused != nil {
		return refused
	}
	if rest != "" && rest != "/" {
		return notFound()
	}
	if c.r.Method != http.MethodPost {
		return cceapi.MethodNotAllowed()
	}
	if c.request, refused = h.read(w, c); refused != nil {
		return refused
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), h.settings.timeout)
	defer cancel()
	if c.request.Action == cceapi.GetAll && !h.desk.list(ctx, c) {
		c.cause = string(cce.Busy)
		return h.fail(c, failures[cce.Busy])
	}
	answer, err := h.carryOut(ctx, c)
	if err != nil {
		return h.explain(c, err)
	}
	return answer
}

// carryOut does what is asked, as the caller may.
func (h *CCE) carryOut(ctx context.Context, c *call) (*cceapi.Answer, error) {
	if c.request.Action == cceapi.Ping {
		return cceapi.Pong(), nil
	}
	switch c.visitor.kind {
	case local:
		return h.forLocal(ctx, c)
	case listed:
		return h.forListed(ctx, c)
	case guest:
		return h.forGuest(ctx, c)
	case stranger:
	}
	return cceapi.Forbidden(), nil
}

// run carries a request out in a session.
func (h *CCE) run(ctx context.Context, c *call, in *cce.Caller) (*cceapi.Answer, error) {
	c.user = in.Session.User
	in.Denied = func(reason error) {
		c.cause = "beyond_limits"
		h.log.Debug("command denied", zap.String("caller", c.visitor.name()), zap.Error(reason))
	}
	in.Options.ScalarArrays = h.settings.scalarArrays || c.request.ScalarArrays
	return h.runner.Run(ctx, in, c.request)
}

// read reads what is asked.
func (h *CCE) read(w http.ResponseWriter, c *call) (*cceapi.Request, *cceapi.Answer) {
	content, err := body.Read(w, c.r, h.settings.maxBody)
	if errors.Is(err, body.ErrTooLarge) {
		c.cause = "body_too_large"
		return nil, cceapi.TooLarge()
	}
	if err != nil {
		c.cause = "body_not_read"
		return nil, unreadable()
	}
	request, err := cceapi.Parse(content)
	if err != nil {
		return nil, h.malformed(c, err)
	}
	return request, nil
}

// malformed is the answer to a body of which no request can be made. Whoever is
// asked for a secret is told what is wrong with a command only if he has it.
func (h *CCE) malformed(c *call, err error) *cceapi.Answer {
	if bad, known := errors.AsType[*cceapi.Refused](err); known && c.visitor.kind == listed {
		if bad.Word == "AUTH" || bad.Word == "AUTHKEY" {
			c.cause = "session_from_elsewhere"
			return cceapi.AuthFromRemote()
		}
		if refused := h.checkSecret(c); refused != nil {
			return refused
		}
	}
	c.cause = "bad_request"
	return refused(err)
}

// explain is the answer where there is none of cced. What the client is not told
// is in the log, under the same id.
func (h *CCE) explain(c *call, err error) *cceapi.Answer {
	cause := cce.Explain(err)
	c.cause, c.err = string(cause), err
	if cause == cce.NotLoggedIn {
		return loginFailed(c.request)
	}
	if cause == cce.BadRegexp || cause == cce.BadParameters {
		return badParameters(c.request)
	}
	return h.fail(c, failureOf(cause, c.request.Word, err))
}

// fail reports what went wrong and answers with the id of the report.
func (h *CCE) fail(c *call, f failure) *cceapi.Answer {
	id := h.report(c, f.status)
	if c.err != nil {
		if entry := h.log.Check(zap.WarnLevel, "request not carried out"); entry != nil {
			entry.Write(zap.String("error_id", id), zap.String("cause", c.cause), zap.Error(c.err))
		}
	}
	return f.answer(id)
}

// report tells the logs why a request was not carried out. What cced or the system has
// said is in the line of fail.
func (h *CCE) report(c *call, status int) (id string) {
	f := report.Refusal{Status: status, Cause: c.cause}
	if p := c.visitor.principal; p != nil {
		f.Credential, f.User = p.Method, p.Name
	}
	if c.refusal != nil {
		f.Credential, f.User = c.refusal.Method, c.refusal.User
	}
	c.errorID = h.reporter.Report(c.r, f)
	return c.errorID
}

// notAudited are the HTTP statuses of requests that were refused before cced was
// asked, or by it.
var notAudited = map[int]bool{
	http.StatusBadRequest: true, http.StatusUnauthorized: true, http.StatusForbidden: true, http.StatusTooManyRequests: true,
}

// settle counts the request, and notes what was changed and who logged in.
func (h *CCE) settle(c *call, answer *cceapi.Answer, took time.Duration) {
	word := "NONE"
	if c.request != nil {
		word = c.request.Word
	}
	metrics.count(word, answer, took)
	if c.cause != "" && c.errorID == "" {
		h.report(c, answer.HTTPStatus)
	}
	if c.failed != "" {
		h.audit.Info("cce log-in failed", zap.String("wrong", c.failed), zap.String("cce_user", short(c.user)),
			zap.String("caller", c.visitor.name()), zap.String("client_ip", caller.Address(c.r).String()))
	}
	// Whoever asks can make as many refusals as he likes.
	if c.request == nil || !c.request.Audited() || notAudited[answer.HTTPStatus] {
		return
	}
	if entry := h.audit.Check(zap.InfoLevel, "cce command"); entry != nil {
		entry.Write(zap.String("command", word), zap.String("target", c.request.Target()),
			zap.String("cce_user", short(c.user)), zap.String("caller", c.visitor.name()),
			zap.String("client_ip", caller.Address(c.r).String()),
			zap.Int("status", answer.Status), zap.Int("http_status", answer.HTTPStatus), zap.Duration("took", took))
	}
}

// short cuts a name that a client has sent to what cced takes for one.
func short(name string) string { return name[:min(len(name), cscp.MaxUser)] }
