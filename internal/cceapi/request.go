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
	// OIDs are the objects of GetAll. If there are none Search says which.
	OIDs []cscp.OID
	// ScalarArrays asks for values such as `&a&b&` as JSON arrays.
	ScalarArrays bool
	Credentials
}

// Credentials are what a body says of who is asking. Each may be empty. A short
// form of AUTH or AUTHKEY fills User, Password and SessionID in as well.
type Credentials struct {
	User      string
	Password  cscp.Secret
	SessionID cscp.Secret
	Token     cscp.Secret
}
