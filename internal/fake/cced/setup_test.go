package cced

import (
	"bufio"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// talker is a client that sends lines and expects replies.
type talker struct {
	net.Conn
	t      testing.TB
	reader *bufio.Reader
}

// dial opens a connection and reads the greeting.
func dial(t testing.TB, s *Server) *talker {
	t.Helper()
	c := dialQuietly(t, s)
	c.expect("100 CSCP/0.99", "200 READY")
	return c
}

// dialQuietly opens a connection and reads nothing.
func dialQuietly(t testing.TB, s *Server) *talker {
	t.Helper()
	peer, err := net.DialTimeout("unix", s.Socket(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = peer.Close() })
	if err := peer.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return &talker{peer, t, bufio.NewReader(peer)}
}

func asAdmin(c *Config) { c.PeerIsRoot = true }

func (c *talker) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

// expect reads lines.
func (c *talker) expect(lines ...string) {
	c.t.Helper()
	for _, want := range lines {
		if got, err := c.reader.ReadString('\n'); err != nil || got != want+"\n" {
			c.t.Fatalf("got '%s' and %v, want '%s'", got, err, want)
		}
	}
}

// ask sends a command and returns its reply.
func (c *talker) ask(line string) []string {
	c.t.Helper()
	c.send(line + "\n")
	var lines []string
	for {
		got, err := c.reader.ReadString('\n')
		if err != nil {
			c.t.Fatalf("'%s': %v after %q", line, err, lines)
		}
		lines = append(lines, strings.TrimSuffix(got, "\n"))
		if final.MatchString(lines[len(lines)-1]) {
			return lines
		}
	}
}

// answers sends a command and compares the whole reply.
func (c *talker) answers(line string, want ...string) {
	c.t.Helper()
	if got := c.ask(line); !slices.Equal(got, want) {
		c.t.Errorf("'%s': %q, want %q", line, got, want)
	}
}

// rest reads to the end of the connection. What the daemon did not read makes
// it a reset.
func (c *talker) rest() string {
	c.t.Helper()
	text, err := io.ReadAll(c.reader)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		c.t.Fatal(err)
	}
	return string(text)
}
