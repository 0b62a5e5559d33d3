package cceapi

import (
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/internal/cscp"
)

// commands says how the request of each word is read. ADMIN is followed by
// SUSPEND or RESUME.
var commands = map[string]func(*parser) error{
	"PING":      (*parser).ping,
	"LOGIN":     (*parser).logIn,
	"AUTH":      (*parser).auth,
	"AUTHKEY":   (*parser).authKey,
	"WHOAMI":    (*parser).whoAmI,
	"ENDKEY":    (*parser).endKey,
	"BYE":       (*parser).bye,
	"BEGIN":     (*parser).begin,
	"COMMIT":    (*parser).commit,
	"GET":       (*parser).get,
	"SET":       (*parser).set,
	"CREATE":    (*parser).create,
	"DESTROY":   (*parser).destroy,
	"NAMES":     (*parser).names,
	"CLASSES":   (*parser).classes,
	"FIND":      (*parser).find,
	"FINDX":     (*parser).findX,
	"GETOBJECT": (*parser).getObject,
	"GETALL":    (*parser).getAll,
	"ADMIN":     (*parser).admin,
	"SUSPEND":   (*parser).suspend,
	"RESUME":    (*parser).suspend,
	"SUSPENDED": (*parser).suspended,
}

// action is a command without parameters; its line is checked if it is one of
// cced's words.
func (p *parser) action(a Action) error {
	p.req.Action = a
	if !p.short() {
		return nil
	}
	if p.req.BuiltIn() {
		return errors.New("takes no parameters")
	}
	_, err := cscp.ParseLine(p.line)
	return err
}

func (p *parser) ping() error   { return p.action(Ping) }
func (p *parser) logIn() error  { return p.action(LogIn) }
func (p *parser) whoAmI() error { return p.action(WhoAmI) }
func (p *parser) endKey() error { return p.action(EndKey) }
func (p *parser) bye() error    { return p.action(Bye) }
func (p *parser) begin() error  { return p.action(Begin) }
func (p *parser) commit() error { return p.action(Commit) }

// plain is a command of cced: that of the line if it is a short form, otherwise
// what the function makes of the fields.
func (p *parser) plain(long func() (cscp.Command, error)) (err error) {
	if p.short() {
		p.req.Command, err = cscp.ParseLine(p.line)
	} else {
		p.req.Command, err = long()
	}
	if err != nil {
		return err
	}
	return check(p.req.Command)
}

func (p *parser) auth() error {
	p.req.Action = Auth
	if err := p.plain(func() (cscp.Command, error) {
		return cscp.Auth{User: p.req.User, Password: p.req.Password}, nil
	}); err != nil {
		return err
	}
	if c, ok := p.req.Command.(cscp.Auth); ok {
		p.req.User, p.req.Password = c.User, c.Password
	}
	return nil
}

// authKey reads AUTHKEY. A session id that cced can never have made is answered
// as any wrong one is, with 401.
func (p *parser) authKey() error {
	p.req.Action = AuthKey
	command := cscp.AuthKey{User: p.req.User, SessionID: p.req.SessionID}
	if p.short() {
		parsed, err := cscp.ParseLine(p.line)
		if err != nil {
			return err
		}
		command, _ = parsed.(cscp.AuthKey)
		p.req.User, p.req.SessionID = command.User, command.SessionID
	}
	if err := check(command); err != nil {
		return &Refused{Word: p.req.Word, Code: cscp.CodeFail, Reason: err.Error()}
	}
	p.req.Command = command
	return nil
}

func (p *parser) get() error {
	return p.plain(func() (cscp.Command, error) {
		oid, namespace, err := p.object()
		return cscp.Get{OID: oid, Namespace: namespace}, err
	})
}

func (p *parser) set() error {
	return p.plain(func() (cscp.Command, error) {
		oid, namespace, err := p.object()
		if err != nil {
			return nil, err
		}
		values, err := p.pairs("args", "data")
		return cscp.Set{OID: oid, Namespace: namespace, Values: values}, err
	})
}

func (p *parser) create() error {
	return p.plain(func() (cscp.Command, error) {
		class, err := p.text("class")
		if err != nil {
			return nil, err
		}
		values, err := p.pairs("args", "data")
		return cscp.Create{Class: class, Values: values}, err
	})
}

func (p *parser) destroy() error {
	return p.plain(func() (cscp.Command, error) {
		oid, err := p.oid()
		return cscp.Destroy{OID: oid}, err
	})
}

