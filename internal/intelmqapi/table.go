package intelmqapi

import (
	"net/http"

	"github.com/sallyport/sallyport/internal/intelmqctl"
)

// entry is a route and what its methods do.
type entry struct {
	route      Route
	operations []operation
}

// operation is one method of a route.
type operation struct {
	method string
	// summary is a sentence for the description.
	summary string
	// query and form are the arguments, in the order in which they are found
	// fault with.
	query, form []parameter
	// object: the body is a JSON object that is saved.
	object bool
	// mayChange: there are arguments with which it starts, stops or takes something.
	mayChange bool
	// answers are the content types of success; nil is JSON.
	answers []string
	// ask makes a question of arguments that are good each by itself. Nil asks
	// nothing more than the route says.
	ask func(q *Question, a arguments) *Detail
}

// actions are what botnet and bot do. The order, here and in all lists of words,
// is that of intelmq-api, which names them in its errors.
var actions = []string{
	string(intelmqctl.Start), string(intelmqctl.Stop), string(intelmqctl.Restart),
	string(intelmqctl.Reload), string(intelmqctl.Look),
}

// wholeBotnet is what the manager sends for no group.
const wholeBotnet = "botnet"

var groups = []string{
	string(intelmqctl.Collectors), string(intelmqctl.Parsers), string(intelmqctl.Experts),
	string(intelmqctl.Outputs), wholeBotnet,
}

// allLevels is what the manager sends for lines of any level.
const allLevels = "ALL"

var levels = []string{
	string(intelmqctl.LevelDebug), string(intelmqctl.LevelInfo), string(intelmqctl.LevelWarning),
	string(intelmqctl.LevelError), string(intelmqctl.LevelCritical), allLevels,
}

// The words of run that are not of intelmqctl.Verb.
const (
	sendMessage    = "send"
	processMessage = "process"
)

var runs = []string{string(intelmqctl.Get), string(intelmqctl.Pop), sendMessage, processMessage}

// table is the contract: each route with its methods and their arguments.
var table = []entry{
	{RouteBotnet, []operation{{
		method: http.MethodGet, mayChange: true,
		summary: "Starts, stops or looks at all bots or those of a group. Answers an object of names and statuses.",
		query: []parameter{
			{name: "action", words: actions, required: true},
			{name: "group", words: groups, fallback: wholeBotnet},
		},
		ask: askBotnet,
	}}},
	{RouteBot, []operation{{
		method: http.MethodGet, mayChange: true,
		summary: "Starts, stops or looks at one bot. Answers its status, and two of them for restart.",
		query: []parameter{
			{name: "action", words: actions, required: true},
			{name: "id", kind: nameKind, required: true},
		},
		ask: askBot,
	}}},
	{RouteGetLog, []operation{{
		method:  http.MethodGet,
		summary: "The last lines of a bot's log that are of a level or above; -1 is all lines.",
		query: []parameter{
			{name: "id", kind: nameKind, required: true},
			{name: "lines", kind: integerKind, required: true},
			{name: "level", words: levels, fallback: string(intelmqctl.LevelDebug)},
		},
		ask: askLog,
	}}},
	plain(RouteQueues, "The queues of each bot and how many messages are in them.", intelmqctl.Queues{}),
	plain(RouteQueuesAndStatus, "A list of two: what queues answers, and the status of all bots.", intelmqctl.QueuesAndStatus{}),
	plain(RouteBots, "The bots that can be configured, by group, with their parameters.", intelmqctl.Bots{}),
	plain(RouteVersion, "The versions of IntelMQ and of this interface.", intelmqctl.Version{}),
	plain(RouteCheck, "Whether the configuration is good, and what is wrong with it.", intelmqctl.Check{}),
	{RouteClear, []operation{{
		method: http.MethodGet, mayChange: true,
		summary: "Empties a queue. Answers success, not-found or error.",
		query:   []parameter{{name: "id", kind: nameKind, required: true}},
		ask:     askClear,
	}}},
	plain(RouteDebug, "The paths and the environment of IntelMQ.", intelmqctl.Debug{}),
	{RouteRun, []operation{{
		method: http.MethodPost, mayChange: true,
		summary: "Looks at or takes the next message of a bot's queue, sends one, or has the bot work on one. The bot is stopped for the while. Answers what is printed, as a string.",
		query: []parameter{
			{name: "bot", kind: nameKind, required: true},
			{name: "cmd", words: runs, required: true},
			{name: "show", kind: flagKind, fallback: "false"},
			{name: "dry", kind: flagKind, fallback: "false"},
		},
		form: []parameter{{name: "msg"}},
		ask:  askRun,
	}}},
	{RouteConfig, []operation{{
		method:  http.MethodGet,
		answers: []string{typeJSON, typePlain},
		summary: "Lists a folder of the bots' files, or shows one of the files; with fetch its content alone, as plain text.",
		query: []parameter{
			{name: "file", required: true},
			{name: "fetch", kind: flagKind, fallback: "false"},
		},
		ask: askConfig,
	}}},
	{RouteLogin, []operation{{
		method:  http.MethodPost,
		summary: "Gives a token for a user's name and password, as a form or a JSON object.",
		form:    []parameter{{name: "username", required: true}, {name: "password", required: true}},
	}}},
	{RouteLogout, []operation{{method: http.MethodPost, summary: "Ends the session of the token."}}},
	{RouteHarmonization, []operation{{method: http.MethodGet, summary: "The fields that messages may have."}}},
	{RouteRuntime, []operation{
		{method: http.MethodGet, summary: "The configuration of the bots."},
		{method: http.MethodPost, answers: []string{typePlain}, object: true, mayChange: true, summary: "Saves the configuration of the bots. If-Match says on which one it is based."},
	}},
	{RoutePositions, []operation{
		{method: http.MethodGet, summary: "Where the manager draws the bots."},
		{method: http.MethodPost, answers: []string{typePlain}, object: true, mayChange: true, summary: "Saves where the manager draws the bots."},
	}},
	{RouteOpenAPI, []operation{{method: http.MethodGet, summary: "This description."}}},
}

// plain is a route that runs a reading command without arguments.
func plain(r Route, summary string, command intelmqctl.Command) entry {
	ask := func(q *Question, _ arguments) *Detail {
		q.Command = command
		return nil
	}
	return entry{r, []operation{{method: http.MethodGet, summary: summary, ask: ask}}}
}
