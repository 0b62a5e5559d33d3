package caddyauth

import (
	"fmt"
	"time"

	"github.com/sallyport/sallyport/internal/store"
)

// checkStoreHealth tells why the store cannot be opened, its schema and its
// pepper among the reasons, or lets the engine read all of it.
func checkStoreHealth(e *examination) (found []finding, err error) {
	if e.target == nil {
		return nil, e.opening
	}
	var h soundness
	if err := e.target.perform(e.ctx, "store/check", struct{}{}, &h); err != nil {
		return nil, err
	}
	for _, problem := range h.Problems {
		found = append(found, storeDamaged.of(fmt.Sprintf("store %s: %s", e.settings.Location, problem)))
	}
	return found, nil
}

// clockSlack is by how much a time may be ahead of the clock: it is set by a
// little now and then.
const clockSlack = time.Minute

// earliestNow is before the first version of this program.
var earliestNow = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// checkClock: no event can be later than now, unless the clock has gone back.
func checkClock(e *examination) ([]finding, error) {
	now := e.now.UTC().Format(time.RFC3339)
	if e.now.Before(earliestNow) {
		return []finding{clockWrong.of("the clock says " + now + ", when this program did not exist")}, nil
	}
	if e.target == nil {
		return nil, nil
	}
	var events []store.Event
	if err := e.target.perform(e.ctx, "audit/list", listEventsInput{Last: 1}, &events); err != nil {
		return nil, err
	}
	if len(events) == 0 {
		return nil, nil
	}
	return clockBehind(e.now, events[0].Time), nil
}

// clockBehind holds the clock against the latest event of the audit trail, which may be
// the zero time if there is none.
func clockBehind(now, latest time.Time) []finding {
	if !latest.After(now.Add(clockSlack)) {
		return nil
	}
	return []finding{clockWrong.of(fmt.Sprintf("the clock says %s, but the audit trail has an event of %s", now.UTC().Format(time.RFC3339), latest.UTC().Format(time.RFC3339)))}
}

// expiresSoon is how long before its end a key is a finding.
const expiresSoon = 14 * 24 * time.Hour

// checkKeys lists the keys in use that will end soon.
func checkKeys(e *examination) (found []finding, err error) {
	if e.target == nil {
		return nil, nil
	}
	for after := ""; ; {
		var page []store.Key
		if err := e.target.perform(e.ctx, "key/list", listKeysInput{After: after}, &page); err != nil {
			return found, err
		}
		for i := range page {
			k := &page[i]
			after = k.ID
			if state := keyState(k, e.now); state != "active" && state != "not yet valid" {
				continue
			}
			if !k.Expires.IsZero() && k.Expires.Before(e.now.Add(expiresSoon)) {
				found = append(found, keyExpires.of(fmt.Sprintf("key %s/%s (%s) expires %s", k.Username, k.Name, k.ID, k.Expires.UTC().Format(time.RFC3339))))
			}
		}
		if len(page) < pageSize {
			return found, nil
		}
	}
}
