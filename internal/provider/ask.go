package provider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"
)

// maxCalls bounds the questions to a token endpoint at once.
const maxCalls = 16

// ask puts a question to the token endpoint, when there is a place for it.
func (c *Client) ask(ctx context.Context, what string, question func(context.Context) (*oauth2.Token, error)) (*oauth2.Token, error) {
	leave, err := c.connection.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	began := c.connection.options.Now()
	client := c.connection.wire.client(maxAnswer, false)
	token, err := question(context.WithValue(ctx, oauth2.HTTPClient, client))
	if err != nil {
		err = judge(err)
	}
	c.connection.options.Observe(what, err, c.connection.options.Now().Sub(began))
	if errors.Is(err, ErrUnavailable) || errors.Is(err, ErrAnswer) {
		c.connection.log.warn("the token endpoint of a provider gives no answer that can be used", "client", c.config.Name, "reason", err.Error())
	}
	return token, err
}

// enter waits for a place among the questions of log-ins, at most waitAtMost.
func (c *Connection) enter(ctx context.Context) (leave func(), err error) {
	timer := time.NewTimer(waitAtMost)
	defer timer.Stop()
	select {
	case c.calls <- struct{}{}:
		return func() { <-c.calls }, nil
	case <-timer.C:
		return nil, fmt.Errorf("%w: %d are waiting for the provider", ErrTooMany, maxCalls)
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: the caller has gone", ErrUnavailable)
	}
}

// judge makes an error of ours of the library's, which has the body of the answer.
func judge(err error) error {
	if refusal, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		status := refusal.Response.StatusCode
		if status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout {
			return fmt.Errorf("%w: its token endpoint answers with status %d", ErrUnavailable, status)
		}
		if refusal.ErrorCode == "" {
			return fmt.Errorf("%w: it has status %d and no code of an error", ErrAnswer, status)
		}
		return refused(refusal.ErrorCode)
	}
	if isA[*url.Error](err) {
		return fmt.Errorf("%w: %w", ErrUnavailable, explain(err))
	}
	return fmt.Errorf("%w: it is no token", ErrAnswer)
}
