package sallyport_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/fake/cced"
)

const (
	// cceSite begins the site for CCE in a configuration.
	cceSite = "\nhttps://:9092 {\n"
	// cceHost is the server's name in the documents.
	cceHost = "server.example"
	// proxyAddress is where a session's proxy has its connections from: requests
	// of all who are elsewhere come through it.
	proxyAddress = "127.0.0.9"
	// clientAddress is that of client.example, where ssh goes.
	clientAddress = "191.89.131.84"
)

func (s *session) hasCCE(config string) bool {
	return strings.Contains(config, fmt.Sprintf("\nhttps://:%d {\n", s.ccePort))
}

func (s *session) cceCertificate() string {
	return filepath.Join(s.dir, "etc/admserv/certs/certificate")
}

// prepareCCE makes what a cce needs: cced, certificate and a client.
func (s *session) prepareCCE(t *testing.T) {
	t.Helper()
	cced.Start(t, func(c *cced.Config) {
		c.Socket = filepath.Join(s.dir, "usr/sausalito/cced.socket")
		c.PeerIsRoot = true // so that `sudo caddy cce account rotate` is
	})
	certificate, key := caddyrun.Certificate(t, cceHost)
	s.write(t, "etc/admserv/certs/certificate", certificate, 0o644)
	s.write(t, "etc/admserv/certs/key", key, 0o600)
	s.write(t, "home/client/.curlrc", s.curlrc()+"interface = \""+proxyAddress+"\"\nheader = \"X-Forwarded-For: "+clientAddress+"\"\n", 0o600)
	s.write(t, "home/client/server.pem", certificate, 0o644)
	s.write(t, "bin/ssh", "#!/bin/sh\nHOME="+filepath.Join(s.dir, "home/client")+"\nexport HOME\ncd || exit\nexec bash -c \"$2\"\n", 0o755)
	s.cceWords = map[string]string{}
}

// curlrc lets curl reach every host at the session's server.
func (s *session) curlrc() string {
	return fmt.Sprintf("connect-to = \":9092:127.0.0.1:%d\"\nconnect-to = \"::127.0.0.1:%d\"\ncacert = \"%s\"\nsilent\nshow-error\n", s.ccePort, s.port, s.root())
}

// namedFiles are the files that a configuration may name and that are read when
// it is validated.
var namedFiles = regexp.MustCompile(`(?m)^(\s*)(?:tls /\S+ /\S+|import_conf /\S+|import_config /\S+)$`)

// withFiles puts files of the test in place of those that a configuration names.
func withFiles(t *testing.T, config string) string {
	t.Helper()
	if !namedFiles.MatchString(config) {
		return config
	}
	certificate, key := caddyrun.Certificate(t, cceHost)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"certificate": certificate, "key": key,
		"cced-api.conf":   readFile(t, "internal/ccedapi/testdata/cced-api.conf"),
		"api-config.json": apiConfig,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return namedFiles.ReplaceAllStringFunc(config, func(line string) string {
		switch {
		case strings.Contains(line, "import_config"):
			return "\t\timport_config " + dir + "/api-config.json"
		case strings.Contains(line, "import_conf"):
			return "\t\timport_conf " + dir + "/cced-api.conf"
		default:
			return "\ttls " + dir + "/certificate " + dir + "/key"
		}
	})
}

// turn is a request of a dialogue with its answer:
//
//	191.89.131.84 SECRET> {"cmd":"LOGIN"}
//	200 {"status":201,"message":"TOKEN ISSUED","data":{"expires":"TIME","token":"TOKEN"}}
//
// It begins with the caller's address, or localhost. SECRET after it sends the
// header X-Client-Secret, KEY an API key. SESSION, TOKEN and OID stand for what
// was answered last.
type turn struct {
	caller, header, body, answer string
}

var turnForm = regexp.MustCompile(`^(\S+)( SECRET| KEY)?> (.+)$`)

