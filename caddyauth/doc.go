package caddyauth

import (
 _ "modernc.org/sqlite"
 _ "github.com/pressly/goose/v3"
 _ "github.com/caddyserver/caddy/v2"
 _ "golang.org/x/text/unicode/norm"
 _ "golang.org/x/crypto/argon2"
)
