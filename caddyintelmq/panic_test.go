package caddyintelmq

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/sallyport/sallyport/internal/plugin/report"
)

// TestAPanicIsAnAnswer calls an endpoint that has no desk, and so cannot do anything
// but panic.
func TestAPanicIsAnAnswer(t *testing.T) {
	core, logged := observer.New(zapcore.DebugLevel)
	log := zap.New(core)
	h := &IntelMQ{InsecureNoAuth: true, log: log, audit: log, reporter: report.NewReporter(log), limits: func() {}}
	h.settings.maxBody = defaultMaxBody
	for _, r := range []*http.Request{
		httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/api/queues?secret=swordfish", nil),
		httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/api/runtime", strings.NewReader(`{"a":{"password":"swordfish"}}`)),
	} {
		r = r.WithContext(context.WithValue(r.Context(), caddyhttp.VarsCtxKey, map[string]any{caddyhttp.ClientIPVarKey: "127.0.0.1"}))
		w := httptest.NewRecorder()
		if err := h.ServeHTTP(w, r, nil); err != nil {
			t.Fatal(err)
		}
		const want = `{"error":"this has failed; the log has the cause, under the id of X-Error-Id"}`
		if w.Code != http.StatusInternalServerError || strings.TrimSpace(w.Body.String()) != want || w.Header().Get("X-Error-Id") == "" {
			t.Errorf("%d %s %v", w.Code, w.Body, w.Header())
		}
	}
	if n := logged.FilterMessage("panic in the endpoint").Len(); n != 2 {
		t.Errorf("the log has %d panics", n)
	}
	if strings.Contains(fmt.Sprint(logged.All()), "swordfish") {
		t.Errorf("the log is %v", logged.All())
	}
}