func turns(t *testing.T, b block) (list []turn) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(b.text, "\n"), "\n")
	if len(lines)%2 != 0 {
		t.Fatalf("%s:%d: each request is followed by one line of answer", b.document, b.line)
	}
	for i := 0; i < len(lines); i += 2 {
		m := turnForm.FindStringSubmatch(lines[i])
		if m == nil {
			t.Fatalf("%s:%d: '%s' is no request", b.document, b.line+1+i, lines[i])
		}
		list = append(list, turn{m[1], strings.TrimSpace(m[2]), m[3], lines[i+1]})
	}
	return list
}

// dialogue runs a dialogue block and compares the answers.
func (s *session) dialogue(t *testing.T, b block) {
	t.Helper()
	local, remote := s.cceClient(t, ""), s.cceClient(t, proxyAddress)
	for _, one := range turns(t, b) {
		client := local
		if one.caller != "localhost" {
			client = remote
		}
		got := s.ask(t, client, one)
		if got, want := generic(got), generic(one.answer); got != want {
			t.Errorf("%s:%d: %s %s> %s is answered\n%s\nbut the document shows\n%s", b.document, b.line, one.caller, one.header, one.body, got, want)
		}
	}
}

// ask makes the request of a turn and returns status and body.
func (s *session) ask(t *testing.T, client *http.Client, one turn) string {
	t.Helper()
	body := one.body
	for word, value := range s.cceWords {
		body = strings.ReplaceAll(body, word, value)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+cceHost+":9092/v2/cce", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if one.caller != "localhost" {
		r.Header.Set("X-Forwarded-For", one.caller)
	}
	switch one.header {
	case "SECRET":
		r.Header.Set("X-Client-Secret", s.clientSecret(t))
	case "KEY":
		r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(readFile(t, filepath.Join(s.dir, "home/alice/monitoring.key"))))
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	s.learn(text)
	return strconv.Itoa(response.StatusCode) + " " + string(bytes.TrimSpace(text))
}

// learn remembers what later requests refer to.
func (s *session) learn(text []byte) {
	var answer struct{ Data map[string]json.RawMessage }
	if json.Unmarshal(text, &answer) != nil {
		return
	}
	for key, word := range map[string]string{"sessionid": "SESSION", "token": "TOKEN", "oid": "OID"} {
		var value string
		if json.Unmarshal(answer.Data[key], &value) == nil {
			s.cceWords[word] = value
		}
	}
}

// clientSecret is the one that the server has made for client.example.
func (s *session) clientSecret(t *testing.T) string {
	t.Helper()
	_, secret, found := strings.Cut(readFile(t, filepath.Join(s.dir, "etc/cced-api/config/access")), clientAddress+"/32:")
	if !found {
		t.Fatal("the access file has no secret for " + clientAddress)
	}
	return strings.TrimSpace(secret)
}

// cceClient connects to the site for CCE, from an address of this machine.
func (s *session) cceClient(t *testing.T, from string) *http.Client {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(readFile(t, s.cceCertificate()))) {
		t.Fatal("there is no certificate")
	}
	dialer := new(net.Dialer)
	if from != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, "127.0.0.1:"+strconv.Itoa(s.ccePort))
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}
}

// TestACCEAloneLeavesPort80Alone: on a BlueOnyx server another one has it, and Caddy
// would not start.
func TestACCEAloneLeavesPort80Alone(t *testing.T) {
	configs := 0
	for _, b := range readBlocks(t, "docs/cce.md") {
		if b.language != "caddyfile" || !strings.Contains(b.text, cceSite) {
			continue
		}
		configs++
		config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(b.text), map[string]any{"filename": "Caddyfile"})
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(config, []byte(`"disable_redirects":true`)) {
			t.Errorf("%s:%d: it lacks 'auto_https disable_redirects'", b.document, b.line)
		}
	}
	if configs != 2 {
		t.Errorf("docs/cce.md has %d configurations, want 2", configs)
	}
}

