package caddyintelmq

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sallyport/sallyport/internal/intelmqapi"
	"github.com/sallyport/sallyport/internal/intelmqctl"
	"github.com/sallyport/sallyport/internal/plugin/body"
	"github.com/sallyport/sallyport/internal/plugin/caller"
	"github.com/sallyport/sallyport/internal/plugin/grammar"
	"github.com/sallyport/sallyport/internal/plugin/report"
	"github.com/sallyport/sallyport/internal/principal"
)

// call is a request on its way through the endpoint.
type call struct {
	w http.ResponseWriter
	r *http.Request
	// start is when it came.
	start time.Time
	route intelmqapi.Route
	// principal is who asks; nil where everybody may, and at a log-in.
	principal *principal.Principal
	// ambient says that a browser may have sent the right to ask by itself.
	ambient  bool
	question *intelmqapi.Question
	// allowed: the caller may have it done.
	allowed bool
	// object is what is to be saved.
	object []byte
	// cause is why it was not answered as asked, for the log; it holds no client's
	// text. err is what the system says.
	cause string
	err   error
	// refused is what the caddyauth app has said, if it has refused the caller. wanted is
	// the scope that he lacks.
	refused principal.Refusal
	wanted  string
	// ends are called when the answer is written.
	ends []func()
}

// end gives back what the call has held.
func (c *call) end() {
	for _, end := range c.ends {
		end()
	}
}

// ctx is that of the request.
func (c *call) ctx() context.Context { return c.r.Context() }

// who says who asks: for the queue, and for the audit trail.
func (c *call) who() string {
	if c.principal != nil {
		return c.principal.Actor()
	}
	return "address:" + caller.Address(c.r).String()
}

// ServeHTTP answers what is at the base.
func (h *IntelMQ) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	rest, ours := grammar.Below(h.Base, r.URL.Path)
	if !ours {
		return next.ServeHTTP(w, r)
	}
	h.limits()
	c := &call{w: w, r: r, start: time.Now()}
	defer c.end()
	answer := h.guarded(c, rest)
	h.settle(c, answer)
	h.write(c, answer)
	return nil
}

// guarded is serve, with a panic turned into a failure.
func (h *IntelMQ) guarded(c *call, rest string) *intelmqapi.Answer {
	return report.Guard(h.log, func() *intelmqapi.Answer { return h.serve(c, rest) }, func() *intelmqapi.Answer {
		c.cause = "panic"
		return broken()
	})
}

// serve finds out what is asked and by whom, and has it done. Who is not logged in
// learns which routes there are, as intelmq-api tells it, and nothing else.
func (h *IntelMQ) serve(c *call, rest string) *intelmqapi.Answer {
	header := c.r.Header
	if intelmqapi.IsPreflight(c.r.Method, header) {
		return h.settings.origins.Preflight(header.Get("Origin"),
			header.Get("Access-Control-Request-Method"), header.Get("Access-Control-Request-Headers"))
	}
	var found bool
	if c.route, found = intelmqapi.Find(rest); !found {
		return intelmqapi.NotFound()
	}
	if c.r.Method == http.MethodOptions {
		return intelmqapi.Options(c.route)
	}
	if !c.route.Allows(c.r.Method) {
		return intelmqapi.MethodNotAllowed(c.route)
	}
	if c.route == intelmqapi.RouteLogin {
		return h.logIn(c)
	}
	for _, step := range [...]func(*call) *intelmqapi.Answer{h.admit, h.read, h.permit} {
		if refused := step(c); refused != nil {
			return refused
		}
	}
	return h.carryOut(c)
}

// read makes a question of the arguments.
func (h *IntelMQ) read(c *call) *intelmqapi.Answer {
	content, refused := h.readArguments(c)
	if refused != nil {
		return refused
	}
	var form url.Values
	var invalid *intelmqapi.Invalid
	if c.route == intelmqapi.RouteRun {
		form, invalid = intelmqapi.ReadForm(c.r.Header.Get("Content-Type"), content)
	}
	if invalid == nil {
		c.question, invalid = intelmqapi.Parse(c.route, c.r.Method, c.r.URL.RawQuery, form)
	}
	if invalid == nil && c.question.Save {
		c.object, invalid = intelmqapi.ReadObject(c.r.Header.Get("Content-Type"), content)
	}
	if invalid != nil {
		c.cause = "bad_argument"
		return intelmqapi.Unprocessable(invalid)
	}
	return nil
}

