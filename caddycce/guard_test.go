package caddycce

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/sallyport/sallyport/internal/plugin/body"
	"github.com/sallyport/sallyport/internal/plugin/report"
)

// bare is an endpoint that cannot do anything.
func bare(t *testing.T) (*CCE, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	log := zap.New(core)
	return &CCE{
		log: log, audit: log, reporter: report.NewReporter(log), limits: func() {},
		settings: settings{timeout: time.Minute, maxBody: 1000},
	}, logs
}

// localRequest is one from this machine, as Caddy hands it over.
func localRequest(t *testing.T, body io.Reader) *http.Request {
	t.Helper()
	vars := map[string]any{caddyhttp.ClientIPVarKey: "127.0.0.1"}
	ctx := context.WithValue(t.Context(), caddyhttp.VarsCtxKey, vars)
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", body)
	r.RemoteAddr = "127.0.0.1:1234"
	return r
}

func TestAPanicIsAnsweredAsAFailure(t *testing.T) {
	h, logs := bare(t)
	w := httptest.NewRecorder()
	// Without a runner it panics.
	r := localRequest(t, strings.NewReader(`{"cmd":"GET 1","user":"admin","sessionid":"do-not-tell"}`))
	if err := h.ServeHTTP(w, r, nil); err != nil {
		t.Fatal(err)
	}
	if w.Code != 500 || !strings.HasPrefix(w.Body.String(), `{"status":500,"message":"internal error","error_id":"`) {
		t.Errorf("HTTP %d %s", w.Code, w.Body)
	}
	if n := logs.FilterMessage("panic in the endpoint").Len(); n != 1 {
		t.Errorf("the log tells of %d panics", n)
	}
	for _, entry := range logs.All() {
		for _, f := range entry.Context {
			if strings.Contains(f.String, "do-not-tell") {
				t.Errorf("'%s' in the log has the session", f.Key)
			}
		}
	}
}

// slowBody never comes to its end.
type slowBody struct{ until time.Time }

// Read implements io.Reader.
func (s *slowBody) Read(p []byte) (int, error) {
	time.Sleep(time.Second)
	if !s.until.IsZero() && !time.Now().Before(s.until) {
		return 0, os.ErrDeadlineExceeded
	}
	return copy(p, " "), nil
}

// limitedWriter holds a slow body to the deadline that is set.
type limitedWriter struct {
	*httptest.ResponseRecorder
	body *slowBody
}

// SetReadDeadline is what http.ResponseController looks for.
func (w limitedWriter) SetReadDeadline(t time.Time) error {
	w.body.until = t
	return nil
}

func TestABodyThatDoesNotComeIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := bare(t)
		slow := new(slowBody)
		w := limitedWriter{httptest.NewRecorder(), slow}
		start := time.Now()
		if err := h.ServeHTTP(w, localRequest(t, slow), nil); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != body.ReadLimit {
			t.Errorf("it took %s, want %s", took, body.ReadLimit)
		}
		if w.Code != 400 || strings.TrimSpace(w.Body.String()) != `{"status":400,"message":"the body did not come whole"}` {
			t.Errorf("HTTP %d %s", w.Code, w.Body)
		}
	})
}

// brokenBody fails.
type brokenBody struct{}

// Read implements io.Reader.
func (brokenBody) Read([]byte) (int, error) { return 0, errors.New("broken") }

func TestABodyThatBreaksOffIsABadRequest(t *testing.T) {
	h, _ := bare(t)
	w := httptest.NewRecorder()
	if err := h.ServeHTTP(w, localRequest(t, brokenBody{}), nil); err != nil {
		t.Fatal(err)
	}
	if w.Code != 400 {
		t.Errorf("HTTP %d %s", w.Code, w.Body)
	}
}
