package wire

import (
	"math"
	"strconv"
	"time"
)

// RetryAfter is the value of the header Retry-After (RFC 9110 section 10.2.3):
// whole seconds, at least one, and none too few.
func RetryAfter(wait time.Duration) string {
	return strconv.Itoa(int(math.Ceil(max(wait, time.Second).Seconds())))
}
