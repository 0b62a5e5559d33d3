package caddycce_test

import "testing"

// TestAPageOfAnotherSiteIsNoProgramOfThisMachine keeps browsers here from lending
// their address to pages from elsewhere.
func TestAPageOfAnotherSiteIsNoProgramOfThisMachine(t *testing.T) {
	e := startEndpoint(t, "")
	const crossSite = `{"status":403,"message":"pages of another site cannot ask here"}`
	const login = `{"cmd":"AUTH","user":"admin","password":"secret-1"}`
	for _, headers := range [][]string{
		{"Origin", "https://elsewhere.example"},
		{"Origin", "null"},
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site", "Origin", e.URL},
	} {
		e.local(t, login, headers...).expect(t, 403, crossSite)
	}
	if n := e.daemon.Commands(); n != 0 {
		t.Errorf("cced has got %d commands", n)
	}
	for _, headers := range [][]string{{"Origin", e.URL}, {"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Site", "none"}} {
		if r := e.local(t, login, headers...); r.StatusCode != 200 {
			t.Errorf("with %v: %d %s", headers, r.StatusCode, r.Text)
		}
	}
}
