package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/sallyport/sallyport/internal/intelmqctl"
)

// caller asks the endpoint with a key.
type caller struct {
	client *http.Client
	url    string
	key    string
}

// newCaller is one with that many connections.
func newCaller(f *files, m *meter, connections int) (*caller, error) {
	keys, err := os.ReadFile(f.good)
	if err != nil {
		return nil, err
	}
	first, _, _ := strings.Cut(string(keys), "\n")
	return &caller{
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}, Timeout: time.Minute},
		url:    m.server.url(load{site: intelmqSite, path: intelmqAPI}),
		key:    first,
	}, nil
}

func (c *caller) close() { c.client.CloseIdleConnections() }

// get asks for a path below the routes, which may be any other of the server.
func (c *caller) get(ctx context.Context, path string) (status int, body []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+path, http.NoBody)
	if err != nil {
		return 0, nil, err
	}
	if c.key != "" {
		request.Header.Set("Authorization", "Bearer "+c.key)
	}
	response, err := c.client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	body, err = io.ReadAll(response.Body)
	return response.StatusCode, body, err
}

// read is get for what is there.
func (c *caller) read(ctx context.Context, path string) ([]byte, error) {
	status, body, err := c.get(ctx, path)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s is answered %d %s", path, status, body)
	}
	return body, err
}

// equalReads is how many callers ask the same at once.
const equalReads = 100

// askAtOnce has all of them ask for the status, some times after another, and tells
// how many processes there were for it at most.
func askAtOnce(ctx context.Context, f *files, m *meter, rounds int) (processes int, err error) {
	c, err := newCaller(f, m, equalReads)
	if err != nil {
		return 0, err
	}
	defer c.close()
	if err := f.commandTakes("100ms"); err != nil {
		return 0, err
	}
	for range rounds {
		// A change, after which nothing is remembered.
		if _, err := c.read(ctx, "clear?id=file-output-queue"); err != nil {
			return 0, err
		}
		if err := f.forgetCalls(); err != nil {
			return 0, err
		}
		if err := c.readAtOnce(ctx, "botnet?action=status"); err != nil {
			return 0, err
		}
		calls, err := f.calls("status")
		if err != nil {
			return 0, err
		}
		processes = max(processes, calls)
	}
	return processes, f.commandIsQuick()
}

// readAtOnce fails unless all get the same answer.
func (c *caller) readAtOnce(ctx context.Context, path string) error {
	type answer struct {
		body []byte
		err  error
	}
	answers, start := make(chan answer, equalReads), make(chan struct{})
	for range equalReads {
		go func() {
			<-start
			body, err := c.read(ctx, path)
			answers <- answer{body, err}
		}()
	}
	close(start)
	var first []byte
	var failed error
	for range equalReads {
		a := <-answers
		if first == nil {
			first = a.body
		}
		if a.err == nil && !bytes.Equal(a.body, first) {
			a.err = fmt.Errorf("one of those who ask at once gets '%s', another one '%s'", first, a.body)
		}
		failed = errors.Join(failed, a.err)
	}
	return failed
}

// ownPart compares calls through the server with the command alone, in turn, and
// returns the differences in seconds, with those of the command.
func ownPart(ctx context.Context, f *files, m *meter, times int) (own, alone []float64, err error) {
	c, err := newCaller(f, m, 1)
	if err != nil {
		return nil, nil, err
	}
	defer c.close()
	id, err := intelmqctl.ParseID("file-collector")
	if err != nil {
		return nil, nil, err
	}
	if err := errors.Join(f.commandIsQuick(), f.forgetCalls()); err != nil {
		return nil, nil, err
	}
	for i := range times {
		// Another number of lines is another question, which nobody remembers.
		l := intelmqctl.Log{ID: id, Lines: 1000 + i, Level: intelmqctl.LevelCritical}
		before, err := spawn(ctx, f.intelmqctl(), l)
		if err != nil {
			return nil, nil, err
		}
		start := time.Now()
		if _, err := c.read(ctx, fmt.Sprintf("getlog?id=file-collector&lines=%d", l.Lines)); err != nil {
			return nil, nil, err
		}
		took := time.Since(start)
		after, err := spawn(ctx, f.intelmqctl(), l)
		if err != nil {
			return nil, nil, err
		}
		bare := (before + after) / 2
		own, alone = append(own, (took-bare).Seconds()), append(alone, bare.Seconds())
	}
	if calls, err := f.calls("log"); err != nil || calls != 3*times {
		return nil, nil, errors.Join(err, fmt.Errorf("there were %d calls, want %d", calls, 3*times))
	}
	return own, alone, nil
}

// spawn runs the command once, as a program does that does nothing else, and tells
// how long that took.
func spawn(ctx context.Context, command string, of intelmqctl.Command) (time.Duration, error) {
	start := time.Now()
	c := exec.CommandContext(ctx, command, intelmqctl.Arguments(of)...)
	c.Env, c.Dir = intelmqctl.CleanEnvironment(), "/"
	_, err := c.Output()
	return time.Since(start), err
}
