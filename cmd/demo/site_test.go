package main

import (
	"net"
	"strings"
	"testing"
)

func TestCaddyfileIsForTheSite(t *testing.T) {
	for _, marker := range []string{caddyfileSite, caddyfileBind} {
		if n := strings.Count(caddyfile, marker); n != 1 {
			t.Fatalf("the Caddyfile has %q %d times, and not once", marker, n)
		}
	}
	if got := (site{defaultPort, []string{"127.0.0.1", "::1"}}).caddyfile(); got != caddyfile {
		t.Errorf("by default the Caddyfile is not the one in the repository:\n%s", got)
	}
	got := site{9443, []string{"127.0.0.1"}}.caddyfile()
	for _, want := range []string{"\nhttps://localhost:9443 {\n", "\n\tbind 127.0.0.1\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("the Caddyfile lacks %q:\n%s", want, got)
		}
	}
}

func TestPortThatIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := site{l.Addr().(*net.TCPAddr).Port, []string{"127.0.0.1"}}
	_, err = findSite(taken.port, false)
	if err == nil || !strings.Contains(err.Error(), "is taken by another program; choose another one, such as PORT=") {
		t.Errorf("findSite: %v", err)
	}
	if err := taken.checkClosed(); err == nil {
		t.Error("checkClosed does not see that somebody listens")
	}
}

func TestParsePort(t *testing.T) {
	for text, want := range map[string]int{"": 0, "9443": 9443} {
		if port, err := parsePort(text); err != nil || port != want {
			t.Errorf("'%s' is %d, %v", text, port, err)
		}
	}
	for _, text := range []string{"abc", "-1", "65536", "9443x"} {
		want := "port '" + text + "': choose one from 1024 to 65535, such as PORT=9443"
		if _, err := parsePort(text); err == nil || err.Error() != want {
			t.Errorf("'%s': %v", text, err)
		}
	}
}

func TestFindSite(t *testing.T) {
	s, err := findSite(0, true)
	if err != nil {
		t.Fatal(err)
	}
	if s.port == 0 || s.hosts[0] != "127.0.0.1" {
		t.Errorf("findSite found %+v", s)
	}
	if err := s.checkClosed(); err != nil {
		t.Errorf("the port that was found is not free: %v", err)
	}
}
