package caddycce_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
	certificate, key := makeCertificate(t)
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

// makeCertificate writes a certificate that has signed itself, and its key.
func makeCertificate(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "certificate"), filepath.Join(dir, "key")
	writeFile(t, certificate, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed})))
	writeFile(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})))
	return certificate, key
}
