package sallyport_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/fake/intelmqctl"
)

// session runs the commands of one document, in the order in which they stand
// there, in a directory of its own. What they are given:
//
//   - caddy is the binary of this repository.
//   - ./Caddyfile and /etc/caddy/Caddyfile are the configuration that the
//     document is about, on loopback, with the internal certificate authority
//     in place of a public one.
//   - curl reaches every host name at that server, and trusts that authority.
//   - systemctl starts and stops that server; sudo only runs its command.
//   - /var/lib/sallyport and such are in the session's directory.
//   - The session database of an intelmq-api is where Debian's packages have it.
//   - A stand-in for cced listens where the configuration says, if it has a cce.
//   - A stand-in for intelmqctl has a botnet in /opt/intelmq, if it has an intelmq.
//   - An OpenID provider listens in the place of that of docs/providers.md.
//   - ssh runs its command at a client's: what curl asks there comes from the
//     address of that client.
type session struct {
	dir, binary string
	// host and port are those of the site.
	host string
	port int
	// ccePort is that of the site for CCE.
	ccePort int
	// cceWords stand in dialogues for what the server has answered.
	cceWords map[string]string
	// botnet is that of the stand-in for intelmqctl, or nil.
	botnet *intelmqctl.Botnet
	// paths maps those of the document, and URLs of others, to those of the session.
	paths [][2]string
	// defaultAdmin: the configuration leaves the admin API where Caddy has it.
	// Here it is on a socket all the same, since the port may be taken.
	defaultAdmin bool
}

// configOf says which configuration a document is about.
func configOf(t *testing.T, document string) string {
	t.Helper()
	switch document {
	case "README.md", "docs/cce.md", "docs/howler.md", providersDocument:
	case intelmqDocument:
		return readFile(t, intelmqConfig)
	default:
		return readFile(t, "Caddyfile.example")
	}
	for _, b := range readBlocks(t, document) {
		if b.language == "caddyfile" {
			return b.text
		}
	}
	t.Fatalf("%s shows no Caddyfile", document)
	return ""
}

func newSession(t *testing.T, binary, document string) *session {
	t.Helper()
	for _, program := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("the documents' commands need %s: %v", program, err)
		}
	}
	// The path of a unix socket has room for a hundred bytes only.
	dir, err := os.MkdirTemp("", "docs")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &session{dir: dir, binary: binary}
	for _, path := range []string{
		"/home/alice", "/var/lib/sallyport", "/var/backups/sallyport", "/etc/caddy", "/run/caddy", "/safe",
		"/usr/sausalito", "/etc/cced-api/config", "/etc/admserv/certs", "/var/lib/dbconfig-common",
	} {
		s.paths = append(s.paths, [2]string{path, filepath.Join(dir, path)})
		if err := os.MkdirAll(filepath.Join(dir, path), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	s.port, s.ccePort = freePort(t), freePort(t)
	s.prepareBotnet(t, configOf(t, document))
	s.prepareProvider(t, document)
	config := s.contain(configOf(t, document), newUpstream(t))
	site := regexp.MustCompile(`(?m)^([a-z.]+) \{$`).FindStringSubmatch(config)
	if site != nil {
		s.host = site[1]
	}
	if site == nil && !s.hasCCE(config) {
		t.Fatalf("the configuration of %s has no site", document)
	}
	if s.hasCCE(config) {
		s.prepareCCE(t)
	}
	s.prepareIntelMQ(t)
	s.write(t, "home/alice/Caddyfile", config, 0o600)
	s.write(t, "etc/caddy/Caddyfile", config, 0o600)
	s.write(t, "home/alice/.curlrc", s.curlrc(), 0o600)
	s.write(t, "bin/sudo", "#!/bin/sh\n[ \"$1\" != -u ] || shift 2\nexec \"$@\"\n", 0o755)
	s.write(t, "bin/systemctl", "#!/bin/sh\nexec caddy \"$1\" --config "+filepath.Join(dir, "etc/caddy/Caddyfile")+" >>"+filepath.Join(dir, "journal")+" 2>&1\n", 0o755)
	if err := os.Symlink(binary, filepath.Join(dir, "bin/caddy")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stopServers(t) })
	return s
}

