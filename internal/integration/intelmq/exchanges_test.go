// Package intelmq_test plays to the endpoint of IntelMQ, with users of caddyauth,
// what was recorded of intelmq-api. No plugin's own tests can: they do not import one
// another.
package intelmq_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// testdata is the folder of the plugin's; its README.md says what is there.
const testdata = "../../../caddyintelmq/testdata/"

// exchange is a request to intelmq-api and its recorded answer.
type exchange struct {
	Number         int               `json:"n"`
	Config         string            `json:"config"`
	State          string            `json:"state"`
	Method         string            `json:"method"`
	Path           string            `json:"path"`
	RequestHeaders map[string]string `json:"request_headers"`
	RequestBody    string            `json:"request_body"`
	Status         int               `json:"status"`
	Headers        map[string]string `json:"headers"`
	Body           string            `json:"body"`
	Cut            bool              `json:"cut"`
	Note           string            `json:"note"`
}

// difference is an exchange that is answered otherwise on purpose.
type difference struct {
	Exchange int    `json:"exchange"`
	Fix      string `json:"fix"`
	Reason   string `json:"reason"`
	Want     answer `json:"want"`
}

// answer is what is wanted in place of the recorded one. Members that are missing
// are not compared.
type answer struct {
	Status   int               `json:"status"`
	Headers  map[string]string `json:"headers"`
	Body     *string           `json:"body"`
	Contains string            `json:"contains"`
	JSON     json.RawMessage   `json:"json"`
}

func readJSON[T any](t *testing.T, path string) (value T) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return value
}

func exchanges(t *testing.T) []exchange {
	t.Helper()
	return readJSON[[]exchange](t, testdata+"http.json")
}

// differences are by the number of the exchange.
func differences(t *testing.T) map[int]difference {
	t.Helper()
	table := make(map[int]difference)
	for _, d := range readJSON[[]difference](t, testdata+"differences.json") {
		if _, twice := table[d.Exchange]; twice {
			t.Errorf("exchange %d stands there twice", d.Exchange)
		}
		table[d.Exchange] = d
	}
	return table
}

func TestExchangesAreNumberedInTheirOrder(t *testing.T) {
	all := exchanges(t)
	if len(all) != 309 {
		t.Errorf("%d exchanges, want 309", len(all))
	}
	for i, e := range all {
		if e.Number != i {
			t.Fatalf("exchange %d has the number %d", i, e.Number)
		}
	}
}

func TestEachDifferenceIsOneAndSaysWhy(t *testing.T) {
	all := exchanges(t)
	for n, d := range differences(t) {
		if n >= len(all) {
			t.Errorf("there is no exchange %d", n)
			continue
		}
		if d.Fix == "" || d.Reason == "" {
			t.Errorf("exchange %d: no word of why", n)
		}
		if !d.Want.differs(all[n]) {
			t.Errorf("exchange %d (%s %s): what is wanted is what was recorded", n, all[n].Method, all[n].Path)
		}
	}
}

// differs reports whether a recorded answer is not what is wanted.
func (a *answer) differs(e exchange) bool {
	for name, value := range a.Headers {
		if e.Headers[name] != value {
			return true
		}
	}
	return a.Status != e.Status || a.Body != nil && *a.Body != e.Body || e.Cut ||
		!strings.Contains(e.Body, a.Contains)
}
