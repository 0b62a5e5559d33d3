package caddyauth

import (
	"fmt"
	"slices"
	"strings"

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
