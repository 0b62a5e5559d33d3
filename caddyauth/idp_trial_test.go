package caddyauth

import (
	"slices"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// TestTrialWithoutAServerPassesForAGoodToken: that accounts cannot be looked at says
// nothing against it, and scripts decide by it.
func TestTrialWithoutAServerPassesForAGoodToken(t *testing.T) {
	s := newSetting(t, IdentityProvider{})
	good := s.sign("alice", nil)
	if got := s.list[0].try(t.Context(), good, nil); !got.Passes || !slices.Contains(results(got), stepSkipped) {
		t.Errorf("%+v", got)
	}
	if got := s.list[0].try(t.Context(), good, s.mirror); !got.Passes || slices.Contains(results(got), stepSkipped) {
		t.Errorf("%+v", got)
	}
	for name, bad := range map[string]string{
		"for another service": s.sign("alice", jwt.MapClaims{"aud": "billing"}),
		"of a stranger":       s.sign("bob", nil),
		"of no form":          "a.b",
	} {
		if got := s.list[0].try(t.Context(), bad, s.mirror); got.Passes {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func results(t *trial) (list []string) {
	for _, step := range t.Steps {
		list = append(list, step.Result)
	}
	return list
}
