package caddyauth

import (
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/plugin/command"
	"github.com/sallyport/sallyport/internal/store"
)

type (
	listIdentitiesInput struct {
		// User limits the list to one.
		User string `json:"user,omitempty"`
		// After is the last id of the page before.
		After string `json:"after,omitempty"`
	}
	linkInput struct {
		User    string `json:"user"`
		Issuer  string `json:"issuer"`
		Subject string `json:"subject"`
	}
	unlinkInput struct {
		Issuer  string `json:"issuer"`
		Subject string `json:"subject"`
	}
	revokeTokenInput struct {
		Issuer string `json:"issuer"`
		// TokenID is the token's jti.
		TokenID string `json:"token_id"`
		// For is for how long, in nanoseconds.
		For time.Duration `json:"for"`
	}
	trialInput struct {
		Provider string `json:"provider"`
		// Token is empty where only the provider is tried.
		Token string `json:"token,omitempty"`
	}
)

const tryProviderName = "provider/test"

func listIdentities(r request, in listIdentitiesInput) ([]store.Identity, error) {
	return r.registry.Identities(r.ctx, in.User, in.After, pageSize)
}

func linkIdentity(r request, in linkInput) (struct{}, error) {
	return struct{}{}, r.registry.LinkIdentity(r.ctx, r.actor, in.User, "", in.Issuer, in.Subject)
}

func unlinkIdentity(r request, in unlinkInput) (struct{}, error) {
	return struct{}{}, r.registry.UnlinkIdentity(r.ctx, r.actor, in.Issuer, in.Subject)
}

// maxRevokedFor is longer than anybody lets a token live.
const maxRevokedFor = 10 * 365 * 24 * time.Hour

func revokeToken(r request, in revokeTokenInput) (struct{}, error) {
	if in.For <= 0 || in.For > maxRevokedFor {
		return struct{}{}, &command.UsageError{Text: fmt.Sprintf("a token can be refused for up to %s, and not for %s", maxRevokedFor, in.For)}
	}
	return struct{}{}, r.registry.RefuseToken(r.ctx, r.actor, in.Issuer, in.TokenID, "", time.Now().Add(in.For))
}

// noProviderError: the configuration has none of that name.
type noProviderError struct{ name string }

func (e *noProviderError) Error() string {
	return "provider '" + e.name + "': there is none of this name in the configuration"
}

// Unwrap makes it the same as anything else that is not there.
func (*noProviderError) Unwrap() error { return store.ErrNotFound }

// tryProvider tries a provider of the running configuration. It needs no store, but
// looks for the account where there is one.
func tryProvider(r request, in trialInput) (*trial, error) {
	value, err := caddy.ActiveContext().AppIfConfigured(appName)
	if err != nil {
		return nil, &noProviderError{in.Provider}
	}
	app := value.(*App)
	p := app.idps.byName(in.Provider)
	if p == nil {
		return nil, &noProviderError{in.Provider}
	}
	return p.try(r.ctx, in.Token, app.directory.ready()), nil
}
