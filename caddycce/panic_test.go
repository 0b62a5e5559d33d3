package caddycce

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

// TestAPanicIsAnAnswer calls an endpoint that has no desk, and so cannot do
// anything for a caller on this machine but panic.
func TestAPanicIsAnAnswer(t *testing.T) {
	core, logged := observer.New(zapcore.DebugLevel)
	log := zap.New(core)
	h := &CCE{log: log, audit: log, reporter: report.NewReporter(log), settings: settings{maxBody: defaultMaxBody, timeout: defaultTimeout}, limits: func() {}}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(`{"cmd":"AUTH","user":"admin","password":"swordfish"}`))
	r.RemoteAddr = "127.0.0.1:1234"
	r = r.WithContext(context.WithValue(r.Context(), caddyhttp.VarsCtxKey, map[string]any{caddyhttp.ClientIPVarKey: "127.0.0.1"}))
	w := httptest.NewRecorder()
	if err := h.ServeHTTP(w, r, nil); err != nil {
		t.Fatal(err)
	}
	if w.Code != 500 || !strings.Contains(w.Body.String(), `{"status":500,"message":"internal error","error_id":"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if logged.FilterMessage("panic in the endpoint").Len() != 1 || strings.Contains(fmt.Sprint(logged.All()), "swordfish") {
		t.Errorf("the log is %v", logged.All())
	}
}
