package intelmqapi

import (
	"net/http"
	"strings"
)

// Route is the last element of a path.
type Route string

// The routes. All but RouteLogout and RouteOpenAPI are those of intelmq-api.
const (
	RouteBotnet          Route = "botnet"
	RouteBot             Route = "bot"
	RouteGetLog          Route = "getlog"
	RouteQueues          Route = "queues"
	RouteQueuesAndStatus Route = "queues-and-status"
	RouteBots            Route = "bots"
	RouteVersion         Route = "version"
	RouteCheck           Route = "check"
	RouteClear           Route = "clear"
	RouteDebug           Route = "debug"
	RouteRun             Route = "run"
	RouteConfig          Route = "config"
	RouteLogin           Route = "login"
	RouteLogout          Route = "logout"
	RouteHarmonization   Route = "harmonization"
	RouteRuntime         Route = "runtime"
	RoutePositions       Route = "positions"
	RouteOpenAPI         Route = "openapi.json"
)

// prefixes are before the name of a route. The second one is for those who have
// published the API without its version.
var prefixes = []string{"/v1/api/", "/api/"}

// Find reads a path below the base of the endpoint, which is the decoded one of
// the URL. One slash may follow, since documentation and Ansible tasks have it;
// intelmq-api redirects, and not every client sends its body and its token again.
// Old managers post to //runtime and //positions. What is no route is the empty one,
// so that no text of a client gets any further.
func Find(rest string) (Route, bool) {
	for _, prefix := range prefixes {
		name, within := strings.CutPrefix(rest, prefix)
		if !within {
			continue
		}
		doubled, isDoubled := strings.CutPrefix(name, "/")
		r := Route(strings.TrimSuffix(doubled, "/"))
		if r.exists() && (!isDoubled || r.saves()) {
			return r, true
		}
		break
	}
	return "", false
}

func (r Route) exists() bool { return r.operations() != nil }

func (r Route) saves() bool { return r == RouteRuntime || r == RoutePositions }

// NeedsLogin reports whether a route is only for those who have logged in. All
// are but RouteLogin.
func (r Route) NeedsLogin() bool { return r != RouteLogin }

// Methods are those a route has, in the order of Allow. HEAD is among them where
// GET cannot change anything.
func (r Route) Methods() []string {
	var methods []string
	for _, o := range r.operations() {
		methods = append(methods, o.method)
		if o.method == http.MethodGet && !o.mayChange {
			methods = append(methods, http.MethodHead)
		}
	}
	return append(methods, http.MethodOptions)
}

// Allows reports whether a route has a method.
func (r Route) Allows(method string) bool {
	return r.operation(method) != nil || method == http.MethodOptions && r.exists()
}

func (r Route) operations() []operation {
	for _, e := range table {
		if e.route == r {
			return e.operations
		}
	}
	return nil
}

// operation is what a method of a route does, or nil if it has no such method.
func (r Route) operation(method string) *operation {
	all := r.operations()
	for i := range all {
		o := &all[i]
		if o.method == method || method == http.MethodHead && o.method == http.MethodGet && !o.mayChange {
			return o
		}
	}
	return nil
}
