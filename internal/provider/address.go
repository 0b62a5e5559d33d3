package provider

import (
	"context"
	"net"
	"net/netip"
	"syscall"
	"time"
)

const connectTimeout = 5 * time.Second

// Addresses where a provider is only if the configuration says so. netip knows those
// of RFC 1122 and RFC 4291 as loopback, link-local, multicast and unspecified; the
// cloud metadata service at 169.254.169.254 is link-local.
var (
	metadataV6 = netip.MustParseAddr("fd00:ec2::254")
	broadcast  = netip.MustParseAddr("255.255.255.255")
	// thisNetwork is that of RFC 1122 section 3.2.1.3, which some systems take for this machine.
	thisNetwork = netip.MustParsePrefix("0.0.0.0/8")
	// translated is the prefix of RFC 6052, behind which there is an IPv4 address.
	translated = netip.MustParsePrefix("64:ff9b::/96")
)

// dialer connects to servers where the configuration allows them.
type dialer struct {
	networks []netip.Prefix
	// loopback says that a host that is written as this machine may be dialled.
	loopback bool
}

// proxyKey is the key of the context's value that says that a proxy is dialled.
type proxyKey struct{}

// dial connects to a host. The address is looked at after names were resolved, each
// one that is tried: what a name stood for earlier says nothing.
func (d dialer) dial(ctx context.Context, network, hostPort string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		return nil, err
	}
	proxied := ctx.Value(proxyKey{}) != nil
	named := d.loopback && isLoopback(host)
	connecting := net.Dialer{
		Timeout: connectTimeout,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil || !d.allows(to.Addr(), named, proxied) {
				return &failure{"'" + clip(host) + "' is at " + clip(address) + ", where the provider may not be; write the network into 'addresses' if it is right"}
			}
			return nil
		},
	}
	return connecting.DialContext(ctx, network, hostPort)
}

// allows reports whether a server may be at an address. named says that the host is
// written as this machine; proxied that it is a proxy of the environment, which may be
// anywhere unless there are networks.
func (d dialer) allows(address netip.Addr, named, proxied bool) bool {
	address = plain(address)
	if len(d.networks) > 0 {
		for _, network := range d.networks {
			if network.Masked().Contains(address) {
				return true
			}
		}
		return false
	}
	switch {
	case proxied:
		return true
	case address.IsLoopback():
		return named
	}
	return address.IsValid() && !address.IsUnspecified() && !address.IsMulticast() &&
		!address.IsLinkLocalUnicast() && address != metadataV6 && address != broadcast && !thisNetwork.Contains(address)
}

// plain is the address that is meant.
func plain(address netip.Addr) netip.Addr {
	address = address.Unmap().WithZone("")
	if translated.Contains(address) {
		bytes := address.As16()
		return netip.AddrFrom4([4]byte(bytes[12:]))
	}
	return address
}

// NetworkOf is the network that an address is counted in.
func NetworkOf(from netip.Addr) netip.Prefix {
	from = from.Unmap().WithZone("")
	bits := 64
	if from.Is4() {
		bits = 24
	}
	network, err := from.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return network
}
