package intelmqctl

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
)

// levels are those of a log, in order.
var levels = []Level{LevelDebug, LevelInfo, LevelWarning, LevelError, LevelCritical}

// Bounds of how many lines of a log are looked through for those of a level.
const (
	fewLines  = 200
	manyLines = 50_000
)

// Log answers with the last lines of a bot's log that are at least as grave as the
// level says, whatever version of intelmqctl prints them. Some versions take the
// level for an upper bound: they print all for LevelCritical and next to nothing for
// LevelDebug. So it is found out each time at which end everything is printed, and
// what is asked for is picked here. Up to 50,000 lines are looked through for it. What
// is not picked from passes byte for byte, as does what is no list. Equal questions
// share their processes as those of Read do. The error is a *Failure.
func (c *Client) Log(ctx context.Context, caller string, l Log) (Answer, error) {
	if l.Lines <= 0 && l.Lines != -1 {
		l.Lines = 1
	}
	if !slices.Contains(levels, l.Level) {
		l.Level = LevelDebug
	}
	// The raw log is another answer, and has the key of its arguments alone.
	of := "picked\x00" + key(l)
	return c.read(ctx, caller, of, func() *share {
		return &share{key: of, name: Name(l), ask: func(ctx context.Context, config Config) outcome {
			return c.pick(ctx, config, l)
		}}
	})
}

// pick asks for more and more lines until enough are grave enough.
func (c *Client) pick(ctx context.Context, config Config, l Log) outcome {
	var best outcome
	for i, lines := range lookThrough(l) {
		o, log := c.all(ctx, config, Log{ID: l.ID, Lines: lines, Level: l.Level})
		if o.err != nil {
			if f := o.failure(); i > 0 && f.Cause == TooLong && o.running == nil {
				break
			}
			return o
		}
		picked := log.pick(l.Level, l.Lines)
		best = outcome{body: picked.print(o.body, len(log))}
		if log == nil || len(picked) == l.Lines || len(log) < lines {
			break
		}
	}
	return best
}

// lookThrough is how many lines to ask for, in turn.
func lookThrough(l Log) []int {
	if l.Level == LevelDebug || l.Lines == -1 || l.Lines >= manyLines {
		return []int{l.Lines}
	}
	few := min(max(10*l.Lines, fewLines), manyLines)
	many := min(100*l.Lines, manyLines)
	if many <= few {
		return []int{few}
	}
	return []int{few, many}
}

// all asks for the last lines of any level. The entries are nil if there is no list;
// else the body is what they were read from, or empty.
func (c *Client) all(ctx context.Context, config Config, l Log) (outcome, entries) {
	c.mu.Lock()
	end := c.everything
	c.mu.Unlock()
	var union entries
	for range 2 {
		l.Level = end
		o := execute(ctx, config, l)
		if o.err != nil {
			return o, nil
		}
		log := readLog(o.body)
		if log == nil {
			return o, nil
		}
		if log.hasOther(end) {
			c.mu.Lock()
			c.everything = end
			c.mu.Unlock()
			return o, log
		}
		union = append(union, log...)
		end = otherEnd(end)
	}
	// There are only lines of the two ends, and maybe none of one of them.
	slices.SortStableFunc(union, func(a, b entry) int { return cmp.Compare(a.Date, b.Date) })
	if l.Lines != -1 {
		union = union[max(0, len(union)-l.Lines):]
	}
	return outcome{}, union
}

func otherEnd(end Level) Level {
	if end == LevelDebug {
		return LevelCritical
	}
	return LevelDebug
}

// entries are those of a log, the newest one last.
type entries []entry

// entry is one of them, with the text it was read from.
type entry struct {
	Date     string          `json:"date"`
	LogLevel Level           `json:"log_level"`
	ThreadID json.RawMessage `json:"thread_id"`
	text     json.RawMessage
}

// readLog reads a list of entries, and is nil if it is none.
func readLog(body []byte) entries {
	var texts []json.RawMessage
	if json.Unmarshal(body, &texts) != nil || texts == nil {
		return nil
	}
	log := make(entries, len(texts))
	for i, text := range texts {
		// What does not fit is an entry of no known level.
		if json.Unmarshal(text, &log[i]) != nil {
			log[i] = entry{}
		}
		log[i].text = text
	}
	return log
}

// hasOther reports whether there is an entry of another level.
func (log entries) hasOther(level Level) bool {
	return slices.ContainsFunc(log, func(e entry) bool { return e.LogLevel != level })
}

// pick takes the last entries that are grave enough, all of them for -1. Those of
// which that is not known are, as is the one that stands for a log that is not there:
// no thread has written it.
func (log entries) pick(least Level, lines int) entries {
	if len(log) == 1 && log[0].ThreadID == nil {
		return log
	}
	rank := slices.Index(levels, least)
	var picked entries
	for _, e := range log {
		if i := slices.Index(levels, Level(strings.ToUpper(string(e.LogLevel)))); i < 0 || i >= rank {
			picked = append(picked, e)
		}
	}
	if lines != -1 {
		picked = picked[max(0, len(picked)-lines):]
	}
	return picked
}

// print writes the entries as intelmqctl does. If they are all that were read from
// body, or none were, it is that.
func (log entries) print(body []byte, read int) []byte {
	if len(body) > 0 && len(log) == read {
		return body
	}
	var list bytes.Buffer
	list.WriteByte('[')
	for i, e := range log {
		if i > 0 {
			list.WriteByte(',')
		}
		list.Write(e.text)
	}
	list.WriteByte(']')
	return printed(list.Bytes())
}
