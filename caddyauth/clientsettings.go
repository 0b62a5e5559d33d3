package caddyauth

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"golang.org/x/net/http/httpguts"

	"github.com/sallyport/sallyport/internal/allowlist"
	"github.com/sallyport/sallyport/internal/atomicfile"
)

const (
	// defaultSecretHeader is the header of the CCE endpoint's document.
	defaultSecretHeader = "X-Client-Secret"
	// maxSecretHeader is the longest header that is looked at, as for keys.
	maxSecretHeader = 8 << 10
	// maxAllowFile is the largest file of addresses, in bytes: 100,000 long
	// networks have 5 million.
	maxAllowFile = 16 << 20
	// caddysLimit is how much of a file Caddy puts in place of {file./path}.
	caddysLimit = 1 << 20
	// privateRanges stands for all private networks, as elsewhere in Caddy.
	privateRanges = "private_ranges"
)

// defaultFailures are the CCE endpoint's.
var defaultFailures = FailureLimit{Failures: 5, Window: caddy.Duration(time.Minute)}

// Provision reads the list and takes a share of the file of secrets, which is
// not opened before the start.
func (c *ClientSecret) Provision(ctx caddy.Context) error {
	// Here too, since what is missing would otherwise be a worse error.
	if err := c.Validate(); err != nil {
		return err
	}
	c.reporter = newReporter(ctx)
	if c.Header == "" {
		c.Header = defaultSecretHeader
	}
	c.Header, c.ForwardIdentity = http.CanonicalHeaderKey(c.Header), http.CanonicalHeaderKey(c.ForwardIdentity)
	c.identity = newIdentityHeaders(c.IdentityHeaders, c.ForwardIdentity)
	// RFC 9110 section 15.5.2 wants a challenge, and there is no scheme for a
	// header of one's own.
	c.challenge = []string{c.Header + " " + realm}
	failures := c.Failures
	if failures == nil {
		failures = &defaultFailures
	}
	c.limit = allowlist.Limit{Count: failures.Failures, Period: time.Duration(failures.Window)}
	entries, err := resolveAllow(c.Allow)
	if err != nil {
		return err
	}
	c.list = allowlist.NewList(entries)
	path, err := resolve("secrets_file", c.SecretsFile)
	if err != nil {
		return err
	}
	if path, err = filepath.Abs(path); err != nil {
		return fmt.Errorf("secrets_file: %w", err)
	}
	c.file, err = shareSecrets(ctx, path, c.list.Entries())
	return err
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
	for _, word := range c.Allow {
		if strings.ContainsRune(word, '{') {
			continue
		}
		if _, err := parseAllow(word); err != nil {
			return err
		}
	}
	if err := checkSecretHeader(c.Header); err != nil {
		return err
	}
	if err := checkIdentityHeaders(c.IdentityHeaders, c.ForwardIdentity); err != nil {
		return err
	}
	return c.Failures.check("failures")
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
		return fmt.Errorf("header '%s' has a meaning of its own; use another one, such as %s", name, defaultSecretHeader)
	}
	return nil
}

// resolveAllow reads the words of allow, with what their placeholders stand for.
func resolveAllow(words []string) ([]allowlist.Entry, error) {
	var all []allowlist.Entry
	for _, word := range words {
		text, err := resolveAddresses(word)
		if err != nil {
			return nil, err
		}
		entries, err := parseAllow(text)
		if bad, ok := errors.AsType[*entryError](err); ok && text != word {
			// What a placeholder stands for by mistake may be a secret.
			return nil, fmt.Errorf("allow: number %d in '%s': %w", bad.number, word, errors.Unwrap(bad.err))
		} else if err != nil {
			return nil, err
		}
		if len(entries) == 0 {
			return nil, fmt.Errorf("allow: there is no address in '%s'", word)
		}
		all = append(all, entries...)
	}
	return all, nil
}

// entryError says which of several entries is none.
type entryError struct {
	number int
	err    error
}

func (e *entryError) Error() string { return "allow: " + e.err.Error() }
func (e *entryError) Unwrap() error { return e.err }

// parseAllow reads addresses and networks, separated by blanks, commas or line
// ends.
func parseAllow(text string) (entries []allowlist.Entry, err error) {
	between := func(r rune) bool { return r == ',' || unicode.IsSpace(r) }
	number := 0
	for word := range strings.FieldsFuncSeq(text, between) {
		number++
		networks := []string{word}
		if word == privateRanges {
			networks = caddyhttp.PrivateRangesCIDR()
		}
		for _, network := range networks {
			e, err := allowlist.ParseEntry(network)
			if err != nil {
				return nil, &entryError{number, err}
			}
			entries = append(entries, e)
		}
	}
	return entries, nil
}

// resolveAddresses replaces the placeholders of a word. Caddy cuts a file off
// after a mebibyte, and what is left of the last network could be a larger one,
// so a whole file is read here.
func resolveAddresses(word string) (string, error) {
	path, isFile := strings.CutPrefix(word, "{file.")
	if path, closed := strings.CutSuffix(path, "}"); isFile && closed && !strings.ContainsAny(path, "{}") {
		text, err := readAddresses(path)
		if err != nil {
			return "", fmt.Errorf("allow: %w", err)
		}
		return text, nil
	}
	text, err := resolve("allow", word)
	if err == nil && len(text) >= caddysLimit {
		return "", fmt.Errorf("allow: '%s' is larger than Caddy reads; write {file./path} alone", word)
	}
	return text, err
}

func readAddresses(path string) (string, error) {
	file, _, err := atomicfile.OpenRegular(path)
	if errors.Is(err, atomicfile.ErrNotRegular) {
		return "", fmt.Errorf("'%s': %w", path, err)
	}
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxAllowFile+1))
	if err == nil && len(text) > maxAllowFile {
		err = fmt.Errorf("'%s' has more than %d bytes", path, maxAllowFile)
	}
	return string(text), err
}

// oneSecret is the secret of a request, or "" if there is none.
func (c *ClientSecret) oneSecret(presented []string) (string, error) {
	switch {
	case len(presented) == 0:
		return "", nil
	case len(presented) > 1:
		return "", fmt.Errorf("more than one %s header; send one", c.Header)
	case presented[0] == "":
		return "", fmt.Errorf("the %s header is empty", c.Header)
	case len(presented[0]) > maxSecretHeader:
		return "", fmt.Errorf("the %s header is longer than 8 KiB", c.Header)
	}
	return presented[0], nil
}
