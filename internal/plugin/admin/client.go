// Package admin is both ends of Caddy's admin API: what routes of plugins answer,
// and how commands ask them.
package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// Client runs the operations of an app through the admin API of a running server.
type Client struct {
	// Address is the one that was given, for messages.
	Address string

	app     string
	network caddy.NetworkAddress
	http    *http.Client
}

const (
	// dialLimit is how long a server may take to answer the call.
	dialLimit = 2 * time.Second
	// callLimit is how long an operation may take.
	callLimit = 30 * time.Second
	// maxAnswer bounds an answer, in bytes.
	maxAnswer = 64 << 20
)

// NewClient makes a client for the operations of an app, which are below
// /<app>/, and for an address as Caddy's admin option has it, such as
// localhost:2019 or unix//run/caddy.sock|0220.
func NewClient(app, address string) (*Client, error) {
	// A socket may carry its file mode: unix//run/caddy.sock|0220.
	address, _, _ = strings.Cut(address, "|")
	network, err := caddy.ParseNetworkAddress(address)
	if err != nil || network.PortRangeSize() > 1 {
		return nil, fmt.Errorf("admin address '%s': write one such as localhost:2019 or unix//run/caddy/admin.sock", address)
	}
	dialer := net.Dialer{Timeout: dialLimit}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, network.Network, network.JoinHostPort(0))
	}
	return &Client{
		Address: address,
		app:     app,
		network: network,
		http:    &http.Client{Timeout: callLimit, Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}},
	}, nil
}

// ErrNoAnswer: a server is there, and does not answer. Nobody knows whether it has done,
// or will do, what it was asked for.
var ErrNoAnswer = errors.New("does not answer")

// RefusedError is an operation that the server has refused.
type RefusedError struct {
	// Status is that of the answer.
	Status int
	// Text is what the server says.
	Text string
}

func (e *RefusedError) Error() string { return e.Text }

// NoServerError says that there is no server at the address, or one without the
// app.
type NoServerError struct {
	App string
	Err error
}

func (e *NoServerError) Error() string { return fmt.Sprintf("no server with %s: %v", e.App, e.Err) }
func (e *NoServerError) Unwrap() error { return e.Err }

// Call is the body of the request for an operation.
type Call struct {
	// Actor is who is asking, for the audit trail.
	Actor string          `json:"actor"`
	Input json.RawMessage `json:"input"`
}

// Do runs an operation and returns its result. The error is a NoServerError if
// nobody is there, a RefusedError if the server has refused it, and ErrNoAnswer if it
// says nothing.
func (c *Client) Do(ctx context.Context, operation string, call Call) (json.RawMessage, error) {
	body, err := json.Marshal(call)
	if err != nil {
		return nil, err
	}
	origin := "http://127.0.0.1"
	if !c.network.IsUnixNetwork() {
		origin = "http://" + c.network.JoinHostPort(0)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, origin+"/"+c.app+"/"+operation, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	if !c.network.IsUnixNetwork() {
		r.Header.Set("Origin", origin)
	}
	answer, err := c.http.Do(r)
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("you may not open its admin socket; run the command as root or as the server's user: %w", err)
	}
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		return nil, &NoServerError{c.app, dial}
	}
	if err != nil {
		return nil, c.unanswered(err)
	}
	defer answer.Body.Close()
	return c.read(answer)
}

// unanswered says why there is no answer, or not all of it.
func (c *Client) unanswered(err error) error {
	if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() {
		return fmt.Errorf("the server at %s %w within %s; look at its log, or restart it", c.Address, ErrNoAnswer, c.http.Timeout)
	}
	return fmt.Errorf("admin API: %w", err)
}

func (c *Client) read(answer *http.Response) (json.RawMessage, error) {
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return nil, c.unanswered(err)
	}
	if answer.StatusCode == http.StatusOK {
		return text, nil
	}
	var failure struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(text, &failure) != nil || failure.Error == "" {
		// Not our words: a server without this module, or no Caddy at all.
		return nil, &NoServerError{c.app, fmt.Errorf("HTTP %d", answer.StatusCode)}
	}
	return nil, &RefusedError{answer.StatusCode, failure.Error}
}
