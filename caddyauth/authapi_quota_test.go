package caddyauth

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sallyport/sallyport/internal/howler"
	"github.com/sallyport/sallyport/internal/principal"
)

// callOf is a call of a user who has a quota of his own, or 0.
func callOf(id string, quota int64) *apiCall {
	return &apiCall{caller: &principal.Principal{User: &principal.User{ID: id, Quota: quota}}}
}

func TestRequestsOfAUserAtOnceAreBounded(t *testing.T) {
	for name, test := range map[string]struct {
		option *int
		own    int64
		want   int
	}{
		"howler's number":            {nil, 0, 25},
		"the number of the endpoint": {new(2), 0, 2},
		"the user's own is smaller":  {new(2), 1, 1},
		"the user's own is larger":   {new(2), 3, 3},
		"the user's own, where off":  {new(0), 1, 1},
	} {
		h := &AuthAPI{Quota: test.option, running: newRunning()}
		var leave []func()
		for range test.want {
			out, failed := h.enter(callOf("alice", test.own))
			if failed != nil {
				t.Fatalf("%s: %s", name, failed.Text)
			}
			leave = append(leave, out)
		}
		_, failed := h.enter(callOf("alice", test.own))
		if failed == nil || *failed.Failure != *howler.QuotaSpent(int64(test.want)) || failed.wait <= 0 {
			t.Errorf("%s: one more: %+v", name, failed)
		}
		if _, failed := h.enter(callOf("bob", test.own)); failed != nil {
			t.Errorf("%s: somebody else: %s", name, failed.Text)
		}
		free := callOf("alice", test.own)
		free.target.NoQuota = true
		if _, failed := h.enter(free); failed != nil {
			t.Errorf("%s: what needs none: %s", name, failed.Text)
		}
		leave[0]()
		if _, failed := h.enter(callOf("alice", test.own)); failed != nil {
			t.Errorf("%s: after one has ended: %s", name, failed.Text)
		}
	}
	h := &AuthAPI{Quota: new(0), running: newRunning()}
	for range 1000 {
		if _, failed := h.enter(callOf("alice", 0)); failed != nil {
			t.Fatal(failed.Text)
		}
	}
	if n := len(h.running.users); n != 0 {
		t.Errorf("%d users are counted without a quota", n)
	}
}

func TestAPanicGivesTheSlotBack(t *testing.T) {
	h := &AuthAPI{running: newRunning()}
	func() {
		defer func() { _ = recover() }()
		leave, failed := h.enter(callOf("alice", 1))
		if failed != nil {
			t.Fatal(failed.Text)
		}
		defer leave()
		c := &apiCall{w: httptest.NewRecorder(), r: httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)}
		_, _ = h.listKeys(c)
	}()
	if _, failed := h.enter(callOf("alice", 1)); failed != nil {
		t.Error(failed.Text)
	}
	if len(h.running.users) != 1 {
		t.Errorf("counted are %v", h.running.users)
	}
}
