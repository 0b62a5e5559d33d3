package intelmqapi

import (
	"net/url"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/internal/intelmqctl"
)

// kind is how the value of a parameter is read.
type kind uint8

// The kinds. A parameter with a list of words takes one of them.
const (
	textKind kind = iota
	nameKind
	integerKind
	flagKind
)

// parameter is one argument of an operation.
type parameter struct {
	name string
	kind kind
	// words are all values there are, or none.
	words    []string
	required bool
	// fallback is read if the parameter is missing and not required.
	fallback string
}

// argument is a value that was read; which field counts is said by the kind.
type argument struct {
	text   string
	id     intelmqctl.ID
	number int
	flag   bool
}

// arguments are values by the names of their parameters.
type arguments map[string]argument

// read reads parameters from values, of which the last counts, and appends what
// is wrong with them to details.
func (a arguments) read(details []Detail, in string, parameters []parameter, values url.Values) []Detail {
	for _, p := range parameters {
		text := p.fallback
		if all := values[p.name]; len(all) > 0 {
			text = all[len(all)-1]
		} else if p.required {
			details = append(details, *missing(in, p.name))
			continue
		}
		value, wrong := p.read(text)
		if wrong != nil {
			wrong.Loc = []any{in, p.name}
			details = append(details, *wrong)
			continue
		}
		a[p.name] = value
	}
	return details
}

// read reads a value. The detail has no location yet.
func (p *parameter) read(text string) (argument, *Detail) {
	if p.words != nil {
		if !slices.Contains(p.words, text) {
			return argument{}, notPermitted(text, p.words)
		}
		return argument{text: text}, nil
	}
	switch p.kind {
	case nameKind:
		return readName(text)
	case integerKind:
		number, ok := parseInteger(text)
		if !ok {
			return argument{}, &Detail{Msg: "value is not a valid integer", Type: "type_error.integer"}
		}
		return argument{number: number}, nil
	case flagKind:
		flag, ok := parseFlag(text)
		if !ok {
			return argument{}, &Detail{Msg: "value could not be parsed to a boolean", Type: "type_error.bool"}
		}
		return argument{flag: flag}, nil
	default:
		return argument{text: text}, nil
	}
}

// readName reads the name of a bot or a queue. intelmq-api answers 500 to what it
// does not allow, and lets pass what begins with a hyphen.
func readName(text string) (argument, *Detail) {
	id, err := intelmqctl.ParseID(text)
	if err != nil {
		return argument{}, &Detail{Msg: err.Error(), Type: "value_error.str.regex"}
	}
	return argument{id: id}, nil
}

// parseFlag reads a boolean as pydantic 1 does.
func parseFlag(text string) (value, ok bool) {
	switch strings.ToLower(text) {
	case "1", "on", "t", "true", "y", "yes":
		return true, true
	case "0", "off", "f", "false", "n", "no":
		return false, true
	}
	return false, false
}
