package fire_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
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
	ends := make(chan asked, askers)
	began := time.Now()
	for range askers {
		go func() { ends <- f.askOnAndOn(ctx) }()
	}
	flood(ctx)
	stop()
	var all calm
	for range askers {
		one := <-ends
		if one.err != nil {
			t.Errorf("a request with a good key: %v", one.err)
		}
		all.answers += one.answers
		all.slowest = max(all.slowest, one.slowest)
	}
	if all.answers == 0 {
		t.Error("not one request with a good key was answered")
	}
	all.perSecond = float64(all.answers) / time.Since(began).Seconds()
	return all
}

// asked is what one of them has seen.
type asked struct {
	answers int64
	slowest time.Duration
	err     error
}

// askOnAndOn asks until ctx ends.
func (f *fortress) askOnAndOn(ctx context.Context) (seen asked) {
	c := f.client()
	defer c.http.CloseIdleConnections()
	for {
		began := time.Now()
		// A request that has begun may end.
		status, err := c.get(context.WithoutCancel(ctx), "/gate")
		switch {
		case err != nil:
			seen.err = err
			return seen
		case status != http.StatusOK:
			seen.err = fmt.Errorf("status %d", status)
			return seen
		case ctx.Err() != nil:
			return seen
		}
		seen.answers++
		seen.slowest = max(seen.slowest, time.Since(began))
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
