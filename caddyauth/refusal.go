package caddyauth

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/sallyport/sallyport/internal/accesstoken"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/plugin/report"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/provider"
	"github.com/sallyport/sallyport/internal/wire"
)

// Codes of refusals. They are stable: clients may decide on them. Those that
// RFC 6750 section 3.1 has are its own.
const (
	codeMissing     = principal.CodeMissing
	codeMalformed   = "invalid_request"
	codeInvalid     = "invalid_token"
	codeScope       = "insufficient_scope"
	codeCrossOrigin = "cross_origin"
	codePlainHTTP   = "insecure_transport"
	codeTooMany     = "too_many_attempts"
	codeUnavailable = "unavailable"
	codeNoSession   = principal.CodeNoSession
	// codeImpersonation is about X-Impersonating, not about the caller's credential.
	codeImpersonation = "impersonation_refused"
	// codeUser: the token of a provider is good, and its user may not come in.
	codeUser = "user_not_allowed"
	// codeProvider: the provider cannot be reached, and what is known of it is too old.
	codeProvider = "provider_unavailable"
	// Those of client_secret.
	codeAddress = "address_not_allowed"
	codeSecret  = "invalid_secret"
)

// refusal is why a request does not pass. As an error it gives the cause, for
// logs.
type refusal struct {
	status int
	// code and message are for the client.
	code, message string
	// cause is for the log.
	cause string
	// wait is when to try again, for Retry-After; zero means not to.
	wait time.Duration
	// err says more of the cause, for the log; nil where there is no more to say.
	err error
}

func (f *refusal) Error() string { return f.code + ": " + f.cause }

// What clients are told. It is the same whatever was wrong: that is the business
// of nobody who has not got it right.
const (
	textMissing       = "this needs a credential"
	textInvalid       = "the credential is not accepted"
	textScope         = "the credential is good, but not for this"
	textCrossOrigin   = "a session opens this only to pages of this site; programs send an Authorization header"
	textPlainHTTP     = "passwords are accepted over HTTPS only"
	textTooMany       = "too many attempts; try again later"
	textUnavailable   = "credentials cannot be checked now"
	textImpersonation = "X-Impersonating is not accepted"
	textNotAgent      = "the key in X-Impersonating is good, but not for this caller to act by"
	textUser          = "this user is not allowed in"
	textProvider      = "tokens of this provider cannot be checked now"
	textNoSession     = "this credential has no session that could end; log out with the token of a log-in"
)

var (
	missing       = &refusal{status: http.StatusUnauthorized, code: codeMissing, message: textMissing, cause: "none"}
	unknownScheme = &refusal{status: http.StatusUnauthorized, code: codeInvalid, message: textInvalid, cause: "unknown_scheme"}
	notAccepted   = &refusal{status: http.StatusUnauthorized, code: codeInvalid, message: textInvalid, cause: "not_accepted"}
	longToken     = &refusal{status: http.StatusUnauthorized, code: codeInvalid, message: textInvalid, cause: accesstoken.RuleSize.String()}
	scopeMissing  = &refusal{status: http.StatusForbidden, code: codeScope, message: textScope, cause: "scope"}
	roleMissing   = &refusal{status: http.StatusForbidden, code: codeScope, message: textScope, cause: "role"}
	groupMissing  = &refusal{status: http.StatusForbidden, code: codeScope, message: textScope, cause: "group"}
	crossSite     = &refusal{status: http.StatusForbidden, code: codeCrossOrigin, message: textCrossOrigin, cause: "cross_origin"}
	notAgent      = &refusal{status: http.StatusForbidden, code: codeImpersonation, message: textNotAgent, cause: "not_agent"}
	groupRequired = &refusal{status: http.StatusForbidden, code: codeUser, message: textUser, cause: "required_group"}
	noAccount     = &refusal{status: http.StatusForbidden, code: codeUser, message: textUser, cause: "no_account"}
	plainHTTP     = &refusal{status: http.StatusForbidden, code: codePlainHTTP, message: textPlainHTTP, cause: "plain_http"}
)

// noSessionToEnd is of a log-out, where success would be a lie.
var noSessionToEnd = &refusal{status: http.StatusBadRequest, code: codeNoSession, message: textNoSession, cause: "no_session"}

// rejections holds the refusal for each reason.
var rejections = func() (list [identity.Reasons]*refusal) {
	for i := range list {
		reason := identity.Reason(i)
		list[i] = &refusal{status: http.StatusUnauthorized, code: codeInvalid, message: textInvalid, cause: reason.String()}
		switch {
		case reason == identity.Accepted:
			list[i] = nil
		case reason == identity.NotFresh:
			*list[i] = *unavailable(errors.New(reason.String()))
		case isBrake(reason):
			*list[i] = refusal{status: http.StatusTooManyRequests, code: codeTooMany, message: textTooMany, cause: reason.String(), wait: identity.BusyRetry}
		}
	}
	return list
}()

// isBrake reports whether a password was not looked at, for what came before it
// or comes beside it.
func isBrake(reason identity.Reason) bool {
	return reason == identity.Locked || reason == identity.Throttled || reason == identity.Busy
}

func rejected(reason identity.Reason) *refusal { return rejections[reason] }

// rejectedFor is rejected with what err says: the time that it will last, or, for the log,
// what no account could be made from.
func rejectedFor(reason identity.Reason, err error) *refusal {
	brake, braked := errors.AsType[*identity.BrakeError](err)
	_, invalid := errors.AsType[*identity.InvalidError](err)
	if !braked && !invalid {
		return rejected(reason)
	}
	f := *rejected(reason)
	if braked {
		f.wait = brake.Wait
	} else {
		f.err = err
	}
	return &f
}

