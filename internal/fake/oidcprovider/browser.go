package oidcprovider

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/html"
)

// maxPage is how many bytes of a page are read.
const maxPage = 64 << 10

// LogIn does what a browser does that is sent to an authorization URL of this provider:
// it follows the redirects, fills in the form, and stops at the first address that is
// not the provider's. That is the callback, with code and state, or with error.
func (p *Provider) LogIn(authorizationURL, user, password string) (*url.URL, error) {
	return p.browse(authorizationURL, url.Values{"user": {user}, "password": {password}, "do": {"login"}})
}

// Deny is LogIn for a user who does not want to: the callback has the error access_denied.
func (p *Provider) Deny(authorizationURL string) (*url.URL, error) {
	return p.browse(authorizationURL, url.Values{"do": {"deny"}})
}

func (p *Provider) browse(authorizationURL string, input url.Values) (*url.URL, error) {
	b := browser{host: p.address}
	b.client = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{}, CheckRedirect: b.stay}
	defer b.client.CloseIdleConnections()
	at, err := url.Parse(authorizationURL)
	if err != nil {
		return nil, err
	}
	if at.Host != b.host {
		return nil, fmt.Errorf("'%s://%s' is not this provider; it is at '%s'", at.Scheme, at.Host, p.issuer)
	}
	form, back, err := b.read(b.client.Get(authorizationURL)) //nolint:noctx // the client has a limit
	if back != nil || err != nil {
		return back, err
	}
	maps.Copy(form.values, input)
	_, back, err = b.read(b.client.PostForm(form.action, form.values)) //nolint:noctx // the client has a limit
	if err == nil && back == nil {
		err = errors.New("the provider shows its page once more: user and password do not match")
	}
	return back, err
}

// browser stays at one host.
type browser struct {
	client *http.Client
	host   string
}

func (b *browser) stay(next *http.Request, _ []*http.Request) error {
	if next.URL.Host != b.host {
		return http.ErrUseLastResponse
	}
	return nil
}

// form is that of a page.
type form struct {
	action string
	values url.Values
}

// read makes an answer into the form of its page, or into the address to which it leads
// away.
func (b *browser) read(response *http.Response, err error) (*form, *url.URL, error) {
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	if away, err := response.Location(); err == nil {
		return nil, away, nil
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxPage))
	if err != nil {
		return nil, nil, err
	}
	f, err := findForm(response.Request.URL, string(text))
	if err != nil {
		return nil, nil, fmt.Errorf("the provider answers %d '%s': %w", response.StatusCode, strings.TrimSpace(string(text)), err)
	}
	return f, nil, nil
}

// findForm finds the form of a page, with what it has in its inputs.
func findForm(page *url.URL, text string) (*form, error) {
	document, err := html.Parse(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	f := &form{values: url.Values{}}
	for node := range document.Descendants() {
		switch {
		case node.Type != html.ElementNode:
		case node.Data == "form":
			action, err := page.Parse(attribute(node, "action"))
			if err != nil {
				return nil, err
			}
			f.action = action.String()
		case node.Data == "input":
			f.values.Set(attribute(node, "name"), attribute(node, "value"))
		}
	}
	if f.action == "" {
		return nil, errors.New("there is no form")
	}
	return f, nil
}

func attribute(node *html.Node, name string) string {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
