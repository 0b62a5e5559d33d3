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

	known keySet
}

// keySet is what the least possible check knows: the hashes of keys.
type keySet map[[16]byte][sha256.Size]byte

// readKeys reads a file with one key a line.
func readKeys(path string) (keySet, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the keys: %w", err)
	}
	known := keySet{}
	for key := range bytes.Lines(text) {
		hash := sha256.Sum256(bytes.TrimSpace(key))
		known[[16]byte(hash[:16])] = hash
	}
	return known, nil
}

// lets reports whether a request carries one of the keys.
func (known keySet) lets(r *http.Request) bool {
	key, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer {
		return false
	}
	hash := sha256.Sum256([]byte(key))
	found := known[[16]byte(hash[:16])]
	return subtle.ConstantTimeCompare(hash[:], found[:]) == 1
}

// CaddyModule returns the Caddy module information.
func (Floor) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.floor", New: func() caddy.Module { return new(Floor) }}
}

// Provision reads the keys.
func (f *Floor) Provision(caddy.Context) (err error) {
	f.known, err = readKeys(f.Keys)
	return err
}

// ServeHTTP is the check.
func (f *Floor) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if !f.known.lets(r) {
		w.WriteHeader(http.StatusUnauthorized)
		return nil
	}
	return next.ServeHTTP(w, r)
}

var (
	_ caddyhttp.MiddlewareHandler = (*Floor)(nil)
	_ caddy.Provisioner           = (*Floor)(nil)
)
