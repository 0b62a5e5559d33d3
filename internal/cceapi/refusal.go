package cceapi

import (
	"net/http"

	"github.com/sallyport/sallyport/internal/cscp"
)

// BadRequest says that a body is not one JSON object with a command.
type BadRequest struct {
	// Reason says what is wrong; it is sent to the client, and holds nothing of
	// the body.
	Reason string
}

func (e *BadRequest) Error() string { return e.Reason }

// Answer is the reason as a JSON object.
func (e *BadRequest) Answer() *Answer { return Failure(http.StatusBadRequest, e.Reason, "") }

// Refused says that a command is unknown, or a parameter of it missing or wrong.
// It is answered as cced would, but cced is not asked.
type Refused struct {
	// Word is the command's word, as in Request; empty if it is unknown.
	Word string
	// Code is 402 for an unknown command or a line that cannot be parsed, 403 for
	// parameters, 401 for a session id that no session can have.
	Code int
	// Parse says that the line cannot be parsed.
	Parse bool
	// Reason is for the log and holds no value of the body.
	Reason string
}

func (e *Refused) Error() string {
	if e.Word == "" {
		return e.Reason
	}
	return e.Word + ": " + e.Reason
}

// Answer is the refusal in the form of cced's own.
func (e *Refused) Answer() *Answer {
	lines := make([]line, 0, 2)
	if e.Parse {
		lines = append(lines, line{cscp.CodeError, "ERROR COMMAND PARSE ERROR"})
	}
	return refusal(isBuiltIn(e.Word), append(lines, line{e.Code, messageOf(e.Code)})...)
}

// line is an entry of data.errors or data.infos: the code of a line, and the
// text behind it as cced wrote it.
type line struct {
	code int
	text string
}

// lines writes entries as an array.
func (o *object) lines(list []line) {
	o.text = append(o.text, '[')
	for _, l := range list {
		o.line(l)
	}
	o.text = append(o.text, ']')
}

func (o *object) line(l line) {
	o.comma()
	o.open()
	o.int("code", l.code)
	o.string("message", l.text)
	o.close()
}

// refusal is an answer of errors. The last is the final one, whose code is the
// status; the HTTP status is that of the first.
func refusal(builtin bool, lines ...line) *Answer {
	message := messagePlain
	if builtin {
		message = messageBuiltIn
	}
	a := answerWith(lines[len(lines)-1].code, message, func(data *object) {
		data.key("errors")
		data.lines(lines)
	})
	a.HTTPStatus = HTTPStatus(lines[0].code)
	return a
}
