package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// runChecks is the server that forward_auth asks: it does the least possible check of
// a key, and nothing else. Its address goes to standard output. Like the measured
// server it ends with its standard input.
func runChecks(f *files) error {
	known, err := readKeys(f.good)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	checks := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !known.lets(r) {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})}
	defer checks.Close()
	// It ends when it is closed, whatever it says then.
	go func() { _ = checks.Serve(listener) }()
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{checksAddress: listener.Addr().String()}); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	return nil
}

// checksAddress is the name under which that server tells its address.
const checksAddress = "checks"
