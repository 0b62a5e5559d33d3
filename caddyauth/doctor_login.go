package caddyauth

import (
	"fmt"
	"maps"
	"slices"
)

// checkLogins looks for log-ins that nobody reaches without a credential,
// because a gate stands before or around them.
func checkLogins(e *examination) (found []finding, err error) {
	if e.config == nil {
		return nil, nil
	}
	servers := e.config.Apps.HTTP.Servers
	for _, name := range slices.Sorted(maps.Keys(servers)) {
		walkGates("/apps/http/servers/"+name+"/routes", servers[name].Routes, false, func(path string) {
			found = append(found, loginBehindGate.of(fmt.Sprintf("the log-in needs a credential: a token_auth stands before auth_api, at %s of the configuration in JSON", path)))
		})
	}
	return found, nil
}

// walkGates calls see for each auth_api behind a gate, with its path as the
// admin API has it. A gate that has a matcher counts only for what follows in
// its own route: whether it is for the log-in too is not known. Routes are of any
// type, since the options of other modules may have any.
func walkGates(path string, routes any, gated bool, see func(path string)) {
	list, _ := routes.([]any)
	for i := range list {
		route, _ := list[i].(map[string]any)
		handlers, _ := route["handle"].([]any)
		inside := gated
		for j := range handlers {
			handler, _ := handlers[j].(map[string]any)
			at := fmt.Sprintf("%s/%d/handle/%d", path, i, j)
			switch handler["handler"] {
			case "token_auth":
				inside = inside || handler["optional"] != true
			case "auth_api":
				if inside {
					see(at)
				}
			case "subroute":
				walkGates(at+"/routes", handler["routes"], inside, see)
			}
		}
		if matchers, _ := route["match"].([]any); len(matchers) == 0 {
			gated = inside
		}
	}
}
