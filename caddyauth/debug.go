package caddyauth

import (
	"net/http"
	"strconv"
	"strings"

	"go.uber.org/zap"

	"github.com/sallyport/sallyport/internal/plugin/caller"
	"github.com/sallyport/sallyport/internal/principal"
)

// explain logs what a gate has decided and why, rule by rule. There is nothing
// in it that a client has sent: only which kind of credential it was, and which
// rules held.
func (t *Rules) explain(r *http.Request, p *principal.Principal, refused *refusal) {
	steps := []string{"credential: " + t.presentedAs(r)}
	if earlier := caller.Earlier(r); earlier != nil {
		steps = append(steps, "earlier gate: "+earlier.Method+", accepted here: "+strconv.FormatBool(t.accepts(earlier.Method)))
	}
	steps = append(steps, "accept: "+acceptedNames(t.Accept))
	if p != nil {
		steps = append(steps, "caller: proven by "+p.Method)
		if p.Impersonation != nil {
			steps = append(steps, "acts as another user: by key "+p.Impersonation.KeyID)
		}
		steps = append(steps, t.explainRules(p)...)
	}
	decision := "passes"
	switch {
	case t.passesAsNobody(r, refused):
		decision = "passes as nobody: optional"
	case refused != nil:
		decision = "refused: " + refused.code + ", " + refused.cause
	}
	t.log.Info("gate decided", zap.String("decision", decision), zap.Strings("steps", steps))
}

// presentedAs says what kind of credential a request has.
func (t *Rules) presentedAs(r *http.Request) string {
	c, refused := readClaim(r, t.takesTokens())
	if refused != nil {
		return refused.cause
	}
	return c.method
}

func acceptedNames(accept []string) string {
	if len(accept) == 0 {
		return "all kinds"
	}
	return strings.Join(accept, ", ")
}

// explainRules says of each rule whether it holds.
func (t *Rules) explainRules(p *principal.Principal) (steps []string) {
	step := func(rule string, holds bool) { steps = append(steps, rule+": "+strconv.FormatBool(holds)) }
	if t.scopes != 0 {
		step("require scope "+strings.Join(t.scopes.Words(), " "), p.Scopes.Any(t.scopes))
	}
	if len(t.Require.Roles) > 0 {
		step("require role "+strings.Join(t.Require.Roles, " "), haveCommon(p.Roles, t.Require.Roles))
	}
	if len(t.Require.Groups) > 0 {
		step("require group "+strings.Join(t.Require.Groups, " "), haveCommon(p.Groups, t.Require.Groups))
	}
	return steps
}
