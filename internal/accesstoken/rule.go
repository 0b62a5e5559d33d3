package accesstoken

// Rule is the name of what a token must meet, for logs, and as a code for clients. The
// names are stable.
type Rule string

// The rules, in the order in which they are held against a token.
const (
	// RuleSize: the text has at most maxLength bytes.
	RuleSize Rule = "token_size"
	// RuleForm: it has three segments in base64url, without padding, and each could be
	// written in no other way (RFC 7515 section 2).
	RuleForm Rule = "token_form"
	// RuleJSON: header and payload are JSON objects that everybody reads the same: in
	// UTF-8, and no two names in an object are the same but for case.
	RuleJSON Rule = "token_json"
	// RuleIssuer: iss is the provider's, byte for byte.
	RuleIssuer Rule = "token_issuer"
	// RuleType: typ is that of an access token (RFC 9068 section 4), JWT or absent, and
	// there is no cty. An ID token must not have the typ of an access token.
	RuleType Rule = "token_type"
	// RuleCritical: the header has no crit, b64 or zip, which change how a token is to
	// be read.
	RuleCritical Rule = "token_critical"
	// RuleAlgorithm: alg is in the provider's list.
	RuleAlgorithm Rule = "token_algorithm"
	// RuleKey: the provider has the key that kid names, and it fits alg.
	RuleKey Rule = "token_key"
	// RuleSignature: the signature is one by that key.
	RuleSignature Rule = "token_signature"
	// RuleTimes: exp is there, and exp, nbf and iat are numbers that are times.
	RuleTimes Rule = "token_times"
	// RuleExpired: exp is not past.
	RuleExpired Rule = "token_expired"
	// RuleLifetime: exp is not further ahead than tokens may last.
	RuleLifetime Rule = "token_lifetime"
	// RuleNotYet: nbf is not to come.
	RuleNotYet Rule = "token_not_yet"
	// RuleIssued: iat is not to come.
	RuleIssued Rule = "token_issued"
	// RuleKind: it is an access token, and no ID token, refresh token or the like; or
	// an ID token where that is wanted.
	RuleKind Rule = "token_kind"
	// RuleAudience: aud has one of the provider's audiences. For an ID token, azp is one
	// of them too if it is there, and it is there if aud has several.
	RuleAudience Rule = "token_audience"
	// RuleSubject: sub is a text of 1 to 255 bytes, without control characters and others
	// that nobody sees.
	RuleSubject Rule = "token_subject"
	// RuleID: so are jti, client_id and azp, where they are there. A token of type
	// at+jwt has jti and client_id (RFC 9068 section 2.2).
	RuleID Rule = "token_id"
	// RuleNonce: an ID token has the nonce of its log-in.
	RuleNonce Rule = "token_nonce"
	// RuleClaims: the library for JWTs finds nothing wrong with the claims either.
	RuleClaims Rule = "token_claims"
	// RuleScope: the scopes that the provider's tokens need are there. The token is good
	// otherwise, so this is 403 and all others are 401 (RFC 6750 section 3.1).
	RuleScope Rule = "token_scope"
)

// String is the name.
func (r Rule) String() string { return string(r) }

// Error is why a token is refused.
type Error struct {
	// Rule is the first rule that is not met.
	Rule Rule
	// Reason says what is wrong and what can be done, for logs. Of the token it has at
	// most a short fact such as its alg.
	Reason string
}

func (e *Error) Error() string { return e.Rule.String() + ": " + e.Reason }

// Step is what has become of one rule.
type Step struct {
	Rule Rule
	// Met says that the rule is met, Skipped that it was not looked at, since it
	// depends on another that is not met.
	Met, Skipped bool
	// Text says what was found, or what is wrong; "" where there is nothing to say.
	Text string
}
