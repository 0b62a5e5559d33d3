package caddycce_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/fake/cced"
)

// The addresses of the documented deployment: the server's public one, and that of
// the client who is listed.
const serverAddress, clientAddress = "192.0.2.10", "191.89.131.84"

// inNamespace is set where the test runs in a network of its own, which has both
// addresses.
const inNamespace = "CADDYCCE_TEST_IN_NAMESPACE"

// TestTheDocumentedDeployment runs the site block that replaces the old service,
// with a given certificate, and reaches it by IP address. It does so in a network
// namespace; where the kernel forbids them the PROXY protocol stands for the
// public addresses.
func TestTheDocumentedDeployment(t *testing.T) {
	if os.Getenv(inNamespace) != "" {
		addAddresses(t)
		d := deploy(t, "{\n\tauto_https disable_redirects\n}\nhttps://:9092 {\n\tbind 0.0.0.0")
		d.public = d.client(t, func(ctx context.Context, network, target string) (net.Conn, error) {
			from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(clientAddress)}}
			return from.DialContext(ctx, network, target)
		})
		d.server = serverAddress + ":9092"
		d.local = "127.0.0.1:9092"
		d.check(t)
		// The machine's own public address is not localhost.
		post(t, d.client(t, new(net.Dialer).DialContext), "https://"+d.server+"/v2/cce", `{"cmd":"PING"}`).expect(t, 403, forbidden)
		return
	}
	if err := runInNamespace(t); err == nil {
		return
	} else if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() != noAddresses {
		t.Fatal(err)
	} else {
		t.Logf("there are no network namespaces (%v): the PROXY protocol stands for the addresses", err)
	}
	d := deploy(t, "{\n\tauto_https disable_redirects\n\tservers {\n\t\tlistener_wrappers {\n\t\t\tproxy_protocol {\n\t\t\t\tallow 127.0.0.0/8\n\t\t\t}\n\t\t\ttls\n\t\t}\n\t}\n}\nhttps://:0 {")
	d.public = d.client(t, func(ctx context.Context, network, target string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, target)
		if err == nil {
			_, err = io.WriteString(c, "PROXY TCP4 "+clientAddress+" "+serverAddress+" 40000 9092\r\n")
		}
		return c, err
	})
	d.server = caddyrun.ListenAddress(t)
	d.local = d.server
	d.check(t)
}

// noAddresses is the exit code of a run that could not get its addresses.
const noAddresses = 77

// runInNamespace runs this test again, in a network namespace.
func runInNamespace(t *testing.T) error {
	t.Helper()
	if _, err := exec.LookPath("ip"); err != nil {
		return err
	}
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTheDocumentedDeployment$", "-test.v")
	c.Env = append(os.Environ(), inNamespace+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	text, err := c.CombinedOutput()
	if err != nil {
		t.Logf("%s", text)
	} else if !strings.Contains(string(text), "--- PASS: TestTheDocumentedDeployment") {
		t.Fatalf("the test did not run in the namespace:\n%s", text)
	}
	return err
}

// addAddresses gives the loopback device of the namespace the addresses.
func addAddresses(t *testing.T) {
	t.Helper()
	for _, arguments := range []string{"link set lo up", "addr add " + serverAddress + "/32 dev lo", "addr add " + clientAddress + "/32 dev lo"} {
		if text, err := exec.CommandContext(t.Context(), "ip", strings.Fields(arguments)...).CombinedOutput(); err != nil {
			t.Logf("ip %s: %v: %s", arguments, err, text)
			os.Exit(noAddresses)
		}
	}
}

// deployment is a running site, and who asks it.
type deployment struct {
	files string
	// server and local are the addresses at which the site is reached from
	// elsewhere, and from this machine.
	server, local string
	public        *http.Client
}

// deploy runs the site block, whose first lines are given.
func deploy(t *testing.T, head string) *deployment {
	t.Helper()
	d := &deployment{files: t.TempDir()}
	writeCertificate(t, d.files, certificateName, serverAddress, "127.0.0.1")
	writeFile(t, filepath.Join(d.files, "password"), "secret-1")
	caddyrun.Start(t, head+`
	tls `+d.files+`/certificate `+d.files+`/key
	cce /v2/cce {
		socket unix/`+cced.Start(t).Socket()+`
		api_access 191.89.131.84/32 2001:db8::/64
		access_file `+d.files+`/access
		api_user admin
		api_password_file `+d.files+`/password
		token_lifetime 300s
		auth_failures 5 60s
	}
}`)
	return d
}

// check does what the documented client does, and what programs here do.
func (d *deployment) check(t *testing.T) {
	t.Helper()
	e := &endpoint{files: d.files}
	secret := e.secretOf(t, clientAddress+"/32")
	url := "https://" + d.server + "/v2/cce"
	remote := func(body string) reply { return post(t, d.public, url, body, "X-Client-Secret", secret) }

	post(t, d.public, url, `{"cmd":"LOGIN"}`).expect(t, 401, wrongSecret)
	remote(`{"cmd":"AUTH","user":"admin","password":"secret-1"}`).expect(t, 403, onlyLocal)
	r := remote(`{"cmd":"LOGIN"}`)
	if names := r.TLS.PeerCertificates[0].DNSNames; len(names) != 1 || names[0] != certificateName {
		t.Errorf("the certificate is for %q", names)
	}
	token, _ := r.Object["token"].(string)
	remote(`{"cmd":"WHOAMI","token":"`+token+`"}`).expect(t, 200, `{"status":201,"message":"GOODBYE","data":{"oid":"2"}}`)
	remote(`{"cmd":"BYE","token":"`+token+`"}`).expect(t, 200, done)
	remote(`{"cmd":"WHOAMI","token":"`+token+`"}`).expect(t, 401, nobody)

	local := d.client(t, new(net.Dialer).DialContext)
	url = "https://" + d.local + "/v2/cce"
	r = post(t, local, url, `{"cmd":"AUTH","user":"admin","password":"secret-1"}`)
	id, _ := r.Object["sessionid"].(string)
	post(t, local, url, `{"cmd":"WHOAMI","user":"admin","sessionid":"`+id+`"}`).expect(t, 200, `{"status":201,"message":"GOODBYE","data":{"oid":"2"}}`)
	post(t, local, url, `{"cmd":"LOGIN"}`).expect(t, 403, noLocalLogin)
}

// client makes one that asks by address, so that it says no name of the server.
func (d *deployment) client(t *testing.T, dial func(ctx context.Context, network, target string) (net.Conn, error)) *http.Client {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(readFile(t, filepath.Join(d.files, "certificate"))))
	return &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		DialContext: dial, TLSClientConfig: &tls.Config{RootCAs: roots},
	}}
}

// certificateName is the name that the given certificate is for.
const certificateName = "server.example.org"
