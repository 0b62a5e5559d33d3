package main

import (
	"fmt"
	"net/http"
)

const (
	cceSite        = "cce"
	oneByOneSite   = "one by one"
	connectingSite = "connecting"
	proxySite      = "proxy"
)

// ccePath is the base of the endpoint.
const ccePath = "/v2/cce"

// cceSites are the endpoint and what it is compared with.
func cceSites(f *files) []site {
	return []site{
		{cceSite, []handler{{"handler": "cce", "base": ccePath, "socket": "unix/" + f.cced}}},
		{oneByOneSite, []handler{{"handler": "slow", "socket": f.cced}}},
		{connectingSite, []handler{{"handler": "slow", "socket": f.cced, "connecting": true}}},
		{proxySite, []handler{{"handler": "reverse_proxy", "upstreams": []any{map[string]any{"dial": "unix/" + f.upstream}}}}},
	}
}

// cceComparisons lists the lines of the endpoint's table that are measured
// through HTTP. Each base gets the same requests as its case.
func cceComparisons(f *files, r *reading) []comparison {
	from := func(site, body string, parallel int) load {
		return load{site: site, body: body, parallel: parallel, status: http.StatusOK}
	}
	found := fmt.Sprintf("FINDX, %d hits", len(r.found))
	listed := fmt.Sprintf("GETALL, %d objects", len(r.listed))
	return []comparison{
		{name: found, base: from(connectingSite, f.findX, 1), test: from(cceSite, f.findX, 1), promise: 30},
		{name: found, base: from(oneByOneSite, f.findX, 1), test: from(cceSite, f.findX, 1), promise: 5},
		{name: listed, base: from(oneByOneSite, f.getAll, 1), test: from(cceSite, f.getAll, 1), promise: 10},
		{name: "GET", base: from(proxySite, f.get, 0), test: from(cceSite, f.get, 0), promise: 1.3},
	}
}