func (s *session) write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	path = filepath.Join(s.dir, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// prepareIntelMQ makes a session database as intelmq-api has it.
func (s *session) prepareIntelMQ(t *testing.T) {
	t.Helper()
	path := filepath.Join(s.dir, "var/lib/dbconfig-common/sqlite3/intelmq-api/intelmqapi")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), readFile(t, "internal/intelmqsession/testdata/session.sql")); err != nil {
		t.Fatal(err)
	}
}

// contain puts a configuration on the loopback: it adds global options and
// changes addresses and paths, and leaves everything else as it is.
func (s *session) contain(config, upstream string) string {
	options := "\tlocal_certs\n\tskip_install_trust\n\tdefault_bind 127.0.0.1\n\thttps_port " + strconv.Itoa(s.port) + "\n"
	if !strings.Contains(config, "\tauto_https ") {
		options += "\tauto_https disable_redirects\n"
	}
	if s.defaultAdmin = !strings.Contains(config, "\tadmin "); s.defaultAdmin {
		options += "\tadmin unix//run/caddy/admin.sock\n"
	}
	if strings.Contains(config, cceSite) && !strings.Contains(config, "trusted_proxies") {
		// Requests of those who are elsewhere come through a proxy of the session.
		options += "\tservers {\n\t\ttrusted_proxies static " + proxyAddress + "\n\t\ttrusted_proxies_strict\n\t}\n"
	}
	lines := "\n" + config
	if !strings.Contains(lines, "\n{\n") {
		lines = "\n{\n}\n" + lines
	}
	lines = strings.Replace(lines, "\n{\n", "\n{\n"+options, 1)
	lines = strings.Replace(lines, cceSite, fmt.Sprintf("\nhttps://:%d {\n", s.ccePort), 1)
	lines = strings.Replace(lines, "trusted_proxies static 10.0.0.0/8", "trusted_proxies static "+proxyAddress, 1)
	return regexp.MustCompile(`127\.0\.0\.1:900\d`).ReplaceAllString(s.here(s.calling(lines)), upstream)
}

// here puts the session's paths in place of the document's.
func (s *session) here(text string) string {
	for _, path := range s.paths {
		text = strings.ReplaceAll(text, path[0], path[1])
	}
	return text
}

// there is the way back.
func (s *session) there(text string) string {
	text = s.called(text)
	text = strings.ReplaceAll(text, s.dir+"/", "/")
	for _, path := range s.paths {
		if strings.HasPrefix(path[0], "https://") {
			text = strings.ReplaceAll(text, path[1], path[0])
		}
	}
	if s.defaultAdmin {
		text = strings.ReplaceAll(text, "unix//run/caddy/admin.sock", caddy.DefaultAdminListen)
	}
	return text
}

// root is the file with the certificate that curl trusts.
func (s *session) root() string {
	return filepath.Join(s.dir, "home/alice/.local/share/caddy/pki/authorities/local/root.crt")
}

// waitForCertificate waits until a server that was started has its certificate,
// which a reader has by the time he types the next command.
func (s *session) waitForCertificate(t *testing.T) {
	t.Helper()
	file, host, port := s.root(), s.host, s.port
	if host == "" {
		file, host, port = s.cceCertificate(), cceHost, s.ccePort
	}
	var last error
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		text, err := os.ReadFile(file)
		if err != nil {
			last = err
			continue
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(text)
		dialer := tls.Dialer{Config: &tls.Config{RootCAs: pool, ServerName: host}}
		connection, err := dialer.DialContext(t.Context(), "tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err == nil {
			connection.Close()
			return
		}
		last = err
	}
	t.Fatalf("no certificate for %s after 30 seconds: %v\n%s", host, last, readFile(t, filepath.Join(s.dir, "journal")))
}

// brokenPath is where the application hangs up.
const brokenPath = "/reports/broken"

