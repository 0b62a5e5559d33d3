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

// Reporter tells the logs of what was refused or has failed. Many goroutines may
// use it.
type Reporter struct {
	log    *zap.Logger
	sample *sampler
}

// NewReporter makes one that writes to the log of a module, ctx.Logger().
func NewReporter(log *zap.Logger) Reporter { return Reporter{log, new(sampler)} }

// Report makes the error id and puts it into the logs together with the cause:
// always into the access log and the debug log, and one in ten seconds into
// the log that is on by default, since a flood of refusals must not become a
// flood of lines. There it is an error if the status is 500 or more. The cause
// must not hold a secret.
func (p *Reporter) Report(r *http.Request, status int, cause string) (id string) {
	return p.ReportError(r, status, cause, nil)
}

// ReportError is Report with what the system, or the daemon behind, says of it. The
// error must not hold a secret either.
func (p *Reporter) ReportError(r *http.Request, status int, cause string, err error) (id string) {
	id = newErrorID()
	logged := zap.Inline(record{id, cause, err})
	if extra, ok := r.Context().Value(caddyhttp.ExtraLogFieldsCtxKey).(*caddyhttp.ExtraLogFields); ok {
		extra.Add(logged)
	}
	level, suppressed := zapcore.DebugLevel, int64(0)
	if n, ok := p.sample.take(time.Now()); ok {
		level, suppressed = zapcore.InfoLevel, n
		if status >= http.StatusInternalServerError {
			level = zapcore.ErrorLevel
		}
	}
	if c := p.log.Check(level, "request refused"); c != nil {
		c.Write(logged, zap.Int("status", status), zap.String("host", redact.Text(r.Host)),
			zap.String("client_ip", caller.Address(r).String()), zap.Int64("not_logged", suppressed))
	}
	return id
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
