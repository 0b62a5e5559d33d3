package intelmqctl

import "strconv"

// Command is one call of intelmqctl. The types of this package are all there are.
type Command interface{ describe() description }

// description is what is known of a command.
type description struct {
	name      string
	arguments []string
	// target is the bot, the group or the queue that it is about, if it is about
	// one.
	target string
	// text: it prints text for people in place of JSON.
	text bool
}

// Name is one of a few words for metrics and the audit trail, such as queues, bot
// start or run get.
func Name(c Command) string { return c.describe().name }

// Target is the bot, the group or the queue that a command is about, for the audit
// trail; empty for those about all.
func Target(c Command) string { return c.describe().target }

// Arguments follow the words of the configured command. None of them begins with
// a hyphen because a client wants it.
func Arguments(c Command) []string { return c.describe().arguments }

// Changes reports whether a command starts, stops or takes something. Such
// commands must never run at the same time: three restarts at once leave two
// processes of a bot, one of which no pid file knows.
func Changes(c Command) bool {
	switch c := c.(type) {
	case Log, Queues, QueuesAndStatus, Bots, Version, Check, Debug, Paths:
		return false
	case Botnet:
		return c.Action != Look
	case Bot:
		return c.Action != Look
	}
	return true
}

// Action is what can be done with a bot, or with a group of them.
type Action string

// The actions.
const (
	Start   Action = "start"
	Stop    Action = "stop"
	Restart Action = "restart"
	Reload  Action = "reload"
	Look    Action = "status"
)

// Group is a part of the botnet; the zero value is all of it.
type Group string

// The groups.
const (
	Collectors Group = "collectors"
	Parsers    Group = "parsers"
	Experts    Group = "experts"
	Outputs    Group = "outputs"
)

// Level is how grave a line of a log is at least.
type Level string

// The levels, in order.
const (
	LevelDebug    Level = "DEBUG"
	LevelInfo     Level = "INFO"
	LevelWarning  Level = "WARNING"
	LevelError    Level = "ERROR"
	LevelCritical Level = "CRITICAL"
)

type (
	// Botnet acts on a group. It prints an object of bot and status.
	Botnet struct {
		Action Action
		Group  Group
	}
	// Bot acts on one bot. It prints its status, and two of them for Restart.
	Bot struct {
		Action Action
		ID     ID
	}
	// Log prints the last lines of a bot's log, which must be of a level that the
	// version of intelmqctl understands in its own way: see Client.Log. Lines is -1
	// for all of them.
	Log struct {
		ID    ID
		Lines int
		Level Level
	}
	// Queues prints the queues of each bot and how full they are.
	Queues struct{}
	// QueuesAndStatus prints a list of what Queues and Botnet{Look} print.
	QueuesAndStatus struct{}
	// Bots prints the bots that could be configured, with their descriptions.
	Bots struct{}
	// Version prints the version of IntelMQ as text.
	Version struct{}
	// Check prints whether the configuration is good.
	Check struct{}
	// Clear empties a queue. It prints success, not-found or error.
	Clear struct{ Queue ID }
	// Debug prints paths and environment.
	Debug struct{}
	// Paths prints the paths alone.
	Paths struct{}
	// Message takes a message from a bot's queue, or looks at it: Verb is Get or
	// Pop. The running bot is stopped for the while. On an empty queue intelmqctl
	// waits for ever.
	Message struct {
		Bot  ID
		Verb Verb
	}
	// Send puts a message into the queues after a bot.
	Send struct {
		Bot   ID
		Event Event
	}
	// Process has a bot work on one message: the given one, or without it the next
	// one of its queue.
	Process struct {
		Bot   ID
		Event Event
		// ShowSent prints what the bot sends; DryRun keeps it from sending.
		ShowSent, DryRun bool
	}
)

// Verb is what Message does with the next message of a queue.
type Verb string

// The verbs.
const (
	Get Verb = "get"
	Pop Verb = "pop"
)

// printing is a command that prints JSON.
func printing(name string, words ...string) description {
	return description{name: name, arguments: append([]string{"--type", "json"}, words...)}
}

// running is one that has a bot work, and prints what it says.
func running(verb string, bot ID, words ...string) description {
	return description{
		name: "run " + verb, arguments: append([]string{"run", bot.text}, words...),
		target: bot.text, text: true,
	}
}

func (c Botnet) describe() description {
	words := []string{string(c.Action)}
	if c.Group != "" {
		words = append(words, "--group", string(c.Group))
	}
	d := printing("botnet "+string(c.Action), words...)
	d.target = string(c.Group)
	return d
}

func (c Bot) describe() description {
	d := printing("bot "+string(c.Action), string(c.Action), c.ID.text)
	d.target = c.ID.text
	return d
}

func (c Log) describe() description {
	d := printing("log", "log", c.ID.text, strconv.Itoa(c.Lines), string(c.Level))
	d.target = c.ID.text
	return d
}

func (Queues) describe() description { return printing("queues", "list", "queues") }
func (QueuesAndStatus) describe() description {
	return printing("queues-and-status", "list", "queues-and-status")
}
func (Bots) describe() description  { return printing("bots", "list", "bots") }
func (Check) describe() description { return printing("check", "check") }
func (Debug) describe() description { return printing("debug", "debug") }
func (Paths) describe() description { return printing("paths", "debug", "--get-paths") }
func (Version) describe() description {
	return description{name: "version", arguments: []string{"--version"}, text: true}
}

func (c Clear) describe() description {
	d := printing("clear", "clear", c.Queue.text)
	d.target = c.Queue.text
	return d
}

func (c Message) describe() description {
	return running(string(c.Verb), c.Bot, "message", string(c.Verb))
}

func (c Send) describe() description {
	return running("send", c.Bot, "message", "send", c.Event.text)
}

// The flag is --dryrun in full; --dry is what the service that is replaced has
// always sent, and it sends an empty message too.
func (c Process) describe() description {
	words := []string{"process"}
	if c.ShowSent {
		words = append(words, "--show-sent")
	}
	if c.DryRun {
		words = append(words, "--dry")
	}
	return running("process", c.Bot, append(words, "--msg", c.Event.text)...)
}
