package cceapi

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/internal/cscp"
)

// Results makes the answer of COMMIT: one result for each command of the queue,
// in its order.
//
//	{"command":"SET 3 fullName = \"Mary\"","index":0,"message":"OK","status":201}
//	{"command":"SET 3 nosuch = \"1\"","error":"Error: 302 BAD DATA 3 nosuch \"[[base-cce.unknownAttr]]\"",
//	 "index":1,"message":"BAD DATA","status":302}
//
// The zero value hides nothing but what looks like a secret.
type Results struct {
	// Hide reports whether the value of a property is masked in the texts of the
	// commands, besides those whose name looks like a secret. Nil hides no more.
	Hide func(name []byte) bool

	list []result
	// failed is how many have.
	failed int
	// warnings and infos are what handlers have said (305, 106).
	warnings, infos []line
}

// result is what came of a command.
type result struct {
	command string
	// status is 201, or the code of the first error, and errors what is told of it.
	status int
	errors string
	// oid is that of a CREATE which was good.
	oid string
}

func (r *result) failed() bool { return r.status != cscp.CodeOK }

// Add adds a command of the queue and the reply to it.
func (r *Results) Add(command cscp.Command, reply *cscp.Reply) {
	one := result{command: r.text(command), status: cscp.CodeOK}
	if !reply.OK() {
		one.status, one.errors = firstError(reply), errorsOf(reply)
		r.failed++
	} else if _, creates := command.(cscp.Create); creates {
		if oids := reply.Objects(); len(oids) > 0 {
			one.oid = oids[0]
		}
	}
	r.list = append(r.list, one)
	r.listen(reply)
}

// Deny adds a command that the caller may not use, and which was not sent.
func (r *Results) Deny(command cscp.Command) {
	r.refuse(command, line{cscp.CodePermissionDenied, "PERMISSION DENIED " + command.Word()})
}

// Miss adds a command about an object that is not there for the caller, and which
// was not sent.
func (r *Results) Miss(command cscp.Command, oid cscp.OID) {
	r.refuse(command, line{cscp.CodeUnknownObject, "UNKNOWN OBJECT " + oid.String()})
}

func (r *Results) refuse(command cscp.Command, why line) {
	r.failed++
	r.list = append(r.list, result{
		command: r.text(command), status: why.code,
		errors: "Error: " + strconv.Itoa(why.code) + " " + why.text,
	})
}

// Commit adds the reply to cced's own COMMIT, which runs the handlers. It is a
// result by itself only if it has failed.
func (r *Results) Commit(reply *cscp.Reply) {
	if !reply.OK() {
		r.Add(cscp.Commit{}, reply)
		return
	}
	r.listen(reply)
}

// Failed reports whether a command has failed, so that the transaction is to be
// given up.
func (r *Results) Failed() bool { return r.failed > 0 }

func (r *Results) listen(reply *cscp.Reply) {
	for l := range reply.Lines() {
		switch l.Code {
		case cscp.CodeWarning:
			r.warnings = append(r.warnings, line{l.Code, string(l.Text)})
		case cscp.CodeInfo:
			r.infos = append(r.infos, line{l.Code, string(l.Text)})
		}
	}
}

// Answer answers COMMIT. If a command has failed the status is 409, and it is
// told what was stored: "rolled_back" in data, and "applied" in each result. If
// the queue was carried out as a whole nothing was, and no CREATE has an OID.
// Otherwise each command stands for itself.
//
// data.errors holds the results of those that failed, and then what handlers have
// warned of, as {"code":305,"message":"WARN …"}.
func (r *Results) Answer(independent bool) *Answer {
	rolledBack := r.Failed() && !independent
	if rolledBack {
		for i := range r.list {
			r.list[i].oid = ""
		}
	}
	status, message := cscp.CodeOK, "COMMIT successful"
	if r.Failed() {
		status, message = http.StatusConflict, "One or more commands in the transaction failed."
	}
	return answerWith(status, message, func(data *object) {
		if r.Failed() || len(r.warnings) > 0 {
			data.key("errors")
			data.text = append(data.text, '[')
			r.results(data, rolledBack, (*result).failed)
			for _, w := range r.warnings {
				data.line(w)
			}
			data.text = append(data.text, ']')
		}
		if len(r.infos) > 0 {
			data.key("infos")
			data.lines(r.infos)
		}
		data.key("results")
		data.text = append(data.text, '[')
		r.results(data, rolledBack, func(*result) bool { return true })
		data.text = append(data.text, ']')
		if r.Failed() {
			data.bool("rolled_back", rolledBack)
		}
	})
}

// results writes those of the results that are wanted.
func (r *Results) results(o *object, rolledBack bool, wanted func(*result) bool) {
	for i := range r.list {
		one := &r.list[i]
		if !wanted(one) {
			continue
		}
		o.comma()
		o.open()
		if r.Failed() {
			o.bool("applied", !rolledBack && !one.failed())
		}
		o.string("command", one.command)
		if one.errors != "" {
			o.string("error", one.errors)
		}
		o.int("index", i)
		o.string("message", messageOf(one.status))
		if one.oid != "" {
			o.string("oid", one.oid)
		}
		o.int("status", one.status)
		o.close()
	}
}

// errorsOf is the text of all that was wrong, or of the final line if cced has
// told no more. cced reports all bad properties of a SET at once.
func errorsOf(reply *cscp.Reply) string {
	var text strings.Builder
	for l := range reply.Lines() {
		if l.IsError() && l.Code != cscp.CodeWarning && (l.Code < 400 || text.Len() == 0) {
			if text.Len() == 0 {
				text.WriteString("Error: ")
			} else {
				text.WriteString("; ")
			}
			text.WriteString(strconv.Itoa(l.Code) + " ")
			text.Write(l.Text)
		}
	}
	return text.String()
}

// text is the line of a command, with the values of secrets masked.
func (r *Results) text(command cscp.Command) string {
	switch c := command.(type) {
	case cscp.Set:
		c.Values = r.mask(c.Values)
		command = c
	case cscp.Create:
		c.Values = r.mask(c.Values)
		command = c
	}
	line, err := cscp.Append(nil, command)
	if err != nil {
		// It was checked when it was queued.
		return command.Word()
	}
	return string(line[:len(line)-1])
}

func (r *Results) mask(values []cscp.Pair) []cscp.Pair {
	shown := make([]cscp.Pair, len(values))
	for i, p := range values {
		if looksSecret(p.Name) || r.Hide != nil && r.Hide([]byte(p.Name)) {
			p.Value = masked
		}
		shown[i] = p
	}
	return shown
}

// SecretParts are what the names of properties have in them that hold secrets, in
// small letters. cced's own log leaves out `pass` and `api_key`; CCE has hashes
// and SNMP communities too.
var SecretParts = [...]string{"pass", "crypt", "community", "api_key", "secret"}

// looksSecret reports whether a property holds a secret by its name.
func looksSecret(name string) bool {
	name = strings.ToLower(name)
	for _, part := range SecretParts {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}
