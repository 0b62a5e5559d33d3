// Package accesstoken says whether an access token of another provider, a JWT (RFC
// 7519, RFC 9068), is good: its form, its signature, and whom it is for.
//
//	token, err := accesstoken.Parse(text)
//	// token.Issuer() says whose verifier and keys are asked.
//	claims, err := verifier.Verify(ctx, token, keys, time.Now())
//
// Rules are held against the token one after the other, in the order of the constants
// Rule…, and the first that is not met is the error. Nothing that the token says is
// believed before the signature is good but which provider it names, and that only to
// choose between those that are configured. Explain goes through the same rules and
// tells the result of each.
//
// The library that checks signatures reads the claims as well, and takes two members of
// one name, or `EXP` for `exp`. So the form is checked here before it sees the token,
// what it reads are the claims that were read here, and what it does not look at is
// checked afterwards.
//
// The package knows neither HTTP nor accounts. Where keys come from is the business of
// whoever calls it.
package accesstoken
