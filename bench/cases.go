package main

import "net/http"

// site is one of Caddy's servers: its handlers before the respond.
type site struct {
	name     string
	handlers []handler
}

type handler map[string]any

const (
	bareSite     = "bare"
	floorSite    = "floor"
	gateSite     = "gate"
	identitySite = "identity"
	errorsSite   = "errors"
)

func sites(keys string) []site {
	return []site{
		{bareSite, nil},
		{floorSite, []handler{{"handler": "floor", "keys": keys}}},
		{gateSite, []handler{{"handler": "token_auth"}}},
		{identitySite, []handler{{"handler": "token_auth", "forward_identity": "X-User"}}},
		{errorsSite, []handler{{"handler": "token_auth", "errors": "caddy"}}},
	}
}

// load is a stream of requests to a site.
type load struct {
	site string
	// keys is the file of keys that the requests carry in turn; empty is none.
	keys string
	// status is what every answer has.
	status int
}

// comparison is a case and what it is compared with.
type comparison struct {
	name       string
	base, test load
	// promise is the ratio that README promises; 0 is none.
	promise float64
	// floor marks a comparison with the floor instead of bare respond.
	floor bool
}

// comparisons lists the lines of the table, but for the first. Each base gets
// the same requests as its case, header for header.
func comparisons(f *files) []comparison {
	bare := func(keys string) load { return load{bareSite, keys, http.StatusOK} }
	const refused = http.StatusUnauthorized
	accepted := load{gateSite, f.good, http.StatusOK}
	floor := load{floorSite, f.good, http.StatusOK}
	return []comparison{
		{name: "floor: the least possible check", base: bare(f.good), test: floor},
		{name: acceptedName, base: bare(f.good), test: accepted, promise: 0.88},
		{name: acceptedName, base: floor, test: accepted, promise: 0.90, floor: true},
		{name: "app token accepted", base: bare(f.tokens), test: load{gateSite, f.tokens, http.StatusOK}},
		{name: "key accepted, `forward_identity`", base: bare(f.good), test: load{identitySite, f.good, http.StatusOK}},
		{name: "refused: unknown key", base: bare(f.bad), test: load{gateSite, f.bad, refused}, promise: 0.85},
		{name: "refused: no key", base: bare(""), test: load{gateSite, "", refused}, promise: 0.85},
		{name: "refused: no key, `errors caddy`", base: bare(""), test: load{errorsSite, "", refused}},
	}
}

const acceptedName = "key accepted"
