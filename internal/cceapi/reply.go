package cceapi

import (
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
	if !reply.OK() {
		w.lines()
		return w.end(), nil
	}
	if err := w.result(req); err != nil {
		return nil, err
	}
	return w.end(), nil
}

// result writes the keys of data, in alphabetical order.
func (w *replyWriter) result(req *Request) error {
	command := req.Command
	switch command.(type) {
	case cscp.Get:
		w.body.key("DATA")
		if err := w.properties(); err != nil {
			return err
		}
	case cscp.Classes:
		w.body.strings("classes", w.shown(w.reply.Classes()))
	}
	w.lines()
	switch command.(type) {
	case cscp.Names:
		w.body.strings("namespaces", w.reply.Namespaces())
	case cscp.Create:
		if oids := w.reply.Objects(); len(oids) > 0 {
			w.body.string("oid", oids[0])
			w.body.strings("oidlist", oids[:1])
		}
	case cscp.Find:
		if oids := w.reply.Objects(); len(oids) > 0 {
			w.body.strings("oidlist", oids)
		}
	}
	if req.Action == FindX {
		w.body.strings("oidlist", w.reply.Objects())
	}
	if req.Action == WhoAmI {
		if oids := w.reply.Objects(); len(oids) > 0 {
			w.body.string("oid", oids[0])
		}
	}
	return nil
}

// Listed answers FIND with OIDs that are known otherwise than from one reply.
func Listed(oids []string) *Answer {
	if len(oids) == 0 {
		return Done()
	}
	return answerWith(cscp.CodeOK, messagePlain, func(data *object) { data.strings("oidlist", oids) })
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
		if err := w.properties(); err != nil {
			return nil, err
		}
	}
	w.lines()
	return w.end(), nil
}

// replyWriter writes an answer from replies.
type replyWriter struct {
	Options
	body object
	// reply is the one that is written; errors and infos say whether it has any.
	reply         *cscp.Reply
	errors, infos bool
	// found are the properties of the reply, and scratch what a value stands for;
	// both are used again.
	found   []property
	scratch []byte
}

// shown leaves out the classes that are not shown.
func (w *replyWriter) shown(classes []string) []string {
	if w.Shows == nil {
		return classes
	}
	return slices.DeleteFunc(classes, func(class string) bool { return !w.Shows(class) })
}

func (w *replyWriter) begin(reply *cscp.Reply, builtin bool) {
	message := messagePlain
	if builtin {
		message = messageBuiltIn
	}
	// JSON is about as long as the lines it is made of.
	w.body = begin(make([]byte, 0, reply.Size()+128), statusOf(reply), message)
	w.body.openData()
	w.read(reply)
}

// read goes through the lines once, as that is much of the work.
func (w *replyWriter) read(reply *cscp.Reply) {
	w.reply, w.errors, w.infos, w.found = reply, false, false, w.found[:0]
	number := uint32(0)
	for l := range reply.Lines() {
		number++
		switch {
		case l.Code == cscp.CodeInfo:
			w.infos = true
		case l.IsError():
			w.errors = true
		default:
			w.find(l, number)
		}
	}
}

func (w *replyWriter) end() *Answer {
	w.body.closeData()
	a := w.body.answer(statusOf(w.reply))
	if !w.reply.OK() {
		reason := firstError(w.reply)
		a.HTTPStatus = HTTPStatus(reason)
		if reason == cscp.CodeSuspended {
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

// lines writes errors and infos, as cced wrote them.
func (w *replyWriter) lines() {
	if w.errors {
		w.linesOf("errors", cscp.Line.IsError)
	}
	if w.infos {
		w.linesOf("infos", func(l cscp.Line) bool { return l.Code == cscp.CodeInfo })
	}
}

func (w *replyWriter) linesOf(key string, wanted func(cscp.Line) bool) {
	w.body.key(key)
	w.body.text = append(w.body.text, '[')
	for l := range w.reply.Lines() {
		if wanted(l) {
			w.body.line(line{l.Code, string(l.Text)})
		}
	}
	w.body.text = append(w.body.text, ']')
}
