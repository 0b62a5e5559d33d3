package intelmqctl

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
)

// bot is a bot as the definition of the botnet has it.
type bot struct {
	ID string `json:"id"`
	// Group is collectors, parsers, experts or outputs.
	Group             string   `json:"group"`
	Enabled           bool     `json:"enabled"`
	SourceQueue       string   `json:"source_queue"`
	DestinationQueues []string `json:"destination_queues"`
}

func (b bot) isCollector() bool { return b.Group == "collectors" }
func (b bot) isOutput() bool    { return b.Group == "outputs" }

// groups are those of --group.
var groups = []string{"collectors", "parsers", "experts", "outputs"}

// botnet is a call that has found its bots, in the order of the definition.
type botnet struct {
	*call
	bots []bot
}

func (c *call) readBotnet() (*botnet, error) {
	text, err := os.ReadFile(c.root.path(definition))
	if err != nil {
		return nil, fmt.Errorf("%w; make a botnet by the word init", err)
	}
	n := &botnet{call: c}
	if err := json.Unmarshal(text, &n.bots); err != nil {
		return nil, fmt.Errorf("%s: %w", c.root.path(definition), err)
	}
	return n, nil
}

// ids are sorted, as in usage lines.
func (n *botnet) ids() []string {
	var ids []string
	for _, b := range n.bots {
		ids = append(ids, b.ID)
	}
	slices.Sort(ids)
	return ids
}

// group are the bots of a group, or all if it has no name, sorted.
func (n *botnet) group(name string) []bot {
	var members []bot
	for _, id := range n.ids() {
		if b := n.bot(id); name == "" || b.Group == name {
			members = append(members, b)
		}
	}
	return members
}

// bot is the bot of this name, which the grammar has proven to be there.
func (n *botnet) bot(id string) bot {
	return n.bots[slices.IndexFunc(n.bots, func(b bot) bool { return b.ID == id })]
}

// queueNames are those that clear knows.
func (n *botnet) queueNames() []string {
	var names []string
	for _, b := range n.bots {
		if !b.isCollector() {
			names = append(names, b.SourceQueue, internalQueue(b))
		}
		names = append(names, b.DestinationQueues...)
	}
	return names
}

// internalQueue is where a bot keeps the message that it works on.
func internalQueue(b bot) string { return b.SourceQueue + "-internal" }
