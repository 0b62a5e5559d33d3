package main

import (
	_ "embed"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// site is where the demo's server listens.
type site struct {
	port  int
	hosts []string
}

// parsePort reads the port that was asked for; none is 0.
func parsePort(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("port '%s': choose one from 1024 to 65535, such as PORT=9443", text)
	}
	return int(port), nil
}

// findSite checks that the port is free on every loopback address there is. A
// port of 0 means the default one, or with check any that is free.
func findSite(port int, check bool) (site, error) {
	s := site{port: port, hosts: []string{"127.0.0.1"}}
	if port == 0 && !check {
		s.port = defaultPort
	}
	if l, err := net.Listen("tcp6", "[::1]:0"); err == nil {
		s.hosts = append(s.hosts, "::1")
		if err := l.Close(); err != nil {
			return s, err
		}
	}
	for _, host := range s.hosts {
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(s.port)))
		if errors.Is(err, syscall.EADDRINUSE) {
			return s, fmt.Errorf("port %d is taken by another program; choose another one, such as PORT=%d", s.port, s.port%50000+1000)
		}
		if err != nil {
			return s, fmt.Errorf("%w; choose another port, such as PORT=9443", err)
		}
		s.port = l.Addr().(*net.TCPAddr).Port
		if err := l.Close(); err != nil {
			return s, err
		}
	}
	return s, nil
}

// checkClosed reports an error if somebody still listens on the port.
func (s site) checkClosed() error {
	for _, host := range s.hosts {
		address := net.JoinHostPort(host, strconv.Itoa(s.port))
		c, err := net.DialTimeout("tcp", address, 2*time.Second)
		if err == nil {
			return errors.Join(fmt.Errorf("somebody still listens on %s after the end", address), c.Close())
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			return fmt.Errorf("is %s closed? %w", address, err)
		}
	}
	return nil
}

//go:embed Caddyfile
var caddyfile string

// What the Caddyfile says of the site, in the form that is there by default.
const (
	caddyfileSite = "https://localhost:8443 {"
	caddyfileBind = "bind 127.0.0.1 [::1]"
)

// caddyfile is the demo's Caddyfile for this site.
func (s site) caddyfile() string {
	bind := caddyfileBind
	if len(s.hosts) == 1 {
		bind = "bind " + s.hosts[0]
	}
	return strings.NewReplacer(
		caddyfileSite, fmt.Sprintf("https://localhost:%d {", s.port),
		caddyfileBind, bind,
	).Replace(caddyfile)
}
