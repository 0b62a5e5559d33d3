package acmetest_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	smallstep "github.com/smallstep/certificates/acme"

	_ "github.com/sallyport/sallyport/caddyauth"
	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// TestCertificateOverACME runs one Caddy with two sites: one is a certificate
// authority that speaks ACME, the other gets its certificate from it, by the
// TLS-ALPN-01 challenge, and is protected by token_auth. So automatic TLS and
// the gate are seen together, over the same protocol that a public authority
// speaks.
func TestCertificateOverACME(t *testing.T) {
	// The authority keeps its accounts and orders in Caddy's data directory,
	// whatever the storage.
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	dir := t.TempDir()
	root := newRoot(t, dir)
	port := freePort(t)
	// The authority would ask at port 443. Only its own variable can tell it
	// another one.
	before := smallstep.InsecurePortTLSALPN01
	smallstep.InsecurePortTLSALPN01 = port
	t.Cleanup(func() { smallstep.InsecurePortTLSALPN01 = before })
	key := issueKey(t, filepath.Join(dir, "auth.db"))

	server := caddyrun.Start(t, strings.NewReplacer("{port}", strconv.Itoa(port), "{dir}", dir).Replace(`{
	https_port {port}
	auto_https disable_redirects
	skip_install_trust
	caddyauth {
		store sqlite {dir}/auth.db
	}
	pki {
		ca local {
			root {
				cert {dir}/root.crt
				key {dir}/root.key
			}
		}
	}
}

https://127.0.0.1 {
	tls {
		issuer internal
	}
	acme_server {
		challenges tls-alpn-01
		allow {
			domains localhost
		}
	}
}

https://localhost {
	tls {
		issuer acme {
			dir https://127.0.0.1:{port}/acme/local/directory
			trusted_roots {dir}/root.crt
			disable_http_challenge
		}
	}
	token_auth
	respond "welcome {http.auth.user.id}"
}`))

	pool := x509.NewCertPool()
	pool.AddCert(root)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	url := "https://localhost:" + strconv.Itoa(port) + "/"

	waitForCertificate(t, client, url)
	status, body, state := ask(t, client, url, "")
	if status != http.StatusUnauthorized || !strings.Contains(body, `"credential_missing"`) {
		t.Errorf("without a key: %d %s", status, body)
	}
	if status, body, _ := ask(t, client, url, key); status != http.StatusOK || body != "welcome alice" {
		t.Errorf("with a key: %d %s", status, body)
	}

	chain := state.VerifiedChains
	if len(chain) != 1 || len(chain[0]) != 3 {
		t.Fatalf("%d verified chains, want one of leaf, intermediate and root", len(chain))
	}
	if leaf := chain[0][0]; len(leaf.DNSNames) != 1 || leaf.DNSNames[0] != "localhost" {
		t.Errorf("the certificate is for %q", leaf.DNSNames)
	}
	if !chain[0][2].Equal(root) {
		t.Error("the chain does not end in the test's root")
	}
	// The internal issuer, which needs no ACME, signs with the same root. Where
	// Caddy keeps the certificate says from whom it has it.
	kept := filepath.Join(server.Dir, "caddy", "certificates", "127.0.0.1-"+strconv.Itoa(port)+"-acme-local-directory", "localhost", "localhost.crt")
	text, err := os.ReadFile(kept)
	if err != nil {
		t.Fatalf("the certificate was not obtained over ACME: %v", err)
	}
	if block, _ := pem.Decode(text); block == nil || !bytes.Equal(block.Bytes, chain[0][0].Raw) {
		t.Error("the certificate of the handshake is not the one that was obtained over ACME")
	}
}

// waitForCertificate waits until a TLS handshake succeeds, since certificates
// are obtained after the start.
func waitForCertificate(t *testing.T, client *http.Client, url string) {
	t.Helper()
	var last error
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		var answer *http.Response
		if answer, last = client.Do(r); last == nil {
			answer.Body.Close()
			return
		}
	}
	t.Fatalf("no certificate after 30 seconds: %v", last)
}

func ask(t *testing.T, client *http.Client, url, key string) (int, string, *tls.ConnectionState) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body), answer.TLS
}

// newRoot makes the authority's root beforehand, in dir: both the ACME client
// and the test must trust it before the authority has started.
func newRoot(t *testing.T, dir string) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test root"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(30 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, MaxPathLen: 1, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"root.crt": {Type: "CERTIFICATE", Bytes: der},
		"root.key": {Type: "EC PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// freePort finds a port that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// issueKey makes a store with one user and one key.
func issueKey(t *testing.T, path string) string {
	t.Helper()
	ctx := context.Background()
	r, err := identity.Open(ctx, identity.Config{Location: store.Location{Engine: "sqlite", Path: path}, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.AddUser(ctx, "test", identity.NewUser{Username: "alice"}); err != nil {
		t.Fatal(err)
	}
	_, word, err := r.IssueKey(ctx, "test", identity.NewKey{Username: "alice", Name: "ci", Scopes: principal.Read})
	if err != nil {
		t.Fatal(err)
	}
	return word.Reveal()
}
