package accesstoken

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"time"
)

// maxLength is how many bytes a token may have.
const maxLength = 8 << 10

// Token is a text in the form of a token. Nothing that it says is to be believed. It is
// never changed.
type Token struct {
	text            string
	header, payload value

	expires, notBefore, issued date
	// audience is aud, empty where that is neither a text nor a list of texts.
	audience []string
}

// Parse reads the form of a token, and believes nothing of it. It holds the rules up to
// RuleJSON against it. The error is an *Error.
func Parse(text string) (*Token, error) {
	x := trial{token: &Token{text: text}}
	for i := range formal {
		if fault := checks[i].holds(&x); fault != "" {
			return nil, &Error{Rule: checks[i].rule, Reason: fault}
		}
	}
	return x.token, nil
}

// Issuer is what the token says in iss, to choose a provider by comparing it with those
// that are configured; "" if it is no text.
func (t *Token) Issuer() string {
	if iss := t.payload.member("iss"); iss.kind == isText {
		return iss.text
	}
	return ""
}

func holdsSize(x *trial) string {
	if n := len(x.token.text); n > maxLength {
		return "the token has " + strconv.Itoa(n) + " bytes; at most " + strconv.Itoa(maxLength) + " are read"
	}
	return ""
}

func holdsForm(x *trial) string {
	t := x.token
	header, rest, ok1 := strings.Cut(t.text, ".")
	payload, signature, ok2 := strings.Cut(rest, ".")
	if !ok1 || !ok2 || strings.Contains(signature, ".") {
		return "a token has three segments with a dot between each; one that is encrypted has five and is not supported"
	}
	for i, segment := range []string{header, payload, signature} {
		name := segmentNames[i]
		// base64 skips line ends wherever they are.
		if strings.ContainsAny(segment, "\r\n") {
			return "the " + name + " has a line end"
		}
		decoded, err := strictBase64.DecodeString(segment)
		if err != nil {
			return "the " + name + " is not in base64url without padding, or has bits at its end that mean nothing"
		}
		x.decoded[i] = decoded
	}
	return ""
}

var (
	segmentNames = [3]string{"header", "payload", "signature"}
	strictBase64 = base64.RawURLEncoding.Strict()
)

func holdsJSON(x *trial) string {
	t := x.token
	for i, into := range []*value{&t.header, &t.payload} {
		v, fault := readObject(string(x.decoded[i]))
		if fault != "" {
			return "the " + segmentNames[i] + " " + fault
		}
		*into = v
	}
	t.expires, t.notBefore, t.issued = t.date("exp"), t.date("nbf"), t.date("iat")
	aud := t.payload.member("aud")
	if t.audience, _ = aud.texts(); aud.kind == isText {
		t.audience = []string{aud.text}
	}
	return ""
}

// date is a claim that says a time.
type date struct {
	time time.Time
	// there says that the claim is there, fault what is wrong with it.
	there bool
	fault string
}

// date reads a NumericDate (RFC 7519 section 2).
func (t *Token) date(name string) date {
	v := t.payload.member(name)
	if v.kind == isAbsent {
		return date{}
	}
	if v.kind != isNumber {
		return date{there: true, fault: describe(name, v) + ", and not a number of seconds"}
	}
	// 9999-12-31 is the last day that RFC 3339 can write.
	const end = 253402300799
	seconds, err := strconv.ParseFloat(v.text, 64)
	if err != nil || !(seconds >= 0 && seconds <= end) {
		return date{there: true, fault: name + " is no time between 1970 and 9999; it is in seconds"}
	}
	whole, part := math.Modf(seconds)
	return date{there: true, time: time.Unix(int64(whole), int64(part*1e9))}
}
