package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Who makes a queue of 64 full: callers with addresses of their own, since one has a
// quarter of it at most. One more of their questions runs, and the others of them are
// refused.
const (
	crowdCallers = 5
	crowdEach    = 16
)

// crowd keeps the queue of commands full, each question being another one.
type crowd struct {
	url string
	// asked numbers the questions.
	asked atomic.Int64
}

// errNotFull: a question was let in that should have been refused.
var errNotFull = errors.New("the queue is not full")

// begin fills the queue. What it returns empties it, and fails if it was not full.
func (c *crowd) begin(ctx context.Context) (end func() error, err error) {
	asking, stop := context.WithCancel(ctx)
	var work sync.WaitGroup
	for caller := range crowdCallers {
		client := from(caller + 1)
		for range crowdEach {
			work.Go(func() { c.keepAsking(asking, client) })
		}
	}
	finish := func() {
		stop()
		work.Wait()
	}
	if err := c.untilFull(ctx); err != nil {
		finish()
		return nil, err
	}
	return func() error {
		defer finish()
		return c.untilFull(ctx)
	}, nil
}

// from is a client with a loopback address of its own.
func from(number int) *http.Client {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(number))}}
	return &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: crowdEach}}
}

// keepAsking asks one question after another. When it is refused it comes back after
// a second, which is sooner than it is told to, so that places are not free for long.
func (c *crowd) keepAsking(ctx context.Context, client *http.Client) {
	defer client.CloseIdleConnections()
	for ctx.Err() == nil {
		status, err := c.ask(ctx, client)
		if err == nil && status == http.StatusOK {
			continue
		}
		if pause(ctx, time.Second) != nil {
			return
		}
	}
}

// ask asks what nobody has asked before.
func (c *crowd) ask(ctx context.Context, client *http.Client) (status int, err error) {
	url := fmt.Sprintf("%s?id=file-collector&lines=%d", c.url, c.asked.Add(1))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, err
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

// fullLimit is how long the queue may take to get full.
const fullLimit = 10 * time.Second

// untilFull waits until the queue is. Who asks that may take the last place himself,
// and gives those who were refused the time to come back for it.
func (c *crowd) untilFull(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, fullLimit)
	defer cancel()
	for {
		err := c.isFull(ctx)
		if !errors.Is(err, errNotFull) {
			return err
		}
		if err := pause(ctx, 1500*time.Millisecond); err != nil {
			return err
		}
	}
}

// isFull has one more question refused. Otherwise it gives it up.
func (c *crowd) isFull(ctx context.Context) error {
	// The server shares its core with the command, so that even a refusal may take a while.
	short, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	client := from(crowdCallers + 1)
	defer client.CloseIdleConnections()
	status, err := c.ask(short, client)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded), err == nil && status == http.StatusOK:
		return errNotFull
	case err == nil && status != http.StatusServiceUnavailable:
		return fmt.Errorf("a question for a full queue is answered %d, want %d", status, http.StatusServiceUnavailable)
	}
	return err
}
