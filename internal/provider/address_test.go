package provider

import (
	"net/netip"
	"testing"
)

func TestWhereServersMayBe(t *testing.T) {
	only := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("2001:db8::/32")}
	for _, c := range []struct {
		address        string
		networks       []netip.Prefix
		named, proxied bool
		want           bool
	}{
		{address: "192.0.2.1", want: true},
		{address: "10.0.0.1", want: true},
		{address: "2001:db8::1", want: true},
		{address: "127.0.0.1"},
		{address: "127.9.9.9"},
		{address: "::1"},
		{address: "::ffff:127.0.0.1"},
		{address: "64:ff9b::7f00:1"},
		{address: "127.0.0.1", named: true, want: true},
		{address: "::1", named: true, want: true},
		{address: "169.254.169.254"},
		{address: "169.254.169.254", named: true},
		{address: "::ffff:169.254.169.254"},
		{address: "64:ff9b::a9fe:a9fe"},
		{address: "64:ff9b::c000:201", want: true},
		{address: "fe80::1%eth0"},
		{address: "fd00:ec2::254"},
		{address: "fd00:ec2::255", want: true},
		{address: "224.0.0.1"},
		{address: "ff02::1"},
		{address: "0.0.0.0"},
		{address: "0.1.2.3"},
		{address: "::"},
		{address: "255.255.255.255"},
		{address: "127.0.0.1", proxied: true, want: true},
		{address: "10.1.2.3", networks: only, want: true},
		{address: "::ffff:10.1.2.3", networks: only, want: true},
		{address: "2001:db8::1", networks: only, want: true},
		{address: "10.2.0.1", networks: only},
		{address: "192.0.2.1", networks: only},
		{address: "127.0.0.1", networks: only, named: true},
		{address: "192.0.2.1", networks: only, proxied: true},
	} {
		d := dialer{networks: c.networks}
		if got := d.allows(netip.MustParseAddr(c.address), c.named, c.proxied); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	if (dialer{}).allows(netip.Addr{}, true, false) {
		t.Error("no address is allowed")
	}
}

// A name that stands for this machine is no way around the rule, and neither is one
// that stood for something else when it was looked at.
func TestTheAddressThatIsConnectedToIsLookedAt(t *testing.T) {
	s := newScripted(t)
	c := s.connect(t, Options{})
	address := s.Listener.Addr().String()
	for name, d := range map[string]dialer{
		"loopback that the configuration does not name": {},
		"a network without loopback":                    {loopback: true, networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}},
	} {
		t.Run(name, func(t *testing.T) {
			connection, err := d.dial(t.Context(), "tcp", address)
			if err == nil {
				connection.Close()
			}
			wantText(t, err, "where the provider may not be; write the network into 'addresses' if it is right")
		})
	}
	t.Run("loopback that it names", func(t *testing.T) {
		connection, err := c.wire.allow.dial(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		connection.Close()
	})
	if n := s.count(discoveryPath); n != 0 {
		t.Errorf("it was asked %d times", n)
	}
}
