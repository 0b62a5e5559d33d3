// Package sallyport registers every Caddy module of this repository.
//
// It exists for builds that name the repository instead of its packages:
//
//	xcaddy build v2.11.9 --with github.com/sallyport/sallyport@v0.0.0=.
package sallyport

import (
	_ "github.com/sallyport/sallyport/caddyauth"
	_ "github.com/sallyport/sallyport/caddycce"
	_ "github.com/sallyport/sallyport/caddyintelmq"
)
