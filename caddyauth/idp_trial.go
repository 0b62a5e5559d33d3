package caddyauth

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport/sallyport/internal/accesstoken"
	"github.com/sallyport/sallyport/internal/advice"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/plural"
	"github.com/sallyport/sallyport/internal/provider"
)

// trial says what would happen to a token, rule by rule.
type trial struct {
	Provider string      `json:"provider"`
	Issuer   string      `json:"issuer"`
	Steps    []trialStep `json:"steps"`
	// Passes says that nothing of it would be refused. What is skipped for another rule
	// has that one failed beside it.
	Passes bool `json:"passes"`
}

// trialStep is one rule.
type trialStep struct {
	Rule string `json:"rule"`
	// Result is ok, failed, or skipped where it depends on one that has failed.
	Result string `json:"result"`
	Text   string `json:"text,omitempty"`
}

const (
	stepOK      = "ok"
	stepFailed  = "failed"
	stepSkipped = "skipped"
)

func (t *trial) note(rule, result, text string) {
	t.Steps = append(t.Steps, trialStep{rule, result, text})
	t.Passes = t.Passes && result != stepFailed
}

// trialLimit bounds a trial, below what a caller of the admin API waits.
const trialLimit = 20 * time.Second

// try asks the provider anew for what it says of itself and for its keys, and holds a
// token against all rules; "" leaves the token out. Accounts are looked for in mirror;
// where it is nil, unlooked says why they are not. Nothing is changed.
func (s *idpSettings) try(ctx context.Context, token string, mirror *identity.Mirror, unlooked string) *trial {
	ctx, cancel := context.WithTimeout(ctx, trialLimit)
	defer cancel()
	t := &trial{Provider: s.name, Issuer: s.rules.Issuer, Passes: true}
	keys, closeKeys := s.tryKeys(ctx, t)
	defer closeKeys()
	if token == "" {
		t.note("token", stepSkipped, "none on standard input: only the provider was tried")
		return t
	}
	verifier, err := accesstoken.NewVerifier(s.rules)
	if err != nil {
		t.note("settings", stepFailed, err.Error())
		return t
	}
	now := time.Now()
	for _, step := range verifier.Explain(ctx, token, keys, now) {
		result := stepOK
		switch {
		case step.Skipped:
			result = stepSkipped
		case !step.Met:
			result = stepFailed
		}
		t.note(step.Rule.String(), result, step.Text)
	}
	if !t.Passes {
		return t
	}
	parsed, err := accesstoken.Parse(token)
	if err == nil {
		var claims *accesstoken.Claims
		if claims, err = verifier.Verify(ctx, parsed, keys, now); err == nil {
			s.tryClaims(t, claims, mirror, unlooked)
			return t
		}
	}
	t.note("verdict", stepFailed, err.Error())
	return t
}

// tryKeys fetches the keys, by a connection of its own.
func (s *idpSettings) tryKeys(ctx context.Context, t *trial) (accesstoken.Keys, func()) {
	if s.secret != nil {
		t.note("keys", stepOK, "a secret of "+plural.Of(len(s.secret), "byte"))
		return secretKey(s.secret), func() {}
	}
	c, err := provider.Open(s.source, provider.Options{})
	if err != nil {
		t.note("keys", stepFailed, err.Error())
		return secretKey(nil), func() {}
	}
	c.Start()
	if err := c.Keys().Ready(ctx); err != nil {
		t.note("keys", stepFailed, err.Error())
		return c.Keys(), c.Close
	}
	if m, described := c.Metadata(); described {
		t.note("discovery", stepOK, "log-in at "+m.AuthorizationURL)
	}
	list, _ := c.Keys().List()
	names := make([]string, 0, len(list))
	for _, k := range list {
		names = append(names, fmt.Sprintf("%s (%s)", k.ID, strings.Join(k.Algorithms, " ")))
	}
	t.note("keys", stepOK, strings.Join(names, ", "))
	return c.Keys(), c.Close
}

// tryClaims says what a good token means here.
func (s *idpSettings) tryClaims(t *trial, c *accesstoken.Claims, mirror *identity.Mirror, unlooked string) {
	if !s.hasRequiredGroups(c) {
		t.note("required_groups", stepFailed, "needed: "+strings.Join(s.requiredGroups, ", ")+"; in "+s.groupsClaim+": "+orNone(c.List(s.groupsClaim)))
		return
	}
	if s.oneTime && c.ID == "" {
		t.note("one_time", stepFailed, "there is no jti")
		return
	}
	t.note("scopes", stepOK, orNone(s.scopesOf(c).Words()))
	t.note("roles", stepOK, firstOf(s.rolesOf(c)))
	t.note("groups", stepOK, firstOf(s.groupsOf(c)))
	if mirror == nil {
		t.note("account", stepSkipped, unlooked)
		return
	}
	seen, err := (&idp{idpSettings: *s}).seen(c, 0)
	if err != nil {
		t.note("account", stepFailed, err.Error())
		return
	}
	result, text := seen.tryAccount(mirror)
	t.note("account", result, text)
}

// Why accounts are not looked at.
const (
	notFromHere = "accounts are looked at only by a running server, without --local"
	notReadyYet = "the server has not opened its store, so that accounts were not looked at"
)

func (t *seenToken) tryAccount(mirror *identity.Mirror) (result, text string) {
	caller, reason := mirror.CheckExternal(t.external)
	switch {
	case reason == identity.Accepted:
		return stepOK, "user '" + caller.User.Name + "'"
	case reason == identity.UnknownIdentity && t.autoCreate && t.newcomer.Email != "":
		return stepOK, "none yet; the account with the mail address of the token is linked at the first request, if there is exactly one; else one is made"
	case reason == identity.UnknownIdentity && t.autoCreate:
		return stepOK, "none yet; one is made at the first request"
	case reason == identity.UnknownIdentity && t.newcomer.Email != "":
		return stepOK, "none yet; the one with the mail address of the token is linked at the first request, if there is one"
	case reason == identity.UnknownIdentity:
		return stepFailed, "none for subject '" + t.external.Subject + "' of issuer '" + t.external.Issuer + "'; set auto_create, or link them: caddy auth provider link <user> <issuer> <subject>"
	}
	return stepFailed, meaning(reason)
}

// meaning is a reason as a log has it, with what it means where a gate refuses for it.
func meaning(reason identity.Reason) string {
	row, known := advice.For(string(TokenAuth{}.CaddyModule().ID), rejected(reason).status, reason.String())
	if !known {
		return reason.String()
	}
	return reason.String() + ": " + row.Means
}

// firstOf lists names, and says how many of all they are if there are more.
func firstOf(names []string, all int) string {
	if len(names) < all {
		return fmt.Sprintf("%d of %d: %s", len(names), all, strings.Join(names, ", "))
	}
	return orNone(names)
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}
