package intelmqapi

import (
	"net/url"

	"github.com/sallyport/sallyport/internal/intelmqctl"
)

// Question is what a request asks for. It holds no secret: the password of
// RouteLogin stays in the form.
type Question struct {
	Route Route
	// Command is what has to be run, or nil if nothing has.
	Command intelmqctl.Command
	// File is the path that RouteConfig is asked for, as the client has written it;
	// Fetch asks for its content alone.
	File  string
	Fetch bool
	// Save: the JSON object of the body is to be saved, see ReadObject.
	Save bool
}

// Changes reports whether the question needs the right to write: it starts, stops,
// takes or saves something.
func (q *Question) Changes() bool {
	return q.Save || q.Command != nil && intelmqctl.Changes(q.Command)
}

// Forgeable reports whether harm is done when another site makes a browser ask:
// a change, or the end of a session. See CrossSite.
func (q *Question) Forgeable() bool { return q.Changes() || q.Route == RouteLogout }

// Parse reads the arguments of a request, which must be authenticated before: the
// answer to bad ones tells something. The method must be one that the route
// allows; with another one, or OPTIONS, nothing is asked. The form is that of
// ReadForm or Fields, and nil where a route has none.
//
// Of a parameter that is there twice the last counts, and unknown ones are
// ignored. Values are case-sensitive, but for booleans.
func Parse(route Route, method, rawQuery string, form url.Values) (*Question, *Invalid) {
	q := &Question{Route: route}
	o := route.operation(method)
	if o == nil {
		return q, nil
	}
	q.Save = o.object
	found := make(arguments, len(o.query)+len(o.form))
	var details []Detail
	if len(o.query) > 0 {
		details = found.read(details, "query", o.query, parseQuery(rawQuery))
	}
	details = found.read(details, "body", o.form, filled(form))
	if details == nil && o.ask != nil {
		if d := o.ask(q, found); d != nil {
			details = []Detail{*d}
		}
	}
	if details != nil {
		return nil, &Invalid{details}
	}
	return q, nil
}

// filled are the fields of a form that are not empty: an empty one counts as
// missing, unlike a parameter of a query.
func filled(form url.Values) url.Values {
	kept := make(url.Values, len(form))
	for name, values := range form {
		if n := len(values); n > 0 && values[n-1] != "" {
			kept[name] = values[n-1:]
		}
	}
	return kept
}

func askBotnet(q *Question, a arguments) *Detail {
	group := intelmqctl.Group(a["group"].text)
	if group == wholeBotnet {
		group = ""
	}
	q.Command = intelmqctl.Botnet{Action: intelmqctl.Action(a["action"].text), Group: group}
	return nil
}

func askBot(q *Question, a arguments) *Detail {
	q.Command = intelmqctl.Bot{Action: intelmqctl.Action(a["action"].text), ID: a["id"].id}
	return nil
}

func askLog(q *Question, a arguments) *Detail {
	level := intelmqctl.Level(a["level"].text)
	if level == allLevels {
		level = intelmqctl.LevelDebug
	}
	q.Command = intelmqctl.Log{ID: a["id"].id, Lines: a["lines"].number, Level: level}
	return nil
}

func askClear(q *Question, a arguments) *Detail {
	q.Command = intelmqctl.Clear{Queue: a["id"].id}
	return nil
}

func askConfig(q *Question, a arguments) *Detail {
	q.File, q.Fetch = a["file"].text, a["fetch"].flag
	return nil
}

// askRun reads the message too, which intelmq-api passes on whatever it is: what
// is no JSON object would be an option of intelmqctl, or a file that it reads.
func askRun(q *Question, a arguments) *Detail {
	bot, verb, text := a["bot"].id, a["cmd"].text, a["msg"].text
	var event intelmqctl.Event
	switch verb {
	case sendMessage, processMessage:
		if text == "" && verb == processMessage {
			break
		}
		if text == "" {
			return missing("body", "msg")
		}
		var err error
		if event, err = intelmqctl.ParseEvent(text); err != nil {
			return &Detail{Loc: []any{"body", "msg"}, Msg: err.Error(), Type: "value_error"}
		}
	}
	switch verb {
	case sendMessage:
		q.Command = intelmqctl.Send{Bot: bot, Event: event}
	case processMessage:
		q.Command = intelmqctl.Process{Bot: bot, Event: event, ShowSent: a["show"].flag, DryRun: a["dry"].flag}
	default:
		q.Command = intelmqctl.Message{Bot: bot, Verb: intelmqctl.Verb(verb)}
	}
	return nil
}
