package intelmqctl

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// Call is a call that was made.
type Call struct {
	PID int
	// Arguments are those that the real command would have got.
	Arguments []string
	Start     time.Time
	// End is zero if the call runs, or was killed.
	End time.Time
	// ExitCode is valid if there is an end.
	ExitCode int
}

// callLine is a line of the file of calls: each call has one at its start and one at
// its end.
type callLine struct {
	Time     time.Time `json:"time"`
	PID      int       `json:"pid"`
	ExitCode *int      `json:"exit,omitempty"`
	Words    []string  `json:"argv"`
}

// recordCall writes down that a call has begun. The result is for its end. A folder
// that cannot be written to has no calls: there is nobody to tell.
func (f folder) recordCall(words []string) (ended func(code int)) {
	write := func(code *int) {
		if f == "" {
			return
		}
		if line, err := json.Marshal(callLine{time.Now(), os.Getpid(), code, words}); err == nil {
			_ = appendLine(f.path(callsFile), string(line))
		}
	}
	write(nil)
	return func(code int) { write(&code) }
}

// Calls are all calls made so far of the botnet in a folder, in the order of their
// start.
func Calls(root string) ([]Call, error) {
	f := folder(root)
	text, err := os.ReadFile(f.path(callsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var calls []Call
	open := map[int]int{} // where the call of a process is
	for line := range strings.Lines(string(text)) {
		var l callLine
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			return nil, fmt.Errorf("%s: %w", f.path(callsFile), err)
		}
		if l.ExitCode == nil {
			open[l.PID] = len(calls)
			calls = append(calls, Call{PID: l.PID, Arguments: l.Words, Start: l.Time})
		} else if i, known := open[l.PID]; known {
			calls[i].End, calls[i].ExitCode = l.Time, *l.ExitCode
		}
	}
	return calls, err
}

// AtOnce is how many of some calls ran at the same time at most. A call without an end
// counts as running until now.
func AtOnce(calls []Call) int {
	type change struct {
		at time.Time
		by int
	}
	var changes []change
	for _, c := range calls {
		changes = append(changes, change{c.Start, 1})
		if !c.End.IsZero() {
			changes = append(changes, change{c.End, -1})
		}
	}
	slices.SortStableFunc(changes, func(a, b change) int {
		if order := a.at.Compare(b.at); order != 0 {
			return order
		}
		return a.by - b.by
	})
	most, now := 0, 0
	for _, c := range changes {
		now += c.by
		most = max(most, now)
	}
	return most
}