// newUpstream is the application behind the gate.
func newUpstream(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// What the README says of credentials and identity headers.
		if r.Header.Get("Authorization") != "" || r.Header.Get("X-Api-Key") != "" {
			t.Error("the credential has come through the gate")
		}
		if r.URL.Path == brokenPath {
			panic(http.ErrAbortHandler)
		}
		if user := r.Header.Get("X-User"); user != "" {
			fmt.Fprintln(w, "hello "+user)
			return
		}
		fmt.Fprintln(w, "hello from the application")
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// step is a command of a console block with its output.
type step struct{ command, output string }

// steps takes a console block apart: commands begin with `$ ` and go on after a
// backslash.
func steps(t *testing.T, b block) []step {
	t.Helper()
	var list []step
	open := false
	for line := range strings.Lines(b.text) {
		command, isCommand := strings.CutPrefix(line, "$ ")
		switch {
		case open:
			list[len(list)-1].command += line
		case isCommand:
			list = append(list, step{command: command})
		case len(list) == 0:
			t.Fatalf("%s:%d: a console block begins with a command: `$ …`", b.document, b.line)
		default:
			list[len(list)-1].output += line
		}
		open = (open || isCommand) && strings.HasSuffix(line, "\\\n")
	}
	return list
}

// console runs a console block and compares the output.
func (s *session) console(t *testing.T, b block) {
	t.Helper()
	list := steps(t, b)
	results := s.run(t, b, list)
	for i, result := range results {
		if got, want := generic(result.output), generic(list[i].output); got != want {
			t.Errorf("%s:%d: $ %sprints\n%s\nbut the document shows\n%s", b.document, b.line, list[i].command, got, want)
		}
	}
}

// script runs a sh block, whose output is not shown.
func (s *session) script(t *testing.T, b block) {
	t.Helper()
	s.run(t, b, []step{{command: b.text}})
}

// run runs commands in one shell. One that fails is an error, unless the next
// one is `echo $?`.
func (s *session) run(t *testing.T, b block, list []step) []step {
	t.Helper()
	const mark = "=== end of command, exit code "
	var script strings.Builder
	for _, step := range list {
		script.WriteString(step.command + "__code=$?; printf '\\n" + mark + "%s\\n' $__code; (exit $__code)\n")
	}
	script.WriteString("exit 0\n")
	command := exec.CommandContext(t.Context(), "bash", "-c", s.here(script.String()))
	command.Dir = filepath.Join(s.dir, "home/alice")
	command.Env = []string{
		"PATH=" + filepath.Join(s.dir, "bin") + ":" + os.Getenv("PATH"),
		"HOME=" + command.Dir, "LANG=C.UTF-8", "TZ=UTC",
	}
	for _, name := range providerSecrets {
		command.Env = append(command.Env, name+"="+os.Getenv(name))
	}
	// A server that is started keeps the output open, so it is a file.
	output, err := os.Create(filepath.Join(s.dir, "output"))
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	command.Stdout, command.Stderr = output, output
	if err := command.Run(); err != nil {
		t.Fatalf("%s:%d: %v", b.document, b.line, err)
	}
	if last := list[len(list)-1].command; strings.Contains(last, " start") {
		s.waitForCertificate(t)
	}
	text, err := os.ReadFile(output.Name())
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(s.there(string(text)), mark)
	if len(parts) != len(list)+1 {
		t.Fatalf("%s:%d: %d of %d commands have run:\n%s", b.document, b.line, len(parts)-1, len(list), text)
	}
	results := make([]step, len(list))
	for i := range list {
		code, _, _ := strings.Cut(parts[i+1], "\n")
		output := parts[i]
		if i > 0 {
			_, output, _ = strings.Cut(output, "\n")
		}
		results[i].output = output
		mayFail := i+1 < len(list) && list[i+1].command == "echo $?\n"
		if code != "0" && !mayFail {
			t.Errorf("%s:%d: $ %sends with %s:\n%s", b.document, b.line, list[i].command, code, output)
		}
	}
	return results
}

// variable is what is another one each time, with its place-holder.
var variable = []struct {
	pattern *regexp.Regexp
	name    string
}{
	{regexp.MustCompile(`\b[a-z][a-z0-9]{1,15}_[0-9A-Za-z]{61}\b`), "KEY"},
	{regexp.MustCompile(`("error_id":")[A-Z2-7]{12}"`), `${1}ID"`},
	{regexp.MustCompile(`(?m)^(x-error-id: )[A-Z2-7]{12}\b`), "${1}ID"},
	{regexp.MustCompile(`(?m)^(error: +)[A-Z2-7]{12}$`), "${1}ID"},
	{regexp.MustCompile(`\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`), "UUID"},
	{regexp.MustCompile(`("app_token":"[\w.]+:)[0-9a-f]{64}"`), `${1}TOKEN"`},
	{regexp.MustCompile(`("token":")[0-9A-Za-z]{64}"`), `${1}TOKEN"`},
	{regexp.MustCompile(`("sessionid":")[0-9A-Za-z]{63}"`), `${1}SESSION"`},
	{regexp.MustCompile(`(?m)^[0-9A-Za-z]{32}$`), "SECRET"},
	{regexp.MustCompile(`("api_server_version":")[^"]*"`), `${1}VERSION"`},
	{regexp.MustCompile(`("user_agent":"curl/)[^"]*"`), `${1}VERSION"`},
	{regexp.MustCompile(`(is locked for the next )\d+`), "${1}60"},
	{regexp.MustCompile(`(it is good for )[0-9ms]+`), "${1}5m0s"},
	{regexp.MustCompile(`(\bid )[0-9A-Za-z]{12}\b`), "${1}ID"},
	{regexp.MustCompile(`(?m)^[0-9A-Za-z]{12}( +\w+/)`), "ID$1"},
	{regexp.MustCompile(`("(?:key_)?id": ?")[0-9A-Za-z]{12}"`), `${1}ID"`},
	{regexp.MustCompile(`"[0-9a-f]{64}"`), `"DIGEST"`},
	{regexp.MustCompile(`"[0-9a-f]{32}"`), `"FINGERPRINT"`},
	{regexp.MustCompile(`(?m)^(|retired: )[0-9a-f]{32}\b`), `${1}FINGERPRINT`},
	{regexp.MustCompile(`(fingerprint )[0-9a-f]{32}\b`), "${1}FINGERPRINT"},
	{regexp.MustCompile(`\b\d+ KiB\b`), "SIZE"},
	{regexp.MustCompile(`(/\w+ \()[0-9A-Za-z]{12}(\): )`), "${1}ID$2"},
	{regexp.MustCompile(`(\.damaged-)\d{8}T\d{6}Z`), "${1}TIME"},
	{regexp.MustCompile(`(?m)( +)os:\w+ +(\w+\.\w+)`), "${1}os:USER  $2"},
	{regexp.MustCompile(`((?:"command":"|which runs )sudo -u )\S+ `), `${1}USER `},
	{regexp.MustCompile(`"date": "[^"]*"`), `"date": "DATE"`},
	{regexp.MustCompile(`as process \d+`), "as process PID"},
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\dT[0-9:.]+Z`), "TIME"},
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\d\b`), "DATE"},
	{regexp.MustCompile(`"os:[^"]*"`), `"os:USER"`},
	{regexp.MustCompile(`(?m)^date: .*$`), "date: DATE"},
	{regexp.MustCompile(`(?m)^alt-svc: .*$`), "alt-svc: SERVICE"},
	{regexp.MustCompile(`\r`), ""},
	{regexp.MustCompile(`[ \t]+\n`), "\n"},
}

