package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sallyport/sallyport/internal/cceapi"
	"github.com/sallyport/sallyport/internal/cscp"
)

func init() {
	caddy.RegisterModule(Slow{})
}

// Slow answers FINDX and GETALL as the CCE endpoint does, but does not send
// commands to cced together. It asks nobody who he is, counts nothing and writes
// no log, so that only the way of asking makes it slow.
type Slow struct {
	// Socket is the path of cced's socket.
	Socket string `json:"socket"`
	// Connecting opens a connection for each command. Otherwise there is one, on
	// which each reply is waited for.
	Connecting bool `json:"connecting"`

	pool *cscp.Pool
	do   way
}

// CaddyModule returns the Caddy module information.
func (Slow) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.slow", New: func() caddy.Module { return new(Slow) }}
}

// dialer connects to cced.
func dialer(socket string) cscp.Dial {
	return func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}
}

// Provision makes the way of asking.
func (h *Slow) Provision(caddy.Context) error {
	h.pool = cscp.NewPool(cscp.PoolConfig{Dial: dialer(h.Socket)})
	h.do = oneByOne(h.pool)
	if h.Connecting {
		h.do = connecting(dialer(h.Socket))
	}
	return nil
}

// Cleanup closes the connections.
func (h *Slow) Cleanup() error {
	h.pool.Close()
	return nil
}

// maxBody bounds the body of a request.
const maxBody = 1 << 20

// ServeHTTP answers a request.
func (h *Slow) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return err
	}
	request, err := cceapi.Parse(body)
	if err != nil {
		return err
	}
	answer, err := h.answer(r.Context(), request)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", answer.ContentType)
	w.WriteHeader(answer.HTTPStatus)
	_, err = w.Write(answer.Body)
	return err
}

func (h *Slow) answer(ctx context.Context, q *cceapi.Request) (*cceapi.Answer, error) {
	session := cscp.Session{User: q.User, ID: q.SessionID}
	if q.Action == cceapi.FindX {
		oids, err := h.do.search(ctx, session, q.Search)
		texts := make([]string, len(oids))
		for i, oid := range oids {
			texts[i] = oid.String()
		}
		return cceapi.Found(texts), err
	}
	if q.Action == cceapi.GetAll {
		return h.do.getAll(ctx, session, q.OIDs)
	}
	return nil, fmt.Errorf("'%s' is not measured in this way", q.Word)
}

var (
	_ caddyhttp.MiddlewareHandler = (*Slow)(nil)
	_ caddy.Provisioner           = (*Slow)(nil)
	_ caddy.CleanerUpper          = (*Slow)(nil)
)
