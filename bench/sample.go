package main

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

//go:embed load.lua
var loadScript []byte

// meter takes samples with wrk.
type meter struct {
	server, backends *server
	// core is where wrk runs.
	core   string
	sample time.Duration
	script string
}

// sample is one run of wrk.
type sample struct {
	// rate is requests per second, cpu the server's processor time for one.
	rate float64
	cpu  time.Duration
	// busy is the share of its core that the server had, others is the share of
	// the machine that neither server nor wrk had.
	busy, others float64
}

// take loads the server and fails if an answer was not the expected one.
func (m *meter) take(ctx context.Context, l load) (sample, error) {
	if l.beside == nil {
		return m.alone(ctx, l)
	}
	end, err := l.beside(ctx)
	if err != nil {
		return sample{}, err
	}
	s, err := m.alone(ctx, l)
	return s, errors.Join(err, end())
}

// alone is take without what is beside.
func (m *meter) alone(ctx context.Context, l load) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, m.sample+20*time.Second)
	defer cancel()
	url := m.server.url(l)
	if err := ask(ctx, url, l); err != nil {
		return sample{}, err
	}
	args := []string{
		"-c", m.core, "wrk", "-t1", "-c", strconv.Itoa(l.connections()), "-d", fmt.Sprintf("%ds", int(m.sample.Seconds())),
		"-s", m.script, url, "--", l.keys, l.body,
	}
	before, err := readCounters(m.server.pid(), m.backends.pid())
	if err != nil {
		return sample{}, err
	}
	wrk := exec.CommandContext(ctx, "taskset", args...)
	output, err := wrk.CombinedOutput()
	if err != nil {
		return sample{}, fmt.Errorf("wrk: %w: %s", err, output)
	}
	after, err := readCounters(m.server.pid(), m.backends.pid())
	if err != nil {
		return sample{}, err
	}
	requests, took, err := counts(string(output), l)
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w", l.site, err)
	}
	used := after.since(before)
	return sample{
		rate:   float64(requests) / took.Seconds(),
		cpu:    used.server / time.Duration(requests),
		busy:   used.server.Seconds() / took.Seconds(),
		others: used.others(wrk.ProcessState.UserTime() + wrk.ProcessState.SystemTime()),
	}, nil
}

// errNoAnswer: nothing came in the whole sample.
var errNoAnswer = errors.New("wrk got no answer")

// counts reads what load.lua wrote. wrk takes 400 and more for an error.
func counts(output string, l load) (requests int, took time.Duration, err error) {
	_, line, _ := strings.Cut(output, "COUNTS ")
	var microseconds, refused, broken int
	if _, err := fmt.Sscan(line, &requests, &microseconds, &refused, &broken); err != nil {
		return 0, 0, fmt.Errorf("the counts are missing in what wrk wrote: %s", output)
	}
	want := 0
	if l.status >= http.StatusBadRequest {
		want = requests
	}
	if requests == 0 && broken == 0 {
		return 0, 0, errNoAnswer
	}
	if refused != want || broken != 0 {
		return 0, 0, fmt.Errorf("of %d answers %d were refusals, want %d, and %d connections broke", requests, refused, want, broken)
	}
	return requests, time.Duration(microseconds) * time.Microsecond, nil
}

// url is where the requests of a load go to.
func (s *server) url(l load) string { return "http://" + s.addresses[l.site] + cmp.Or(l.path, ccePath) }

// request makes the first request of a load.
func (l load) request(ctx context.Context, url string) (*http.Request, error) {
	if l.body == "" {
		return http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	}
	body, err := os.ReadFile(l.body)
	if err != nil {
		return nil, err
	}
	return http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
}

// askLimit is how long one request may take.
const askLimit = 10 * time.Second

// ask makes one request and compares the whole status.
func ask(ctx context.Context, url string, l load) error {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	request, err := l.request(ctx, url)
	if err != nil {
		return err
	}
	if l.keys != "" {
		keys, err := os.ReadFile(l.keys)
		if err != nil {
			return err
		}
		first, _, _ := strings.Cut(string(keys), "\n")
		request.Header.Set("Authorization", "Bearer "+first)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode != l.status {
		return fmt.Errorf("%s answers %d, want %d", l.site, response.StatusCode, l.status)
	}
	return nil
}
