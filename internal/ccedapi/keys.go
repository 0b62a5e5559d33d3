package ccedapi

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/internal/allowlist"
)

const (
	// maxSeconds is the longest time, a year. The service's own pages end at a
	// day.
	maxSeconds = 365 * 24 * 60 * 60
	// maxFails is the most failures. The service's own pages end at 100.
	maxFails = 1_000_000
	// maxEntries is the most entries of api_access.
	maxEntries = 100_000
)

// keys are those of the service, each with what takes a value over that is not
// empty.
var keys = map[string]func(c *Config, value string) error{
	"unix_socket_path":    func(c *Config, v string) error { return setPath(&c.Socket, v) },
	"socket_read_timeout": func(c *Config, v string) error { return setSeconds(&c.ReadTimeout, v) },
	"listen_address":      (*Config).setListen,
	"cert_file":           func(c *Config, v string) error { return setPath(&c.CertFile, v) },
	"key_file":            func(c *Config, v string) error { return setPath(&c.KeyFile, v) },
	"ca_cert_file":        func(c *Config, v string) error { return setPath(&c.CACertFile, v) },
	"enable_http":         func(c *Config, v string) error { return setBool(&c.EnableHTTP, v) },
	"logging":             func(c *Config, v string) error { return setBool(&c.Logging, v) },
	"debuglog":            func(c *Config, v string) error { return setBool(&c.DebugLog, v) },
	"api_access":          (*Config).setAccess,
	"token_lifetime":      func(c *Config, v string) error { return setSeconds(&c.TokenLifetime, v) },
	"api_auth_fails":      func(c *Config, v string) error { return setNumber(&c.AuthFails, v, maxFails) },
	"api_ban_time":        func(c *Config, v string) error { return setSeconds(&c.BanTime, v) },
}

var (
	errPath    = errors.New("write an absolute path without '..', quotes, braces, backslashes and control characters")
	errBool    = errors.New("write true or false")
	errListen  = errors.New("write an address and a port, such as 127.0.0.1:9092 or [::1]:9092")
	errEntries = fmt.Errorf("it has more than %d entries", maxEntries)
)

// setPath takes a path that means the same in a Caddyfile.
func setPath(field *string, value string) error {
	odd := func(r rune) bool { return r < ' ' || r == 0x7f || strings.ContainsRune("\"'`{}\\", r) }
	if !path.IsAbs(value) || path.Clean(value) != value || strings.ContainsFunc(value, odd) {
		return errPath
	}
	*field = value
	return nil
}

func setBool(field *bool, value string) error {
	switch strings.ToLower(value) {
	case "true":
		*field = true
	case "false":
		*field = false
	default:
		return errBool
	}
	return nil
}

func setNumber(field *int, value string, most int) error {
	n, err := strconv.ParseUint(value, 10, 31)
	if err != nil || n > uint64(most) {
		return fmt.Errorf("write a whole number up to %d", most)
	}
	*field = int(n)
	return nil
}

func setSeconds(field *time.Duration, value string) error {
	var n int
	if setNumber(&n, value, maxSeconds) != nil {
		return fmt.Errorf("write whole seconds up to %d, without a unit", maxSeconds)
	}
	*field = time.Duration(n) * time.Second
	return nil
}

func (c *Config) setListen(value string) error {
	host, port, err := net.SplitHostPort(value)
	if err != nil {
		return errListen
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || host != "" && !isHost(host) {
		return errListen
	}
	c.Host, c.Port = host, uint16(n)
	return nil
}

// isHost reports whether text is an address or a name.
func isHost(text string) bool {
	if a, err := netip.ParseAddr(text); err == nil {
		return a.Zone() == ""
	}
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-"
	return len(text) <= 253 && strings.Trim(text, letters) == "" && text[0] != '-' && text[0] != '.'
}

// setAccess takes a list with commas. The service's own pages leave empty and
// repeated entries in it.
func (c *Config) setAccess(value string) error {
	known := map[netip.Prefix]bool{}
	for text := range strings.SplitSeq(value, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		entry, err := allowlist.ParseEntry(text)
		if err != nil {
			return err
		}
		if known[entry.Prefix] {
			continue
		}
		if len(known) == maxEntries {
			return errEntries
		}
		known[entry.Prefix] = true
		c.Access = append(c.Access, entry)
	}
	return nil
}
