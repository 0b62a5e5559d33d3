package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// startUpstream runs the stand-in for an application behind the gate. The
// function it returns ends it.
func startUpstream() (stop func() error, err error) {
	l, err := net.Listen("unix", upstreamSocket)
	if err != nil {
		return nil, fmt.Errorf("stand-in application: %w", err)
	}
	server := &http.Server{Handler: http.HandlerFunc(report), ReadHeaderTimeout: 5 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	return func() error {
		err := server.Close()
		if served := <-done; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, fmt.Errorf("stand-in application: %w", served))
		}
		return err
	}, nil
}

// report greets the user whom the gate names.
func report(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "" || r.Header.Get("X-Api-Key") != "" {
		http.Error(w, "the gate has let a key through", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, greeting(r.Header.Get("X-User"))) // the client may have gone
}

func greeting(user string) string {
	return "hello " + user + ", you are behind the gate\n"
}
