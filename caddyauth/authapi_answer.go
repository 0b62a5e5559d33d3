package caddyauth

import (
	"errors"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/internal/howler"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/password"
	"github.com/sallyport/sallyport/internal/plugin/body"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
	"github.com/sallyport/sallyport/internal/wire"
)

// apiCall is a request to auth_api while it is answered.
type apiCall struct {
	w      http.ResponseWriter
	r      *http.Request
	target howler.Target
	// caller is nil where none is needed.
	caller *principal.Principal
	// known is what is known of him if he is refused.
	known  refusedCaller
	people *identity.Registry
	// steps are what is logged where debug is set.
	steps []string
}

// step notes what was decided. It must not hold what a client has sent.
func (c *apiCall) step(text string) { c.steps = append(c.steps, text) }

// actor names the caller for the audit trail.
func (c *apiCall) actor() string { return identity.UserActor(c.caller.Name) }

// failure is why a call has not come to its end.
type failure struct {
	*howler.Failure
	// cause is for the log.
	cause string
	// wait is when to try again, for Retry-After; zero means not to.
	wait time.Duration
	// err says more of the cause, for the log; nil where there is no more to say.
	err error
}

// told is a failure for which the log knows no more than one word.
func told(f *howler.Failure, cause string) *failure { return &failure{Failure: f, cause: cause} }

// unknown: it could not be found out, or not be done.
func unknown(err error) *failure {
	return &failure{Failure: howler.Unavailable, cause: err.Error(), wait: time.Second}
}

// toldAs gives the refusal of a gate to a client of this contract.
func toldAs(f *refusal) *failure {
	return &failure{&howler.Failure{Status: f.status, Code: f.code, Text: f.message}, f.cause, f.wait, f.err}
}

// Failures that howler has not.
var (
	noSession     = &howler.Failure{Status: 400, Code: codeMalformed, Text: "This credential has no session that could end. Log out with the app token or the session cookie."}
	worthMore     = &howler.Failure{Status: 403, Code: codeScope, Text: "That would be worth more than the credential that asks for it."}
	adminDisabled = &howler.Failure{Status: 403, Code: codeScope, Text: "An administrator has disabled the key. Ask one to enable it."}
	crossLogin    = &howler.Failure{Status: 403, Code: codeCrossOrigin, Text: "Pages of another site cannot log in here."}
)

// codeWeakPassword: the new password may not be set.
const codeWeakPassword = "weak_password"

// brakeFailure says how a password that was not looked at is answered: howler's
// text where it has one. The error says for how long, if it is known.
func brakeFailure(reason identity.Reason, err error) *failure {
	brake, braked := errors.AsType[*identity.BrakeError](err)
	switch {
	case !braked:
		return &failure{Failure: howler.TooManyAttempts, cause: reason.String(), wait: identity.BusyRetry}
	case brake.Locked:
		return &failure{Failure: howler.LockedOut(brake.Failures, brake.Wait), cause: reason.String(), wait: brake.Wait}
	}
	return &failure{Failure: howler.TooManyAttempts, cause: reason.String(), wait: brake.Wait}
}

// attemptReason says what an error of Registry.LogInByPassword or ChangePassword
// is, and counts a brake. What could not be found out is NotFresh.
func attemptReason(err error) (reason identity.Reason) {
	defer func() { metrics.countBrake(reason) }()
	brake, braked := errors.AsType[*identity.BrakeError](err)
	_, invalid := errors.AsType[*identity.InvalidError](err)
	switch {
	case braked && brake.Locked:
		return identity.Locked
	case braked:
		return identity.Throttled
	case errors.Is(err, password.ErrBusy):
		return identity.Busy
	case invalid:
		return identity.Malformed
	case errors.Is(err, identity.ErrWrongPassword):
		return identity.WrongPassword
	}
	return identity.NotFresh
}

// passwordFailure says how an error of Registry.LogInByPassword or ChangePassword
// is answered. wrong is what a wrong password is told.
func passwordFailure(err error, wrong *howler.Failure) *failure {
	switch reason := attemptReason(err); {
	case isBrake(reason):
		return brakeFailure(reason, err)
	case reason == identity.Malformed:
		return told(howler.BadRequest(err.Error()), reason.String())
	case reason == identity.WrongPassword:
		return told(wrong, reason.String())
	}
	return unknown(err)
}

