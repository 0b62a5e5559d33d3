package main

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"
)

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
	actingSite   = "acting"
	providerSite = "provider"
)

func sites(f *files) ([]site, error) {
	if f.asked != "" {
		return peerSites(f)
	}
	return slices.Concat(cceSites(f), intelmqSites(f), fireSites(), []site{
		{bareSite, nil},
		{floorSite, []handler{{"handler": "floor", "keys": f.good}}},
		{gateSite, []handler{{"handler": "token_auth"}}},
		{identitySite, []handler{{"handler": "token_auth", "forward_identity": "X-User"}}},
		{errorsSite, []handler{{"handler": "token_auth", "errors": "caddy"}}},
		{actingSite, []handler{{"handler": "token_auth", "impersonation": true}}},
		{providerSite, []handler{{"handler": "token_auth", "accept": []string{"jwt"}}}},
	}), nil
}

// load is a stream of requests to a site.
type load struct {
	site string
	// path is what they ask for; empty is that of the CCE endpoint.
	path string
	// server is where the site is; nil is the server that is always measured.
	server *server
	// keys is the file of keys that the requests carry in turn; empty is none.
	keys string
	// header is what carries them, and what stands before each in it; empty is
	// "Authorization: Bearer ".
	header string
	// second is a file with one more header, `Name: value`, of each of them; empty is
	// none.
	second string
	// renew makes that file anew, before the first request and again before the
	// others, so that no key is asked twice; nil leaves it as it is.
	renew func() error
	// body is the file with the body of POST requests; empty is GET without one.
	body string
	// parallel is how many requests are on their way at once; 0 means 16.
	parallel int
	// long is how long a sample of answers that take seconds is, in whole seconds;
	// 0 is as long as all of them.
	long time.Duration
	// status is what every answer has.
	status int
	// beside begins what else is asked of the server during a sample; nil is
	// nothing. What it returns ends that.
	beside func(ctx context.Context) (end func() error, err error)
}

func (l load) connections() int { return cmp.Or(l.parallel, 16) }

func (l load) carrier() string { return cmp.Or(l.header, "Authorization: Bearer ") }

// withNewKeys makes the keys anew where they have to be.
func (l load) withNewKeys() error {
	if l.renew == nil {
		return nil
	}
	return l.renew()
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
	bare := func(keys string) load { return load{site: bareSite, keys: keys, status: http.StatusOK} }
	const refused = http.StatusUnauthorized
	accepted := load{site: gateSite, keys: f.good, status: http.StatusOK}
	floor := load{site: floorSite, keys: f.good, status: http.StatusOK}
	acting := func(site string) load {
		return load{site: site, keys: f.good, second: f.impersonating, status: http.StatusOK}
	}
	seen := func(algorithm string) comparison {
		token := f.jwt(algorithm)
		return comparison{name: "JWT seen before, " + algorithm, base: bare(token), test: load{site: providerSite, keys: token, status: http.StatusOK}, promise: 0.85}
	}
	return []comparison{
		{name: "floor: the least possible check", base: bare(f.good), test: floor},
		{name: acceptedName, base: bare(f.good), test: accepted, promise: 0.88},
		{name: acceptedName, base: floor, test: accepted, promise: 0.90, floor: true},
		{name: "app token accepted", base: bare(f.tokens), test: load{site: gateSite, keys: f.tokens, status: http.StatusOK}},
		seen("RS256"),
		seen("ES256"),
		{name: "key accepted, acting as another user", base: acting(bareSite), test: acting(actingSite)},
		{name: "key accepted, `forward_identity`", base: bare(f.good), test: load{site: identitySite, keys: f.good, status: http.StatusOK}},
		{name: "refused: unknown key", base: bare(f.bad), test: load{site: gateSite, keys: f.bad, status: refused}, promise: 0.85},
		{name: "refused: no key", base: bare(""), test: load{site: gateSite, status: refused}, promise: 0.85},
		{name: "refused: no key, `errors caddy`", base: bare(""), test: load{site: errorsSite, status: refused}},
	}
}

const acceptedName = "key accepted"
