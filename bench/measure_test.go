package main

import (
	"math"
	"net/http"
	"testing"
)

func TestQuantile(t *testing.T) {
	numbers := []float64{4, 1, 3, 2}
	for q, want := range map[float64]float64{0: 1, 0.25: 1.75, 0.5: 2.5, 0.75: 3.25, 1: 4} {
		if got := quantile(numbers, q); math.Abs(got-want) > 1e-9 {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if numbers[0] != 4 {
		t.Error("quantile has sorted what it was given")
	}
}

func TestNoisySamplesAreDropped(t *testing.T) {
	quiet := triple{before: sample{rate: 100}, test: sample{rate: 90}, after: sample{rate: 80}}
	noisy := quiet
	noisy.after.others = 0.2
	r := result{all: []triple{noisy, quiet, noisy}}
	if kept, dropped := r.quiet(); len(kept) != 1 || dropped != 2 || r.noisy() {
		t.Errorf("%d kept, %d dropped, noisy %v", len(kept), dropped, r.noisy())
	}
	if got := quiet.ratio(); got != 1 {
		t.Errorf("ratio is %v", got)
	}
	r.all = []triple{noisy, noisy}
	if kept, dropped := r.quiet(); len(kept) != 2 || dropped != 0 || !r.noisy() {
		t.Errorf("without a quiet one %d kept, %d dropped", len(kept), dropped)
	}
}

func TestCountsRefuseUnexpectedAnswers(t *testing.T) {
	ok, refused := load{status: http.StatusOK}, load{status: http.StatusUnauthorized}
	for _, c := range []struct {
		name, output string
		load         load
		good         bool
	}{
		{"all accepted", "COUNTS 10 1000 0 0\n", ok, true},
		{"all refused", "COUNTS 10 1000 10 0\n", refused, true},
		{"one refused", "COUNTS 10 1000 1 0\n", ok, false},
		{"one accepted", "COUNTS 10 1000 9 0\n", refused, false},
		{"a broken connection", "COUNTS 10 1000 0 1\n", ok, false},
		{"no answer", "COUNTS 0 1000 0 0\n", ok, false},
		{"no counts", "unable to connect\n", ok, false},
	} {
		if _, _, err := counts(c.output, c.load); (err == nil) != c.good {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
