package cceapi

import "github.com/sallyport/sallyport/internal/cscp"

// Action is what a request asks for.
type Action uint8

// The actions. Those of one CSCP command that needs nothing else are Plain.
const (
	// Plain is GET, SET, FIND, CREATE, DESTROY, NAMES, CLASSES, SUSPEND or RESUME.
	Plain Action = iota
	Ping
	LogIn
	Auth
	AuthKey
	WhoAmI
	EndKey
	Bye
	Begin
	Commit
	FindX
	GetObject
	GetAll
	Suspended
)

// Request is what a body asks for.
type Request struct {
	Action Action
	// Word is the command's word in capitals, one of a small closed set, for logs
	// and metrics: GET, FINDX, SUSPEND …
	Word string
	// Command is the command of Plain, Auth and AuthKey.
	Command cscp.Command
	// Search is what FindX, GetObject and GetAll look for.
	Search cscp.Find
	// Namespace is that of GetObject; empty is the main one.
	Namespace string
	// OIDs are the objects of GetAll, each once. If there are none Search says
	// which.
	OIDs []cscp.OID
	// ScalarArrays asks for values such as `&a&b&` as JSON arrays.
	ScalarArrays bool
	Credentials
}

// BuiltIn reports whether the command is one of the endpoint's own, and not of
// cced.
func (r *Request) BuiltIn() bool { return isBuiltIn(r.Word) }

func isBuiltIn(word string) bool {
	switch word {
	case "PING", "LOGIN", "FINDX", "GETOBJECT", "GETALL", "SUSPENDED":
		return true
	}
	return false
}

// Credentials are what a body says of who is asking. Each may be empty, and there
// may be more of them than go together. A short form of AUTH or AUTHKEY fills
// User, Password and SessionID in as well. There is no NUL in them; a session id
// can be of a form that no session has.
type Credentials struct {
	User      string
	Password  cscp.Secret
	SessionID cscp.Secret
	Token     cscp.Secret
}

// Audited reports whether the request is one to note: a change, or a log-in.
func (r *Request) Audited() bool {
	switch r.Action {
	case Auth, LogIn, EndKey, Begin, Commit:
		return true
	case Plain:
		return r.Command.Changes()
	default:
		return false
	}
}

// Target is what a change is about: the object's number, or the class. It is
// empty for other requests.
func (r *Request) Target() string {
	switch c := r.Command.(type) {
	case cscp.Set:
		return c.OID.String()
	case cscp.Destroy:
		return c.OID.String()
	case cscp.Create:
		return c.Class
	}
	return ""
}
