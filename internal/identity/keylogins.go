package identity

import (
	"time"

	"github.com/sallyport/sallyport/internal/brake"
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
