package brake

import "net/netip"

// Source is the address that failures are counted for. In IPv6 it is the /64,
// since a host may choose among the addresses in it (RFC 4291 section 2.5.4).
func Source(caller netip.Addr) netip.Addr {
	caller = caller.Unmap().WithZone("")
	if !caller.Is6() {
		return caller
	}
	return netip.PrefixFrom(caller, 64).Masked().Addr()
}
