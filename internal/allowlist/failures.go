package allowlist

import (
	"net/netip"

	"github.com/sallyport/sallyport/internal/brake"
)

// Limit says how often a source may fail.
type Limit = brake.Limit

// source is who fails: an address, for an entry of its own, so that one client
// in a network does not lock its neighbours out.
type source struct {
	entry   netip.Prefix
	address netip.Addr
}
