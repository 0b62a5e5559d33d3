package cced

import (
	"strconv"
	"strings"
	"time"
)

// outcome is what handlers made of changes.
type outcome struct {
	good    bool
	killed  bool
	changes []change // of the handlers themselves
	reply            // for the client
}

// handle runs the handlers of changes: those that set the property mode of a
// Probe or an Undo. The first that fails ends it.
func (c *conn) handle(changes []change) outcome {
	all := outcome{good: true}
	for _, one := range changes {
		if one.class.name != "Probe" && one.class.name != "Undo" {
			continue
		}
		mode, set := one.value("mode")
		if !set {
			continue
		}
		if c.runHandler(one, mode, &all); !all.good || all.killed {
			break
		}
	}
	return all
}

// runHandler does what a mode says. Its messages come as the daemon sends them:
// bad data first, then the others in the order they were said.
func (c *conn) runHandler(one change, mode string, all *outcome) {
	var mine reply
	switch mode {
	case "info":
		mine.quoted("106 INFO ", `[[lab.hello,name="x"]]`)
	case "warn":
		mine.quoted("305 WARN ", "[[lab.careful]]")
	case "warnfail":
		mine.quoted("305 WARN ", "[[lab.broken]]")
		all.good = false
	case "touch":
		if i, known := one.class.spaces[0].index["note"]; known {
			all.changes = append(all.changes, change{
				kind: changed, oid: one.oid, class: one.class,
				sets: []assignment{{i, "set by handler"}},
			})
		}
	case "baddata":
		mine.badData(one.oid, "note", "[[lab.badNote]]")
		all.good = false
		all.out = append(mine.out, all.out...)
		return
	case "fail", "crash", "defer":
		all.good = false
	default:
		if seconds, slow := slowness(mode); slow {
			all.good, all.killed = c.work(time.Duration(seconds) * c.server.config.Second)
		}
	}
	all.out = append(all.out, mine.out...)
}

// slowness reads N of slowN.
func slowness(mode string) (int, bool) {
	number, slow := strings.CutPrefix(mode, "slow")
	seconds, err := strconv.Atoi(number)
	return seconds, slow && err == nil
}

// work takes time. It fails if the daemon stops, or its worker is killed.
func (c *conn) work(d time.Duration) (good, killed bool) {
	c.flush()
	select {
	case <-c.server.config.After(d):
		return true, false
	case <-c.run.stopping:
		return false, false
	case <-c.run.killed:
		return false, true
	}
}
