package intelmq_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/caddyintelmq"
)

// TestHealthTellsThatNobodyCanLogIn: the endpoint sees it by asking the app that
// has the users.
func TestHealthTellsThatNobodyCanLogIn(t *testing.T) {
	w := newWorld(t)
	w.enter(t, "session store on")
	w.logIn(t)
	if status, text := looked(t, "POST", "/caddyintelmq/check"); status != http.StatusOK || strings.Contains(text, "store_unusable") || strings.Contains(text, "no_users") {
		t.Errorf("while all is well: %d %s", status, text)
	}
	w.undo = w.loseStore(t)
	if status, text := looked(t, "POST", "/caddyintelmq/check"); status != http.StatusOK || !strings.Contains(text, `"id":"store_unusable"`) {
		t.Errorf("check: %d %s", status, text)
	}
	if status, text := looked(t, "GET", "/caddyintelmq/health"); status != http.StatusServiceUnavailable || !strings.Contains(text, `"id":"store_unusable"`) {
		t.Errorf("health: %d %s", status, text)
	}
}

// looked asks the admin API, which caddyrun does not have.
func looked(t *testing.T, method, path string) (status int, text string) {
	t.Helper()
	for _, route := range new(caddyintelmq.Admin).Routes() {
		if route.Pattern != path {
			continue
		}
		r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader("{}"))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		if err := route.Handler.ServeHTTP(w, r); err != nil {
			t.Fatal(err)
		}
		return w.Code, w.Body.String()
	}
	t.Fatalf("there is no route %s", path)
	return 0, ""
}
