package caddyauth

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/wire"
)

// Codes of refusals. They are stable: clients may decide on them. Those that
// RFC 6750 section 3.1 has are its own.
const (
	codeMissing     = "credential_missing"
	codeMalformed   = "invalid_request"
	codeInvalid     = "invalid_token"
	codeScope       = "insufficient_scope"
	codeUnavailable = "unavailable"
	// Those of client_secret.
	codeAddress  = "address_not_allowed"
	codeSecret   = "invalid_secret"
	codeFailures = "too_many_failures"
)

// refusal is why a request does not pass. As an error it gives the cause, for
// logs.
type refusal struct {
	status int
	// code and message are for the client.
	code, message string
	// cause is for the log.
	cause string
}

func (f *refusal) Error() string { return f.code + ": " + f.cause }

// What clients are told. It is the same whatever was wrong: that is the business
// of nobody who has not got it right.
const (
	textMissing     = "this needs a credential"
	textInvalid     = "the credential is not accepted"
	textScope       = "the credential is good, but not for this"
	textUnavailable = "credentials cannot be checked now"
)

var (
	missing       = &refusal{http.StatusUnauthorized, codeMissing, textMissing, "none"}
	unknownScheme = &refusal{http.StatusUnauthorized, codeInvalid, textInvalid, "unknown_scheme"}
	scopeMissing  = &refusal{http.StatusForbidden, codeScope, textScope, "scope"}
	roleMissing   = &refusal{http.StatusForbidden, codeScope, textScope, "role"}
	groupMissing  = &refusal{http.StatusForbidden, codeScope, textScope, "group"}
)

// rejections holds the refusal for each reason.
var rejections = func() (list [identity.APIVersion + 1]*refusal) {
	for reason := range list {
		list[reason] = &refusal{http.StatusUnauthorized, codeInvalid, textInvalid, identity.Reason(reason).String()}
	}
	list[identity.Accepted] = nil
	list[identity.NotFresh] = &refusal{http.StatusServiceUnavailable, codeUnavailable, textUnavailable, identity.NotFresh.String()}
	return list
}()

func rejected(reason identity.Reason) *refusal { return rejections[reason] }

func malformed(err error) *refusal {
	return &refusal{http.StatusBadRequest, codeMalformed, err.Error(), "malformed"}
}

func unavailable(err error) *refusal {
	return &refusal{http.StatusServiceUnavailable, codeUnavailable, textUnavailable, err.Error()}
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

func newChallenges(scopes principal.Scopes) challenges {
	const basic = `Basic ` + realm + `, charset="UTF-8"`
	bearer := func(code string) string { return `Bearer ` + realm + `, error="` + code + `"` }
	c := challenges{
		codeMissing:   {`Bearer ` + realm, basic},
		codeMalformed: {bearer(codeMalformed)},
		codeInvalid:   {bearer(codeInvalid), basic},
		codeScope:     {bearer(codeScope)},
	}
	if scopes != 0 {
		c[codeScope][0] += `, scope="` + strings.Join(scopes.Words(), " ") + `"`
	}
	return c
}

// challenge sets the headers that tell a client what to do.
func (t *Rules) challenge(w http.ResponseWriter, f *refusal) {
	if f.code == codeUnavailable {
		w.Header().Set("Retry-After", "1")
		return
	}
	// A copy, since other handlers may change headers in place.
	w.Header()["Www-Authenticate"] = slices.Clone(t.challenges[f.code])
}

// report makes the error id and puts it into the logs together with the cause:
// always into the access log and the debug log, and one in ten seconds into
// the log that is on by default, since a flood of refusals must not become a
// flood of lines.
func (t *Rules) report(r *http.Request, f *refusal) string { return report(t.log, t.sample, r, f) }

func report(log *zap.Logger, sample *sampler, r *http.Request, f *refusal) string {
	id := newErrorID()
	logged := zap.Inline(refusalRecord{id, f.cause})
	if extra, ok := r.Context().Value(caddyhttp.ExtraLogFieldsCtxKey).(*caddyhttp.ExtraLogFields); ok {
		extra.Add(logged)
	}
	level, suppressed := zapcore.DebugLevel, int64(0)
	if n, ok := sample.take(time.Now()); ok {
		level, suppressed = zapcore.InfoLevel, n
		if f.status >= http.StatusInternalServerError {
			level = zapcore.ErrorLevel
		}
	}
	if c := log.Check(level, "request refused"); c != nil {
		c.Write(logged, zap.Int("status", f.status), zap.String("host", r.Host),
			zap.String("client_ip", clientAddress(r).String()), zap.Int64("not_logged", suppressed))
	}
	return id
}

// refusalRecord is what logs tell of a refusal.
type refusalRecord struct{ id, cause string }

// MarshalLogObject writes the fields.
func (l refusalRecord) MarshalLogObject(encoder zapcore.ObjectEncoder) error {
	encoder.AddString("error_id", l.id)
	encoder.AddString("refused", l.cause)
	return nil
}

// newErrorID makes an id of 60 random bits, in letters that can be read out
// over the telephone (RFC 4648 base32).
func newErrorID() string { return rand.Text()[:12] }

// sampler picks one event in samplePause.
type sampler struct {
	next    atomic.Int64
	skipped atomic.Int64
}

const samplePause = 10 * time.Second

// take reports whether this event is picked, and how many were not since the
// last one that was.
func (s *sampler) take(now time.Time) (skipped int64, picked bool) {
	next := s.next.Load()
	if now.UnixNano() < next || !s.next.CompareAndSwap(next, now.Add(samplePause).UnixNano()) {
		s.skipped.Add(1)
		return 0, false
	}
	return s.skipped.Swap(0), true
}
