// Package body reads the bodies of requests and writes those of answers, within
// limits of size and time, so that a slow client holds nothing for long.
package body

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

// ErrTooLarge: the body of a request is longer than is taken.
var ErrTooLarge = errors.New("the body is too long")

// ReadLimit is how long a client may take to send its request.
const ReadLimit = 30 * time.Second

// Read reads the body of a request, of at most limit bytes. The error is
// ErrTooLarge, or another one if the body did not come whole within ReadLimit.
func Read(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	control := http.NewResponseController(w)
	// Where there are no deadlines the server's own remain.
	_ = control.SetReadDeadline(time.Now().Add(ReadLimit))
	content, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	_ = control.SetReadDeadline(time.Time{})
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, ErrTooLarge
	}
	return content, err
}

// small is how long a body is that the system takes at once, in bytes.
const small = 64 << 10

// Write sends an answer whose other headers are set. Of a long one a client may
// take half a minute, and then a second for each 64 KiB, since until then it is
// held in memory.
func Write(w http.ResponseWriter, status int, contentType string, content []byte) {
	// One allocation serves all three.
	values := [...]string{contentType, "no-store", strconv.Itoa(len(content))}
	h := w.Header()
	if contentType != "" {
		h["Content-Type"] = values[0:1:1]
	}
	h["Cache-Control"] = values[1:2:2]
	h["Content-Length"] = values[2:3:3]
	if len(content) > small {
		control := http.NewResponseController(w)
		_ = control.SetWriteDeadline(time.Now().Add(30*time.Second + time.Duration(len(content)/small)*time.Second))
		defer func() { _ = control.SetWriteDeadline(time.Time{}) }()
	}
	w.WriteHeader(status)
	// A client that has gone away needs no answer.
	_, _ = w.Write(content)
}
