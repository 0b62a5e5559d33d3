package caddyauth

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// TestTrialWithoutAServerPassesForAGoodToken: that accounts cannot be looked at says
// nothing against it, and scripts decide by it.
func TestTrialWithoutAServerPassesForAGoodToken(t *testing.T) {
	s := newSetting(t, IdentityProvider{})
	good := s.sign("alice", nil)
	if got := s.list[0].try(t.Context(), good, nil, notFromHere); !got.Passes || !slices.Contains(results(got), stepSkipped) {
		t.Errorf("%+v", got)
	}
	if got := s.list[0].try(t.Context(), good, s.mirror, ""); !got.Passes || slices.Contains(results(got), stepSkipped) {
		t.Errorf("%+v", got)
	}
	for name, bad := range map[string]string{
		"for another service": s.sign("alice", jwt.MapClaims{"aud": "billing"}),
		"of a stranger":       s.sign("bob", nil),
		"of no form":          "a.b",
	} {
		if got := s.list[0].try(t.Context(), bad, s.mirror, ""); got.Passes {
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

// stepText is the text of a step, with its result before it.
func stepText(t *trial, rule string) string {
	at := slices.IndexFunc(t.Steps, func(step trialStep) bool { return step.Rule == rule })
	if at < 0 {
		return ""
	}
	return t.Steps[at].Result + " " + t.Steps[at].Text
}

func TestTrialSaysWhoseAccountItWillBe(t *testing.T) {
	mail := jwt.MapClaims{"email": "bob@example.org", "email_verified": true}
	const byMail = "ok none yet; the account with the mail address of the token is linked at the first request, if there is exactly one; else one is made"
	for name, test := range map[string]struct {
		options IdentityProvider
		claims  jwt.MapClaims
		want    string
	}{
		"nobody's":                        {IdentityProvider{}, mail, "failed none for subject 'bob' of issuer '" + testIssuer + "'; set auto_create, or link them: caddy auth provider link <user> <issuer> <subject>"},
		"a new one":                       {IdentityProvider{AutoCreate: true}, mail, "ok none yet; one is made at the first request"},
		"that of the address":             {IdentityProvider{TrustEmail: true}, mail, "ok none yet; the one with the mail address of the token is linked at the first request, if there is one"},
		"that of the address, or new":     {IdentityProvider{TrustEmail: true, AutoCreate: true}, mail, byMail},
		"new, as the address is nobody's": {IdentityProvider{TrustEmail: true, AutoCreate: true}, jwt.MapClaims{"email": "bob@example.org"}, "ok none yet; one is made at the first request"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSetting(t, test.options)
			got := s.list[0].try(t.Context(), s.sign("bob", test.claims), s.mirror, "")
			if text := stepText(got, "account"); text != test.want {
				t.Errorf("got  %s\nwant %s", text, test.want)
			}
		})
	}
}

// TestTrialCountsNamesBeyondTheBound: whoever misses a group must see that some are left
// out.
func TestTrialCountsNamesBeyondTheBound(t *testing.T) {
	s := newSetting(t, IdentityProvider{GroupsClaim: "groups", RoleNames: map[string][]string{"ops": {"user"}}})
	var groups []string
	for i := range 81 {
		groups = append(groups, fmt.Sprintf("g%02d", i))
	}
	got := s.list[0].try(t.Context(), s.sign("alice", jwt.MapClaims{"groups": groups, "roles": []string{"ops"}}), s.mirror, "")
	if text := stepText(got, "groups"); !strings.HasPrefix(text, "ok 64 of 81: g00, g01, ") || !strings.HasSuffix(text, ", g63") {
		t.Error(text)
	}
	if text := stepText(got, "roles"); text != "ok user" {
		t.Error(text)
	}
	if text := stepText(got, "token_subject"); text != "ok sub is 'alice'" {
		t.Error(text)
	}
}

func TestTokenIsReadAsItStandsInARequest(t *testing.T) {
	for _, text := range []string{"a.b.c", " a.b.c\r\n", "Bearer a.b.c\n", "Authorization: Bearer a.b.c\n", "authorization:bearer   a.b.c", "Authorization: a.b.c"} {
		if got := bareToken(text); got != "a.b.c" {
			t.Errorf("'%s' is '%s'", text, got)
		}
	}
	for _, text := range []string{"", "Bearer", "Bearera.b.c"} {
		if got := bareToken(text); got != text {
			t.Errorf("'%s' is '%s'", text, got)
		}
	}
}
