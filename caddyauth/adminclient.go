package caddyauth

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

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/store"
)

// adminClient runs operations through the admin API of a running server.
type adminClient struct {
	address string
	network caddy.NetworkAddress
	http    *http.Client
}

const (
	// adminDialLimit is how long a server may take to answer the call.
	adminDialLimit = 2 * time.Second
	// adminLimit is how long an operation may take.
	adminLimit = 30 * time.Second
	// maxAdminAnswer bounds an answer, in bytes.
	maxAdminAnswer = 64 << 20
)

// newAdminClient makes a client for an address as Caddy's admin option has it.
func newAdminClient(address string) (*adminClient, error) {
	// A socket may carry its file mode: unix//run/caddy.sock|0220.
	address, _, _ = strings.Cut(address, "|")
	network, err := caddy.ParseNetworkAddress(address)
	if err != nil || network.PortRangeSize() > 1 {
		return nil, fmt.Errorf("admin address '%s': write one such as localhost:2019 or unix//run/caddy/admin.sock", address)
	}
	dialer := net.Dialer{Timeout: adminDialLimit}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, network.Network, network.JoinHostPort(0))
	}
	return &adminClient{
		address: address,
		network: network,
		http:    &http.Client{Timeout: adminLimit, Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}},
	}, nil
}

// operationError is an operation that the server has refused.
type operationError struct {
	status int
	text   string
}

func (e *operationError) Error() string { return e.text }

// errNoServer: there is no server at the address, or it has no caddyauth.
var errNoServer = errors.New("no server with caddyauth")

// perform runs an operation. The error is errNoServer if nobody is there.
func (c *adminClient) perform(ctx context.Context, name, actor string, input json.RawMessage) (json.RawMessage, error) {
	body, err := json.Marshal(call{Actor: actor, Input: input})
	if err != nil {
		return nil, err
	}
	origin := "http://127.0.0.1"
	if !c.network.IsUnixNetwork() {
		origin = "http://" + c.network.JoinHostPort(0)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, origin+adminPath+name, bytes.NewReader(body))
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
		return nil, fmt.Errorf("%w: %w", errNoServer, dial)
	}
	if err != nil {
		return nil, fmt.Errorf("admin API: %w", err)
	}
	defer answer.Body.Close()
	return c.read(answer)
}

func (c *adminClient) read(answer *http.Response) (json.RawMessage, error) {
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAdminAnswer))
	if err != nil {
		return nil, fmt.Errorf("admin API: %w", err)
	}
	if answer.StatusCode == http.StatusOK {
		return text, nil
	}
	var failure struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(text, &failure) != nil || failure.Error == "" {
		// Not our words: a server without this module, or no Caddy at all.
		return nil, fmt.Errorf("%w: HTTP %d", errNoServer, answer.StatusCode)
	}
	return nil, &operationError{answer.StatusCode, failure.Error}
}

// location asks where the server's store is. The error is errNoServer if there
// is no server, or one without this app.
func (c *adminClient) location(ctx context.Context, actor string) (store.Location, error) {
	text, err := c.perform(ctx, "store/info", actor, json.RawMessage(`{}`))
	if e, ok := errors.AsType[*operationError](err); ok && e.status == http.StatusNotFound {
		return store.Location{}, fmt.Errorf("%w: %w", errNoServer, e)
	}
	if err != nil {
		return store.Location{}, err
	}
	var info identity.Info
	if err := json.Unmarshal(text, &info); err != nil {
		return store.Location{}, fmt.Errorf("admin API: %w", err)
	}
	return store.ParseLocation(info.Store)
}
