package main

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// measured are results that keep all promises, in a quiet hour.
func measured() *intelmqResults {
	at := func(promise, ratio float64) []result {
		t := triple{before: sample{rate: 100}, test: sample{rate: 100 * ratio}, after: sample{rate: 100}}
		return []result{{comparison: comparison{name: "a read", promise: promise}, all: []triple{t}}}
	}
	return &intelmqResults{
		processes: 1, own: []float64{0.001}, alone: []float64{0.002},
		cached: at(0.80, 0.85), crowded: at(0.45, 0.5),
		tabs: []tabCase{{name: "management", many: watched{used: 0.3}, one: watched{used: 0.3}}},
		growth: growth{
			before: memory{Heap: 8_000_000}, after: memory{Heap: 8_100_000},
		},
	}
}

func TestEachPromiseOfTheIntelMQEndpointCanBeMissed(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*intelmqResults)
		want   string
	}{
		"two processes":      {func(r *intelmqResults) { r.processes = 2 }, "one process, missed."},
		"a slow call":        {func(r *intelmqResults) { r.own[0] = 0.004 }, "3 ms at most, missed."},
		"a slow read":        {func(r *intelmqResults) { r.cached[0].all[0].test.rate = 70 }, "0.80 of bare `respond`, missed."},
		"a crowded server":   {func(r *intelmqResults) { r.crowded[0].all[0].test.rate = 40 }, "missed."},
		"busy tabs":          {func(r *intelmqResults) { r.tabs[0].many.used = 0.4 }, "1.2 times the processor of one at most, missed."},
		"a growing heap":     {func(r *intelmqResults) { r.growth.after.Heap = 12_000_000 }, "less than 10 bytes a request, missed."},
		"others beside tabs": {func(r *intelmqResults) { r.tabs[0].one.others = 0.2 }, "which cannot be told"},
	} {
		t.Run(name, func(t *testing.T) {
			var good, bad strings.Builder
			printIntelMQTable(&good, measured())
			if strings.Contains(good.String(), "missed") || strings.Contains(good.String(), "cannot be told") {
				t.Fatalf("good results are no good:\n%s", &good)
			}
			r := measured()
			c.change(r)
			printIntelMQTable(&bad, r)
			if !strings.Contains(bad.String(), c.want) {
				t.Errorf("'%s' is missing in\n%s", c.want, &bad)
			}
		})
	}
}

func TestAProcessAndItsParent(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("this system has no /proc")
	}
	s, err := readStatus(strconv.Itoa(os.Getpid()))
	if err != nil || s.parent != strconv.Itoa(os.Getppid()) {
		t.Errorf("the parent is '%s', want %d (%v)", s.parent, os.Getppid(), err)
	}
}

func TestRequestsThatFillTheMemoryAreDifferent(t *testing.T) {
	seen := map[string]bool{}
	for n := range 1000 {
		if path := askings(n).path; seen[path] {
			t.Fatalf("'%s' is asked twice", path)
		} else {
			seen[path] = true
		}
	}
}
