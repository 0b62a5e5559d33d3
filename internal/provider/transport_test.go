package provider

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestWhatIsNoAnswer(t *testing.T) {
	const secret = "hidden-in-the-query"
	zeros := bomb(t)
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		problem string
	}{
		"another status": {saysText(http.StatusNotFound, "text/plain", "no "+secret), "answers with status 404"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://other.example.org/keys?"+secret, http.StatusFound)
		}, "redirects to 'https://other.example.org/keys', which is not followed"},
		"a redirect to nowhere": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusFound) }, "redirects to nowhere"},
		"a long one":            {saysText(http.StatusOK, "text/plain", strings.Repeat("a", 1025)), "is longer than 1 KiB"},
		"a small one that becomes a long one": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(zeros)
		}, "is longer than 1 KiB"},
		"long headers": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("a", maxHeader+1))
		}, "is not HTTP"},
		"one that is cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("a"))
		}, "closed before the answer was whole"},
		"none at all":         {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "closed before the answer was whole"},
		"a slow one":          {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "no answer in time"},
		"one that is no HTTP": {hijack("SSH-2.0 " + secret + "\r\n"), "is not HTTP"},
		"one that drips": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = w.Write([]byte("a"))
				w.(http.Flusher).Flush()
				<-time.After(10 * time.Millisecond)
			}
		}, "no answer in time"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScripted(t)
			s.at("/asked", c.handler)
			ctx := t.Context()
			if c.problem == "no answer in time" {
				// The same limit, without waiting for it.
				short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
				defer cancel()
				ctx = short
			}
			_, err := get(ctx, s.connect(t, Options{}).wire.client(1024, true), s.URL+"/asked?"+secret)
			wantText(t, err, c.problem)
			if strings.Contains(fmt.Sprint(err), secret) {
				t.Errorf("'%v' has the query", err)
			}
			if n := s.count("/asked"); n > 1 {
				t.Errorf("it was asked %d times", n)
			}
		})
	}
}

// bomb is 16 MiB of zeros.
func bomb(t *testing.T) []byte {
	t.Helper()
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	if _, err := writer.Write(make([]byte, 16<<20)); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func hijack(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		connection, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer connection.Close()
		_, _ = connection.Write([]byte(text))
	}
}

func TestAnAnswerOfTheLimitIsTaken(t *testing.T) {
	s := newScripted(t)
	s.at("/asked", saysText(http.StatusOK, "text/plain", strings.Repeat("a", 1024)))
	text, err := get(t.Context(), s.connect(t, Options{}).wire.client(1024, true), s.URL+"/asked")
	if err != nil || len(text) != 1024 {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}

func TestAServerThatIsNotThereIsNamed(t *testing.T) {
	s := newScripted(t)
	c := s.connect(t, Options{})
	s.Close()
	_, err := get(t.Context(), c.wire.client(1024, true), s.URL+"/asked?secret")
	wantText(t, err, "connection refused")
}

func TestACertificateHasToBeGood(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	defer server.Close()
	c, err := Open(Source{Issuer: server.URL}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = get(t.Context(), c.wire.client(1024, true), server.URL)
	wantText(t, err, "certificate")
}

// A proxy may be on this machine, since the environment names it; what is behind it
// may not, since the configuration does not.
func TestAProxyOfTheEnvironmentIsAsked(t *testing.T) {
	s := newScripted(t)
	s.at("/keys", saysText(http.StatusOK, "text/plain", "by the proxy"))
	w := newWire(Source{Issuer: "https://id.example.org"})
	defer w.close()
	proxy, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	w.proxy = func(*http.Request) (*url.URL, error) { return proxy, nil }
	client := w.client(1024, true)

	text, err := get(t.Context(), client, "http://id.example.org/keys")
	if err != nil || string(text) != "by the proxy" {
		t.Errorf("'%s', %v", text, err)
	}
	_, err = get(t.Context(), client, "http://169.254.169.254/keys")
	wantText(t, err, "the provider may not be at 169.254.169.254")
	_, err = get(t.Context(), client, "http://127.0.0.1/keys")
	wantText(t, err, "the provider may not be at 127.0.0.1; write the network into 'addresses' if it is right")

	w.proxy = func(*http.Request) (*url.URL, error) { return nil, errors.New("user:secret") }
	_, err = get(t.Context(), client, "http://id.example.org/keys")
	wantText(t, err, "the proxy that the environment names is not a URL")
}

func TestWhatStrangersSayIsClipped(t *testing.T) {
	got := clip("a\r\n\x1b[31m\u202eß" + strings.Repeat("b", 500))
	if strings.ContainsAny(got, "\r\n\x1b\u202e") || len(got) > maxShown+len("…") {
		t.Errorf("'%s'", got)
	}
}
