package identity

import (
	"time"

	"github.com/sallyport/sallyport/internal/brake"
	"github.com/sallyport/sallyport/internal/credential"
)

// keyLogIns is how often a key may log in: the last one of these within a minute
// makes the next one wait for a minute. Each log-in is a session and a line of the
// audit trail, which is never pruned, and brings what the key itself can do: programs
// need one for the life of a token.
var keyLogIns = brake.Limit{Count: 60, Period: time.Minute}

// KeyLogInsError is the error of a log-in by a key that logs in too often.
type KeyLogInsError struct {
	// Wait is how long it lasts.
	Wait time.Duration
}

func (e *KeyLogInsError) Error() string {
	return "too many log-ins by this key"
}

// keyLogInsBusy is how long a key has to wait whose log-ins under way may be all that
// it has left: by then the store has most often answered.
const keyLogInsBusy = time.Second

// beginKeyLogIn asks whether a key may log in, and says how long it has to wait if it
// may not. If it may, endKeyLogIn must follow.
func (r *Registry) beginKeyLogIn(id credential.KeyID) (wait time.Duration) {
	v, wait := r.keyLogIns.Begin(id, keyLogIns)
	if v == brake.Busy {
		return keyLogInsBusy
	}
	return wait
}

// endKeyLogIn counts a log-in that has begun a session. One that has not, since the
// store was ill for instance, leaves nothing behind.
func (r *Registry) endKeyLogIn(id credential.KeyID, begun bool) {
	outcome := brake.Unknown
	if begun {
		outcome = brake.Failed
	}
	r.keyLogIns.End(id, keyLogIns, outcome)
}
