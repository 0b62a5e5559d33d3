package caddyauth

import (
	"errors"
	"net/http"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/howler"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/plugin/caller"
	"github.com/sallyport/sallyport/internal/principal"
)

// actAs makes a caller who was proven the user whose key he presents in
// X-Impersonating; without that header he stays who he is. So he does if he acts as
// somebody already: an earlier gate has done that, and nobody does it twice. The error
// says more of a reason, as that of prove does.
func (v *prover) actAs(r *http.Request, p *principal.Principal) (*principal.Principal, identity.Reason, error) {
	if p.Impersonation != nil {
		return p, identity.Accepted, nil
	}
	key, err := credential.FromImpersonating(r.Header)
	switch {
	case err != nil:
		return nil, identity.Malformed, err
	case key.Kind == credential.None:
		return p, identity.Accepted, nil
	}
	mirror, err := v.app.mirror(r.Context())
	if err != nil {
		return nil, identity.NotFresh, err
	}
	circumstances := func() identity.Circumstances { return v.circumstances(r) }
	owner, reason, err := mirror.Impersonate(r.Context(), p, &key, caller.Address(r), circumstances)
	if reason == identity.NotFresh && err == nil && mirror.Refresh(r.Context()) {
		owner, reason, err = mirror.Impersonate(r.Context(), p, &key, caller.Address(r), circumstances)
	}
	metrics.countBrake(reason)
	if reason != identity.Accepted {
		return nil, reason, err
	}
	return &principal.Principal{
		User: owner.User, Scopes: owner.Scopes, Method: p.Method, KeyID: p.KeyID, TokenID: p.TokenID,
		External: p.External, Impersonation: &principal.Impersonation{By: p.User, KeyID: owner.ID.String()}, IsXSRFToken: p.IsXSRFToken,
	}, identity.Accepted, nil
}

// impersonate is actAs where the gate allows it.
func (t *Rules) impersonate(r *http.Request, p *principal.Principal) (*principal.Principal, *refusal) {
	if !t.Impersonation {
		return p, nil
	}
	acting, reason, err := t.actAs(r, p)
	switch {
	case reason == identity.Accepted:
		return acting, nil
	case err != nil, reason == identity.NotFresh, isBrake(reason):
		return nil, refusalFor(reason, err)
	case reason == identity.NotAgent:
		return nil, notAgent
	}
	return nil, &refusal{status: http.StatusUnauthorized, code: codeImpersonation, message: textImpersonation, cause: "impersonation_" + reason.String()}
}

// impersonate is actAs with howler's answers.
func (h *AuthAPI) impersonate(c *apiCall, p *principal.Principal) (*principal.Principal, *failure) {
	acting, reason, err := h.actAs(c.r, p)
	cause := "impersonation_" + reason.String()
	switch {
	case reason == identity.Accepted:
		return acting, nil
	case reason == identity.NotFresh && err != nil:
		return nil, unknown(err)
	case reason == identity.NotFresh:
		return nil, claimFailure(&claim{method: p.Method}, reason, nil)
	case isBrake(reason):
		return nil, brakeFailure(reason, err)
	case errors.Is(err, credential.ErrImpersonatingScheme):
		return nil, told(howler.WrongImpersonatingScheme, cause)
	case errors.Is(err, credential.ErrBase64):
		return nil, told(howler.NotBase64, cause)
	case err != nil:
		return nil, told(howler.MalformedImpersonating, cause)
	case reason == identity.NotAgent:
		return nil, told(howler.NotImpersonationKey, notAgent.cause)
	}
	return nil, told(howler.NoImpersonatedUser, cause)
}
