package caddyintelmq

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/intelmqctl"
	"github.com/sallyport/sallyport/internal/plugin/roster"
	"github.com/sallyport/sallyport/internal/reaper"
)

// desks shares what runs and what was seen between a configuration and its
// successor, and between endpoints of one command: changes of one botnet must
// never run at the same time. The key is the command.
var desks = caddy.NewUsagePool()

// desk is what endpoints of one command know.
type desk struct {
	// endpoints are those of all configurations that there are now.
	endpoints roster.Roster[*IntelMQ]
	client    *intelmqctl.Client
	// life ends with the desk.
	life context.Context
	die  context.CancelFunc
	work sync.WaitGroup
	// endReaping ends what reaps the bots that have ended, where they are children
	// of this process.
	endReaping func()

	files  configuration
	health health
	budget budget
	loads  loads

	mu     sync.Mutex
	limits limits
	// at is what intelmqctl has said, asked is when that was. asking: somebody
	// asks it again.
	at     intelmqctl.Installation
	asked  time.Time
	asking bool
}

// limits are what an endpoint sets for its command.
type limits struct {
	timeout, change, run time.Duration
	processes, waiting   int
}

// closeLimit is how long commands may take to end when the server does.
const closeLimit = 10 * time.Second

// provisionDesk takes a share of what runs.
func (h *IntelMQ) provisionDesk() error {
	h.key = strings.Join(h.settings.command, "\x00")
	value, loaded, err := desks.LoadOrNew(h.key, func() (caddy.Destructor, error) { return newDesk(&h.settings) })
	if err != nil {
		return err
	}
	h.desk = value.(*desk)
	h.limits = func() {}
	if loaded {
		h.limits = sync.OnceFunc(func() { h.desk.use(&h.settings) })
	}
	h.desk.endpoints.Enter(h)
	return nil
}

func newDesk(s *settings) (*desk, error) {
	d := &desk{limits: s.limits()}
	var err error
	if d.endReaping, err = reaper.Start(); err != nil {
		return nil, fmt.Errorf("bots that end would stay zombies: %w", err)
	}
	d.life, d.die = context.WithCancel(context.Background())
	d.client = intelmqctl.NewClient(d.config(s))
	return d, nil
}

// limits are those of the settings.
func (s *settings) limits() limits { return limits{s.timeout, s.change, s.run, s.processes, s.waiting} }

// config is what the client works with.
func (d *desk) config(s *settings) intelmqctl.Config {
	return intelmqctl.Config{
		Executor: &intelmqctl.Program{Words: s.command},
		Reads:    s.processes, Queue: s.waiting,
		ReadLimit: s.timeout, ChangeLimit: s.change, RunLimit: s.run,
		LockDir: d.lockDir, Watch: metrics.watch(),
	}
}

// use has the client work with other limits. If they are the same it keeps what it
// has seen.
func (d *desk) use(s *settings) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.limits != s.limits() {
		d.limits = s.limits()
		d.client.SetConfig(d.config(s))
	}
}

// Cleanup gives the share back. The last one ends what is left.
func (h *IntelMQ) Cleanup() error {
	if h.desk == nil {
		return nil
	}
	h.desk.endpoints.Leave(h)
	_, err := desks.Delete(h.key)
	return err
}

// Destruct ends what is left after the last configuration is gone. Changes that
// run have some time to come to their end.
func (d *desk) Destruct() error {
	d.die()
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	d.client.Close(ctx)
	d.work.Wait()
	d.endReaping()
	return nil
}

var _ caddy.Destructor = (*desk)(nil)