// names reads NAMES. PHP's client has the names of classes in "oid" as well.
func (p *parser) names() error {
	return p.plain(func() (cscp.Command, error) {
		object, err := p.text("oid")
		if err != nil {
			return nil, err
		}
		if object == "" {
			class, err := p.text("class")
			return cscp.Names{Class: class}, err
		}
		if cscp.IsName(object) {
			return cscp.Names{Class: object}, nil
		}
		oid, err := p.oid()
		return cscp.Names{OID: oid}, err
	})
}

func (p *parser) classes() error {
	return p.plain(func() (cscp.Command, error) { return cscp.Classes{}, nil })
}

// object is the fields that name an object and a namespace of it.
func (p *parser) object() (cscp.OID, string, error) {
	oid, err := p.oid()
	if err != nil {
		return 0, "", err
	}
	namespace, err := p.text("namespace")
	return oid, namespace, err
}

func (p *parser) oid() (cscp.OID, error) {
	digits, err := p.text("oid")
	if err != nil {
		return 0, err
	}
	return cscp.ParseOID(digits)
}

func (p *parser) find() error {
	return p.plain(func() (cscp.Command, error) { return p.search() })
}

func (p *parser) findX() error {
	p.req.Action = FindX
	return p.look()
}

func (p *parser) getObject() (err error) {
	p.req.Action = GetObject
	if !p.short() {
		if p.req.Namespace, err = p.text("namespace"); err != nil {
			return err
		}
		// The object is not known yet; any will do for the check.
		if err := check(cscp.Get{OID: 1, Namespace: p.req.Namespace}); err != nil {
			return err
		}
	}
	return p.look()
}

func (p *parser) getAll() (err error) {
	p.req.Action = GetAll
	if !p.short() {
		if p.req.OIDs, err = oidsOf(p.body.oids); err != nil {
			return fmt.Errorf("oids: %w", err)
		}
		if len(p.req.OIDs) > 0 {
			return nil
		}
	}
	return p.look()
}

// look reads what FINDX, GETOBJECT and GETALL look for.
func (p *parser) look() (err error) {
	if p.short() {
		p.req.Search, err = cscp.ParseFind(p.words)
	} else {
		p.req.Search, err = p.search()
	}
	if err != nil {
		return err
	}
	return check(p.req.Search)
}

// search is the fields that say what to look for. FIND has regular expressions
// too: without them it would find more than was asked for.
func (p *parser) search() (cscp.Find, error) {
	var f cscp.Find
	var err error
	if f.Class, err = p.text("class"); err != nil {
		return f, err
	}
	exact, err := p.pairs("args")
	if err != nil {
		return f, err
	}
	patterns, err := p.pairs("regex_args")
	if err != nil {
		return f, err
	}
	for _, c := range exact {
		f.Criteria = append(f.Criteria, cscp.Criterion{Property: c.Name, Value: c.Value})
	}
	for _, c := range patterns {
		f.Criteria = append(f.Criteria, cscp.Criterion{Property: c.Name, Value: c.Value, Regexp: true})
	}
	f.Sort, err = p.sort()
	return f, err
}

// sort is the order that is asked for. A type without a property, or the other
// way round, is refused as by cced.
func (p *parser) sort() (*cscp.Sort, error) {
	by, err := p.text("sorttype")
	if err != nil {
		return nil, err
	}
	property, err := p.text("sortprop")
	if err != nil || by == "" && property == "" {
		return nil, err
	}
	return &cscp.Sort{Type: by, Property: property}, nil
}

// admin reads ADMIN SUSPEND and ADMIN RESUME.
func (p *parser) admin() error { return p.suspension(p.line) }

// suspend reads SUSPEND and RESUME, which the document has in place of cced's
// words.
func (p *parser) suspend() error { return p.suspension("ADMIN " + p.line) }

// suspended reads SUSPENDED, which only PHP's client sends.
func (p *parser) suspended() error { return p.action(Suspended) }

// suspension reads cced's line. A reason may be in the line, or, as PHP has it, a
// field.
func (p *parser) suspension(line string) error {
	command, err := cscp.ParseLine(line)
	if err != nil {
		return err
	}
	p.req.Word = "RESUME"
	if c, ok := command.(cscp.Suspend); ok {
		p.req.Word = "SUSPEND"
		if c.Reason == "" {
			if c.Reason, err = p.text("reason"); err != nil {
				return err
			}
		}
		command = c
	}
	p.req.Command = command
	return check(command)
}
