package cceapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/internal/cscp"
)

// Parse reads a body. All commands of the request pass cscp.Append. An error is a
// *BadRequest or a *Refused.
func Parse(text []byte) (*Request, error) {
	b, err := readBody(text)
	if err != nil {
		return nil, err
	}
	line, err := b.line()
	if err != nil {
		return nil, err
	}
	word, rest := cscp.Word(line)
	p := parser{body: b, line: line, words: rest, req: &Request{Word: word}}
	if err := p.parse(); err != nil {
		return nil, p.refuse(err)
	}
	return p.req, nil
}

// line is the command, which may be a word or a whole line.
func (b *body) line() (string, error) {
	var line string
	if b.cmd == nil || json.Unmarshal(b.cmd, &line) != nil {
		return "", &BadRequest{"the body has no string 'cmd'"}
	}
	if strings.Trim(line, " \t\r\n") == "" {
		return "", &BadRequest{"'cmd' is empty"}
	}
	return line, nil
}

// parser makes a request of a body.
type parser struct {
	body *body
	// line is the command, and words what follows its first word. If there are any
	// it is a short form: the line counts, and the fields but for credentials,
	// "reason" and "scalars" are ignored.
	line, words string
	req         *Request
}

func (p *parser) short() bool { return strings.Trim(p.words, " \t\r,") != "" }

func (p *parser) parse() error {
	read, known := commands[p.req.Word]
	if !known {
		return &Refused{Code: cscp.CodeBadCommand, Reason: "the command is unknown"}
	}
	if err := p.credentials(); err != nil {
		return err
	}
	switch arrays, err := textOf(p.body.scalars); {
	case err != nil:
		return fmt.Errorf("scalars %w", err)
	case arrays != "" && arrays != "arrays":
		return errors.New("scalars can be 'arrays' only")
	default:
		p.req.ScalarArrays = arrays != ""
	}
	return read(p)
}

// refuse makes any error a Refused.
func (p *parser) refuse(err error) error {
	if refused, ok := errors.AsType[*Refused](err); ok {
		return refused
	}
	refused := &Refused{Word: p.req.Word, Code: cscp.CodeBadParameters, Reason: err.Error()}
	if parameter, ok := errors.AsType[*cscp.ParameterError](err); ok {
		refused.Reason = parameter.Error()
	}
	if syntax, ok := errors.AsType[*cscp.SyntaxError](err); ok {
		refused.Code, refused.Parse = syntax.Code, syntax.Parse
	}
	refused.Reason = strings.TrimPrefix(refused.Reason, refused.Word+": ")
	return refused
}

func (p *parser) credentials() error {
	c := &p.req.Credentials
	for _, f := range []struct {
		name string
		raw  json.RawMessage
		to   *string
	}{
		{"user", p.body.user, &c.User},
		{"password", p.body.password, (*string)(&c.Password)},
		{"sessionid", p.body.sessionID, (*string)(&c.SessionID)},
		{"token", p.body.token, (*string)(&c.Token)},
	} {
		text, err := textOf(f.raw)
		if err != nil {
			return fmt.Errorf("%s %w", f.name, err)
		}
		if strings.IndexByte(text, 0) >= 0 {
			return fmt.Errorf("%s has a NUL in it", f.name)
		}
		*f.to = text
	}
	return nil
}

// text is a field that is a text.
func (p *parser) text(name string) (string, error) {
	s, err := textOf(*p.body.field(name))
	if err != nil {
		return "", fmt.Errorf("%s %w", name, err)
	}
	return s, nil
}

// pairs are the members of the fields, those of later ones counting over those of
// earlier ones.
func (p *parser) pairs(fields ...string) (list []cscp.Pair, err error) {
	for _, name := range fields {
		if list, err = addPairs(list, *p.body.field(name)); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return list, nil
}

// check refuses what cced could not be told.
func check(command cscp.Command) error {
	_, err := cscp.Append(nil, command)
	return err
}
