package intelmqctl

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Record is a recorded call of the real command.
type Record struct {
	// State says what the botnet was like.
	State string `json:"state"`
	// Argv are the arguments, without the name of the command.
	Argv []string `json:"argv"`
	// Exit is the exit code, nil if the call had to be killed.
	Exit   *int   `json:"exit"`
	Stdout string `json:"stdout"`
	Stderr string `json:"stderr"`
	// StdoutFile is where Stdout is if it is long, relative to the file of records.
	StdoutFile string `json:"stdout_file"`
}

// ReadRecords reads a file of records, which is a JSON list of them.
func ReadRecords(path string) ([]Record, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var records []Record
	if err := json.Unmarshal(text, &records); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for i, r := range records {
		if r.StdoutFile == "" {
			continue
		}
		out, err := os.ReadFile(filepath.Join(filepath.Dir(path), filepath.FromSlash(r.StdoutFile)))
		if err != nil {
			return nil, err
		}
		records[i].Stdout = string(out)
	}
	return records, nil
}

// FindRecord is the first record of these arguments in this state, or in any if it is
// empty.
func FindRecord(records []Record, state string, arguments []string) (Record, bool) {
	for _, r := range records {
		if (state == "" || r.State == state) && slices.Equal(r.Argv, arguments) {
			return r, true
		}
	}
	return Record{}, false
}

// answerFromRecords prints what was recorded. A call that had to be killed waits for
// that again.
func (c *call) answerFromRecords(path string) (int, error) {
	records, err := ReadRecords(path)
	if err != nil {
		return 1, err
	}
	r, found := FindRecord(records, c.switches[replayState], c.words)
	if !found {
		return 1, fmt.Errorf("there is no record of '%s' in the state '%s'", strings.Join(c.words, " "), c.switches[replayState])
	}
	c.catchInterrupts()
	fmt.Fprint(c.stderr, r.Stderr)
	fmt.Fprint(c.stdout, r.Stdout)
	if r.Exit == nil {
		<-c.interrupted
		return 0, nil
	}
	return *r.Exit, nil
}
