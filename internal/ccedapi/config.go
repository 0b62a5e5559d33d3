// Package ccedapi reads the configuration of cced-api, the service that the CCE
// endpoint replaces, so that its file can stay in use:
//
//	unix_socket_path = /usr/sausalito/cced.socket
//	socket_read_timeout = 300
//	listen_address = 127.0.0.1:9092
//	cert_file = /etc/cced-api/certs/certificate
//	key_file = /etc/cced-api/certs/key
//	ca_cert_file = /etc/cced-api/certs/ca-certs
//	enable_http = false
//	logging = true
//	debuglog = false
//	api_access = 191.89.131.84/32,2001:db8::/64
//	token_lifetime = 300
//	api_auth_fails = 5
//	api_ban_time = 60
//
// The format is that of the service: `key = value`, parted at the first '=', with
// comments on lines of their own; times are whole seconds, lists have commas,
// and there are no quotes. An empty value, and 0, stand for the default. The
// service passed over what it did not understand; here that is an error, but for
// keys that are not known, which Config.Unknown lists.
package ccedapi

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sallyport/sallyport/internal/allowlist"
	"github.com/sallyport/sallyport/internal/atomicfile"
)

// DefaultPath is where the service has its configuration.
const DefaultPath = "/etc/cced-api/config/cced-api.conf"

// maxFile is the most bytes of a file: the entries of thousands of addresses.
const maxFile = 1 << 20

// Config is what a file says. What it does not say has the zero value, so that
// the caller's own default counts.
type Config struct {
	// Path is that of the file, "" if it was not read from one.
	Path string
	// Socket is the path of cced's socket.
	Socket string
	// ReadTimeout is how long a reply of cced may take.
	ReadTimeout time.Duration
	// Host and Port are where the service listens. Host is "" for all addresses,
	// an address, or a name.
	Host string
	Port uint16
	// CertFile, KeyFile and CACertFile are the paths of the certificate with its
	// chain, of its key, and of the authorities of client certificates.
	CertFile, KeyFile, CACertFile string
	// EnableHTTP: the service listens without TLS.
	EnableHTTP bool
	// Logging and DebugLog say what goes into the service's log.
	Logging, DebugLog bool
	// Access are the addresses and networks of remote callers.
	Access []allowlist.Entry
	// TokenLifetime is how long a token is valid.
	TokenLifetime time.Duration
	// AuthFails is how many failures an address has within BanTime.
	AuthFails int
	BanTime   time.Duration
	// Unknown are the keys that mean nothing here, in the order of their lines.
	Unknown []UnknownKey
}

// UnknownKey is a key that the service does not have.
type UnknownKey struct {
	// Line counts from 1.
	Line int
	Key  string
}

// LineError says that a line cannot be understood. It does not show the value,
// unless that is an address of api_access.
type LineError struct {
	// Number counts from 1.
	Number int
	// Key is "" where the line has none.
	Key string
	Err error
}

func (e *LineError) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("line %d: %v", e.Number, e.Err)
	}
	return fmt.Sprintf("line %d, '%s': %v", e.Number, e.Key, e.Err)
}

func (e *LineError) Unwrap() error { return e.Err }

// Read reads a file of at most 1 MiB. One that everybody on this machine may write
// is refused, since it says who may ask; it holds no secret that must not be read.
func Read(path string) (*Config, error) {
	file, info, err := atomicfile.OpenRegular(path)
	if errors.Is(err, atomicfile.ErrNotRegular) {
		return nil, fmt.Errorf("configuration of cced-api, '%s': %w", path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("configuration of cced-api: %w", err)
	}
	defer file.Close()
	if mode := info.Mode().Perm(); mode&0o002 != 0 {
		return nil, fmt.Errorf("configuration of cced-api, '%s': everybody on this machine may write it (mode %04o); run `chmod o-w`, and look at what it says", path, mode)
	}
	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("configuration of cced-api: %w", err)
	}
	c, err := Parse(content)
	if err != nil {
		return nil, fmt.Errorf("configuration of cced-api, '%s': %w", path, err)
	}
	c.Path = path
	return c, nil
}
