package admin

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// serve answers at a unix socket, and returns a client of it.
func serve(t *testing.T, answer http.HandlerFunc) *Client {
	t.Helper()
	path := filepath.Join(t.TempDir(), "admin.sock")
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: answer}}
	server.Start()
	t.Cleanup(server.Close)
	return client(t, "unix/"+path+"|0220")
}

func client(t *testing.T, address string) *Client {
	t.Helper()
	c, err := NewClient("caddytest", address)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAnOperationIsAPost(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method != http.MethodPost || r.URL.Path != "/caddytest/key/list" || string(body) != `{"actor":"os:root","input":{"n":1}}` {
			t.Errorf("%s %s %s", r.Method, r.URL, body)
		}
		if err := WriteJSON(w, http.StatusOK, []string{"a"}); err != nil {
			t.Error(err)
		}
	})
	text, err := c.Do(t.Context(), "key/list", Call{Actor: "os:root", Input: json.RawMessage(`{"n":1}`)})
	if string(text) != "[\"a\"]\n" || err != nil {
		t.Errorf("'%s' %v", text, err)
	}
}

func TestRefusalsAndStrangersAreToldApart(t *testing.T) {
	call := Call{Input: json.RawMessage(`{}`)}
	_, err := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusConflict)
		_, _ = io.WriteString(w, `{"error":"it exists already"}`)
	}).Do(t.Context(), "x", call)
	if refused, ok := errors.AsType[*RefusedError](err); !ok || refused.Status != http.StatusConflict || err.Error() != "it exists already" {
		t.Errorf("refused: %v", err)
	}
	_, err = serve(t, http.NotFound).Do(t.Context(), "x", call)
	if _, ok := errors.AsType[*NoServerError](err); !ok || err.Error() != "no server with caddytest: HTTP 404" {
		t.Errorf("a server without the app: %v", err)
	}
	_, err = client(t, "unix/"+filepath.Join(t.TempDir(), "none.sock")).Do(t.Context(), "x", call)
	if _, ok := errors.AsType[*NoServerError](err); !ok || !strings.HasPrefix(err.Error(), "no server with caddytest: dial unix") {
		t.Errorf("no server: %v", err)
	}
	_, err = serve(t, func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }).Do(t.Context(), "x", call)
	if _, ok := errors.AsType[*NoServerError](err); ok || err == nil || !strings.HasPrefix(err.Error(), "admin API: ") {
		t.Errorf("a server that hangs up: %v", err)
	}
}

func TestAServerThatHangsIsNotWaitedForForEver(t *testing.T) {
	over := make(chan struct{})
	for name, answer := range map[string]http.HandlerFunc{
		"at once": func(http.ResponseWriter, *http.Request) { <-over },
		"in the middle of its answer": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "{")
			_ = http.NewResponseController(w).Flush()
			<-over
		},
	} {
		c := serve(t, answer)
		c.http.Timeout = 50 * time.Millisecond
		_, err := c.Do(t.Context(), "x", Call{Input: json.RawMessage(`{}`)})
		if want := "the server at " + c.Address + " does not answer within 50ms; look at its log, or restart it"; !errors.Is(err, ErrNoAnswer) || err.Error() != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The servers end after their handlers.
	close(over)
}

func TestAddressesThatCannotBeMeant(t *testing.T) {
	for _, address := range []string{"localhost:1-9", "localhost:x"} {
		if _, err := NewClient("caddytest", address); err == nil || !strings.Contains(err.Error(), "write one such as localhost:2019") {
			t.Errorf("'%s': %v", address, err)
		}
	}
}

func TestAnswersAreALineOfJSONThatNobodyKeeps(t *testing.T) {
	w := httptest.NewRecorder()
	if err := WriteJSON(w, http.StatusServiceUnavailable, map[string]bool{"ready": false}); err != nil {
		t.Fatal(err)
	}
	if w.Code != 503 || w.Body.String() != "{\"ready\":false}\n" || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %s %v", w.Code, w.Body, w.Header())
	}
	if err := WriteJSON(w, http.StatusOK, func() {}); err == nil || !strings.HasPrefix(err.Error(), "writing the answer: ") {
		t.Errorf("what is no JSON: %v", err)
	}
	if refused, ok := errors.AsType[caddy.APIError](Error(http.StatusNotFound, io.EOF)); !ok || refused.HTTPStatus != http.StatusNotFound || !errors.Is(refused.Err, io.EOF) {
		t.Errorf("%v", refused)
	}
}