// TestDropIns lets systemd read the drop-ins of docs/cce.md, each beside the unit
// of docs/operations.md.
func TestDropIns(t *testing.T) {
	analyze := findSystemdAnalyze(t)
	unit := unitOf(t)
	rotation := filepath.Join(t.TempDir(), "gen_api_admin")
	if err := os.WriteFile(rotation, []byte("#!/bin/sh\n"), 0o700); err != nil { //nolint:gosec // systemd demands that it can be run
		t.Fatal(err)
	}
	// systemd demands that the programs are there.
	here := strings.NewReplacer("/usr/local/bin/caddy", buildCaddy(t), "/usr/local/sbin/gen_api_admin", rotation)
	checked := 0
	for _, b := range readBlocks(t, "docs/cce.md") {
		if !strings.Contains(b.text, "\nExecStartPre=") {
			continue
		}
		checked++
		if complaints, err := verifyUnit(t, analyze, here.Replace(unit), here.Replace(b.text)); err != nil || complaints != "" {
			t.Errorf("%s:%d: systemd-analyze verify: %v\n%s", b.document, b.line, err, complaints)
		}
		broken := strings.Replace(here.Replace(b.text), "ReadWritePaths=", "ReadWriteRoads=", 1)
		if complaints, err := verifyUnit(t, analyze, here.Replace(unit), broken); err == nil && complaints == "" {
			t.Errorf("%s:%d: systemd-analyze verify does not read the drop-in; this test cannot fail", b.document, b.line)
		}
		// systemd gives up a start after 90 seconds, with '-' or without.
		if !strings.Contains(b.text, "\nExecStartPre=-+/usr/bin/timeout -k 5 60 /") {
			t.Errorf("%s:%d: a stuck cced could keep Caddy down", b.document, b.line)
		}
	}
	if checked != 2 {
		t.Errorf("docs/cce.md has %d drop-ins, want 2", checked)
	}
}

// TestCCEFailuresExplained holds the table of docs/cce.md against the failures that
// the caller has not caused.
func TestCCEFailuresExplained(t *testing.T) {
	_, table, _ := strings.Cut(readFile(t, "docs/cce.md"), "\n## Failures\n")
	table, _, _ = strings.Cut(table, "\n## ")
	answers := regexp.MustCompile(`Failure\((http\.Status\w+|status), "(.+?)"`)
	found := 0
	for _, file := range []string{"internal/cceapi/failure.go", "internal/cce/transaction.go", "caddycce/answer.go"} {
		for _, answer := range answers.FindAllStringSubmatch(readFile(t, file), -1) {
			switch answer[1] {
			case "http.StatusInternalServerError", "http.StatusBadGateway", "http.StatusServiceUnavailable", "http.StatusGatewayTimeout", "status":
				found++
				if !strings.Contains(table, " | `"+answer[2]) {
					t.Errorf("'%s' has no row", answer[2])
				}
			}
		}
	}
	if found < 8 {
		t.Errorf("there are %d answers; this test cannot read them", found)
	}
}

// TestEveryKeyOfCCEDAPIIsExplained demands that the migration names each key of
// the file that it leaves behind.
func TestEveryKeyOfCCEDAPIIsExplained(t *testing.T) {
	_, table, _ := strings.Cut(readFile(t, "docs/cce.md"), "\n| key of `cced-api.conf` |")
	keys := 0
	for line := range strings.Lines(readFile(t, "internal/ccedapi/testdata/cced-api.conf")) {
		key, _, found := strings.Cut(line, " = ")
		if !found {
			continue
		}
		keys++
		if !regexp.MustCompile("(?m)^\\| .*`" + key + "`.* \\| .+ \\|$").MatchString(table) {
			t.Errorf("'%s' has no row", key)
		}
	}
	if keys != 13 {
		t.Errorf("the file has %d keys, want all 13", keys)
	}
}
