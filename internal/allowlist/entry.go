package allowlist

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"
)

// Entry is an address or a network.
type Entry struct {
	// Prefix says which addresses are meant. Bits of the host are zero, and
	// IPv4 addresses in IPv6 form (RFC 4291 section 2.5.5.2) are IPv4.
	Prefix netip.Prefix
	// Text is how the entry was written.
	Text string
}

// ParseEntry reads an address or a network, such as 192.0.2.7, 192.0.2.0/24 or
// 2001:db8::/64.
func ParseEntry(text string) (Entry, error) {
	prefix, err := parsePrefix(text)
	if err != nil {
		return Entry{}, fmt.Errorf("entry '%s': %w", shorten(text), err)
	}
	return Entry{prefix, text}, nil
}

var (
	errNoAddress = errors.New("write an address or a network, such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/64")
	errZone      = errors.New("callers are known without the zone of their address; leave out what begins with '%'")
	errMapped    = errors.New("networks that hold IPv4 addresses in IPv6 form and others are not clear; write the IPv4 and the IPv6 networks")
)

func parsePrefix(text string) (netip.Prefix, error) {
	if strings.ContainsRune(text, '%') {
		return netip.Prefix{}, errZone
	}
	if !strings.ContainsRune(text, '/') {
		address, err := netip.ParseAddr(text)
		if err != nil {
			return netip.Prefix{}, errNoAddress
		}
		address = address.Unmap()
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, errNoAddress
	}
	if prefix.Addr().Is4In6() {
		const before = 128 - 32 // bits of the IPv6 form before the IPv4 address
		if prefix.Bits() < before {
			return netip.Prefix{}, errMapped
		}
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-before)
	}
	return prefix.Masked(), nil
}

// shorten keeps an error readable that is about something else entirely.
func shorten(text string) string {
	const enough = 64
	end := ""
	if len(text) > enough {
		text, end = text[:enough], "…"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, strings.ToValidUTF8(text, "?")) + end
}
