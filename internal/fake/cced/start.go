package cced

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Option changes what a daemon is like.
type Option func(*Config)

// Start runs a daemon until the test ends. Its socket is in a directory with a
// short name, since the path of one has at most 107 bytes; it pauses for a
// millisecond after a failed AUTH, a handler's second takes ten, and it records
// what it receives.
func Start(tb testing.TB, options ...Option) *Server {
	tb.Helper()
	folder, err := os.MkdirTemp("", "cced")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := os.RemoveAll(folder); err != nil {
			tb.Error(err)
		}
	})
	config := Config{
		Socket: filepath.Join(folder, "socket"),
		Pause:  func() time.Duration { return time.Millisecond },
		Second: 10 * time.Millisecond,
		Record: true,
	}
	for _, option := range options {
		option(&config)
	}
	s, err := New(config)
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.Restart(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Stop)
	return s
}

// SocketForTests is the socket of the daemon that tests are to use, and whether
// it is a real one: that of the environment variable CCED_SOCKET, else that of
// a stand-in which runs until the test ends.
func SocketForTests(tb testing.TB) (path string, real bool) {
	tb.Helper()
	if path = os.Getenv("CCED_SOCKET"); path != "" {
		return path, true
	}
	return Start(tb).Socket(), false
}
