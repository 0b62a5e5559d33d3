package intelmqctl

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// The names of the switches; Botnet.Switch says what they do. A line of the file is
// NAME or NAME=VALUE; so are the lines of FAKE_INTELMQCTL_SWITCHES, which the file goes
// before.
const (
	stall         = "stall"
	cpu           = "cpu"
	crash         = "crash"
	chatter       = "chatter"
	garbage       = "garbage"
	nonUTF8       = "non_utf8"
	flood         = "flood"
	ignoreSIGTERM = "ignore_sigterm"
	logFilter     = "log_filter"
	sudoRefusal   = "sudo_refusal"
	brokerDown    = "broker_down"
	noLogAccess   = "no_log_access"
	noRuntime     = "runtime_missing"
	replay        = "replay"
	replayState   = "state"
)

var switchNames = []string{
	stall, cpu, crash, chatter, garbage, nonUTF8, flood, ignoreSIGTERM, logFilter,
	sudoRefusal, brokerDown, noLogAccess, noRuntime, replay, replayState,
}

// switches are those that are on, with their values.
type switches map[string]string

func (s switches) on(name string) bool { _, on := s[name]; return on }

// or is the value of a switch, or another one if it is off.
func (s switches) or(name, other string) string {
	if value, on := s[name]; on {
		return value
	}
	return other
}

// duration is the value of a switch, zero if it is off.
func (s switches) duration(name string) time.Duration {
	d, _ := time.ParseDuration(s[name]) // proven by parseSwitches
	return d
}

// readSwitches reads those of the environment and of the folder.
func readSwitches(root folder, environment func(string) string) (switches, error) {
	text := environment("FAKE_INTELMQCTL_SWITCHES")
	if state := environment("FAKE_INTELMQCTL_STATE"); state != "" {
		text += "\n" + replayState + "=" + state
	}
	if root != "" {
		file, err := os.ReadFile(root.path(switchesFile))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		text += "\n" + string(file)
	}
	return parseSwitches(text)
}

// Switch turns these switches of the botnet in a folder on and all others off, from
// the next call on; Botnet.Switch says which there are.
func Switch(root string, lines ...string) error {
	text := strings.Join(lines, "\n")
	if _, err := parseSwitches(text); err != nil {
		return err
	}
	// A call must not read half of it.
	path := folder(root).path(switchesFile)
	if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func parseSwitches(text string) (switches, error) {
	s := switches{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if name == "" {
			continue
		}
		if err := checkSwitch(name, value); err != nil {
			return nil, err
		}
		s[name] = value
	}
	return s, nil
}

func checkSwitch(name, value string) error {
	if !slices.Contains(switchNames, name) {
		return fmt.Errorf("there is no switch '%s'", name)
	}
	var err error
	switch name {
	case stall, cpu:
		_, err = time.ParseDuration(value)
	case crash:
		_, err = parseCrash(value)
	case flood:
		_, err = parseSize(value)
	case logFilter:
		_, err = parseFilter(value)
	}
	if err != nil {
		return fmt.Errorf("the switch '%s': %w", name, err)
	}
	return nil
}
