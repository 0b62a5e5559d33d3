package intelmqctl

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
)

// version is what --version prints.
const version = "3.3.2a1"

// mainGrammar is that of what stands before a sub-command.
var mainGrammar = grammar{
	command: Name,
	options: []option{
		{name: "--type", short: "-t", choices: []string{"text", "json", "python"}, value: true},
		{name: "--quiet", short: "-q"},
		{name: "--version", short: "-v"},
	},
	positionals: []positional{{name: "command", choices: slices.Sorted(maps.Keys(commands)), optional: true, rest: true}},
}

// command is a sub-command: what it takes, and what it does.
type command struct {
	grammar func(*botnet) grammar
	run     func(*botnet, arguments) (code int, err error)
}

// commands are the sub-commands.
var commands = map[string]command{
	"start":   {actOnBots("start"), (*botnet).start},
	"stop":    {actOnBots("stop"), (*botnet).stop},
	"restart": {actOnBots("restart"), (*botnet).restart},
	"reload":  {actOnBots("reload"), (*botnet).reload},
	"status":  {actOnBots("status"), (*botnet).show},
	"list":    {listGrammar, (*botnet).list},
	"log":     {logGrammar, (*botnet).log},
	"clear":   {clearGrammar, (*botnet).clear},
	"check":   {plainGrammar("check"), (*botnet).check},
	"debug":   {debugGrammar, (*botnet).debug},
	"run":     {runGrammar, (*botnet).run},
}

// answerFromBotnet does what the words ask for.
func (c *call) answerFromBotnet() (int, error) {
	runtime := c.root.path("etc/runtime.yaml")
	if _, err := os.Stat(runtime); c.switches.on(noRuntime) || errors.Is(err, fs.ErrNotExist) {
		return 1, said(fmt.Sprintf("Error loading '%s': File not found: '%s'.", runtime, runtime))
	}
	if c.switches.on(noLogAccess) {
		c.warn("Not logging to file: [Errno 13] Permission denied: '" + c.root.path("var/log/intelmqctl.log") + "'")
	}
	n, err := c.readBotnet()
	if err != nil {
		return 1, err
	}
	code, err := n.dispatch()
	if wanted := (*help)(nil); errors.As(err, &wanted) {
		fmt.Fprint(c.stdout, wanted.text)
		return 0, nil
	}
	return code, err
}

func (n *botnet) dispatch() (int, error) {
	a, err := mainGrammar.parse(n.words)
	if err != nil {
		return 2, err
	}
	if a.has("--version") {
		fmt.Fprintln(n.stdout, version)
		return 0, nil
	}
	found, named := commands[a.or("command", "")]
	if !named {
		return 0, &help{mainGrammar.usage()}
	}
	if a, err = found.grammar(n).parse(a.rest); err != nil {
		return 2, err
	}
	return found.run(n, a)
}

// warn says something in the red of the real command.
func (c *call) warn(text string) { fmt.Fprintf(c.stderr, "\x1b[31m%s\x1b[0m\n", text) }

func plainGrammar(name string) func(*botnet) grammar {
	return func(*botnet) grammar { return grammar{command: Name + " " + name} }
}

func listGrammar(*botnet) grammar {
	return grammar{
		command:     Name + " list",
		options:     []option{{name: "--non-zero"}, {name: "--count"}, {name: "--configured"}},
		positionals: []positional{{name: "kind", choices: []string{"bots", "queues", "queues-and-status"}}},
	}
}

func (n *botnet) list(a arguments) (int, error) {
	if a.values["kind"] == "bots" {
		text, err := n.root.sample("bots.json")
		// One of the parameters is the time of the call.
		fmt.Fprint(n.stdout, strings.ReplaceAll(text, "2026-01-02 03:04:05", pythonTime(n.now())))
		return 0, err
	}
	queues, err := n.queues()
	if err != nil {
		return 1, err
	}
	if a.values["kind"] == "queues" {
		n.print(queues)
		return 0, nil
	}
	bots := n.group("")
	statuses := n.statusOf(bots)
	n.print([]any{queues, byBot(bots, statuses)})
	return exitCode(all(statuses, running)), nil
}

// errBroker is what all that needs the queues says when they cannot be reached.
const (
	errBroker = said("Traceback (most recent call last):\nredis.exceptions.ConnectionError: " + refused)
	refused   = "Error 111 connecting to 127.0.0.1:6379. Connection refused."
)

// said is an error in the words of the real command.
type said string

func (s said) Error() string { return string(s) }

// queues are the queues of each bot and how many messages are in them.
func (n *botnet) queues() (object, error) {
	if n.switches.on(brokerDown) {
		return nil, errBroker
	}
	var failed error
	count := func(name string) int {
		messages, err := n.root.queue(name)
		failed = errors.Join(failed, err)
		return len(messages)
	}
	var all object
	for _, b := range n.bots {
		var its object
		if !b.isCollector() {
			its = append(its, member{"source_queue", []any{b.SourceQueue, count(b.SourceQueue)}})
			its = append(its, member{"internal_queue", count(internalQueue(b))})
		}
		destinations := []any{}
		for _, name := range b.DestinationQueues {
			destinations = append(destinations, []any{name, count(name)})
		}
		all = append(all, member{b.ID, append(its, member{"destination_queues", destinations})})
	}
	return all, failed
}

func clearGrammar(*botnet) grammar {
	return grammar{command: Name + " clear", positionals: []positional{{name: "queue"}}}
}

func (n *botnet) clear(a arguments) (int, error) {
	if n.switches.on(brokerDown) {
		return 1, errBroker
	}
	if !slices.Contains(n.queueNames(), a.values["queue"]) {
		n.print("not-found")
		return 2, nil
	}
	if err := n.root.empty(a.values["queue"]); err != nil {
		n.print("error")
		return 1, nil
	}
	n.print("success")
	return 0, nil
}

func logGrammar(n *botnet) grammar {
	return grammar{command: Name + " log", positionals: []positional{
		{name: "bot_id", choices: n.ids()},
		{name: "number_of_lines", optional: true, integer: true},
		{name: "log_level", choices: levels, optional: true},
	}}
}
