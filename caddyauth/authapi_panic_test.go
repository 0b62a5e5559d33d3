package caddyauth

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// TestAPanicIsAnEnvelope calls a handler without an app, which cannot do
// anything but panic.
func TestAPanicIsAnEnvelope(t *testing.T) {
	core, logged := observer.New(zapcore.DebugLevel)
	h := &AuthAPI{reporter: newReporter(zap.New(core)), version: "1.2.3"}
	w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/auth/login", strings.NewReader("secret"))
	if err := h.ServeHTTP(w, r, nil); err != nil {
		t.Fatal(err)
	}
	if w.Code != 500 || !strings.Contains(w.Body.String(), `"api_error_message":"Internal error. Contact your administrator."`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if logged.FilterMessage("panic in an endpoint").Len() != 1 || logged.FilterMessage("request refused").FilterField(zap.Int("status", 500)).Len() != 1 {
		t.Errorf("the log is %v", logged.All())
	}
}