// readArguments reads the body of a call that has one. It is large, so that who may
// not change anything is refused before, and there are only so many at once.
func (h *IntelMQ) readArguments(c *call) ([]byte, *intelmqapi.Answer) {
	if c.r.Method != http.MethodPost || c.route == intelmqapi.RouteLogout {
		return nil, nil
	}
	if refused := h.needs(c, principal.Write); refused != nil {
		return nil, refused
	}
	length := c.r.ContentLength
	if length < 0 || length > h.settings.maxBody {
		length = h.settings.maxBody
	}
	if refused := h.hold(c, bodyWeight*length); refused != nil {
		return nil, refused
	}
	return h.readBody(c, h.settings.maxBody)
}

// readBody reads the body of a POST, which may have so many bytes.
func (h *IntelMQ) readBody(c *call, most int64) ([]byte, *intelmqapi.Answer) {
	content, err := body.Read(c.w, c.r, most)
	switch {
	case err == nil:
		return content, nil
	case errors.Is(err, body.ErrTooLarge):
		c.cause = "body_too_large"
		return nil, intelmqapi.Refused(http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is longer than %d bytes", most), 0)
	}
	c.cause = "body_not_read"
	return nil, intelmqapi.Refused(http.StatusBadRequest, "the body did not come whole", 0)
}

// carryOut does what is asked.
func (h *IntelMQ) carryOut(c *call) *intelmqapi.Answer {
	switch c.route {
	case intelmqapi.RouteConfig:
		return h.showFiles(c)
	case intelmqapi.RouteRuntime:
		if c.r.Method == http.MethodPost {
			return h.saveRuntime(c)
		}
		return h.runtime(c)
	case intelmqapi.RoutePositions:
		if c.r.Method == http.MethodPost {
			return h.savePositions(c)
		}
		return h.positions(c)
	case intelmqapi.RouteHarmonization:
		return h.harmonization(c)
	case intelmqapi.RouteOpenAPI:
		return intelmqapi.Raw(intelmqapi.OpenAPI(h.Base))
	case intelmqapi.RouteLogout:
		return h.logOut(c)
	default:
		return h.ask(c)
	}
}

// ask has intelmqctl asked.
func (h *IntelMQ) ask(c *call) *intelmqapi.Answer {
	var answer intelmqctl.Answer
	var err error
	switch command := c.question.Command.(type) {
	case intelmqctl.Log:
		answer, err = h.desk.client.Log(c.ctx(), c.who(), command)
	default:
		if intelmqctl.Changes(command) {
			answer, err = h.change(c, command)
		} else {
			answer, err = h.desk.client.Read(c.ctx(), c.who(), command)
		}
	}
	if err != nil {
		return h.failed(c, err)
	}
	if refused := h.hold(c, int64(len(answer.Body))); refused != nil {
		return refused
	}
	h.holdBack(c)
	switch c.route {
	case intelmqapi.RouteVersion:
		return intelmqapi.Version(string(answer.Body))
	case intelmqapi.RouteRun:
		return intelmqapi.Text(string(answer.Body))
	default:
		return intelmqapi.Raw(answer.Body)
	}
}

// change has intelmqctl change something. It has to be known which folder is locked
// for that.
func (h *IntelMQ) change(c *call, command intelmqctl.Command) (intelmqctl.Answer, error) {
	if _, err := h.installation(c.ctx(), c.who()); err != nil {
		return intelmqctl.Answer{}, err
	}
	return h.desk.client.Change(c.ctx(), c.who(), command)
}

// settle tells the logs and the metrics.
func (h *IntelMQ) settle(c *call, answer *intelmqapi.Answer) {
	metrics.count(c.route, answer.Status, time.Since(c.start))
	if c.cause != "" {
		h.report(c, answer)
	}
	if c.allowed && c.question.Changes() {
		h.auditChange(c, answer)
	}
}

// write sends an answer.
func (h *IntelMQ) write(c *call, a *intelmqapi.Answer) {
	header := c.w.Header()
	maps.Copy(header, h.settings.origins.Simple(c.r.Header.Get("Origin")))
	maps.Copy(header, a.Header)
	body.Write(c.w, a.Status, a.ContentType, a.Body)
}
