package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// How many credentials are presented in turn where a cache has seen them, and where
// none has.
const (
	warmCredentials = 16
	coldCredentials = 20_000
)

// basicHeader carries passwords.
const basicHeader = "Authorization: Basic "

// in is a file of the run.
func (f *files) in(name string) string { return filepath.Join(f.dir, name) }

// renewing makes a load's file of keys anew each time.
func renewing(path string, number int, key func() (string, error)) func() error {
	return func() error { return writeKeys(path, number, key) }
}

// writeKeys writes a file with so many keys, one a line.
func writeKeys(path string, number int, key func() (string, error)) error {
	keys := make([]string, number)
	for i := range keys {
		var err error
		if keys[i], err = key(); err != nil {
			return err
		}
	}
	return os.WriteFile(path, []byte(strings.Join(keys, "\n")), 0o600)
}

// wrongPassword is one that alice does not have.
func wrongPassword() (string, error) { return basic(rand.Text()), nil }

// jwtRole is what a token's bearer is, and what caddy-security asks for.
const jwtRole = "authp/user"

// newJWT makes tokens for alice that end in a day, signed with HS256, no two alike.
func newJWT(secret string, now time.Time) func() (string, error) {
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`))
	return func() (string, error) {
		claims, err := json.Marshal(map[string]any{
			"jti": rand.Text(), "sub": "alice", "roles": []string{jwtRole},
			"iat": now.Unix(), "exp": now.Add(24 * time.Hour).Unix(),
		})
		if err != nil {
			return "", err
		}
		signed := header + "." + base64.RawURLEncoding.EncodeToString(claims)
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(signed))
		return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), nil
	}
}
