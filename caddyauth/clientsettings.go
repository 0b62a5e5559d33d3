package caddyauth

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"golang.org/x/net/http/httpguts"

	"github.com/sallyport/sallyport/internal/plugin/accesslist"
)

// Provision reads the list and takes a share of the file of secrets, which is
// not opened before the start.
func (c *ClientSecret) Provision(ctx caddy.Context) error {
	// Here too, since what is missing would otherwise be a worse error.
	if err := c.Validate(); err != nil {
		return err
	}
	c.reporter = newReporter(ctx.Logger())
	if c.Header == "" {
		c.Header = accesslist.DefaultHeader
	}
	c.Header, c.ForwardIdentity = http.CanonicalHeaderKey(c.Header), http.CanonicalHeaderKey(c.ForwardIdentity)
	c.identity = newIdentityHeaders(c.IdentityHeaders, c.ForwardIdentity)
	// RFC 9110 section 15.5.2 wants a challenge, and there is no scheme for a
	// header of one's own.
	c.challenge = []string{c.Header + " " + realm}
	list, err := c.accessList().Provision(ctx)
	c.list = list
	return err
}

// accessList are the settings of the list.
func (c *ClientSecret) accessList() *accesslist.Settings {
	return &accesslist.Settings{
		Addresses: c.Allow, SecretsFile: c.SecretsFile, Failures: c.Failures,
		Options: accesslist.OptionNames{Addresses: "allow", SecretsFile: "secrets_file", Failures: "failures"},
	}
}

// Validate refuses settings that cannot be meant.
func (c *ClientSecret) Validate() error {
	if err := c.validateGiven(); err != nil {
		return err
	}
	return c.validateComplete()
}

// validateComplete demands what has no default.
func (c *ClientSecret) validateComplete() error {
	if len(c.Allow) == 0 {
		return errors.New("'allow' is missing; write the addresses that may come in, such as 'allow 192.0.2.0/24'")
	}
	if c.SecretsFile == "" {
		return errors.New("'secrets_file' is missing; write where the secrets are, such as 'secrets_file /etc/sallyport/access'; the start makes the file")
	}
	return nil
}

// validateGiven checks what is there.
func (c *ClientSecret) validateGiven() error {
	if err := checkSecretHeader(c.Header); err != nil {
		return err
	}
	if err := checkIdentityHeaders(c.IdentityHeaders, c.ForwardIdentity); err != nil {
		return err
	}
	return c.accessList().Check()
}

// notForSecrets are headers that mean something else to Caddy or to upstreams.
var notForSecrets = newHeaderSet([]string{
	"Authorization", "Connection", "Content-*", "Cookie", "Expect", "Forwarded", "Host", "Origin", "Proxy-*",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent", "X-Api-Key", "X-Forwarded-*", "X-Real-Ip",
})

func checkSecretHeader(name string) error {
	switch {
	case name == "":
		return nil
	case !httpguts.ValidHeaderFieldName(name):
		return fmt.Errorf("header '%s' is not a header name", name)
	case strings.ContainsAny(name, "_."):
		return fmt.Errorf("header '%s': Caddy drops headers with '_' or '.' in their names; write '-'", name)
	case notForSecrets.has(name):
		return fmt.Errorf("header '%s' has a meaning of its own; use another one, such as %s", name, accesslist.DefaultHeader)
	}
	return nil
}