// generic replaces what is another one each time.
func generic(text string) string {
	for _, v := range variable {
		text = v.pattern.ReplaceAllString(text, v.name)
	}
	return strings.Trim(text, "\n") + "\n"
}

// stopServers ends what the session has started.
func (s *session) stopServers(t *testing.T) {
	t.Helper()
	// There may be none, so that an error means nothing. Linux shows below
	// whether one is left.
	_ = exec.CommandContext(context.WithoutCancel(t.Context()), s.binary, "stop", "--config", filepath.Join(s.dir, "etc/caddy/Caddyfile")).Run()
	processes, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range processes {
		program, err := os.Readlink(path)
		if err != nil || program != s.binary {
			continue
		}
		pid, err := strconv.Atoi(strings.Split(path, "/")[2])
		if err != nil {
			t.Fatal(err)
		}
		process, err := os.FindProcess(pid)
		if err != nil {
			continue
		}
		_ = process.Signal(os.Interrupt)
		for range 100 {
			if _, err := os.Stat(path); err != nil {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		_ = process.Kill()
	}
}

// built is the binary that all tests of this package use: linking it takes
// seconds.
var built struct {
	sync.Once
	dir, binary string
	err         error
}

// TestMain is the stand-in for intelmqctl when it is called so, and removes the
// binary in the end.
func TestMain(m *testing.M) {
	intelmqctl.ServeCalls()
	code := m.Run()
	if built.dir != "" {
		if err := os.RemoveAll(built.dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// buildCaddy builds the binary that the documents are about.
func buildCaddy(t *testing.T) string {
	t.Helper()
	built.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "docs-binary"); built.err != nil {
			return
		}
		built.binary = filepath.Join(built.dir, "caddy")
		command := exec.CommandContext(context.Background(), "go", "build", "-o", built.binary, "./cmd/caddy")
		if output, err := command.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("go build: %w\n%s", err, bytes.TrimSpace(output))
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.binary
}
