package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/internal/fake/cced"
)

// Numbers of the stand-in's objects: the aliases that FINDX finds, and the users
// that GETALL reads.
const (
	aliases = 1000
	users   = 200
)

// schema has small objects to find, and gives the stand-in's users five namespaces
// besides the main one.
const schema = `<SCHEMA NAME="Measured" VENDOR="lab" VERSION="1.0">
<class name="Alias" namespace="" version="1.0"><property name="name" type="account" readacl="ruleAll"/></class>
<class name="User" namespace="Php" version="1.0"><property name="enabled" type="boolean" default="0"/></class>
<class name="User" namespace="Quota" version="1.0"><property name="used" type="uint" default="0"/></class>
</SCHEMA>`

// runBackends is the other measured process: the stand-in for cced, unless there
// is a real one, and the server that reverse_proxy asks. Like the server it ends
// with its standard input.
func runBackends(f *files) error {
	if !f.realCced {
		daemon, err := standIn(f.cced)
		if err != nil {
			return err
		}
		defer daemon.Stop()
	}
	known, err := os.ReadFile(f.bad)
	if err != nil {
		return err
	}
	for socket, handler := range map[string]http.Handler{
		f.upstream: answering(f.answer),
		f.floods:   &floods{known: strings.Fields(string(known))},
	} {
		listener, err := net.Listen("unix", socket)
		if err != nil {
			return err
		}
		server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
		defer server.Close()
		// It ends when it is closed, whatever it says then.
		go func() { _ = server.Serve(listener) }()
	}
	fmt.Println("{}")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return nil
}

func standIn(socket string) (*cced.Server, error) {
	setup := slices.Clone(cced.DefaultSetup)
	for i := range users {
		setup = append(setup, `CREATE User name = "bench`+strconv.Itoa(i)+`" fullName = "Somebody"`)
	}
	for i := range aliases {
		setup = append(setup, `CREATE Alias name = "bench`+strconv.Itoa(i)+`"`)
	}
	daemon, err := cced.New(cced.Config{
		Socket: socket, Setup: setup,
		Schemas: []string{cced.BaseSchema, cced.LabSchema, schema},
	})
	if err != nil {
		return nil, err
	}
	return daemon, daemon.Restart()
}

// answering answers everything with the content of a file, which has to be there
// at the first request.
func answering(path string) http.Handler {
	text := sync.OnceValues(func() ([]byte, error) { return os.ReadFile(path) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		body, err := text()
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	})
}
