package caddycce

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/cce"
	"github.com/sallyport/sallyport/internal/cscp"
	"github.com/sallyport/sallyport/internal/plugin/roster"
)

// desks shares what an endpoint knows between a configuration and its successor,
// so that a reload ends no token, transaction or connection. The key is a
// deskKey.
var desks = caddy.NewUsagePool()

// deskKey is all that makes one endpoint another one.
type deskKey struct{ socket, base, apiUser, accessFile string }

// desk is what an endpoint knows.
type desk struct {
	// endpoints are those of all configurations that there are now.
	endpoints roster.Roster[*CCE]
	dial      cscp.Dial
	pool      *cscp.Pool
	queues    *cce.Queues
	tokens    *cce.Tokens
	brake     *cce.Brake
	health    health
	// lists has a place for each GETALL that is on its way to a client: its answer
	// may have max_reply bytes.
	lists chan struct{}
	// life ends with the desk, and limits what it does when it is closed.
	life context.Context
	die  context.CancelFunc
	mu   sync.Mutex
	// guests are the sessions in which guests act, by account.
	guests map[string]*guestSession
	// rejections are the passwords that cced has refused, by account.
	rejections map[string]rejection
}

// endLimit is how long cced may take to end a session.
const endLimit = 5 * time.Second

// provisionDesk takes a share of what the endpoint knows.
func (h *CCE) provisionDesk() error {
	s := &h.settings
	h.key = deskKey{s.socket.String(), h.Base, s.apiUser, s.accessFile}
	limits := cscp.Limits{
		MaxConnections: s.maxConnections, MaxPerSession: perSession(s.maxConnections), MaxReply: int(s.maxReply),
	}
	value, _, err := desks.LoadOrNew(h.key, func() (caddy.Destructor, error) {
		return newDesk(cscp.PoolConfig{Dial: dialer(s.socket), Limits: limits}), nil
	})
	if err != nil {
		return err
	}
	h.desk = value.(*desk)
	h.limits = sync.OnceFunc(func() { h.desk.pool.SetLimits(limits) })
	h.runner = &cce.Runner{
		Pool: h.desk.pool, Queues: h.desk.queues,
		Independent: h.Transactions == independent, MaxAnswer: int(s.maxReply),
	}
	h.desk.endpoints.Enter(h)
	return nil
}

// perSession is how many connections of one session there may be, of a number
// for all.
func perSession(all int) int { return max(all/4, 1) }

// Cleanup gives the share back. The last one ends what is left.
func (h *CCE) Cleanup() error {
	if h.desk == nil {
		return nil
	}
	h.desk.endpoints.Leave(h)
	_, err := desks.Delete(h.key)
	return err
}

func newDesk(config cscp.PoolConfig) *desk {
	d := &desk{
		dial: config.Dial,
		pool: cscp.NewPool(config), queues: cce.NewQueues(time.Now),
		brake: cce.NewBrake(), guests: map[string]*guestSession{}, rejections: map[string]rejection{},
	}
	d.lists = make(chan struct{}, maxLists)
	d.life, d.die = context.WithCancel(context.Background())
	d.tokens = cce.NewTokens(d.end)
	return d
}

// maxLists is how many GETALLs are on their way at once, and listWait how long
// one waits for its turn.
const (
	maxLists = 16
	listWait = 5 * time.Second
)

// list waits for the turn of a GETALL, which ends when its answer is written.
func (d *desk) list(ctx context.Context, c *call) bool {
	ctx, cancel := context.WithTimeout(ctx, listWait)
	defer cancel()
	select {
	case d.lists <- struct{}{}:
		c.done = func() { <-d.lists }
		return true
	case <-ctx.Done():
		return false
	}
}

// end ends a session of ours: its transaction, at cced, and its connections. It
// does not wait for what the caller waits for.
func (d *desk) end(s cscp.Session) {
	d.queues.Drop(cce.QueueOf(s))
	ctx, cancel := context.WithTimeout(d.life, endLimit)
	defer cancel()
	// If cced cannot be asked the session ends there by itself.
	_, _ = d.pool.Do(ctx, s, cscp.EndKey{})
	d.pool.Forget(s)
}

// Destruct ends what is left after the last configuration is gone. If cced does
// not answer it has no more time than the end of one session.
func (d *desk) Destruct() error {
	limit := time.AfterFunc(endLimit, d.die)
	defer limit.Stop()
	d.tokens.Close()
	d.endGuests()
	d.die()
	d.pool.Close()
	return nil
}

// dialer connects to an address.
func dialer(address caddy.NetworkAddress) cscp.Dial {
	target := address.JoinHostPort(0)
	d := net.Dialer{Timeout: dialLimit}
	return func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, address.Network, target) }
}

// dialLimit is how long connecting may take.
const dialLimit = 5 * time.Second

var _ caddy.Destructor = (*desk)(nil)
