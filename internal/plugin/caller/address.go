// Package caller says from where a request has come, and who has made it.
package caller

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Address is Caddy's client_ip, and nothing else. IPv4 in IPv6 form is IPv4, and
// there is no zone. An address that cannot be read is not valid, so that it is in
// no network.
func Address(r *http.Request) netip.Addr {
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

// IsLocalhost reports whether a request was made on this machine: the peer and
// the client are both loopback, the peer is no trusted proxy, and no header says
// that a proxy is between. Where a listener takes the PROXY protocol the peer is
// whoever it says.
func IsLocalhost(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || !parseAddress(host).IsLoopback() || !Address(r).IsLoopback() {
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
		if name == "Forwarded" || name == "Via" || name == "X-Real-Ip" || strings.HasPrefix(name, "X-Forwarded-") {
			return true
		}
	}
	return false
}

// MaySendPassword reports whether a password may come over this connection:
// encrypted, or within this machine.
func MaySendPassword(r *http.Request) bool { return r.TLS != nil || IsLocalhost(r) }
