package caddyauth

import (
	"sync"
	"time"

	"github.com/sallyport/sallyport/internal/howler"
)

const (
	// defaultQuota is howler's.
	defaultQuota = 25
	// maxQuota is more than any server answers at once.
	maxQuota = 1_000_000
	// quotaRetry is when to try again. Nobody knows when another request ends.
	quotaRetry = time.Second
)

// running counts the requests of each user that are being answered.
type running struct {
	mu    sync.Mutex
	users map[string]int64
}

func newRunning() *running { return &running{users: map[string]int64{}} }

// enter counts one more request of a user, unless there are most already.
func (q *running) enter(userID string, most int64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.users[userID] >= most {
		return false
	}
	q.users[userID]++
	return true
}

func (q *running) leave(userID string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.users[userID]--; q.users[userID] == 0 {
		delete(q.users, userID)
	}
}

// enter takes one of the caller's slots, and gives back what leaves it again. Who acts
// as another user spends his own, or he could keep the other one out.
func (h *AuthAPI) enter(c *apiCall) (leave func(), failed *failure) {
	if c.caller == nil || c.target.NoQuota {
		return func() {}, nil
	}
	spender := c.caller.User
	if c.caller.Impersonation != nil {
		spender = c.caller.Impersonation.By
	}
	most, id := h.quotaOf(spender.Quota), spender.ID
	switch {
	case most == 0:
		return func() {}, nil
	case !h.running.enter(id, most):
		return nil, &failure{Failure: howler.QuotaSpent(most), cause: "quota", wait: quotaRetry}
	}
	return func() { h.running.leave(id) }, nil
}

// quotaOf is the quota in force of a user who has this one of his own, or none, which
// is 0; 0 is no limit.
func (h *AuthAPI) quotaOf(own int64) int64 {
	switch {
	case own != 0:
		return own
	case h.Quota != nil:
		return int64(*h.Quota)
	}
	return defaultQuota
}
