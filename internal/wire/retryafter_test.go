package wire

import (
	"testing"
	"time"
)

func TestRetryAfterIsNeverTooEarly(t *testing.T) {
	for wait, want := range map[time.Duration]string{
		0:                              "1",
		time.Millisecond:               "1",
		time.Second:                    "1",
		time.Second + time.Nanosecond:  "2",
		time.Minute - time.Millisecond: "60",
		24 * time.Hour:                 "86400",
	} {
		if got := RetryAfter(wait); got != want {
			t.Errorf("%s: '%s', want '%s'", wait, got, want)
		}
	}
}
