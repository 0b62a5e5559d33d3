package caddycce_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/fake/cced"
)

// TestPHP lets a client in PHP do all that the GUI's classes do: see
// testdata/php.
func TestPHP(t *testing.T) {
	php := findPHP(t)
	for name, given := range map[string]map[string]any{
		"a program on this machine":    {"user": "admin", "password": "secret-1"},
		"one that comes from the list": {"secret": officeSecret, "from": proxyAddress, "headers": []string{"X-Forwarded-For: " + office}},
	} {
		t.Run(name, func(t *testing.T) {
			e := startTLSEndpoint(t)
			given["url"] = "https://" + caddyrun.ListenAddress(t) + "/v2/cce"
			input, err := json.Marshal(given)
			if err != nil {
				t.Fatal(err)
			}
			command := exec.CommandContext(t.Context(), php, "-n", "-d", "extension=curl", "-d", "memory_limit=256M", "testdata/php/round.php")
			command.Stdin = bytes.NewReader(input)
			if said, err := command.CombinedOutput(); err != nil || len(said) > 0 {
				t.Errorf("%v\n%s", err, said)
			}
			// A script that ends too early must not look like a good one.
			if n := e.daemon.Commands(); n < 130 {
				t.Errorf("cced has got %d commands, and not all of them", n)
			}
		})
	}
}

// findPHP finds PHP with its extension for curl.
func findPHP(t *testing.T) string {
	t.Helper()
	php, err := exec.LookPath("php")
	if err == nil {
		err = exec.CommandContext(t.Context(), php, "-n", "-d", "extension=curl", "-r", "curl_version();").Run()
	}
	if err != nil && os.Getenv("CI") != "" {
		t.Fatalf("CI must have PHP with curl: %v", err)
	}
	if err != nil {
		t.Skipf("PHP with curl is not on this machine; `make need` installs it: %v", err)
	}
	return php
}

// startTLSEndpoint is startEndpoint over TLS, where LOGIN needs no
// insecure_plain_http.
func startTLSEndpoint(t *testing.T) *endpoint {
	t.Helper()
	e := &endpoint{daemon: cced.Start(t)}
	certificate, key := writeCertificate(t, t.TempDir(), "127.0.0.1")
	config := e.caddyfile(t, "")
	for _, change := range [][2]string{
		{"insecure_plain_http", ""},
		// A second server, for redirects, could be taken for this one.
		{"\tservers {", "\tauto_https disable_redirects\n\tservers {"},
		{"http://:0 {", "https://:0 {\n\ttls " + certificate + " " + key},
	} {
		if !strings.Contains(config, change[0]) {
			t.Fatalf("the configuration has no '%s'", change[0])
		}
		config = strings.Replace(config, change[0], change[1], 1)
	}
	e.Server = caddyrun.Start(t, config)
	return e
}
