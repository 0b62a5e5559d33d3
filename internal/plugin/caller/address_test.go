package caller

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// request is one as Caddy hands it to handlers: the peer has come by TCP, and
// client is what Caddy makes of the peer and the proxies.
func request(t *testing.T, peer, client string, trusted bool, header string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.RemoteAddr = peer
	if header != "" {
		r.Header.Set(header, "anything")
	}
	return r.WithContext(context.WithValue(r.Context(), caddyhttp.VarsCtxKey, map[string]any{
		caddyhttp.ClientIPVarKey: client, caddyhttp.TrustedProxyVarKey: trusted,
	}))
}

func TestTheAddressIsCaddysClientIP(t *testing.T) {
	for client, want := range map[string]netip.Addr{
		"192.0.2.1":          netip.MustParseAddr("192.0.2.1"),
		"::ffff:192.0.2.1":   netip.MustParseAddr("192.0.2.1"),
		"fe80::1%eth0":       netip.MustParseAddr("fe80::1"),
		"office":             {},
		"":                   {},
		"192.0.2.1, 1.2.3.4": {},
	} {
		if got := Address(request(t, "198.51.100.1:1234", client, false, "")); got != want {
			t.Errorf("'%s': %s, want %s", client, got, want)
		}
	}
}

func TestOnlyWhatIsSaidToBeFromThisMachineByAllIsLocal(t *testing.T) {
	for name, test := range map[string]struct {
		peer, client string
		trusted      bool
		header       string
		local        bool
	}{
		"IPv4":                          {"127.0.0.1:1234", "127.0.0.1", false, "", true},
		"another loopback address":      {"127.0.0.2:1234", "127.0.0.2", false, "", true},
		"IPv6":                          {"[::1]:1234", "::1", false, "", true},
		"IPv4 in IPv6 form":             {"[::ffff:127.0.0.1]:1234", "::ffff:127.0.0.1", false, "", true},
		"a header about something else": {"127.0.0.1:1234", "127.0.0.1", false, "X-Forward", true},
		"a peer elsewhere":              {"192.0.2.1:1234", "127.0.0.1", false, "", false},
		"a client elsewhere":            {"127.0.0.1:1234", "192.0.2.1", false, "", false},
		"a trusted proxy":               {"127.0.0.1:1234", "127.0.0.1", true, "", false},
		"a peer without a port":         {"127.0.0.1", "127.0.0.1", false, "", false},
		"a unix socket":                 {"@", "127.0.0.1", false, "", false},
		"a client that is no address":   {"127.0.0.1:1234", "", false, "", false},
		"Forwarded":                     {"127.0.0.1:1234", "127.0.0.1", false, "Forwarded", false},
		"X-Forwarded-For":               {"127.0.0.1:1234", "127.0.0.1", false, "X-Forwarded-For", false},
		"X-Forwarded-Anything":          {"127.0.0.1:1234", "127.0.0.1", false, "x-forwarded-anything", false},
		"Via":                           {"127.0.0.1:1234", "127.0.0.1", false, "Via", false},
		"X-Real-IP":                     {"127.0.0.1:1234", "127.0.0.1", false, "X-Real-IP", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := request(t, test.peer, test.client, test.trusted, test.header)
			if got := IsLocalhost(r); got != test.local {
				t.Errorf("local is %t, want %t", got, test.local)
			}
			if got := MaySendPassword(r); got != test.local {
				t.Errorf("a password over plain HTTP is %t, want %t", got, test.local)
			}
			r.TLS = new(tls.ConnectionState)
			if !MaySendPassword(r) {
				t.Error("a password over TLS is refused")
			}
		})
	}
}

func TestARequestThatCaddyHasNotSeenIsFromNowhere(t *testing.T) {
	r := request(t, "127.0.0.1:1234", "127.0.0.1", false, "")
	delete(r.Context().Value(caddyhttp.VarsCtxKey).(map[string]any), caddyhttp.ClientIPVarKey)
	if Address(r).IsValid() || IsLocalhost(r) {
		t.Error("it has an address")
	}
}
