package intelmqapi

import (
	"slices"
	"strings"
	"testing"
)

func TestPathsOfRoutes(t *testing.T) {
	for _, c := range []struct {
		rest string
		want Route
	}{
		{"/v1/api/botnet", RouteBotnet},
		{"/v1/api/bot", RouteBot},
		{"/v1/api/bot/", RouteBot},
		{"/v1/api/login/", RouteLogin},
		{"/v1/api/queues-and-status", RouteQueuesAndStatus},
		{"/v1/api/openapi.json", RouteOpenAPI},
		{"/api/version", RouteVersion},
		{"/api/version/", RouteVersion},
		{"/v1/api//runtime", RouteRuntime},
		{"/v1/api//positions", RoutePositions},
		{"/api//positions/", RoutePositions},
		{"/v1/api//version", ""},
		{"/v1/api///runtime", ""},
		{"/v1/api/version//", ""},
		{"/v1/api/Version", ""},
		{"/v1/api/", ""},
		{"/v1/api//", ""},
		{"/v1/api", ""},
		{"/v1/api/openapi", ""},
		{"/v1/apiversion", ""},
		{"/v1/version", ""},
		{"v1/api/version", ""},
		{"/v1/api/bot/x", ""},
		{"/v2/api/bot", ""},
		{"/x/v1/api/bot", ""},
		{"/", ""},
		{"", ""},
	} {
		if got, found := Find(c.rest); found != (c.want != "") || got != c.want {
			t.Errorf("'%s': got '%s' (%v), want '%s'", c.rest, got, found, c.want)
		}
	}
}

func TestEachRouteIsFoundByItsName(t *testing.T) {
	for _, e := range table {
		for _, prefix := range prefixes {
			if got, found := Find(prefix + string(e.route)); !found || got != e.route {
				t.Errorf("'%s%s' is not found", prefix, e.route)
			}
		}
	}
}

func TestMethodsOfRoutes(t *testing.T) {
	for r, want := range map[Route]string{
		RouteQueues:    "GET, HEAD, OPTIONS",
		RouteBotnet:    "GET, OPTIONS",
		RouteBot:       "GET, OPTIONS",
		RouteClear:     "GET, OPTIONS",
		RouteRun:       "POST, OPTIONS",
		RouteLogin:     "POST, OPTIONS",
		RouteLogout:    "POST, OPTIONS",
		RouteConfig:    "GET, HEAD, OPTIONS",
		RouteRuntime:   "GET, HEAD, POST, OPTIONS",
		RoutePositions: "GET, HEAD, POST, OPTIONS",
		RouteOpenAPI:   "GET, HEAD, OPTIONS",
	} {
		if got := strings.Join(r.Methods(), ", "); got != want {
			t.Errorf("%s: got '%s', want '%s'", r, got, want)
		}
	}
	if RouteQueues.Allows("get") || RouteQueues.Allows("DELETE") || RouteBot.Allows("HEAD") {
		t.Error("a method is allowed that the route does not have")
	}
}

func TestOnlyLoginNeedsNoLogin(t *testing.T) {
	for _, e := range table {
		if e.route.NeedsLogin() != (e.route != RouteLogin) {
			t.Errorf("%s: needs login is %v", e.route, e.route.NeedsLogin())
		}
	}
}

// TestHEADChangesNothing asks every route that has HEAD with all words there are.
func TestHEADChangesNothing(t *testing.T) {
	for _, e := range table {
		if !e.route.Allows("HEAD") {
			continue
		}
		for _, query := range queries(e.route.operation("HEAD")) {
			if q, invalid := Parse(e.route, "HEAD", query, nil); invalid != nil || q.Changes() {
				t.Errorf("%s?%s: %v, %v", e.route, query, q, invalid)
			}
		}
	}
}

// queries are good ones for an operation, so that each word is in one of them.
func queries(o *operation) []string {
	all := []string{""}
	for _, p := range o.query {
		words := p.words
		switch {
		case words != nil:
		case p.kind == integerKind:
			words = []string{"1"}
		case p.kind == flagKind:
			words = []string{"false", "true"}
		default:
			words = []string{"a"}
		}
		var longer []string
		for _, query := range all {
			for _, word := range words {
				longer = append(longer, query+"&"+p.name+"="+word)
			}
		}
		all = longer
	}
	return all
}

func FuzzFind(f *testing.F) {
	for _, path := range []string{"/v1/api/bot", "/api//runtime/", "/v1/api//", "/v1/api/\x00"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if r, found := Find(path); found {
			if !slices.ContainsFunc(table, func(e entry) bool { return e.route == r }) || !strings.Contains(path, string(r)) {
				t.Fatalf("'%s' is '%s'", path, r)
			}
		}
	})
}
