package fire_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// settings are what the environment says of the tests.
type settings struct {
	// rounds is how often a test kills: SALLYPORT_ROUNDS, or 200.
	rounds int
	// seed begins the random numbers: SALLYPORT_SEED, or another one each time.
	seed uint64
	// soak is SALLYPORT_SOAK, for which see TestSoak, or 0.
	soak time.Duration
}

// maxRounds take days.
const maxRounds = 1_000_000

// readSettings reads the environment, or what stands for it.
func readSettings(environment func(name string) string) (s settings, err error) {
	s = settings{rounds: 200, seed: uint64(time.Now().UnixNano()) & 0xffffffff}
	if text := environment("SALLYPORT_ROUNDS"); text != "" {
		if s.rounds, err = strconv.Atoi(text); err != nil || s.rounds < 1 || s.rounds > maxRounds {
			return s, fmt.Errorf("SALLYPORT_ROUNDS is '%s'; write a number from 1 to %d", text, maxRounds)
		}
	}
	if text := environment("SALLYPORT_SEED"); text != "" {
		if s.seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			return s, fmt.Errorf("SALLYPORT_SEED is '%s'; write the number that a test has told", text)
		}
	}
	if text := environment("SALLYPORT_SOAK"); text != "" {
		if s.soak, err = time.ParseDuration(text); err != nil || s.soak < time.Minute {
			return s, fmt.Errorf("SALLYPORT_SOAK is '%s'; write a duration of a minute or more, such as 30m", text)
		}
	}
	return s, nil
}

// settingsFor are those of a test.
func settingsFor(t *testing.T) settings {
	t.Helper()
	s, err := readSettings(os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// rounds is how often a test kills.
func rounds(t *testing.T) int {
	t.Helper()
	return settingsFor(t).rounds
}

// seed begins the random numbers of a test. One that has failed tells which, so that
// it can be run again.
func seed(t *testing.T) uint64 {
	t.Helper()
	s := settingsFor(t).seed
	t.Logf("SALLYPORT_SEED=%d", s)
	return s
}

func TestASettingThatMeansNothingIsRefusedBeforeAnyTest(t *testing.T) {
	for name, c := range map[string]struct{ variable, text, want string }{
		"a word for a duration":      {"SALLYPORT_SOAK", "xyz", "SALLYPORT_SOAK is 'xyz'; write a duration"},
		"a duration without a unit":  {"SALLYPORT_SOAK", "30", "a duration of a minute or more, such as 30m"},
		"a duration before now":      {"SALLYPORT_SOAK", "-30m", "of a minute or more"},
		"too short a duration":       {"SALLYPORT_SOAK", "59s", "of a minute or more"},
		"a word for a number":        {"SALLYPORT_ROUNDS", "many", "SALLYPORT_ROUNDS is 'many'; write a number from 1"},
		"no round at all":            {"SALLYPORT_ROUNDS", "0", "write a number from 1"},
		"more rounds than days have": {"SALLYPORT_ROUNDS", "1000001", "to 1000000"},
		"a seed below zero":          {"SALLYPORT_SEED", "-1", "SALLYPORT_SEED is '-1'; write the number"},
	} {
		_, err := readSettings(func(variable string) string {
			return map[string]string{c.variable: c.text}[variable]
		})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want '%s'", name, err, c.want)
		}
	}
}

func TestSettingsAreReadAndHaveDefaults(t *testing.T) {
	s, err := readSettings(func(string) string { return "" })
	if err != nil || s.rounds != 200 || s.soak != 0 {
		t.Errorf("without any: %+v (%v)", s, err)
	}
	all := map[string]string{"SALLYPORT_ROUNDS": "1000", "SALLYPORT_SEED": "7", "SALLYPORT_SOAK": "1h30m"}
	s, err = readSettings(func(name string) string { return all[name] })
	if want := (settings{1000, 7, 90 * time.Minute}); err != nil || s != want {
		t.Errorf("they are %+v, want %+v (%v)", s, want, err)
	}
}
