package main

import (
	"net/http"
	"time"
)

// peerGroup are cases of one kind. The first is ours.
type peerGroup struct {
	name  string
	cases []comparison
}

// The kinds that plugins have cases of, too.
const (
	acceptedGroup = "accepted"
	refusedGroup  = "refused"
)

// wrongPasswordLong is how long a sample of wrong passwords is: each takes a second or
// more of processor time.
const wrongPasswordLong = 10 * time.Second

// peerGroups are what the standard Caddy has, and ours. Each base gets the same
// requests as its case, header for header.
func peerGroups(f *files) []peerGroup {
	key := load{keys: f.good, status: http.StatusOK}
	password := load{keys: f.password, header: basicHeader, status: http.StatusOK}
	unknown := load{keys: f.bad, status: http.StatusUnauthorized}
	wrong := load{keys: f.in("wrong"), header: basicHeader, status: http.StatusUnauthorized, parallel: 1, long: wrongPasswordLong}
	wrong.renew = renewing(wrong.keys, coldCredentials, wrongPassword)
	return []peerGroup{
		{acceptedGroup, []comparison{
			against(bareSite, key.to(gateSite, "`token_auth`, key")),
			against(bareSite, password.to(gateSite, "`token_auth`, remembered password")),
			against(bareSite, password.to(basicSite, "`basic_auth`, cached password")),
			against(bareSite, key.to(forwardSite, "`forward_auth`, key")),
		}},
		{refusedGroup, []comparison{
			against(bareSite, unknown.to(gateSite, "`token_auth`, unknown key")),
			against(bareSite, unknown.to(forwardSite, "`forward_auth`, unknown key")),
			against(bareSite, wrong.to(basicSite, "`basic_auth`, wrong password")),
		}},
		{"before `reverse_proxy`", []comparison{
			against(proxySite, key.to(gateProxySite, "`token_auth`, key")),
			against(proxySite, password.to(basicProxySite, "`basic_auth`, cached password")),
			against(proxySite, key.to(forwardProxySite, "`forward_auth`, key")),
		}},
	}
}

// to is a case in which a site gets the load.
func (l load) to(site, name string) comparison {
	l.site = site
	return comparison{name: name, test: l}
}

// against completes a case: another site, which lets everything pass, gets the same.
func against(base string, c comparison) comparison {
	c.base = c.test
	c.base.site, c.base.status, c.base.long = base, http.StatusOK, 0
	return c
}
