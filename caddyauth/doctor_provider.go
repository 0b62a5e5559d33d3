package caddyauth

import (
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/internal/plugin/grammar"
	"github.com/sallyport/sallyport/internal/principal"
)

// checkProviders looks for gates that ask for tokens of providers, of which there is none:
// nobody could come in by one.
func checkProviders(e *examination) (found []finding, err error) {
	if e.config == nil || len(e.config.Apps.Auth.Providers) > 0 {
		return nil, nil
	}
	var asking []string
	gates := map[string]bool{}
	walkOptions("", e.config.all, func(path, name string, value any) {
		kinds, _ := value.([]any)
		switch {
		case name == "handler" && value == "token_auth":
			gates[path] = true
		case name == "accept" && slices.Contains(kinds, any(principal.MethodJWT)):
			asking = append(asking, path)
		}
	})
	for _, path := range asking {
		if gates[path] || strings.HasSuffix(path, "/providers/token/") {
			found = append(found, noProvider.of(fmt.Sprintf("a gate accepts jwt, and there is no provider, at %s of the configuration in JSON", path)))
		}
	}
	return found, nil
}

// checkProviderLogins looks at the log-ins by providers: whether any endpoint begins them,
// and whether the code of one comes back where others can read it.
func checkProviderLogins(e *examination) (found []finding, err error) {
	if e.config == nil {
		return nil, nil
	}
	served := false
	walkObjects(e.config.all, func(object map[string]any) { served = served || object["handler"] == "auth_api" })
	for _, p := range e.config.Apps.Auth.Providers {
		if p.ClientID == "" {
			continue
		}
		if !served {
			found = append(found, noLogIn.of(fmt.Sprintf("provider '%s' has a client_id, and there is no auth_api, by which users log in", p.Name)))
		}
		text, err := grammar.Resolve("redirect_uri", p.RedirectURI)
		if err != nil {
			// It has a value only for the server.
			continue
		}
		if u, err := url.Parse(text); err == nil && u.Scheme == "http" && !isLoopback(u.Hostname()) {
			found = append(found, redirectPlain.of(fmt.Sprintf("redirect_uri '%s' of provider '%s' has http, and is not on this machine", u.Redacted(), p.Name)))
		}
	}
	return found, nil
}

// checkProviderSecrets looks at the modes of the files that have the secrets of providers.
// One that is not there the start misses.
func checkProviderSecrets(e *examination) (found []finding, err error) {
	if e.config == nil {
		return nil, nil
	}
	seen := map[string]bool{}
	for _, p := range e.config.Apps.Auth.Providers {
		for _, value := range []string{p.Secret, p.ClientSecret} {
			path, inFile := strings.CutPrefix(value, "{file.")
			if path = strings.TrimSuffix(path, "}"); !inFile || seen[path] {
				continue
			}
			seen[path] = true
			info, err := os.Stat(path)
			if err != nil {
				found = append(found, unseen(err)...)
				continue
			}
			found = append(found, checkMode(path, info)...)
		}
	}
	return found, nil
}
