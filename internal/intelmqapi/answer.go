package intelmqapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
)

// Answer is what a request gets.
type Answer struct {
	Status int
	// ContentType is empty if there is no body.
	ContentType string
	Body        []byte
	// Header holds what else there is to say, such as Allow; it may be nil.
	Header http.Header
}

const (
	typeJSON  = "application/json"
	typePlain = "text/plain; charset=utf-8"
)

// Raw passes on JSON as it is.
func Raw(body []byte) *Answer { return ok(typeJSON, body) }

// Text answers what a command has printed for people, as a JSON string. The
// manager takes it apart at its line ends.
func Text(output string) *Answer { return ok(typeJSON, marshal(output)) }

// contractVersion is that of the intelmq-api whose contract this is. The manager
// shows it.
const contractVersion = "3.3.0"

// Version answers what intelmqctl prints as its version.
func Version(text string) *Answer {
	return ok(typeJSON, marshal(struct {
		IntelMQ string `json:"intelmq"`
		API     string `json:"intelmq-api"`
	}{strings.TrimSpace(text), contractVersion}))
}

// LoggedIn answers a good log-in with a token, which is sent as Authorization.
func LoggedIn(token, user string) *Answer {
	return ok(typeJSON, marshal(struct {
		Token string `json:"login_token"`
		User  string `json:"username"`
	}{token, user}))
}

// LoggedOut answers when a session has ended.
func LoggedOut() *Answer { return ok(typeJSON, []byte(`"success"`)) }

// Saved answers when a configuration is on disk, in the one word that the manager
// compares with. The tag is that of the new content, or empty.
func Saved(tag string) *Answer { return Tagged(ok(typePlain, []byte("success")), tag) }

// Tagged is an answer whose content has an ETag, unless that is empty.
func Tagged(a *Answer, tag string) *Answer {
	if tag == "" {
		return a
	}
	return a.with("Etag", tag)
}

// UnknownResource answers RouteConfig for a file that is not to be seen.
func UnknownResource() *Answer { return ok(typeJSON, []byte(`["Unknown resource"]`)) }

// PlainFile answers with the content of a file, which holds data of strangers:
// no browser may take it for a page. intelmq-api calls it one.
func PlainFile(content []byte) *Answer { return plainText(http.StatusOK, string(content)) }

// Options answers a request for what a route can do.
func Options(r Route) *Answer {
	return (&Answer{Status: http.StatusNoContent}).with("Allow", strings.Join(r.Methods(), ", "))
}

func ok(contentType string, body []byte) *Answer {
	return &Answer{Status: http.StatusOK, ContentType: contentType, Body: body}
}

// plainText is a text that no browser takes for anything else.
func plainText(status int, text string) *Answer {
	a := &Answer{Status: status, ContentType: typePlain, Body: []byte(text)}
	return a.with("X-Content-Type-Options", "nosniff")
}

// with adds a header, whose name is in its canonical form.
func (a *Answer) with(name, value string) *Answer {
	if a.Header == nil {
		a.Header = make(http.Header)
	}
	a.Header[name] = []string{value}
	return a
}

// marshal writes JSON as intelmq-api does: compact, what is not ASCII as it is,
// and HTML too.
func marshal(value any) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	// The types of this package always marshal.
	_ = e.Encode(value)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}
