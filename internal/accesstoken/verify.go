package accesstoken

import (
	"context"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// trial is one token before its rules.
type trial struct {
	ctx   context.Context
	rules *Rules
	// options are those of the library.
	options []jwt.ParserOption
	keys    Keys
	now     time.Time

	token *Token
	// decoded are header, payload and signature.
	decoded [3][]byte
	// key is the one found. broken says that it cannot be found out which one it is.
	key    any
	broken error
	// claimsError is what the library says of the claims once the signature is good.
	claimsError error
	scopes      []string
}

// check is one rule.
type check struct {
	rule Rule
	// needs are the rules without which this one cannot be looked at.
	needs []Rule
	// holds returns what is wrong, "" if the rule is met.
	holds func(*trial) string
	// found says what there is where the rule is met, if that is worth telling.
	found func(*trial) string
}

// formal is how many of checks Parse does.
const formal = 3

// checks are the rules in their order. Each that another one needs stands before it.
var checks = []check{
	{RuleSize, nil, holdsSize, nil},
	{RuleForm, []Rule{RuleSize}, holdsForm, nil},
	{RuleJSON, []Rule{RuleForm}, holdsJSON, nil},

	{RuleIssuer, []Rule{RuleJSON}, holdsIssuer, foundIssuer},
	{RuleType, []Rule{RuleJSON}, holdsType, foundType},
	{RuleCritical, []Rule{RuleJSON}, holdsCritical, nil},
	{RuleAlgorithm, []Rule{RuleJSON}, holdsAlgorithm, foundAlgorithm},
	{RuleKey, []Rule{RuleIssuer, RuleAlgorithm}, holdsKey, foundKey},
	{RuleSignature, []Rule{RuleKey}, holdsSignature, nil},

	{RuleTimes, []Rule{RuleJSON}, holdsTimes, foundTimes},
	{RuleExpired, []Rule{RuleTimes}, holdsExpired, foundExpired},
	{RuleLifetime, []Rule{RuleTimes}, holdsLifetime, nil},
	{RuleNotYet, []Rule{RuleTimes}, holdsNotYet, nil},
	{RuleIssued, []Rule{RuleTimes}, holdsIssued, nil},
	{RuleKind, []Rule{RuleJSON}, holdsKind, nil},
	{RuleAudience, []Rule{RuleJSON}, holdsAudience, foundAudience},
	{RuleSubject, []Rule{RuleJSON}, holdsSubject, foundSubject},
	{RuleID, []Rule{RuleJSON}, holdsID, nil},
	{RuleNonce, []Rule{RuleJSON}, holdsNonce, nil},
	{RuleClaims, []Rule{RuleSignature}, holdsClaims, nil},
	{RuleScope, []Rule{RuleJSON}, holdsScope, foundScope},
}

func (v *Verifier) trial(ctx context.Context, t *Token, keys Keys, now time.Time) *trial {
	return &trial{ctx: ctx, rules: &v.rules, options: v.options, keys: keys, now: now, token: t}
}

// Verify holds the token against the rules that are left after Parse.
//
// The error is an *Error where a rule is not met. Any other one, which wraps that of
// keys, means that it cannot be found out now whether the token is good.
func (v *Verifier) Verify(ctx context.Context, t *Token, keys Keys, now time.Time) (*Claims, error) {
	x := v.trial(ctx, t, keys, now)
	for i := formal; i < len(checks); i++ {
		if fault := checks[i].holds(x); fault != "" {
			if x.broken != nil {
				return nil, x.broken
			}
			return nil, &Error{Rule: checks[i].rule, Reason: fault}
		}
	}
	return newClaims(t, x.scopes), nil
}

// Explain holds a text against all rules, and does not end at the first that is not met.
// The first that is neither met nor skipped is the one for which Parse or Verify would
// refuse the token.
func (v *Verifier) Explain(ctx context.Context, text string, keys Keys, now time.Time) []Step {
	x := v.trial(ctx, &Token{text: text}, keys, now)
	met := make(map[Rule]bool, len(checks))
	steps := make([]Step, 0, len(checks))
	for _, c := range checks {
		s := Step{Rule: c.rule}
		for _, needed := range c.needs {
			s.Skipped = s.Skipped || !met[needed]
		}
		if !s.Skipped {
			s.Text = c.holds(x)
			s.Met = s.Text == ""
			if s.Met && c.found != nil {
				s.Text = c.found(x)
			}
		}
		met[c.rule] = s.Met
		steps = append(steps, s)
	}
	return steps
}