// refusalFor is the refusal for a reason. The error, if there is one, says more
// of it.
func refusalFor(reason identity.Reason, err error) *refusal {
	if f := tokenRefusal(err); f != nil {
		return f
	}
	switch {
	case err == nil:
		return rejected(reason)
	case reason == identity.Malformed:
		return malformed(err)
	case reason == identity.NotFresh:
		return unavailable(err)
	}
	return rejectedFor(reason, err)
}

// tokenRefusal is the refusal for an error that is about the token of a provider, or
// nil for another one.
func tokenRefusal(err error) *refusal {
	fault, bad := errors.AsType[*accesstoken.Error](err)
	switch {
	case err == nil:
		return nil
	case bad && fault.Rule == accesstoken.RuleScope:
		return &refusal{status: http.StatusForbidden, code: codeScope, message: textScope, cause: fault.Rule.String(), err: err}
	case bad:
		return &refusal{status: http.StatusUnauthorized, code: codeInvalid, message: textInvalid, cause: fault.Rule.String(), err: err}
	case errors.Is(err, errGroups):
		return groupRequired
	case errors.Is(err, identity.ErrNoAccount):
		return noAccount
	case errors.Is(err, provider.ErrUnavailable):
		return &refusal{status: http.StatusServiceUnavailable, code: codeProvider, message: textProvider, cause: codeProvider, wait: providerRetry, err: err}
	}
	return nil
}

// providerRetry is when it is worth while to try again where a provider is down.
const providerRetry = 30 * time.Second

func malformed(err error) *refusal {
	return &refusal{status: http.StatusBadRequest, code: codeMalformed, message: err.Error(), cause: "malformed"}
}

func unavailable(err error) *refusal {
	return &refusal{status: http.StatusServiceUnavailable, code: codeUnavailable, message: textUnavailable, cause: err.Error(), wait: time.Second}
}

// write answers the request. It is written here and not returned as an error,
// which would cost the server several times as much: attackers choose this
// path.
func (f *refusal) write(w http.ResponseWriter, id string) error {
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Cache-Control"] = []string{"no-store"}
	w.WriteHeader(f.status)
	// A client that has gone away needs no answer.
	_, _ = w.Write(wire.AppendError(make([]byte, 0, 256), f.code, f.message, id))
	return nil
}

// challenges are the values of WWW-Authenticate (RFC 6750 section 3, RFC 7617
// section 2) for each code.
type challenges map[string][]string

const realm = `realm="restricted"`

func newChallenges(scopes principal.Scopes, accepts func(method string) bool) challenges {
	bearer := func(code string) string { return `Bearer ` + realm + `, error="` + code + `"` }
	c := challenges{
		codeMissing:   {`Bearer ` + realm},
		codeMalformed: {bearer(codeMalformed)},
		codeInvalid:   {bearer(codeInvalid)},
		codeScope:     {bearer(codeScope)},
	}
	const basic = `Basic ` + realm + `, charset="UTF-8"`
	asBearer := accepts(principal.MethodAPIKey) || accepts(principal.MethodAppToken) || accepts(principal.MethodBareToken) || accepts(principal.MethodJWT)
	asBasic := accepts(principal.MethodAPIKey) || accepts(principal.MethodPassword)
	switch {
	case asBearer && asBasic:
		c[codeMissing], c[codeInvalid] = append(c[codeMissing], basic), append(c[codeInvalid], basic)
	case asBasic:
		c[codeMissing], c[codeInvalid] = []string{basic}, []string{basic}
	}
	// Without Basic a browser does not ask for a password where none is accepted.
	// Where nothing can be told Bearer stays: a 401 has to have a challenge (RFC
	// 9110 section 15.5.2).
	c[codeImpersonation] = c[codeInvalid]
	if scopes != 0 {
		c[codeScope][0] += `, scope="` + strings.Join(scopes.Words(), " ") + `"`
	}
	return c
}

// challenge sets the headers that tell a client what to do.
func (t *Rules) challenge(w http.ResponseWriter, f *refusal) {
	if f.wait > 0 {
		w.Header().Set("Retry-After", wire.RetryAfter(f.wait))
		return
	}
	// A copy, since other handlers may change headers in place.
	w.Header()["Www-Authenticate"] = slices.Clone(t.challenges[f.code])
}

// reporter tells the logs of what was refused or has failed.
type reporter struct {
	log  *zap.Logger
	logs report.Reporter
}

func newReporter(log *zap.Logger) reporter { return reporter{log, report.NewReporter(log)} }

// refusedCaller is what is known of a caller who was refused, for administrators.
type refusedCaller struct {
	// method is the kind of credential that was presented, methodNone without one.
	method string
	// user names who has proven who he is, and as whom he acts; "" if nobody has.
	user string
	// wanted is what he lacks.
	wanted string
}

// nameOf names a caller who has proven who he is.
func nameOf(p *principal.Principal) string {
	if p.Impersonation == nil {
		return p.Name
	}
	return p.Impersonator() + " on behalf of " + p.Name
}

// report returns the error id under which the logs have the cause.
func (p *reporter) report(r *http.Request, f *refusal, of refusedCaller) string {
	if of.method == methodNone {
		of.method = ""
	}
	return p.logs.Report(r, report.Refusal{
		Status: f.status, Code: f.code, Cause: f.cause, Credential: of.method, User: of.user, Wanted: of.wanted, Err: f.err,
	})
}
