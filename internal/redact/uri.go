package redact

import (
	"bytes"
	"slices"
	"strings"
)

// URI hides the credentials in a request target or a URL: user and password in
// front of the host, the values of parameters in query and fragment whose names
// say that they are credentials, and whatever has the form of an API key. Of a
// parameter that holds such a URL itself the whole value is hidden; a query that
// cannot be parsed is hidden whole, and so is a text of more than 16 KiB.
func URI(text string) string {
	if len(text) > maxLength {
		return Redacted
	}
	at := strings.IndexAny(text, "?#")
	if at < 0 {
		return Text(hideUserinfo(text))
	}
	head, tail := text[:at], text[at:]
	newHead, newTail := Text(hideUserinfo(head)), hideParameters(tail)
	if head == newHead && tail == newTail {
		return text
	}
	return newHead + newTail
}

// hideUserinfo hides what stands between `//` and the last `@` in front of the
// next slash. A path with two slashes may look the same.
func hideUserinfo(head string) string {
	var out []byte
	done := 0
	for begin := 0; ; {
		slashes := strings.Index(head[begin:], "//")
		if slashes < 0 {
			break
		}
		begin += slashes + len("//")
		host, _, _ := strings.Cut(head[begin:], "/")
		if at := strings.LastIndexByte(host, '@'); at > 0 {
			out = append(append(out, head[done:begin]...), Redacted...)
			done = begin + at
		}
		begin += len(host)
	}
	if out == nil {
		return head
	}
	return string(append(out, head[done:]...))
}

// hideParameters redacts the query and the fragment, with the `?` or `#` in
// front.
//
// They are not told apart: where a client sends `#` as it is, the server takes
// it and all behind it for the query.
func hideParameters(tail string) string {
	var out []byte
	done := 0
	for begin := 1; begin <= len(tail); {
		end := len(tail)
		if next := strings.IndexByte(tail[begin:], '&'); next >= 0 {
			end = begin + next
		}
		from, to, ok := secretIn(tail[begin:end])
		if !ok {
			return tail[:1] + Redacted
		}
		if from < to {
			out = append(append(out, tail[done:begin+from]...), Redacted...)
			done = begin + to
		}
		begin = end + 1
	}
	if out != nil {
		tail = string(append(out, tail[done:]...))
	}
	return hideKeys(tail)
}

// secretIn finds what is to be hidden in a part of a query, between two `&`.
// It is not ok if the part cannot be parsed.
func secretIn(part string) (from, to int, ok bool) {
	if strings.IndexByte(part, ';') >= 0 {
		// Some readers end a parameter there, net/url refuses it.
		return 0, 0, false
	}
	for begin := 0; ; {
		end := len(part)
		if next := strings.IndexAny(part[begin:], "?#"); next >= 0 {
			end = begin + next
		}
		name, value, hasValue := strings.Cut(part[begin:end], "=")
		if !wellEscaped(part[begin:end]) {
			return 0, 0, false
		}
		if hasValue && isSecret(unescape(name)) {
			// The value may hold `?` and `#` as they are.
			return begin + len(name) + 1, len(part), true
		}
		if holdsInside(name, hasKey) {
			return begin, len(part), true
		}
		if hasValue && (holdsSecret(value) || holdsInside(value, holdsSecret)) {
			return begin + len(name) + 1, len(part), true
		}
		if end == len(part) {
			return 0, 0, true
		}
		begin = end + 1
	}
}

// wellEscaped reports whether each `%` begins the code of a character.
func wellEscaped(text string) bool {
	for {
		at := strings.IndexByte(text, '%')
		if at < 0 {
			return true
		}
		if _, ok := escaped(text[at:]); !ok {
			return false
		}
		text = text[at+3:]
	}
}

// holdsSecret reports whether a value, decoded, has a credential in it: a key,
// or a URL with a parameter that is one.
func holdsSecret(value string) bool {
	if hasKey(value) || hideUserinfo(value) != value {
		return true
	}
	for {
		at := strings.IndexAny(value, separators)
		if at < 0 {
			return false
		}
		value = value[at+1:]
		parameter := value
		if end := strings.IndexAny(value, separators); end >= 0 {
			parameter = value[:end]
		}
		name, _, hasValue := strings.Cut(parameter, "=")
		if hasValue && len(name)+1 < len(value) && isSecret(unescape(name)) {
			return true
		}
	}
}

// separators are in front of a parameter, for one reader or another.
const separators = "?#&;"

// secretNames are names of parameters in which credentials come, in lower case
// and without what is neither letter nor digit: log-in forms, keys and tokens,
// and what OAuth 2 (RFC 6749, 7521, 7636), OpenID Connect and SAML hand around
// in redirects.
var secretNames = func() map[string]bool {
	names := map[string]bool{}
	for name := range strings.FieldsSeq(`
		password passwd passphrase pass pwd pw otp totp
		apikey key token secret credential credentials auth authorization bearer
		session sessionid sid jwt cookie
		code state nonce codeverifier assertion clientassertion
		signature sig hmac`) {
		names[name] = true
	}
	return names
}()

// secretEndings are ends of such names, as in access_token, client_secret,
// user[password] and X-Amz-Signature.
var secretEndings = [][]byte{
	[]byte("password"), []byte("passwd"), []byte("token"), []byte("secret"),
	[]byte("apikey"), []byte("credential"), []byte("signature"),
}

// maxName is how many bytes of a name are looked at, the last ones: they are
// what tells a credential.
const maxName = 64

// isSecret reports whether a parameter of this name, decoded, is a credential.
func isSecret(name string) bool {
	var room [maxName]byte
	folded := room[:0]
	name = name[max(0, len(name)-maxName):]
	for i := range len(name) {
		switch b := name[i]; {
		case 'A' <= b && b <= 'Z':
			folded = append(folded, b+('a'-'A'))
		case 'a' <= b && b <= 'z', '0' <= b && b <= '9':
			folded = append(folded, b)
		}
	}
	return secretNames[string(folded)] ||
		slices.ContainsFunc(secretEndings, func(end []byte) bool { return bytes.HasSuffix(folded, end) })
}
