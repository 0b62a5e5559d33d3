package howler

import (
	"slices"
	"strings"

	"github.com/sallyport/sallyport/internal/principal"
)

// Action is what a request wants.
type Action uint8

// The actions.
const (
	// Versions lists the versions of the API. The client asks before all else
	// and needs "v1" in the list.
	Versions Action = iota + 1
	LogIn
	LogOut
	ListKeys
	CreateKey
	DeleteKey
	DisableKey
	EnableKey
	RotateKey
	ListSessions
	// EndSessions ends all sessions of the caller, the one in use among them.
	EndSessions
	EndSession
	ChangePassword
	ShowSelf
	// ShowUser is for administrators, and for others who ask for themselves.
	ShowUser
	// AddUser and DeleteUser are for administrators.
	AddUser
	DeleteUser
	// EditUser is for administrators, and for others who change themselves.
	EditUser
	// ShowConfigs tells what a log-in page has to know.
	ShowConfigs
)

// Target is what a path and a method mean, and who may.
type Target struct {
	Action Action
	// Name is the name of a key or a user, or the id of a session. It is what
	// the client wrote, checked in no way but for not being empty.
	Name string
	// Public needs no credential.
	Public bool
	// Privileges are those of which the caller's credential needs one at least.
	// None at all means that any good credential will do.
	Privileges principal.Scopes
	// UserTypes are the roles of which the caller needs one at least. None at
	// all means that there is no such rule.
	UserTypes []string
	// NoQuota answers the request however many others of the caller are being
	// answered.
	NoQuota bool
	// Allow are the methods of the path, as in `GET, HEAD`.
	Allow string
}

// VersionList is the payload that answers Versions. Howler lists both, but has
// nothing in v2 that is about identity.
func VersionList() []string { return []string{"v1", "v2"} }

// resource is a path and its methods.
type resource struct {
	// pattern has {} for a segment that is a name.
	pattern string
	methods []method
	allow   string
}

type method struct {
	name   string
	target Target
}

const (
	read     = principal.Read
	write    = principal.Write
	extended = principal.Extended
)

// resources are looked through in this order, and the first that fits counts, so
// names of ours come before names of users.
//
// Privileges are howler's where the path is. Ours follow the same idea: R sees
// what whoami tells anyway, E is for what changes credentials. To log out takes
// any credential and no quota, because it must never be refused to a session that
// is to be ended.
var resources = []resource{
	newResource("", on("GET", Target{Action: Versions, Privileges: read | write})),
	newResource("v1/auth/login",
		on("GET", Target{Action: LogIn, Public: true}),
		on("POST", Target{Action: LogIn, Public: true})),
	newResource("v1/auth/logout", on("POST", Target{Action: LogOut, NoQuota: true})),
	newResource("v1/auth/apikey",
		on("GET", Target{Action: ListKeys, Privileges: read}),
		on("POST", Target{Action: CreateKey, Privileges: extended})),
	newResource("v1/auth/apikey/{}", on("DELETE", Target{Action: DeleteKey, Privileges: extended})),
	newResource("v1/auth/apikey/{}/disable", on("POST", Target{Action: DisableKey, Privileges: extended})),
	newResource("v1/auth/apikey/{}/enable", on("POST", Target{Action: EnableKey, Privileges: extended})),
	newResource("v1/auth/apikey/{}/rotate", on("POST", Target{Action: RotateKey, Privileges: extended})),
	newResource("v1/auth/sessions",
		on("GET", Target{Action: ListSessions, Privileges: read}),
		on("DELETE", Target{Action: EndSessions, Privileges: extended})),
	newResource("v1/auth/sessions/{}", on("DELETE", Target{Action: EndSession, Privileges: extended})),
	newResource("v1/configs", on("GET", Target{Action: ShowConfigs, Public: true})),
	newResource("v1/user/whoami", on("GET", Target{Action: ShowSelf, Privileges: read, NoQuota: true})),
	newResource("v1/user/password",
		on("POST", Target{Action: ChangePassword, Privileges: extended}),
		on("PUT", Target{Action: ChangePassword, Privileges: extended})),
	newResource("v1/user/{}",
		on("GET", Target{Action: ShowUser, Privileges: read}),
		on("POST", Target{Action: AddUser, Privileges: extended, UserTypes: administrators}),
		on("PUT", Target{Action: EditUser, Privileges: extended, NoQuota: true}),
		on("DELETE", Target{Action: DeleteUser, Privileges: extended, UserTypes: administrators})),
}

// administrators are the user types of those who look after others.
var administrators = []string{"admin"}

// isReserved reports whether a path of ours stands where that of a user would, in
// whatever case: to us names of users are the same then.
func isReserved(username string) bool {
	return slices.ContainsFunc(resources, func(r resource) bool {
		name, isUser := strings.CutPrefix(r.pattern, "v1/user/")
		return isUser && name != "{}" && strings.EqualFold(name, username)
	})
}

func on(name string, target Target) method { return method{name, target} }

func newResource(pattern string, methods ...method) resource {
	var allow []string
	for _, m := range methods {
		allow = append(allow, m.name)
		if m.name == "GET" {
			allow = append(allow, "HEAD")
		}
	}
	return resource{pattern, methods, strings.Join(allow, ", ")}
}

// Route finds what a request wants. path is the decoded path below the base,
// with or without a slash at either end: /v1/auth/login. full is the path of the
// request as the client sent it, for the failure that repeats it. HEAD is GET.
func Route(verb, path, full string) (Target, *Failure) {
	path = strings.TrimPrefix(path, "/")
	if path != "/" {
		path = strings.TrimSuffix(path, "/")
	}
	if verb == "HEAD" {
		verb = "GET"
	}
	for i := range resources {
		r := &resources[i]
		name, fits := match(r.pattern, path)
		if !fits {
			continue
		}
		for _, m := range r.methods {
			if m.name == verb {
				target := m.target
				target.Name, target.Allow = name, r.allow
				return target, nil
			}
		}
		return Target{}, MethodNotAllowed(r.allow)
	}
	return Target{}, UnknownPath(full)
}

// match compares segment by segment, without allocating: strangers choose the
// path.
func match(pattern, path string) (name string, fits bool) {
	for {
		want, patternRest, patternMore := strings.Cut(pattern, "/")
		segment, pathRest, pathMore := strings.Cut(path, "/")
		switch {
		case want == "{}" && segment != "":
			name = segment
		case want != segment:
			return "", false
		}
		if !patternMore || !pathMore {
			return name, patternMore == pathMore
		}
		pattern, path = patternRest, pathRest
	}
}
