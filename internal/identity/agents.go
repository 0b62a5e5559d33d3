package identity

import (
	"slices"
	"strings"

	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// checkAgents checks who may use a new key for impersonation, and writes the names as
// they are kept: folded, sorted, each once.
func (n *NewKey) checkAgents() error {
	switch {
	case !n.Impersonation && len(n.Agents) > 0:
		return invalid("only an impersonation key has agents")
	case n.Impersonation && n.Scopes.Any(principal.Extended):
		// An agent must not get what makes keys and passwords.
		return invalid("an impersonation key cannot have the scope extended")
	case len(n.Agents) > maxList:
		return invalid("%d agents: there can be %d, or a group", len(n.Agents), maxList)
	}
	agents := make([]string, 0, len(n.Agents))
	for _, agent := range n.Agents {
		kept, err := parseAgent(agent)
		if err != nil {
			return err
		}
		agents = append(agents, kept)
	}
	slices.Sort(agents)
	n.Agents = slices.Compact(agents)
	return nil
}

// parseAgent reads a user name, or `group:name`, and returns the form that is kept. No
// user name has a colon.
func parseAgent(agent string) (kept string, err error) {
	if group, isGroup := strings.CutPrefix(agent, store.AgentGroup); isGroup {
		_, err := checkNames("group", []string{group})
		return agent, err
	}
	return foldName(agent)
}

// isAgent reports whether a user is one of the agents.
func isAgent(agents []string, u *principal.User) bool {
	return slices.ContainsFunc(agents, func(agent string) bool {
		if group, isGroup := strings.CutPrefix(agent, store.AgentGroup); isGroup {
			return slices.Contains(u.Groups, group)
		}
		return agent == u.Fold
	})
}
