package caddyauth

import (
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/identity"
)

// An event that is far ahead was written by another clock, or by nobody of ours.
func TestTheCheckHoldsTheClockAgainstTheAuditTrail(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		latest time.Time
		want   string
	}{
		"no event":                    {time.Time{}, ""},
		"one of before":               {now.Add(-time.Hour), ""},
		"one that is a little ahead":  {now.Add(clockSlack), ""},
		"one that is ahead by a year": {now.AddDate(1, 0, 0), "the clock says 2026-11-22T12:00:00Z, but the audit trail has an event of 2027-11-22T12:00:00Z"},
	} {
		var i identity.Inspection
		i.Latest = test.latest
		got := findingsOf(&i, &storeFile{}, now)
		if test.want == "" && len(got) == 0 {
			continue
		}
		if len(got) != 1 || got[0] != clockWrong.of(test.want) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
