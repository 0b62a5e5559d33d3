// Package accesstoken says whether an access token of another provider, a JWT (RFC
// 7519, RFC 9068), is good: its form, its signature, and whom it is for.
//
// It knows neither HTTP nor accounts. Where keys come from is the business of whoever
// calls it.
package accesstoken
