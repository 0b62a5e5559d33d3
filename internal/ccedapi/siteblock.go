package ccedapi

import (
	"fmt"
	"net/netip"
	"strings"
)

// What the service listens at, and its certificate, where the file does not say.
const (
	defaultHost     = "127.0.0.1"
	defaultPort     = 9092
	defaultCertFile = "/etc/cced-api/certs/certificate"
	defaultKeyFile  = "/etc/cced-api/certs/key"
)

// SiteBlock is the block of a Caddyfile that listens where the service does, with
// its certificate, and leaves the rest to the file: an endpoint cannot choose the
// address and the certificate of the site that it stands in. It has the form of
// `caddy fmt` and ends in a line break.
func (c *Config) SiteBlock() string {
	host, port := c.Host, c.Port
	if port == 0 {
		host, port = defaultHost, defaultPort
	}
	var b strings.Builder
	fmt.Fprintf(&b, "https://:%d {\n", port)
	if a, err := netip.ParseAddr(host); err == nil && a.Is6() {
		host = "[" + host + "]"
	}
	if host != "" {
		fmt.Fprintf(&b, "\tbind %s\n", host)
	}
	fmt.Fprintf(&b, "\ttls %s %s\n", token(c.CertFile, defaultCertFile), token(c.KeyFile, defaultKeyFile))
	fmt.Fprintf(&b, "\tcce /v2/cce {\n\t\timport_conf %s\n\t}\n}\n", token(c.Path, DefaultPath))
	return b.String()
}

// token writes a path as one word of a Caddyfile.
func token(path, otherwise string) string {
	if path == "" {
		path = otherwise
	}
	if !strings.ContainsAny(path, " \"`") {
		return path
	}
	return `"` + strings.ReplaceAll(path, `"`, `\"`) + `"`
}
