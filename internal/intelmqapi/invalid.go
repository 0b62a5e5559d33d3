package intelmqapi

import (
	"slices"
	"strings"
)

// Invalid says what is wrong with the arguments or the body of a request. As JSON
// it is the body of status 422, byte for byte that of FastAPI with pydantic 1.
type Invalid struct {
	Details []Detail `json:"detail"`
}

// Detail is one thing that is wrong. Clients rely on Loc alone, since the texts
// differ from version to version of FastAPI.
type Detail struct {
	// Loc is where: query or body, and the name of a parameter, or how many
	// characters are before the fault.
	Loc []any `json:"loc"`
	// Msg is a text for people.
	Msg string `json:"msg"`
	// Type is a word of pydantic.
	Type string `json:"type"`
	// Context is more for programs, or nil.
	Context any `json:"ctx,omitempty"`
}

// choice is the context of a word that is not one of those there are.
type choice struct {
	Given     string   `json:"given"`
	Permitted []string `json:"permitted"`
}

func missing(loc ...any) *Detail {
	return &Detail{Loc: loc, Msg: "field required", Type: "value_error.missing"}
}

func notPermitted(given string, permitted []string) *Detail {
	return &Detail{
		Msg:     "unexpected value; permitted: '" + strings.Join(permitted, "', '") + "'",
		Type:    "value_error.const",
		Context: choice{given, slices.Clone(permitted)},
	}
}

// wrongBody is a fault of a body as a whole.
func wrongBody(message, kind string) *Invalid {
	return &Invalid{[]Detail{{Loc: []any{"body"}, Msg: message, Type: kind}}}
}

func notAnObject() *Invalid { return wrongBody("value is not a valid dict", "type_error.dict") }

// BadObject is about an object of the body that cannot be meant, whatever err says
// of it.
func BadObject(err error) *Invalid { return wrongBody(err.Error(), "value_error") }
