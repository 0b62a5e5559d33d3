package cceapi

import (
	"net/http"
	"time"

	"github.com/sallyport/sallyport/internal/cscp"
)

// Answer is what a request gets.
type Answer struct {
	// HTTPStatus is the status of the HTTP response.
	HTTPStatus int
	// Status is that of the JSON object, 0 for a plain text.
	Status int
	// ContentType is application/json or text/plain; charset=utf-8.
	ContentType string
	Body        []byte
	// RetryAfter is when to try again; 0 is not said.
	RetryAfter time.Duration
}

// Options are how values are written.
type Options struct {
	// ScalarArrays writes values such as `&a&b&` as JSON arrays.
	ScalarArrays bool
	// Hide reports whether the value of a property is masked. Nil hides none.
	Hide func(name []byte) bool
	// Shows reports whether a class is listed by CLASSES. Nil lists all.
	Shows func(class string) bool
}

func (o Options) hides(name []byte) bool { return o.Hide != nil && o.Hide(name) }

// masked is written for a value that is hidden, however long it is.
const masked = "********"

// Messages of the object. Commands that are cced's own end with its answer to
// BYE, good or bad; the endpoint's own say OK.
const (
	messagePlain   = "GOODBYE"
	messageBuiltIn = "OK"
)

// Pong answers PING. It says nothing of cced.
func Pong() *Answer { return answer(http.StatusAccepted, "PONG") }

// Done answers AUTHKEY, ENDKEY and BYE when all is well.
func Done() *Answer { return answer(cscp.CodeOK, messagePlain) }

// SessionIssued answers a good AUTH with the id of the new session.
func SessionIssued(id cscp.Secret) *Answer {
	return answerWith(cscp.CodeOK, messagePlain, func(data *object) { data.string("sessionid", string(id)) })
}

// TokenIssued answers a good LOGIN. The time is written with its zone.
func TokenIssued(token cscp.Secret, expires time.Time) *Answer {
	return answerWith(cscp.CodeOK, "TOKEN ISSUED", func(data *object) {
		data.string("expires", expires.Format(time.RFC3339))
		data.string("token", string(token))
	})
}

// Begun answers BEGIN.
func Begun() *Answer { return answer(cscp.CodeOK, "BEGIN OK") }

// Suspension answers SUSPENDED. PHP's client takes any data for a yes.
func Suspension(suspended bool, reason string) *Answer {
	if !suspended {
		return answer(cscp.CodeOK, messageBuiltIn)
	}
	return answerWith(cscp.CodeOK, messageBuiltIn, func(data *object) { data.string("reason", reason) })
}

// Queued answers a change while a transaction is open. PHP's client takes it for
// a failure without a reason.
func Queued() *Answer { return answer(http.StatusContinue, "QUEUED") }

// answer is a JSON object without data.
func answer(status int, message string) *Answer { return answerWith(status, message, nil) }

// answerWith is a JSON object with data, whose keys the function writes in
// alphabetical order. Without any there is no data.
func answerWith(status int, message string, write func(data *object)) *Answer {
	body := begin(make([]byte, 0, 256), status, message)
	if write != nil {
		body.openData()
		write(&body)
		body.closeData()
	}
	return body.answer(status)
}

// begin opens the object of an answer with its first two keys.
func begin(buffer []byte, status int, message string) object {
	body := object{buffer}
	body.open()
	body.int("status", status)
	body.string("message", message)
	return body
}

const dataKey = `,"data":{`

func (o *object) openData() { o.text = append(o.text, dataKey...) }

// closeData ends the data, or takes its key back if there is nothing in it.
func (o *object) closeData() {
	if end := len(o.text); o.text[end-1] == '{' {
		o.text = o.text[:end-len(dataKey)]
		return
	}
	o.close()
}

// answer ends the object. A line end is added, as it is kind to people with
// curl.
func (o *object) answer(status int) *Answer {
	return &Answer{
		HTTPStatus:  HTTPStatus(status),
		Status:      status,
		ContentType: "application/json",
		Body:        append(o.text, '}', '\n'),
	}
}
