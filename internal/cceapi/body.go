package cceapi

import (
	"encoding/json"
	"unicode/utf8"
)

// body are the fields of a body as they came. Those that are missing are nil.
type body struct {
	cmd                              json.RawMessage
	user, password, sessionID, token json.RawMessage
	class, oid, namespace            json.RawMessage
	args, data, regexArgs            json.RawMessage
	sortType, sortProp               json.RawMessage
	oids                             json.RawMessage
	reason, scalars                  json.RawMessage
}

// field is where a field of that name belongs, or nil if there is none.
func (b *body) field(name string) *json.RawMessage {
	switch name {
	case "cmd":
		return &b.cmd
	case "user":
		return &b.user
	case "password":
		return &b.password
	case "sessionid":
		return &b.sessionID
	case "token":
		return &b.token
	case "class":
		return &b.class
	case "oid":
		return &b.oid
	case "namespace":
		return &b.namespace
	case "args":
		return &b.args
	case "data":
		return &b.data
	case "regex_args":
		return &b.regexArgs
	case "sorttype":
		return &b.sortType
	case "sortprop":
		return &b.sortProp
	case "oids":
		return &b.oids
	case "reason":
		return &b.reason
	case "scalars":
		return &b.scalars
	}
	return nil
}

// readBody takes a body apart. Of a field that is there twice the last counts.
func readBody(text []byte) (*body, error) {
	switch {
	case !utf8.Valid(text):
		// encoding/json would store other bytes than were sent.
		return nil, &BadRequest{"the body is not UTF-8"}
	case tooDeep(text):
		return nil, &BadRequest{"the body is nested too deeply"}
	case !json.Valid(text):
		return nil, &BadRequest{"the body is not JSON"}
	}
	if text = trimBlanks(text); text[0] != '{' {
		return nil, &BadRequest{"the body is not a JSON object"}
	}
	b := new(body)
	for name, value := range members(text) {
		if field := b.field(name); field != nil {
			*field = value
		}
	}
	return b, nil
}
