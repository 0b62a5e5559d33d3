// Package report tells administrators what clients are not told: the causes of
// refusals in the logs, and numbers in the metrics.
package report

import (
	"crypto/rand"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/sallyport/sallyport/internal/plugin/caller"
	"github.com/sallyport/sallyport/internal/redact"
)

// Reporter tells the logs of what was refused or has failed, and has it remembered
// for Find. Many goroutines may use it.
type Reporter struct {
	log    *zap.Logger
	sample *sampler
	ring   *ring
}

// NewReporter makes one that writes to the log of a module, ctx.Logger().
func NewReporter(log *zap.Logger) Reporter { return Reporter{log, new(sampler), recent} }

// Refusal is why a request was not answered as asked. None of its texts must hold a
// secret, or what a client has sent; what is not known is "".
type Refusal struct {
	// Status is the HTTP status of the answer.
	Status int `json:"status"`
	// Code is the stable code that the client was told, where the contract has any.
	Code string `json:"code,omitempty"`
	// Cause is one word for the logs, which internal/advice explains; or a sentence
	// where something could not be found out.
	Cause string `json:"cause"`
	// Credential is the kind of credential that was presented, such as api_key. That
	// it was good is not said.
	Credential string `json:"credential,omitempty"`
	// User is the caller, if he has proven who he is.
	User string `json:"user,omitempty"`
	// Wanted is what he lacks, such as `scope write`.
	Wanted string `json:"wanted,omitempty"`
	// Err is what the system, or the daemon behind, says of it.
	Err error `json:"-"`
}

// Report makes the error id and puts it into the logs together with the cause:
// always into the access log and the debug log, and one in ten seconds into
// the log that is on by default, since a flood of refusals must not become a
// flood of lines. There it is an error if the status is 500 or more.
func (p *Reporter) Report(r *http.Request, f Refusal) (id string) {
	id = newErrorID()
	logged := zap.Inline(record{id, f.Cause, f.Err})
	if extra, ok := r.Context().Value(caddyhttp.ExtraLogFieldsCtxKey).(*caddyhttp.ExtraLogFields); ok {
		extra.Add(logged)
	}
	now, host, client := time.Now(), hostOf(r), caller.Address(r)
	p.ring.note(id, p.log.Name(), now, r, host, client, &f)
	level, suppressed := zapcore.DebugLevel, int64(0)
	if n, ok := p.sample.take(now); ok {
		level, suppressed = zapcore.InfoLevel, n
		if f.Status >= http.StatusInternalServerError {
			level = zapcore.ErrorLevel
		}
	}
	if c := p.log.Check(level, "request refused"); c != nil {
		c.Write(logged, zap.Int("status", f.Status), zap.String("host", host),
			zap.String("client_ip", client.String()), zap.Int64("not_logged", suppressed))
	}
	return id
}

// maxHostLooked is how long a host is, in bytes, in which credentials are looked for:
// no name is longer, and clients choose what that costs.
const maxHostLooked = 260

// hostOf is the host that was asked for, without credentials.
func hostOf(r *http.Request) string {
	if len(r.Host) > maxHostLooked {
		return redact.Redacted
	}
	return redact.Text(r.Host)
}

// record is what logs tell of a refusal.
type record struct {
	id, cause string
	// err is nil where the cause says all.
	err error
}

// MarshalLogObject writes the fields.
func (l record) MarshalLogObject(encoder zapcore.ObjectEncoder) error {
	encoder.AddString("error_id", l.id)
	encoder.AddString("refused", l.cause)
	if l.err != nil {
		encoder.AddString("reason", l.err.Error())
	}
	return nil
}

// newErrorID makes an id of 60 random bits, in letters that can be read out
// over the telephone (RFC 4648 base32).
func newErrorID() string { return rand.Text()[:idLength] }

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
