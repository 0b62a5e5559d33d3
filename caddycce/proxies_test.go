package caddycce_test

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/fake/cced"
)

const looseWarning = "trusted_proxies is set without trusted_proxies_strict"

// listed6 is a listed network of IPv6.
const listed6 = "2001:db8::/64"

// startBehind runs an endpoint whose server has these lines on proxies.
func startBehind(t *testing.T, servers string) *endpoint {
	t.Helper()
	e := &endpoint{daemon: cced.Start(t)}
	text := e.caddyfile(t, "api_access "+listed6)
	_, text, _ = strings.Cut(text, "}\n}\n")
	e.Server = caddyrun.Start(t, "{\n\tservers {\n"+servers+"\n\t}\n}\n"+text)
	e.proxy = clientFrom(proxyAddress)
	return e
}

// TestAddressesThatAreForged asks with headers that speak of listed and local
// addresses, from this machine and from an address of a proxy.
func TestAddressesThatAreForged(t *testing.T) {
	const strict = "trusted_proxies static " + proxyAddress + "\ntrusted_proxies_strict"
	const loose = "trusted_proxies static " + proxyAddress
	const (
		// listed is asked for a secret, refused is a stranger.
		local, listed, refused = "local", "listed", "refused"
	)
	for _, test := range []struct {
		servers string
		headers []string
		// here and proxy are what a request from 127.0.0.1, and from the proxy's
		// address, is taken for.
		here, proxy string
	}{
		{"", nil, local, local},
		{"", []string{"X-Forwarded-For", office}, refused, refused},
		{"", []string{"X-Real-IP", office}, refused, refused},
		{"", []string{"Forwarded", "for=" + office}, refused, refused},
		{"", []string{"X-Forwarded-For", "127.0.0.1"}, refused, refused},
		{"", []string{"x-forwarded-for", ""}, refused, refused},

		{strict, nil, local, refused},
		{strict, []string{"X-Forwarded-For", office}, refused, listed},
		{strict, []string{"X-Real-IP", office}, refused, refused},
		{strict, []string{"Forwarded", "for=" + office}, refused, refused},
		{strict, []string{"X-Forwarded-For", office + ", " + stranger}, refused, refused},
		{strict, []string{"X-Forwarded-For", stranger + ", " + office}, refused, listed},
		{strict, []string{"X-Forwarded-For", office, "X-Forwarded-For", stranger}, refused, refused},
		{strict, []string{"X-Forwarded-For", "127.0.0.1"}, refused, refused},
		{strict, []string{"X-Forwarded-For", "::1"}, refused, refused},
		{strict, []string{"X-Forwarded-For", stranger, "X-Real-IP", office, "Forwarded", "for=" + office}, refused, refused},
		{strict, []string{"X-Forwarded-For", "::ffff:" + office}, refused, listed},
		{strict, []string{"X-Forwarded-For", "2001:db8::7"}, refused, listed},
		{strict, []string{"X-Forwarded-For", "2001:db8::7%eth0"}, refused, listed},
		{strict, []string{"X-Forwarded-For", "2001:db8:0:1::7"}, refused, refused},
		{strict, []string{"X-Forwarded-For", "office"}, refused, refused},

		// This is what the warning is about: whoever comes through the proxy
		// chooses his address.
		{loose, []string{"X-Forwarded-For", office + ", " + stranger}, refused, listed},
		{loose, []string{"X-Forwarded-For", "127.0.0.1, " + stranger}, refused, refused},
		{loose, nil, local, refused},
	} {
		t.Run(strings.Join(append([]string{strings.ReplaceAll(test.servers, "\n", " ")}, test.headers...), " "), func(t *testing.T) {
			e := startBehind(t, test.servers)
			if warned := strings.Contains(e.Log(t), looseWarning); warned != (test.servers == loose) {
				t.Errorf("a warning of loose proxies: %t", warned)
			}
			for want, client := range map[*string]*http.Client{&test.here: e.Client, &test.proxy: e.proxy} {
				r := post(t, client, e.URL+"/v2/cce", `{"cmd":"LOGIN"}`, test.headers...)
				got := map[string]string{noLocalLogin: local, wrongSecret: listed, forbidden: refused}[strings.TrimSuffix(r.Text, "\n")]
				if got != *want {
					t.Errorf("it is taken for %s, want %s: HTTP %d %s", got, *want, r.StatusCode, r.Text)
				}
			}
		})
	}
}

// TestIPv6 asks over the loopback address of IPv6.
func TestIPv6(t *testing.T) {
	e := &endpoint{daemon: cced.Start(t)}
	e.Server = caddyrun.Start(t, strings.Replace(e.caddyfile(t, "api_access ::1"), "http://:0 {", "http://:0 {\n\tbind ::1", 1))
	// Whoever is listed and on this machine is on this machine.
	e.session(t, "admin", "secret-1")
	e.local(t, `{"cmd":"LOGIN"}`).expect(t, 403, noLocalLogin)
	e.local(t, `{"cmd":"PING"}`, "X-Forwarded-For", "2001:db8::1").expect(t, 202, pong)
	e.local(t, `{"cmd":"AUTH","user":"admin","password":"secret-1"}`, "X-Forwarded-For", "2001:db8::1").expect(t, 403, onlyLocal)
}

// TestAUnixSocketIsNoAddress: whoever comes by one is neither on this machine nor
// listed, unless a proxy that is trusted speaks for him.
func TestAUnixSocketIsNoAddress(t *testing.T) {
	for name, test := range map[string]struct {
		servers, address string
		want             refusal
	}{
		"nobody speaks":                  {"", "", refusal{403, forbidden}},
		"nobody is believed":             {"", office, refusal{403, forbidden}},
		"the socket is trusted":          {"trusted_proxies_unix\ntrusted_proxies static 192.0.2.1\ntrusted_proxies_strict", office, refusal{401, wrongSecret}},
		"it speaks for this machine":     {"trusted_proxies_unix\ntrusted_proxies static 192.0.2.1\ntrusted_proxies_strict", "127.0.0.1", refusal{403, forbidden}},
		"it is trusted and says nothing": {"trusted_proxies_unix\ntrusted_proxies static 192.0.2.1\ntrusted_proxies_strict", "", refusal{403, forbidden}},
	} {
		t.Run(name, func(t *testing.T) {
			e := &endpoint{daemon: cced.Start(t)}
			socket := filepath.Join(filepath.Dir(e.daemon.Socket()), "http")
			_, site, _ := strings.Cut(e.caddyfile(t, ""), "}\n}\n")
			site = strings.Replace(site, "http://:0 {", "http:// {\n\tbind unix/"+socket, 1)
			e.Server = caddyrun.Start(t, "{\n\tservers {\n"+test.servers+"\n\t}\n}\n"+site)
			client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
				DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
					return new(net.Dialer).DialContext(ctx, "unix", socket)
				},
			}}
			defer client.CloseIdleConnections()
			var headers []string
			if test.address != "" {
				headers = []string{"X-Forwarded-For", test.address}
			}
			post(t, client, "http://localhost/v2/cce", `{"cmd":"LOGIN"}`, headers...).expect(t, test.want.status, test.want.body)
		})
	}
}
