package intelmqctl

import (
	"encoding/json"
	"errors"
	"fmt"
)

func runGrammar(n *botnet) grammar {
	return grammar{
		command: Name + " run",
		options: []option{{name: "--loglevel", short: "-l", choices: levels, value: true}},
		positionals: []positional{
			{name: "bot_id", choices: n.ids()},
			{name: "run_subcommand", choices: []string{"message", "process"}, rest: true},
		},
	}
}

// The grammars of what a bot is to do.
func messageGrammar(id string) grammar {
	return grammar{command: Name + " run " + id + " message", positionals: []positional{
		{name: "message_action_kind", choices: []string{"get", "pop", "send"}},
		{name: "msg", optional: true},
	}}
}

func processGrammar(id string) grammar {
	return grammar{command: Name + " run " + id + " process", options: []option{
		{name: "--show-sent", short: "-s"}, {name: "--dryrun", short: "-d"}, {name: "--msg", short: "-m", value: true},
	}}
}

// run has this process be a bot for a message. One that runs is stopped meanwhile; it
// is started again at the end, even if that is SIGTERM.
func (n *botnet) run(a arguments) (code int, err error) {
	b := n.bot(a.values["bot_id"])
	g, do := processGrammar(b.ID), n.process
	if a.values["run_subcommand"] == "message" {
		g, do = messageGrammar(b.ID), n.message
	}
	if a, err = g.parse(a.rest); err != nil {
		return 2, err
	}
	if n.switches.on(brokerDown) {
		return 1, errBroker
	}
	n.catchInterrupts()
	s := n.status(b)
	if s == unknown {
		return 1, fmt.Errorf("the status of %s is unknown, so it cannot be run", b.ID)
	}
	if !b.Enabled {
		n.warn(b.ID + ": Ignoring disallowed system parameter 'enabled'.")
	}
	if s == running {
		fmt.Fprintf(n.stdout, "%s runs; it is stopped, and started again afterwards.\n", b.ID)
		if _, err := n.end(b); err != nil {
			return 1, err
		}
		defer func() {
			_, started := n.launch(b)
			err = errors.Join(err, started)
		}()
	}
	n.say(b, "Bot is starting.")
	err = do(b, a)
	if errors.Is(err, errInterrupted) {
		err = nil
	}
	n.say(b, "Bot stopped.")
	return exitCode(err == nil), err
}

// say prints a line of the bot's log.
func (n *botnet) say(b bot, text string) { fmt.Fprintf(n.stdout, "%s: %s\n", b.ID, text) }

func (n *botnet) sayNoQueue() {
	fmt.Fprintln(n.stdout, "A collector has no queue to take a message from.")
}

// message gets, pops or sends one.
func (n *botnet) message(b bot, a arguments) error {
	if a.values["message_action_kind"] == "send" {
		return n.send(b, a.values["msg"])
	}
	if b.isCollector() {
		n.sayNoQueue()
		return nil
	}
	fmt.Fprintln(n.stdout, "The next message is waited for.")
	text, err := n.next(b.SourceQueue)
	if err != nil {
		return err
	}
	event, err := readObject(text)
	if err != nil {
		return err
	}
	n.print(event)
	if a.values["message_action_kind"] == "pop" {
		return n.root.shift(b.SourceQueue)
	}
	return nil
}

func (n *botnet) send(b bot, text string) error {
	if b.isOutput() {
		fmt.Fprintln(n.stdout, "An output has no queues to send to.")
		return nil
	}
	event, err := n.readMessage(b, text)
	if err != nil {
		return err
	}
	if err := n.forward(b, event); err != nil {
		return err
	}
	fmt.Fprintln(n.stdout, "The message is sent.")
	return nil
}

// readMessage reads a message of the command line. For one that is none the real
// command asks a question, which nobody answers.
func (n *botnet) readMessage(b bot, text string) (map[string]any, error) {
	event, err := readObject(text)
	if err == nil && event != nil {
		return event, nil
	}
	n.warn(b.ID + ": the message is not a JSON object.")
	return nil, said("Traceback (most recent call last):\nEOFError: EOF when reading a line")
}

// forward puts a message into the queues after a bot.
func (n *botnet) forward(b bot, event map[string]any) error {
	text, err := json.Marshal(event)
	if err != nil {
		return err
	}
	for _, queue := range b.DestinationQueues {
		if err := n.root.push(queue, string(text)); err != nil {
			return err
		}
	}
	return nil
}

// process has the bot work on a message: that of the command line or, if it is empty,
// the next one of the queue, which goes with it.
func (n *botnet) process(b bot, a arguments) error {
	if b.isCollector() && a.values["--msg"] == "" {
		n.sayNoQueue()
		return nil
	}
	event, queued, err := n.takeMessage(b, a.values["--msg"])
	if err != nil {
		return err
	}
	fmt.Fprintln(n.stdout, "Processing...")
	if a.has("--show-sent") && !b.isOutput() {
		n.print([]any{event})
	}
	if a.has("--dryrun") {
		fmt.Fprintln(n.stdout, "DRYRUN: nothing is sent and nothing is taken from the queue.")
		return nil
	}
	if err := n.forward(b, event); err != nil || !queued {
		return err
	}
	return n.root.shift(b.SourceQueue)
}

// takeMessage is the message to process, and whether it is still in the queue.
func (n *botnet) takeMessage(b bot, text string) (event map[string]any, queued bool, err error) {
	if text != "" {
		event, err = n.readMessage(b, text)
		return event, false, err
	}
	if text, err = n.next(b.SourceQueue); err == nil {
		event, err = readObject(text)
	}
	return event, true, err
}
