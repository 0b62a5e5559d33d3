// Package redact takes credentials out of what is logged about a request: its
// target, and its headers and those of the answer.
//
//	/cb?code=4%2F0AX&page=2  →  /cb?code=REDACTED&page=2
//	X_Api_Key: sly_…         →  X_Api_Key: REDACTED
//
// It goes by name, of headers and of parameters, and by form: what looks like
// an API key, an app token or a JWT is hidden wherever it stands. Sessions and bare
// tokens have no form of their own and are known by name alone. All the rest stays
// as it is, byte for byte. What cannot be read for certain is hidden.
//
// The package knows nothing of any logger and keeps no state.
package redact
