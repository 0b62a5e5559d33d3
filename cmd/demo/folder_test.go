package main

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestASecondDemoHearsOfTheFirstAndNotOfItsPort(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, path := range []string{caddyBinary, upstreamSocket} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(caddyBinary, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("unix", upstreamSocket)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	_, number, err := net.SplitHostPort(port.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	taken, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), taken, false); err == nil || !strings.Contains(err.Error(), "a demo is running in this folder already") {
		t.Errorf("run: %v", err)
	}
}

func TestAFolderWithoutTheBinarySaysWhereToStart(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := checkFolder(); err == nil || !strings.Contains(err.Error(), "start the demo by `make demo` in the repository's folder") {
		t.Errorf("checkFolder: %v", err)
	}
}
