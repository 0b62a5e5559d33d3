package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/fake/flood"
)

// The floods, each of which is a path at the socket of the floods.
const (
	badKeysFlood   = "/bad-keys"
	strangersFlood = "/strangers"
	passwordsFlood = "/passwords"
	bodiesFlood    = "/bodies"
	halfOpenFlood  = "/half-open"
)

const (
	// refusalsPerSecond is the rate of floods of refusals.
	refusalsPerSecond = 10_000
	// floodLines is how many connections they have, floodDeep how many requests each of
	// them sends at once.
	floodLines, floodDeep = 16, 16
	// passwordLines is how many log in at once: more than may wait for a hash, so that
	// there is always one to be computed and one to be sent away.
	passwordLines = 128
	// passwordsPerSecond is how many log-ins there are in a second.
	passwordsPerSecond = 1000
	// heldLines is how many connections are held, and drip how often one of them sends
	// a byte.
	heldLines = 1000
	drip      = time.Second
)

// floods makes them. It runs in the process of the backends, so that they take the time
// of the core that wrk is on.
type floods struct {
	mu      sync.Mutex
	known   []string
	current func() flooded
}

// flooded is what a flood has seen.
type flooded struct {
	// Requests were answered in a second, Bad of all answers as they should not be.
	PerSecond float64 `json:"per_second"`
	Bad       int     `json:"bad"`
	Error     string  `json:"error,omitempty"`
}

// ServeHTTP begins one with the query's address by POST, and ends it by DELETE.
func (s *floods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var answer flooded
	switch {
	case r.Method == http.MethodPost && s.current == nil:
		end, err := s.begin(r.URL.Path, r.URL.Query().Get("address"))
		if err != nil {
			answer.Error = err.Error()
			break
		}
		s.current = end
	case r.Method == http.MethodDelete && s.current != nil:
		answer = s.current()
		s.current = nil
	default:
		answer.Error = "another flood is going on, or none"
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *floods) begin(kind, address string) (end func() flooded, err error) {
	from := flood.From("127.0.0.1", address)
	switch kind {
	case badKeysFlood:
		return pour(flood.Flood{Dial: from, Lines: floodLines, Deep: floodDeep, PerSecond: refusalsPerSecond, Request: func(n int) string {
			return withKey(s.known[n%len(s.known)])
		}}, http.StatusUnauthorized), nil
	case strangersFlood:
		return pour(flood.Flood{Dial: from, Lines: floodLines, Deep: floodDeep, PerSecond: refusalsPerSecond, Request: func(int) string {
			return withKey(stranger())
		}}, http.StatusUnauthorized), nil
	case passwordsFlood:
		return pour(flood.Flood{
			Dial: flood.FromNetworks(address), Lines: passwordLines, Deep: 1, PerSecond: passwordsPerSecond, Request: wrongLogIn,
		}, http.StatusUnauthorized, http.StatusTooManyRequests), nil
	case bodiesFlood:
		return hold(flood.Hold{Dial: from, Lines: heldLines, Drip: drip, Begin: logInHead + "Content-Length: 60000\r\n\r\n{"})
	case halfOpenFlood:
		return hold(flood.Hold{Dial: from, Lines: heldLines, Begin: "GET / HTTP/1.1\r\nHost: x\r\nAuthoriz"})
	}
	return nil, fmt.Errorf("the flood '%s' is unknown", kind)
}

// pour lets a flood go on until it is ended.
func pour(f flood.Flood, statuses ...int) (end func() flooded) {
	ctx, stop := context.WithCancel(context.Background())
	seen := make(chan flooded, 1)
	go func() {
		answers, err := f.Run(ctx, 0)
		one := flooded{PerSecond: answers.PerSecond(), Bad: answers.Count()}
		for _, status := range statuses {
			one.Bad -= answers.Statuses[status]
		}
		if err != nil {
			one.Error = err.Error()
		}
		seen <- one
	}()
	return func() flooded {
		stop()
		return <-seen
	}
}

// hold holds connections until that is ended.
func hold(h flood.Hold) (end func() flooded, err error) {
	held, err := h.Open(context.Background())
	if err != nil {
		return nil, err
	}
	return func() (seen flooded) {
		if err := held.Close(); err != nil {
			seen.Error = err.Error()
		}
		return seen
	}, nil
}

func withKey(key string) string {
	return "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + key + "\r\n\r\n"
}

// stranger is a key that nobody has seen before.
func stranger() string {
	// Random bytes do not run out.
	id, _ := credential.NewKeyID(rand.Reader)
	word, _ := credential.NewKey(rand.Reader, credential.DefaultPrefix, id)
	return word.Reveal()
}

const logInHead = "POST " + authBase + "/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"

// wrongLogIn is a log-in under a name of its own.
func wrongLogIn(n int) string {
	body := fmt.Sprintf(`{"user":"nobody%d","password":"a wrong password"}`, n)
	return fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", logInHead, len(body), body)
}

// floodControl begins and ends floods in the process of the backends.
type floodControl struct{ client *http.Client }

func newFloodControl(socket string) *floodControl {
	return &floodControl{&http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}, Timeout: time.Minute}}
}

func (c *floodControl) ask(ctx context.Context, method, kind, address string) (seen flooded, err error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://floods"+kind+"?address="+address, http.NoBody)
	if err != nil {
		return seen, err
	}
	response, err := c.client.Do(request)
	if err != nil {
		return seen, err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&seen); err != nil {
		return seen, err
	}
	if seen.Error != "" {
		return seen, fmt.Errorf("the flood %s: %s", kind, seen.Error)
	}
	return seen, nil
}
