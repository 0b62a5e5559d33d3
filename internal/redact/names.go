package redact

import (
	"bytes"
	"slices"
	"strings"
)

// secretNames are names of parameters in which credentials come, in lower case
// and without what is neither letter nor digit: log-in forms, keys and tokens,
// and what OAuth 2 (RFC 6749, 7521, 7636), OpenID Connect, SAML and CAS hand
// around in redirects.
var secretNames = func() map[string]bool {
	names := map[string]bool{}
	for name := range strings.FieldsSeq(`
		pass otp totp pin key credentials auth authorization bearer
		session sid jwt cookie ticket
		code state nonce codeverifier otpcode assertion clientassertion
		samlrequest samlresponse samlart
		sig hmac`) {
		names[name] = true
	}
	return names
}()

// secretEndings are ends of such names, as in access_token, client_secret,
// user[password] and PHPSESSID, and of names of headers, as in X-Vault-Token.
var secretEndings = endings(`
	password passwd passphrase passcode pwd pw
	token secret credential apikey accesskey secretkey privatekey authkey sessionkey
	sessionid sessid`)

// signatures are further ends of names of parameters, as in X-Amz-Signature. A
// header of this name signs one request, and opens nothing.
var signatures = endings(`signature`)

// additions may stand behind a name and leave it what it is, as in
// password_confirmation and id_token_hint.
var additions = endings(`confirmation confirm again repeat repeated retype verify verification hint value`)

func endings(words string) (out [][]byte) {
	for word := range strings.FieldsSeq(words) {
		out = append(out, []byte(word))
	}
	return out
}

// maxName is how many bytes of a name are looked at, the last ones: they are
// what tells a credential.
const maxName = 64

// isSecret reports whether a parameter of this name, decoded, is a credential,
// by the whole of it or by what a part of it ends in: `password.value`,
// `password[0]`.
func isSecret(name string) bool {
	var room [maxName]byte
	name = name[max(0, len(name)-maxName):]
	whole := plainName(room[:0], name)
	if secretNames[string(whole)] || hasEnding(whole, secretEndings) || hasEnding(whole, signatures) {
		return true
	}
	for {
		end := strings.IndexAny(name, ".[]")
		if end < 0 {
			return false
		}
		if hasEnding(plainName(room[:0], name[:end]), secretEndings) {
			return true
		}
		name = name[end+1:]
	}
}

// harmlessHeaders end as credentials do. RFC 4918 (section 6.4) tells everybody
// the lock tokens of WebDAV.
var harmlessHeaders = []string{"lock-token"}

// isSecretHeader reports whether a header of this name is a credential.
func isSecretHeader(name string) bool {
	var room [maxName]byte
	plain := plainName(room[:0], name[max(0, len(name)-maxName):])
	return hasEnding(plain, secretEndings) && !isIn(harmlessHeaders, name)
}

// plainName appends the letters and digits of a name, in lower case and without
// additions and numbers at its end.
func plainName(plain []byte, name string) []byte {
	for i := range len(name) {
		if b := fold(rune(name[i])); b != '-' {
			plain = append(plain, byte(b))
		}
	}
	for {
		shorter := bytes.TrimRight(plain, "0123456789")
		for _, addition := range additions {
			shorter = bytes.TrimSuffix(shorter, addition)
		}
		if len(shorter) == 0 || len(shorter) == len(plain) {
			return plain
		}
		plain = shorter
	}
}

func hasEnding(name []byte, endings [][]byte) bool {
	return slices.ContainsFunc(endings, func(end []byte) bool { return bytes.HasSuffix(name, end) })
}