// changeFailure is for the errors of changes. missing is what is told if there
// is no such thing.
func changeFailure(err error, missing *howler.Failure) *failure {
	if invalid, ok := errors.AsType[*identity.InvalidError](err); ok {
		return told(howler.BadRequest(invalid.Error()), "invalid")
	}
	if derived, ok := errors.AsType[*identity.DerivedError](err); ok {
		return told(worthMore, derived.Reason)
	}
	switch {
	case errors.Is(err, identity.ErrEnded):
		return told(howler.NoUser, "ended")
	case errors.Is(err, store.ErrNotFound), errors.Is(err, identity.ErrRevoked):
		return told(missing, "not_found")
	case errors.Is(err, identity.ErrImpersonated):
		return told(howler.NoAccess, "impersonated")
	case errors.Is(err, identity.ErrDisabled):
		return told(adminDisabled, "disabled_by_administrator")
	}
	return unknown(err)
}

// readBody reads the whole body. No hash and no transaction waits meanwhile.
func (c *apiCall) readBody() ([]byte, *failure) {
	content, err := body.Read(c.w, c.r, howler.MaxBody)
	if errors.Is(err, body.ErrTooLarge) {
		return nil, told(howler.TooLarge, "body_too_large")
	}
	if err != nil {
		return nil, told(howler.BadRequest("The body cannot be read."), "body_not_read")
	}
	return content, nil
}

// noContent is the payload of an answer without a body.
type noContent struct{}

// answer writes a success.
func (h *AuthAPI) answer(c *apiCall, payload any) {
	if payload == (noContent{}) {
		c.w.Header()["Cache-Control"] = []string{"no-store"}
		c.w.WriteHeader(http.StatusNoContent)
		return
	}
	if to, away := payload.(atProvider); away {
		redirect(c.w, to)
		return
	}
	record, isRecord := payload.(tagged)
	if isRecord {
		payload = record.payload
	}
	body, err := howler.Success(h.version, payload).Append(nil)
	if err != nil {
		h.refuse(c, told(howler.Internal, err.Error()))
		return
	}
	if isRecord && answerTag(c, body) {
		return
	}
	writeEnvelope(c.w, http.StatusOK, body)
}

// refuse writes a failure and reports it. Code and id are in headers, since the
// client takes an envelope with other keys for no API at all.
func (h *AuthAPI) refuse(c *apiCall, f *failure) {
	id := h.report(c.r, &refusal{f.Status, f.Code, f.Text, f.cause, f.wait, f.err}, c.known)
	header := c.w.Header()
	header["X-Error-Code"], header["X-Error-Id"] = []string{f.Code}, []string{id}
	if f.Allow != "" {
		header["Allow"] = []string{f.Allow}
	}
	if f.wait > 0 {
		header["Retry-After"] = []string{wire.RetryAfter(f.wait)}
	}
	if f.Status == http.StatusUnauthorized {
		header["Www-Authenticate"] = h.challenge(c, f)
	}
	// A failure is made of texts, which always marshal.
	body, _ := f.Envelope(h.version).Append(nil)
	writeEnvelope(c.w, f.Status, body)
}

// challenge is the value of WWW-Authenticate. A browser must not ask for a
// password of its own when a form on a page was filled in wrongly, so a log-in
// has no challenge of Basic.
func (h *AuthAPI) challenge(c *apiCall, f *failure) []string {
	code := codeInvalid
	if f.Code == codeMissing {
		code = codeMissing
	}
	list := h.challenges[code]
	if c.target.Action == howler.LogIn {
		list = list[:1]
	}
	return append([]string(nil), list...)
}

func writeEnvelope(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Cache-Control"] = []string{"no-store"}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	// A client that has gone away needs no answer.
	_, _ = w.Write(body)
}

// modulePath is that of this repository.
const modulePath = "github.com/sallyport/sallyport"

// serverVersion is this module's version, or 0.0.0 where the build knows none.
func serverVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "0.0.0"
	}
	version := ""
	for _, module := range append(info.Deps, &info.Main) {
		if module.Path == modulePath {
			version = module.Version
		}
	}
	if !strings.HasPrefix(version, "v") {
		return "0.0.0"
	}
	return version[1:]
}
