package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// The modules by which plugins are known.
const (
	jwtModule      = "http.authentication.providers.jwt"
	securityModule = "security"
)

// pluginModules lists them in the order of the table.
var pluginModules = []string{jwtModule, securityModule}

// pluginNames are what operators call them.
var pluginNames = map[string]string{jwtModule: "caddy-jwt", securityModule: "caddy-security"}

// The sites of a Caddy with plugins.
const (
	jwtSite            = "caddy-jwt"
	securityTokenSite  = "caddy-security, tokens"
	securityAPIKeySite = "caddy-security, API keys"
)

// pluginSet is how plugins are set up: their sites, and their credentials.
type pluginSet struct {
	files *files
	has   map[string]string
	// secret is what tokens are signed with, and other what they should not be.
	secret, other string
	now           time.Time
	addresses     map[string]string
}

// apiKeyHeader carries API keys to caddy-security.
const apiKeyHeader = "X-Api-Key: "

func newPluginSet(f *files, has map[string]string) *pluginSet {
	return &pluginSet{files: f, has: has, secret: rand.Text() + rand.Text(), other: rand.Text() + rand.Text(), now: time.Now()}
}

func (s *pluginSet) caddyfile() string { return s.files.in("Caddyfile") }

// usersFile is where caddy-security keeps its users.
func (s *pluginSet) usersFile() string { return s.files.in("users.json") }

// sites are the sites and their directives. A bare one is of the same Caddy, so that
// its version does not matter.
func (s *pluginSet) sites() []pluginSite {
	list := []pluginSite{{bareSite, ""}}
	if _, ok := s.has[jwtModule]; ok {
		key := base64.StdEncoding.EncodeToString([]byte(s.secret))
		list = append(list, pluginSite{jwtSite, "jwtauth {\n\t\tsign_key " + key + "\n\t\tuser_claims sub\n\t}"})
	}
	if _, ok := s.has[securityModule]; ok {
		list = append(
			list,
			pluginSite{securityTokenSite, "authorize with tokens"},
			// A client would send the realm; the directive is before that of the plugin.
			pluginSite{securityAPIKeySite, "request_header X-Auth-Realm local\n\tauthorize with keys"},
		)
	}
	return list
}

// pluginSite is a site and its directives but the respond.
type pluginSite struct{ name, directives string }

// security are the users and the rules of caddy-security.
const security = `	order authorize before respond
	security {
		local identity store bench {
			realm local
			path %[1]s
			user alice {
				name Alice Example
				email alice@example.org
				password %[3]s
				roles %[4]s
			}
		}
		authentication portal bench {
			crypto key sign-verify %[2]s
			enable identity store bench
		}
		authorization policy tokens {
			crypto key verify %[2]s
			disable auth redirect
			validate bearer header
			allow roles %[4]s
		}
		authorization policy keys {
			crypto key verify %[2]s
			disable auth redirect
			with api key auth portal bench realm local
			allow roles %[4]s
		}
	}
`

// text is the Caddyfile: like the measured server it logs at the usual level to
// nowhere, and speaks HTTP/1.1 on the loopback.
func (s *pluginSet) text() string {
	var b strings.Builder
	b.WriteString("{\n\tadmin off\n\tpersist_config off\n\tauto_https off\n\tgrace_period 1s\n" +
		"\tlog {\n\t\toutput discard\n\t\tlevel INFO\n\t}\n\tservers {\n\t\tprotocols h1\n\t}\n")
	if _, ok := s.has[jwtModule]; ok {
		b.WriteString("\torder jwtauth before respond\n")
	}
	if _, ok := s.has[securityModule]; ok {
		fmt.Fprintf(&b, security, s.usersFile(), s.secret, rand.Text(), jwtRole)
	}
	b.WriteString("}\n")
	for _, site := range s.sites() {
		_, port, _ := net.SplitHostPort(s.addresses[site.name])
		fmt.Fprintf(&b, "\nhttp://:%s {\n\tbind 127.0.0.1\n\t%s\n\trespond ok\n}\n", port, site.directives)
	}
	return b.String()
}

// prepare finds free ports, writes the Caddyfile, has Caddy try it, by which
// caddy-security makes its file of users, and writes the credentials.
func (s *pluginSet) prepare(ctx context.Context, path string) (err error) {
	if s.addresses, err = freeAddresses(s.sites()); err != nil {
		return err
	}
	if err := os.WriteFile(s.caddyfile(), []byte(s.text()), 0o600); err != nil {
		return err
	}
	if _, err := runPeer(ctx, s.files, path, "validate", "--config", s.caddyfile(), "--adapter", "caddyfile"); err != nil {
		return err
	}
	err = writeKeys(s.files.in("jwts"), warmCredentials, newJWT(s.secret, s.now))
	if _, ok := s.has[securityModule]; !ok || err != nil {
		return err
	}
	keys, err := addAPIKeys(s.usersFile(), warmCredentials, s.now)
	if err != nil {
		return fmt.Errorf("caddy-security's users: %w", err)
	}
	return os.WriteFile(s.files.in("apikeys"), []byte(strings.Join(keys, "\n")), 0o600)
}

// freeAddresses finds a port for each site, which nobody else takes until it is used.
func freeAddresses(sites []pluginSite) (map[string]string, error) {
	addresses := map[string]string{}
	var taken []net.Listener
	var failed error
	for _, site := range sites {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			failed = err
			break
		}
		taken = append(taken, listener)
		addresses[site.name] = listener.Addr().String()
	}
	for _, listener := range taken {
		failed = errors.Join(failed, listener.Close())
	}
	return addresses, failed
}

// cases are what is measured of the plugins.
func (s *pluginSet) cases(on *server) []pluginCase {
	warm := load{server: on, keys: s.files.in("jwts"), status: http.StatusOK}
	cold := load{server: on, keys: s.files.in("newjwts"), status: http.StatusOK}
	cold.renew = renewing(cold.keys, coldCredentials, newJWT(s.secret, s.now))
	forged := load{server: on, keys: s.files.in("forged"), status: http.StatusUnauthorized}
	forged.renew = renewing(forged.keys, coldCredentials, newJWT(s.other, s.now))
	apiKey := load{server: on, keys: s.files.in("apikeys"), header: apiKeyHeader, status: http.StatusOK}
	var list []pluginCase
	add := func(group string, c comparison) {
		list = append(list, pluginCase{group, against(bareSite, c)})
	}
	tokens := func(site, name string) {
		add(acceptedGroup, warm.to(site, name+", the same 16 tokens"))
		add(acceptedGroup, cold.to(site, name+", new tokens"))
		add(refusedGroup, forged.to(site, name+", forged tokens"))
	}
	if _, ok := s.has[jwtModule]; ok {
		tokens(jwtSite, "caddy-jwt, HS256")
	}
	if _, ok := s.has[securityModule]; ok {
		tokens(securityTokenSite, "caddy-security, HS256")
		add(acceptedGroup, apiKey.to(securityAPIKeySite, "caddy-security, the same 16 API keys"))
	}
	return list
}
