package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() {
	caddy.RegisterModule(Floor{})
}

// Floor is the least possible key check: one hash, one look into a map, one
// comparison. It knows no user, no expiry and no revocation, tells nobody who
// the caller is, and leaves the key in the request.
type Floor struct {
	// Keys is a file with one key a line.
	Keys string `json:"keys"`

	hashes map[[16]byte][sha256.Size]byte
}

// CaddyModule returns the Caddy module information.
func (Floor) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.floor", New: func() caddy.Module { return new(Floor) }}
}

// Provision reads the keys.
func (f *Floor) Provision(caddy.Context) error {
	text, err := os.ReadFile(f.Keys)
	if err != nil {
		return fmt.Errorf("reading the keys: %w", err)
	}
	f.hashes = map[[16]byte][sha256.Size]byte{}
	for key := range bytes.Lines(text) {
		hash := sha256.Sum256(bytes.TrimSpace(key))
		f.hashes[[16]byte(hash[:16])] = hash
	}
	return nil
}

// ServeHTTP is the check.
func (f *Floor) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	key, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer {
		w.WriteHeader(http.StatusUnauthorized)
		return nil
	}
	hash := sha256.Sum256([]byte(key))
	known := f.hashes[[16]byte(hash[:16])]
	if subtle.ConstantTimeCompare(hash[:], known[:]) != 1 {
		w.WriteHeader(http.StatusUnauthorized)
		return nil
	}
	return next.ServeHTTP(w, r)
}

var (
	_ caddyhttp.MiddlewareHandler = (*Floor)(nil)
	_ caddy.Provisioner           = (*Floor)(nil)
)
