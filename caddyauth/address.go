package caddyauth

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// clientAddress is Caddy's client_ip, and nothing else. An address that cannot
// be read is in no network.
func clientAddress(r *http.Request) netip.Addr {
	text, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	return parseAddress(text)
}

func parseAddress(text string) netip.Addr {
	address, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return address.Unmap().WithZone("")
}

// fromLocalhost reports whether a request was made on this machine: the peer and
// the client are both loopback, and nothing says that a proxy is between.
func fromLocalhost(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || !parseAddress(host).IsLoopback() || !clientAddress(r).IsLoopback() {
		return false
	}
	if trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool); trusted {
		return false
	}
	return !wasForwarded(r.Header)
}

// wasForwarded reports whether a header says that a proxy has passed the request
// on. What it says is not looked at.
func wasForwarded(h http.Header) bool {
	for name := range h {
		if name == "Forwarded" || name == "X-Real-Ip" || strings.HasPrefix(name, "X-Forwarded-") {
			return true
		}
	}
	return false
}

// maySendPassword reports whether a password may come over this connection:
// encrypted, or within this machine.
func maySendPassword(r *http.Request) bool { return r.TLS != nil || fromLocalhost(r) }
