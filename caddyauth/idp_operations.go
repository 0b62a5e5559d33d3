package caddyauth

import (
	"fmt"
	"slices"
	"strings"
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
	// warned is what was done although it may have no effect.
	warned struct {
		// Warning says why, "" if nothing is known against it.
		Warning string `json:"warning,omitempty"`
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

func linkIdentity(r request, in linkInput) (warned, error) {
	err := r.registry.LinkIdentity(r.ctx, r.actor, in.User, "", in.Issuer, in.Subject)
	return warned{warnOfIssuer(in.Issuer, activeProviders)}, err
}

func unlinkIdentity(r request, in unlinkInput) (struct{}, error) {
	return struct{}{}, r.registry.UnlinkIdentity(r.ctx, r.actor, in.Issuer, in.Subject)
}

// maxRevokedDays is longer than anybody lets a token live.
const maxRevokedDays = 10 * 365

func revokeToken(r request, in revokeTokenInput) (warned, error) {
	if in.For <= 0 || in.For > maxRevokedDays*24*time.Hour {
		return warned{}, &command.UsageError{Text: fmt.Sprintf("a token can be refused for up to %dd, and not for %s", maxRevokedDays, in.For)}
	}
	err := r.registry.RefuseToken(r.ctx, r.actor, in.Issuer, in.TokenID, "", time.Now().Add(in.For))
	return warned{warnOfIssuer(in.Issuer, activeProviders)}, err
}

// warnOfIssuer says that no provider of a configuration has an issuer. It is "" if one
// has it, or the configuration is not known.
func warnOfIssuer(issuer string, providers func() (issuers []string, known bool)) string {
	issuers, known := providers()
	switch {
	case !known || slices.Contains(issuers, issuer):
		return ""
	case len(issuers) == 0:
		return "no provider has the issuer '" + issuer + "': there is no provider in the configuration"
	}
	return "no provider has the issuer '" + issuer + "', byte for byte: a slash at the end counts; there are: " + strings.Join(issuers, ", ")
}

// activeProviders are the issuers of the running configuration. A command that has opened
// the store itself runs none.
func activeProviders() (issuers []string, known bool) {
	value, err := caddy.ActiveContext().AppIfConfigured(appName)
	if err != nil {
		return nil, false
	}
	for _, p := range value.(*App).idps.list {
		issuers = append(issuers, p.rules.Issuer)
	}
	return issuers, true
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
	return p.try(r.ctx, in.Token, app.directory.ready(), notReadyYet), nil
}
