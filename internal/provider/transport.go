package provider

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// Limits on one question to a provider.
const (
	// callTimeout is for all of it, connecting and the body included.
	callTimeout = 10 * time.Second
	// maxHeader bounds the headers of an answer, in bytes.
	maxHeader = 32 << 10
	// maxKeys and maxAnswer bound the bodies of answers after decompression, in bytes:
	// those with keys, and all others.
	maxKeys   = 512 << 10
	maxAnswer = 64 << 10

	idleConnections = 2
	idleTimeout     = 30 * time.Second
)

// wire is how a provider is asked. Its parts share connections.
type wire struct {
	base  *http.Transport
	allow dialer
	proxy func(*http.Request) (*url.URL, error)
}

func newWire(source Source) *wire {
	w := &wire{
		allow: dialer{networks: source.Networks, loopback: source.onLoopback()},
		proxy: http.ProxyFromEnvironment,
	}
	w.base = &http.Transport{
		DialContext: w.allow.dial,
		Proxy: func(r *http.Request) (*url.URL, error) {
			proxy, _ := r.Context().Value(proxyKey{}).(*url.URL)
			return proxy, nil
		},
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    connectTimeout,
		MaxResponseHeaderBytes: maxHeader,
		MaxIdleConns:           idleConnections,
		MaxIdleConnsPerHost:    idleConnections,
		IdleConnTimeout:        idleTimeout,
		ForceAttemptHTTP2:      true,
	}
	return w
}

func (w *wire) close() { w.base.CloseIdleConnections() }

// client is an HTTP client for answers of at most so many bytes. document says that
// only status 200 is an answer. All its errors are failures.
func (w *wire) client(limit int64, document bool) *http.Client {
	return &http.Client{
		Transport: &limited{wire: w, limit: limit, document: document},
		Timeout:   callTimeout,
	}
}

// limited reads each answer as a whole, so that whoever gets it waits for nothing and
// reads no more than the limit.
type limited struct {
	*wire
	limit    int64
	document bool
}

// RoundTrip asks once. A redirect is an error, so that no client follows one.
func (l *limited) RoundTrip(r *http.Request) (*http.Response, error) {
	r, err := l.route(r)
	if err != nil {
		return nil, err
	}
	answer, err := l.base.RoundTrip(r)
	if err != nil {
		return nil, explain(err)
	}
	defer answer.Body.Close()
	if err := l.judge(answer); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, l.limit+1))
	if err != nil {
		return nil, explain(err)
	}
	if int64(len(body)) > l.limit {
		return nil, &failure{fmt.Sprintf("the answer of '%s' is longer than %d KiB", withoutQuery(r.URL), l.limit>>10)}
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, nil
}

// route finds the proxy of the environment. An address that is no name is held against
// the rules here, since behind a proxy nobody sees it dialled.
func (l *limited) route(r *http.Request) (*http.Request, error) {
	proxy, err := l.proxy(r)
	if err != nil {
		return nil, &failure{"the proxy that the environment names is not a URL"}
	}
	if proxy == nil {
		return r, nil
	}
	if address, err := netip.ParseAddr(r.URL.Hostname()); err == nil && !l.allow.allows(address, l.allow.loopback, false) {
		return nil, &failure{"the provider may not be at " + address.String() + "; write the network into 'addresses' if it is right"}
	}
	return r.WithContext(context.WithValue(r.Context(), proxyKey{}, proxy)), nil
}

// judge refuses answers by their status.
func (l *limited) judge(answer *http.Response) error {
	asked := withoutQuery(answer.Request.URL)
	switch status := answer.StatusCode; {
	case status >= 300 && status < 400:
		to := "nowhere"
		if location, err := answer.Location(); err == nil {
			to = "'" + withoutQuery(location) + "'"
		}
		return &failure{fmt.Sprintf("'%s' redirects to %s, which is not followed; configure the address itself", asked, to)}
	case l.document && status != http.StatusOK:
		return &failure{fmt.Sprintf("'%s' answers with status %d", asked, status)}
	}
	return nil
}

// get asks for a document.
func get(ctx context.Context, client *http.Client, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, &failure{"the address of a document is no URL"}
	}
	request.Header.Set("Accept", "application/json, application/jwk-set+json")
	answer, err := client.Do(request)
	if err != nil {
		return nil, explain(err)
	}
	defer answer.Body.Close()
	return io.ReadAll(answer.Body)
}
