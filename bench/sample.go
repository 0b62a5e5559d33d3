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
	// more are servers of ours that run beside these two, such as the one that
	// forward_auth asks.
	more []*server
	// core is where wrk runs.
	core   string
	sample time.Duration
	script string
}

// sample is one run of wrk.
type sample struct {
	// rate is requests per second, cpu the server's processor time for one, and all
	// that together with the servers that it asks.
	rate     float64
	cpu, all time.Duration
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
	long := cmp.Or(l.long, m.sample)
	ctx, cancel := context.WithTimeout(ctx, long+20*time.Second+askLimit)
	defer cancel()
	measured, beside := m.processes(l)
	url := measured.url(l)
	if err := l.withNewKeys(); err != nil {
		return sample{}, err
	}
	if err := ask(ctx, url, l); err != nil {
		return sample{}, err
	}
	if err := l.withNewKeys(); err != nil {
		return sample{}, err
	}
	before, err := readCounters(measured.pid(), beside...)
	if err != nil {
		return sample{}, err
	}
	wrk := exec.CommandContext(ctx, "taskset", m.arguments(l, long, url)...)
	output, err := wrk.CombinedOutput()
	if err != nil {
		return sample{}, fmt.Errorf("wrk: %w: %s", err, output)
	}
	after, err := readCounters(measured.pid(), beside...)
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
		all:    (used.server + used.backends) / time.Duration(requests),
		busy:   used.server.Seconds() / took.Seconds(),
		others: used.others(wrk.ProcessState.UserTime() + wrk.ProcessState.SystemTime()),
	}, nil
}

// processes are the server that a load goes to, and those of ours that run beside it.
func (m *meter) processes(l load) (measured *server, beside []int) {
	measured = cmp.Or(l.server, m.server)
	for _, s := range append([]*server{m.server, m.backends}, m.more...) {
		if s != measured {
			beside = append(beside, s.pid())
		}
	}
	return measured, beside
}

// arguments are those of taskset. wrk gives an answer two seconds, unless it is told
// otherwise.
func (m *meter) arguments(l load, long time.Duration, url string) []string {
	return []string{
		"-c", m.core, "wrk", "-t1", "-c", strconv.Itoa(l.connections()), "-d", fmt.Sprintf("%ds", int(long.Seconds())),
		"--timeout", fmt.Sprintf("%ds", int((2*time.Second + 4*l.long).Seconds())),
		"-s", m.script, url, "--", l.keys, l.body, l.carrier(), l.second,
	}
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

// askLimit is how long one request may take: the first one with a password waits for
// its hash, which others on the machine make slow.
const askLimit = time.Minute

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
		name, before, _ := strings.Cut(l.carrier(), ": ")
		request.Header.Set(name, before+first)
	}
	if l.second != "" {
		line, err := os.ReadFile(l.second)
		if err != nil {
			return err
		}
		name, value, _ := strings.Cut(string(line), ": ")
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode != l.status {
		return fmt.Errorf("%s answers %d %s, want %d", l.site, response.StatusCode, response.Header.Get("X-Error-Code"), l.status)
	}
	return nil
}
