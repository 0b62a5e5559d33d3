package cceapi

import (
	"bytes"
	"slices"

	"github.com/sallyport/sallyport/internal/cscp"
)

// Replied answers with what cced has replied to a command: that of Plain, WHOAMI,
// ENDKEY, AUTHKEY and BYE; the one FIND of FINDX; and, if it has failed, that of
// GETOBJECT and GETALL. The status is 201, or the code of the reply's last line.
//
// data holds, and is missing if none of it is there:
//
//	DATA        GET: the properties, by name
//	classes     CLASSES
//	errors      all lines 3xx and 4xx; handlers' warnings (305) when all is well too
//	infos       handlers' messages (106)
//	namespaces  NAMES
//	oid         WHOAMI; CREATE
//	oidlist     FIND, if anything is found; FINDX, always; CREATE, with the one
//
// cced names the OID of a CREATE before it has been made; one that has failed
// has none. An error says that the reply cannot be read.
func Replied(req *Request, reply *cscp.Reply, o Options) (*Answer, error) {
	w := replyWriter{Options: o}
	w.begin(reply, req.BuiltIn())
	if err := w.result(req, reply); err != nil {
		return nil, err
	}
	return w.end(reply), nil
}

// Found answers FINDX with OIDs that are known otherwise than from one reply.
func Found(oids []string) *Answer {
	return answerWith(cscp.CodeOK, messageBuiltIn, func(data *object) { data.strings("oidlist", oids) })
}

// Object answers GETOBJECT with the reply to its GET. An object that has gone
// since it was found is not found.
func Object(reply *cscp.Reply, o Options) (*Answer, error) {
	if reply.Has(cscp.CodeUnknownObject) {
		return ObjectNotFound(), nil
	}
	w := replyWriter{Options: o}
	w.begin(reply, true)
	if reply.OK() {
		w.body.key("DATA")
		if err := w.properties(reply); err != nil {
			return nil, err
		}
	}
	w.lines(reply)
	return w.end(reply), nil
}

// replyWriter writes an answer from replies.
type replyWriter struct {
	Options
	body object
	// found and scratch are used again for each object.
	found   []property
	scratch []byte
}

func (w *replyWriter) begin(reply *cscp.Reply, builtin bool) {
	message := messagePlain
	if builtin {
		message = messageBuiltIn
	}
	// JSON is about as long as the lines it is made of.
	w.body = begin(make([]byte, 0, reply.Size()+128), statusOf(reply), message)
	w.body.openData()
}

func (w *replyWriter) end(reply *cscp.Reply) *Answer {
	w.body.closeData()
	a := w.body.answer(statusOf(reply))
	if !reply.OK() {
		a.HTTPStatus = HTTPStatus(firstError(reply))
		if firstError(reply) == cscp.CodeSuspended {
			a.RetryAfter = suspendedRetry
		}
	}
	return a
}

// statusOf is 201 for whatever went well, BYE's 202 included.
func statusOf(reply *cscp.Reply) int {
	if reply.OK() {
		return cscp.CodeOK
	}
	return reply.Final()
}

// firstError is the code of the line that says why a command has failed. A
// handler's warning does not.
func firstError(reply *cscp.Reply) int {
	for l := range reply.Lines() {
		if l.IsError() && l.Code != cscp.CodeWarning {
			return l.Code
		}
	}
	return reply.Final()
}

// result writes the keys of data, in alphabetical order.
func (w *replyWriter) result(req *Request, reply *cscp.Reply) error {
	command := req.Command
	if req.Action != Plain || !reply.OK() {
		command = nil
	}
	switch command.(type) {
	case cscp.Get:
		w.body.key("DATA")
		if err := w.properties(reply); err != nil {
			return err
		}
	case cscp.Classes:
		w.body.strings("classes", reply.Classes())
	}
	w.lines(reply)
	oids := reply.Objects()
	switch command.(type) {
	case cscp.Names:
		w.body.strings("namespaces", reply.Namespaces())
	case cscp.Create:
		if len(oids) > 0 {
			w.body.string("oid", oids[0])
			w.body.strings("oidlist", oids[:1])
		}
	case cscp.Find:
		if len(oids) > 0 {
			w.body.strings("oidlist", oids)
		}
	}
	switch {
	case req.Action == WhoAmI && len(oids) > 0:
		w.body.string("oid", oids[0])
	case req.Action == FindX && reply.OK():
		w.body.strings("oidlist", oids)
	}
	return nil
}

// lines writes errors and infos, as cced wrote them.
func (w *replyWriter) lines(reply *cscp.Reply) {
	w.linesOf("errors", reply, cscp.Line.IsError)
	w.linesOf("infos", reply, isInfo)
}

func isInfo(l cscp.Line) bool { return l.Code == cscp.CodeInfo }

func (w *replyWriter) linesOf(key string, reply *cscp.Reply, of func(cscp.Line) bool) {
	open := false
	for l := range reply.Lines() {
		if !of(l) {
			continue
		}
		if !open {
			w.body.key(key)
			w.body.text = append(w.body.text, '[')
			open = true
		}
		w.body.line(line{l.Code, string(l.Text)})
	}
	if open {
		w.body.text = append(w.body.text, ']')
	}
}

// property is a line 102 or 103.
type property struct {
	name, quoted []byte
	changed      bool
}

// properties writes an object of the properties of a GET, each once: what the
// open transaction has changed counts over what is stored. They are sorted by
// name, since the order in which cced has them changes from run to run.
func (w *replyWriter) properties(reply *cscp.Reply) error {
	w.found = w.found[:0]
	for l := range reply.Lines() {
		if name, quoted, ok := l.Data(); ok {
			w.found = append(w.found, property{name, quoted, l.Code == cscp.CodeChanged})
		}
	}
	sortProperties(w.found)
	w.body.open()
	for i, p := range w.found {
		if i+1 < len(w.found) && bytes.Equal(w.found[i+1].name, p.name) {
			continue
		}
		if err := w.property(p); err != nil {
			return err
		}
	}
	w.body.close()
	return nil
}

// sortProperties sorts by name; of those with one name, what is changed is last,
// and otherwise what cced has said last.
func sortProperties(list []property) {
	slices.SortStableFunc(list, func(a, b property) int {
		if order := bytes.Compare(a.name, b.name); order != 0 || a.changed == b.changed {
			return order
		}
		if a.changed {
			return 1
		}
		return -1
	})
}

func (w *replyWriter) property(p property) (err error) {
	w.body.comma()
	w.body.text = append(appendString(w.body.text, p.name), ':')
	if w.hides(p.name) {
		w.body.text = appendString(w.body.text, masked)
		return nil
	}
	w.body.text, w.scratch, err = appendQuoted(w.body.text, w.scratch, p.quoted, w.ScalarArrays)
	return err
}
