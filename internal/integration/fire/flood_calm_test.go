package fire_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// client has the good key.
func (f *fortress) client() *client {
	return &client{fortress: f, http: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{}}}
}

// client asks over one connection after another.
type client struct {
	*fortress
	http *http.Client
}

func (c *client) get(ctx context.Context, path string) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.address+path, http.NoBody)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bearer "+c.key)
	response, err := c.http.Do(r)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

// calm is what somebody with a good key gets.
type calm struct {
	answers int64
	slowest time.Duration
	// perSecond is how many answers came in a second.
	perSecond float64
}

// askers is how many good requests are under way at once.
const askers = 4

// whileItLasts asks with the good key until a flood is over. Every answer has to be 200.
func (f *fortress) whileItLasts(t *testing.T, flood func(ctx context.Context)) calm {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var answers, slowest atomic.Int64
	ends := make(chan error, askers)
	began := time.Now()
	for range askers {
		go func() { ends <- f.askOnAndOn(ctx, &answers, &slowest) }()
	}
	flood(ctx)
	stop()
	for range askers {
		if err := <-ends; err != nil {
			t.Errorf("a request with a good key: %v", err)
		}
	}
	n := answers.Load()
	if n == 0 {
		t.Error("not one request with a good key was answered")
	}
	return calm{n, time.Duration(slowest.Load()), float64(n) / time.Since(began).Seconds()}
}

// askOnAndOn asks until ctx ends.
func (f *fortress) askOnAndOn(ctx context.Context, answers, slowest *atomic.Int64) error {
	c := f.client()
	defer c.http.CloseIdleConnections()
	for {
		began := time.Now()
		// A request that has begun may end.
		status, err := c.get(context.WithoutCancel(ctx), "/gate")
		switch {
		case err != nil:
			return err
		case status != http.StatusOK:
			return fmt.Errorf("status %d", status)
		case ctx.Err() != nil:
			return nil
		}
		answers.Add(1)
		slowest.Store(max(slowest.Load(), int64(time.Since(began))))
	}
}

// quiet is calm while there is no flood.
func (f *fortress) quiet(t *testing.T) calm {
	t.Helper()
	return f.whileItLasts(t, func(ctx context.Context) {
		select {
		case <-time.After(2 * time.Second):
		case <-ctx.Done():
		}
	})
}

// figureBeside notes what a flood did to those who have done nothing.
func (c calm) figureBeside(t *testing.T, quiet calm) {
	t.Helper()
	figure(t, "a good key meanwhile: %d requests, all of them answered 200, the slowest in %s; %.2f of the quiet rate, on a machine that flood and server share",
		c.answers, c.slowest.Round(time.Millisecond), c.perSecond/quiet.perSecond)
}
