//go:build !race

// The race detector empties pools at random, so that allocations are counted
// only without it.

package caddyauth_test

import (
	"net/http"
	"testing"
)

// TestGateAllocatesLittle holds the budgets of the gate: what it allocates for a
// request more than a bare respond that gets the same header.
func TestGateAllocatesLittle(t *testing.T) {
	c := newChains(t)
	for _, way := range []struct {
		name, directives, header, word string
		status                         int
		budget                         float64
	}{
		{"an accepted key", gate, "Authorization", "Bearer " + c.key, http.StatusOK, 15},
		{"an accepted key in X-Api-Key", gate, "X-Api-Key", c.key, http.StatusOK, 15},
		{"an accepted key, and the upstream is told who it is", gateFwd, "Authorization", "Bearer " + c.key, http.StatusOK, 15},
		{"a client secret", addressGate(t), "X-Client-Secret", officeSecret, http.StatusOK, 15},
		{"no client secret", addressGate(t), "", "", http.StatusUnauthorized, 15},
		{"a revoked key", gate, "Authorization", "Bearer " + c.revoked, http.StatusUnauthorized, 15},
		{"what is no key", gate, "Authorization", "Bearer swordfish", http.StatusUnauthorized, 15},
		{"no credential", gate, "", "", http.StatusUnauthorized, 15},
	} {
		t.Run(way.name, func(t *testing.T) {
			bare := c.load(t, respond, way.header, way.word).allocs(t, http.StatusOK)
			gated := c.load(t, way.directives, way.header, way.word).allocs(t, way.status)
			t.Logf("respond %v, with token_auth %v", bare, gated)
			if more := gated - bare; more > way.budget {
				t.Errorf("the gate makes %v allocations more than respond, want at most %v", more, way.budget)
			}
		})
	}
}

// TestATokenSeenBeforeAllocatesNoMoreThanAKey holds it against what nobody verifies
// by a signature.
func TestATokenSeenBeforeAllocatesNoMoreThanAKey(t *testing.T) {
	c := newChains(t)
	key := c.load(t, gate, "Authorization", "Bearer "+c.key).allocs(t, http.StatusOK)
	token := c.load(t, gate, "Authorization", "Bearer "+c.jwt).allocs(t, http.StatusOK)
	if token > key {
		t.Errorf("a request with a token makes %v allocations, and one with a key %v", token, key)
	}
	t.Logf("a request with a token makes %v allocations, and one with a key %v", token, key)
}

// allocs counts the allocations of one request.
func (h *chain) allocs(t *testing.T, want int) float64 {
	t.Helper()
	return testing.AllocsPerRun(500, func() {
		if status := h.serve(); status != want {
			t.Fatalf("status is %d, want %d", status, want)
		}
	})
}
