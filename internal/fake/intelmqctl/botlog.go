package intelmqctl

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// levels, in order.
var levels = []string{"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}

// filter is how a version of the command understands the level of log.
type filter struct {
	// skips: a line of this level is left out when that one is asked for.
	skips func(line, asked int) bool
	// loses: with a line go those that belong to it. Otherwise they are put to the
	// line above it.
	loses bool
}

// filters by the value of the switch log_filter. Present ones, from 3.1 on, have the
// level upside down.
var filters = map[string]filter{
	"old":     {skips: func(line, asked int) bool { return line < asked }},
	"present": {skips: func(line, asked int) bool { return line > asked }},
	"mended":  {skips: func(line, asked int) bool { return line < asked }, loses: true},
}

func parseFilter(name string) (filter, error) {
	f, known := filters[name]
	if !known {
		return f, fmt.Errorf("'%s' is none of old, present and mended", name)
	}
	return f, nil
}

var logPattern = regexp.MustCompile(`^(\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}),(\d+) - ([-\w]+)(?:\.(\d+))? - ([A-Z]+) - (.+)$`)

// readLog is the last lines of a bot's log that pass a filter. Zero lines and fewer are
// one, but for -1: it means all.
func (f folder) readLog(id, level string, number int, by filter, now time.Time) ([]any, error) {
	text, err := os.ReadFile(f.logFile(id))
	if errors.Is(err, fs.ErrNotExist) {
		return []any{object{
			{"date", isoTime(now)},
			{"bot_id", id},
			{"log_level", "INFO"},
			{"message", "No log file exists (yet)."},
		}}, nil
	} else if err != nil {
		return nil, err
	}
	asked := slices.Index(levels, level)
	var entries []any
	more := "" // lines that belong to the one before them
	// What follows the last newline is a line, too: an empty one.
	for _, line := range slices.Backward(strings.Split(string(text), "\n")) {
		entry, of := parseLogLine(line)
		if entry == nil {
			more = line + "\n" + more
			continue
		}
		if by.skips(of, asked) {
			if by.loses {
				more = ""
			}
			continue
		}
		if more != "" {
			entry = append(entry, member{"extended_message", more})
			more = ""
		}
		entries = append(entries, entry)
		if number != -1 && len(entries) >= number {
			break
		}
	}
	slices.Reverse(entries)
	return entries, nil
}

// parseLogLine reads a line and its level. One that is none of the log's own is nil.
func parseLogLine(line string) (entry object, level int) {
	m := logPattern.FindStringSubmatch(line)
	if m == nil {
		return nil, 0
	}
	date, err := time.Parse(time.DateTime+".000", m[1]+"."+m[2])
	level = slices.Index(levels, m[5])
	if err != nil || level < 0 {
		return nil, 0
	}
	var thread any
	if n, err := strconv.Atoi(m[4]); err == nil {
		thread = n
	}
	return object{
		{"date", isoTime(date)},
		{"bot_id", m[3]},
		{"thread_id", thread},
		{"log_level", m[5]},
		{"message", m[6]},
	}, level
}

// isoTime is a time as Python's datetime.isoformat writes it.
func isoTime(t time.Time) string {
	if t.Nanosecond()/1000 == 0 {
		return t.Format("2006-01-02T15:04:05")
	}
	return t.Format("2006-01-02T15:04:05.000000")
}
