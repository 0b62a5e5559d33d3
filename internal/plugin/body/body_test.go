package body_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/plugin/body"
)

// writer knows when its deadlines were set to.
type writer struct {
	*httptest.ResponseRecorder
	read, write []time.Time
}

func (w *writer) SetReadDeadline(t time.Time) error {
	w.read = append(w.read, t)
	return nil
}

func (w *writer) SetWriteDeadline(t time.Time) error {
	w.write = append(w.write, t)
	return nil
}

func TestABodyIsReadUpToItsLimit(t *testing.T) {
	for name, test := range map[string]struct {
		content string
		err     error
	}{
		"empty":             {"", nil},
		"as long as it may": {"12345678", nil},
		"a byte longer":     {"123456789", body.ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			w := &writer{ResponseRecorder: httptest.NewRecorder()}
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(test.content))
			content, err := body.Read(w, r, 8)
			if !errors.Is(err, test.err) || err == nil && string(content) != test.content {
				t.Errorf("'%s', %v", content, err)
			}
			if len(w.read) != 2 || time.Until(w.read[0]) > body.ReadLimit || w.read[0].IsZero() || !w.read[1].IsZero() {
				t.Errorf("the deadlines are %v", w.read)
			}
		})
	}
}

func TestAnAnswerIsWrittenWhole(t *testing.T) {
	for name, test := range map[string]struct {
		content, contentType string
		deadlines            int
	}{
		"a short one": {"{}", "application/json", 0},
		"a long one":  {strings.Repeat("x", 65<<10), "text/plain", 2},
		"none":        {"", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := &writer{ResponseRecorder: httptest.NewRecorder()}
			body.Write(w, http.StatusTeapot, test.contentType, []byte(test.content))
			if w.Code != http.StatusTeapot || w.Body.String() != test.content || w.Header().Get("Content-Type") != test.contentType ||
				w.Header().Get("Cache-Control") != "no-store" || len(w.write) != test.deadlines {
				t.Errorf("%d, %d bytes, %v, deadlines %v", w.Code, w.Body.Len(), w.Header(), w.write)
			}
		})
	}
}
