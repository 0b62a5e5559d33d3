// Package roster knows which module of a kind was configured last: while a
// configuration is loaded there are those of two, and one that is not started in the
// end goes first.
package roster

import (
	"slices"
	"sync"

	"github.com/caddyserver/caddy/v2"
)

// Roster lists the modules of all configurations that there are now and that share
// something. The zero value is ready.
type Roster[M comparable] struct {
	mu  sync.Mutex
	all []M
}

// Enter notes a module that was configured.
func (r *Roster[M]) Enter(m M) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, m)
}

// Leave takes it off. If its configuration was not started the one before it is the
// latest again.
func (r *Roster[M]) Leave(m M) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = slices.DeleteFunc(r.all, func(other M) bool { return other == m })
}

// Latest is the module that was configured last, or the zero value.
func (r *Roster[M]) Latest() (latest M) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.all) > 0 {
		latest = r.all[len(r.all)-1]
	}
	return latest
}

// Shares lists what a pool has of one kind. What is done with it is not done within,
// since a reload would have to wait.
func Shares[S any](pool *caddy.UsagePool) (all []S) {
	pool.Range(func(_, value any) bool {
		if one, ok := value.(S); ok {
			all = append(all, one)
		}
		return true
	})
	return all
}
