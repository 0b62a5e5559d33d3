package fire_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/fake/flood"
	"github.com/sallyport/sallyport/internal/plugin/body"
)

// post is the head of a request with a body of 60,000 bytes, and its first one.
func post(path, contentType string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: 60000\r\n\r\n{", path, contentType)
}

// TestSlowBodiesEnd: each endpoint gives a client body.ReadLimit for its body, whatever
// Caddy is told. Those who drip it meanwhile hold no place in the queue of hashes and no
// lock: others log in, and their keys are checked.
func TestSlowBodiesEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("this takes as long as a body may")
	}
	f := startFortress(t)
	quiet, before := f.quiet(t), f.footprint(t)
	// Callers of cce are local, or it would not listen to them.
	const each = 200
	crowds := map[string]flood.Hold{}
	for path, contentType := range map[string]string{
		"/api/v1/auth/login": "application/json", "/cce": "application/json", "/intelmq/v1/api/login/": "application/x-www-form-urlencoded",
	} {
		crowds[path+" by a byte a second"] = flood.Hold{Begin: post(path, contentType), Drip: time.Second}
		crowds[path+" and then nothing"] = flood.Hold{Begin: post(path, contentType)}
	}
	held := map[string]*flood.Held{}
	passed := f.whileItLasts(t, func(ctx context.Context) {
		for name, crowd := range crowds {
			crowd.Dial, crowd.Lines = flood.From("127.0.0.1", f.address), each
			var err error
			if held[name], err = crowd.Open(ctx); err != nil {
				t.Fatal(err)
			}
			defer held[name].Close()
		}
		began, stream := time.Now(), f.slowStream(ctx)
		seen := f.flood(ctx, t, flood.Flood{Lines: 1, Deep: 1}, 3, goodPassword)
		expectOnly(t, seen, 3, http.StatusOK)
		if took := time.Since(began); took > body.ReadLimit/2 {
			t.Errorf("three log-ins took %s while others were slow", took)
		}
		for name, crowd := range held {
			closed, statuses := crowd.Wait(time.Until(began.Add(body.ReadLimit + 15*time.Second)))
			if closed != each || statuses[http.StatusOK] > 0 {
				t.Errorf("%s: of %d connections %d are closed after %s, answers %v", name, each, closed, time.Since(began), statuses)
			}
			figure(t, "%s: %d of %d closed after %s at most, answers %v", name, closed, each, time.Since(began).Round(time.Second), statuses)
		}
		if ended := <-stream; ended != "HTTP/2.0 400" {
			t.Errorf("a stream of HTTP/2 ends by '%s' after %s", ended, time.Since(began))
		}
	})
	f.expectCalm(t, before)
	passed.figureBeside(t, quiet)
}

// slowStream logs in over HTTP/2 with a body that does not come, and gives the answer.
func (f *fortress) slowStream(ctx context.Context) <-chan string {
	answer := make(chan string, 1)
	client := &http.Client{Timeout: body.ReadLimit + 15*time.Second, Transport: &http.Transport{
		ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	go func() {
		defer client.CloseIdleConnections()
		content, begun := io.Pipe()
		defer begun.Close()
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+f.tls+"/api/v1/auth/login", content)
		if err != nil {
			answer <- err.Error()
			return
		}
		r.Header.Set("Content-Type", "application/json")
		response, err := client.Do(r)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer response.Body.Close()
		answer <- fmt.Sprint(response.Proto, " ", response.StatusCode)
	}()
	return answer
}

// TestHalfOpenConnections: those who do not get to the end of a header cost memory for a
// minute, which is Caddy's limit, and keep nobody out.
func TestHalfOpenConnections(t *testing.T) {
	f := startFortress(t)
	quiet, before := f.quiet(t), f.footprint(t)
	const each = 1000
	for name, begin := range map[string]string{
		"silent":        "",
		"half a header": "GET /gate HTTP/1.1\r\nHost: x\r\nAuthoriz",
	} {
		var during footprint
		passed := f.whileItLasts(t, func(ctx context.Context) {
			crowd := flood.Hold{Dial: flood.From(proxy, f.address), Lines: each, Begin: begin}
			held, err := crowd.Open(ctx)
			if err != nil {
				t.Fatal(err)
			}
			defer held.Close()
			time.Sleep(time.Second)
			during = f.footprint(t)
		})
		if during.files < before.files+each {
			t.Errorf("%s: the server has %d files open, it had %d", name, during.files, before.files)
		}
		if grown := during.heap - before.heap; grown > each*32<<10 {
			t.Errorf("%s: %d connections cost %d bytes of heap", name, each, grown)
		}
		f.expectCalm(t, before)
		figure(t, "%d %s: heap %+d kB, %+d goroutines meanwhile", each, name, (during.heap-before.heap)/1000, during.goroutines-before.goroutines)
		passed.figureBeside(t, quiet)
	}
}

// TestHalfOpenConnectionsEnd waits for that with a limit of a second, as an operator may
// set it. Caddy's own is a minute.
func TestHalfOpenConnectionsEnd(t *testing.T) {
	f := startFortressWith(t, "timeouts {\n\t\t\tread_header 1s\n\t\t}")
	for name, crowd := range map[string]flood.Hold{
		"nothing":                {Dial: flood.From(proxy, f.address)},
		"half a header":          {Dial: flood.From(proxy, f.address), Begin: "GET /gate HTTP/1.1\r\nAuthoriz"},
		"a header that drips":    {Dial: flood.From(proxy, f.address), Begin: "GET /", Drip: 100 * time.Millisecond},
		"no TLS where it is due": {Dial: flood.From(proxy, f.tls)},
		// The head of a record of a handshake, RFC 8446 section 5.1.
		"half a handshake": {Dial: flood.From(proxy, f.tls), Begin: "\x16\x03\x01\x02"},
	} {
		crowd.Lines = 10
		held, err := crowd.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer held.Close()
		if closed, _ := held.Wait(15 * time.Second); closed != crowd.Lines {
			t.Errorf("%s: %d of %d are closed", name, closed, crowd.Lines)
		}
	}
}
