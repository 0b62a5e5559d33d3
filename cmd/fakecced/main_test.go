package main

import (
	"bufio"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestServesUntilItIsTold(t *testing.T) {
	folder, err := os.MkdirTemp("", "cced") // the path of a socket has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	socket := filepath.Join(folder, "socket")
	schemas := "../../internal/fake/cced/schema/"
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"-socket", socket, "-schema", schemas + "base.schema", "-schema", schemas + "lab.schema"})
	}()
	greeting, err := bufio.NewReader(dial(t, socket)).ReadString('\n')
	if err != nil || greeting != "100 CSCP/0.99\n" {
		t.Errorf("greeting: '%s', %v", greeting, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(socket); err == nil {
		t.Error("the socket is still there")
	}
}

// dial waits for the daemon.
func dial(t *testing.T, socket string) net.Conn {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		peer, err := net.DialTimeout("unix", socket, time.Second)
		if err == nil {
			t.Cleanup(func() { _ = peer.Close() })
			return peer
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func TestRefusesWhatItCannotServe(t *testing.T) {
	for _, c := range []struct {
		name      string
		arguments []string
		want      string
	}{
		{"no socket", nil, "where to listen is not said"},
		{"a word too many", []string{"-socket", "x", "y"}, "'y' is not understood"},
		{"a schema that is not there", []string{"-schema", "missing.schema"}, "no such file"},
		{"a socket that cannot be", []string{"-socket", "missing/socket"}, "no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := run(t.Context(), c.arguments); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error '%v', want '%s'", err, c.want)
			}
		})
	}
}
