package fire_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/store"
)

const patientFile = `{
	admin unix/{$DIR}/admin.sock
	persist_config off
	grace_period 1s
	caddyauth {
		store sqlite {$DIR}/store/auth.db
		login_failures 100 60s
	}
	log {
		output file {$DIR}/log.json
	}
}
http:// {
	bind unix/{$DIR}/http.sock
	auth_api /api {
		insecure_plain_http
	}
	handle {
		token_auth
		respond "in"
	}
}
`

// patient is a server in a process of its own whose store falls ill. It has a
// user with a password, a session and two keys, one of which is revoked.
type patient struct {
	t *testing.T
	// dir is where the server keeps its things, database its store.
	dir, database string
	process       *exec.Cmd
	site, admin   *http.Client
	// good and dead are keys, logged is the token of the session.
	good, dead, logged string
	// bound: the server is run by somebody whom modes of files keep out.
	bound bool
}

// newPatient starts a server on a new store.
func newPatient(t *testing.T, bound bool) *patient {
	t.Helper()
	p := prepare(t, bound)
	p.process = p.command("run")
	begin(t, p.process)
	within(t, 30*time.Second, "the server is ready", p.ready)
	p.must("user/add", `{"username":"alice","roles":["admin"]}`)
	p.must("user/passwd", `{"user":"alice","password":"`+rightPassword+`"}`)
	p.good, p.dead = p.issue("good"), p.issue("dead")
	p.must("key/revoke", `{"key":"alice/dead"}`)
	r := p.logIn()
	var answer struct {
		Response struct {
			Token string `json:"app_token"`
		} `json:"api_response"`
	}
	if err := json.Unmarshal([]byte(r.text), &answer); err != nil || answer.Response.Token == "" {
		t.Fatalf("log-in: %d %s", r.status, r.text)
	}
	p.logged = answer.Response.Token
	return p
}

// prepare makes the folders of a server, which belong to whom it runs as.
func prepare(t *testing.T, bound bool) *patient {
	t.Helper()
	p := &patient{t: t, dir: t.TempDir(), bound: bound}
	p.database = filepath.Join(p.dir, "store", "auth.db")
	if err := os.Mkdir(filepath.Dir(p.database), 0o700); err != nil {
		t.Fatal(err)
	}
	caddyrun.WriteCaddyfile(t, p.dir, patientFile)
	p.giveAway()
	p.site, p.admin = p.client("http.sock"), p.client("admin.sock")
	return p
}

// command is one of Caddy's commands, as the server's user.
func (p *patient) command(name ...string) *exec.Cmd {
	c := caddyrun.Command(p.t, p.dir, append(name, "--config", filepath.Join(p.dir, "Caddyfile"))...)
	p.bind(c)
	return c
}

func (p *patient) client(socket string) *http.Client {
	path := filepath.Join(p.dir, socket)
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	p.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Timeout: 20 * time.Second, Transport: transport}
}

// answer is one whose body has been read.
type answer struct {
	status int
	header http.Header
	text   string
	took   time.Duration
}

// ask makes a request; the credential is sent as a bearer unless it is empty. A
// server that does not answer has the status 0.
func (p *patient) ask(c *http.Client, method, path, body, credential string) answer {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, "http://127.0.0.1"+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if credential != "" {
		r.Header.Set("Authorization", "Bearer "+credential)
	}
	began := time.Now()
	response, err := c.Do(r)
	if err != nil {
		return answer{text: err.Error()}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{text: err.Error()}
	}
	return answer{response.StatusCode, response.Header, string(text), time.Since(began)}
}

func (p *patient) ready() bool {
	return p.ask(p.admin, "GET", "/caddyauth/health/ready", "", "").status == 200 && p.check("").status == 401
}

// check presents a credential at the gate.
func (p *patient) check(credential string) answer {
	p.t.Helper()
	return p.ask(p.site, "GET", "/", "", credential)
}

func (p *patient) logIn() answer {
	p.t.Helper()
	return p.ask(p.site, "POST", "/api/v1/auth/login", `{"user":"alice","password":"`+rightPassword+`"}`, "")
}

// perform asks the admin API for an operation.
func (p *patient) perform(operation, input string) answer {
	p.t.Helper()
	return p.ask(p.admin, "POST", "/caddyauth/"+operation, `{"actor":"os:root","input":`+input+`}`, "")
}

func (p *patient) must(operation, input string) string {
	p.t.Helper()
	r := p.perform(operation, input)
	if r.status != 200 {
		p.t.Fatalf("%s: %d %s", operation, r.status, r.text)
	}
	return r.text
}

func (p *patient) issue(name string) string {
	p.t.Helper()
	var issued struct{ Key string }
	if err := json.Unmarshal([]byte(p.must("key/issue", `{"user":"alice","name":"`+name+`"}`)), &issued); err != nil {
		p.t.Fatal(err)
	}
	return issued.Key
}

func (p *patient) log() string {
	p.t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, "log.json"))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

// execute changes the database as another program does.
func (p *patient) execute(statement string) {
	p.t.Helper()
	db, err := sql.Open("sqlite", p.database)
	if err != nil {
		p.t.Fatal(err)
	}
	_, err = db.ExecContext(p.t.Context(), statement)
	if err := errors.Join(err, db.Close()); err != nil {
		p.t.Fatal(err)
	}
}

// backup is a backup of the store, which lies in another folder.
func (p *patient) backup() string {
	p.t.Helper()
	file := filepath.Join(p.dir, "backup.db")
	if _, err := store.Backup(p.t.Context(), store.Location{Engine: "sqlite", Path: p.database}, file); err != nil {
		p.t.Fatal(err)
	}
	return file
}

func (p *patient) move(from, to string) {
	p.t.Helper()
	if err := os.Rename(from, to); err != nil {
		p.t.Fatal(err)
	}
}

// expectUnavailable holds an answer against what a client is told when it cannot
// be found out.
func (p *patient) expectUnavailable(what string, r answer) {
	p.t.Helper()
	id := r.header.Get("X-Error-Id")
	if id == "" {
		var body struct {
			ID string `json:"error_id"`
		}
		if err := json.Unmarshal([]byte(r.text), &body); err != nil {
			p.t.Errorf("%s: %v: %s", what, err, r.text)
		}
		id = body.ID
	}
	if r.status != 503 || r.header.Get("Retry-After") == "" || id == "" || !strings.Contains(r.text+r.header.Get("X-Error-Code"), "unavailable") {
		p.t.Errorf("%s: %d %v %s", what, r.status, r.header, r.text)
	}
	if strings.Contains(r.text, p.dir) {
		p.t.Errorf("%s: the answer has a path of the server: %s", what, r.text)
	}
}

// ids are those of a list of keys.
func ids(t *testing.T, list string) string {
	t.Helper()
	var keys []struct{ ID string }
	if err := json.Unmarshal([]byte(list), &keys); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, k := range keys {
		all = append(all, k.ID)
	}
	return strings.Join(all, " ")
}
