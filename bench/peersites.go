package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	httpauth "github.com/caddyserver/caddy/v2/modules/caddyhttp/caddyauth"
)

// The sites of what an operator would use in place of the gate, alone and before a
// reverse_proxy.
const (
	basicSite        = "basic_auth"
	forwardSite      = "forward_auth"
	gateProxySite    = "gate and proxy"
	basicProxySite   = "basic_auth and proxy"
	forwardProxySite = "forward_auth and proxy"
)

// peerSites are those of the measured server, written as an operator writes them.
func peerSites(f *files) ([]site, error) {
	hash, err := hashOfPassword(f.password)
	if err != nil {
		return nil, err
	}
	const gate = "token_auth\n"
	basicAuth := "basic_auth {\nalice " + hash + "\n}\n"
	forwardAuth := "forward_auth " + f.asked + " {\nuri /\n}\n"
	proxy := "reverse_proxy unix/" + f.upstream + "\n"
	var list []site
	for _, s := range []struct{ name, directives string }{
		{bareSite, ""},
		{gateSite, gate},
		{basicSite, basicAuth},
		{forwardSite, forwardAuth},
		{proxySite, proxy},
		{gateProxySite, gate + proxy},
		{basicProxySite, basicAuth + proxy},
		{forwardProxySite, forwardAuth + proxy},
	} {
		handlers, err := adapt(s.directives)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		list = append(list, site{s.name, handlers})
	}
	return list, nil
}

// hashOfPassword hashes what a file has for Basic as `caddy hash-password` does if it
// is told nothing else.
func hashOfPassword(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	plain, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil {
		return "", err
	}
	_, password, _ := strings.Cut(string(plain), ":")
	hash, err := httpauth.BcryptHash{}.Hash([]byte(password))
	return string(hash), err
}

// adapt makes handlers of the directives of a Caddyfile, none of which has a matcher.
func adapt(directives string) ([]handler, error) {
	text, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(":80 {\n"+directives+"}\n"), nil)
	if err != nil {
		return nil, err
	}
	var config struct {
		Apps struct {
			HTTP struct {
				Servers map[string]struct {
					Routes []struct {
						Handle []handler `json:"handle"`
					} `json:"routes"`
				} `json:"servers"`
			} `json:"http"`
		} `json:"apps"`
	}
	if err := json.Unmarshal(text, &config); err != nil {
		return nil, err
	}
	var handlers []handler
	for _, server := range config.Apps.HTTP.Servers {
		for _, route := range server.Routes {
			handlers = append(handlers, route.Handle...)
		}
	}
	return handlers, nil
}
