package caddycce_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// withAdmin adds an admin API on a socket, and metrics, to a Caddyfile.
func (e *endpoint) withAdmin(text string) string {
	return strings.Replace(text, "{\n", "{\n\tmetrics\n\tadmin unix/"+e.adminSocket()+"\n", 1)
}

// adminSocket has a short name, since the path of a socket must be one.
func (e *endpoint) adminSocket() string {
	return filepath.Join(filepath.Dir(e.daemon.Socket()), "admin")
}

// admin asks the admin API.
func (e *endpoint) admin(t testing.TB, method, path string) reply {
	t.Helper()
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", e.adminSocket())
		},
	}}
	defer client.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://localhost"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, client, r)
}

// condition is what the health route tells of an endpoint.
type condition struct {
	Socket, Base, Reason string
	Answers, Suspended   bool
	Problems             []string
}

// health asks how the one endpoint is.
func (e *endpoint) health(t testing.TB) (int, condition) {
	t.Helper()
	r := e.admin(t, http.MethodGet, "/caddycce/health")
	var h struct {
		Healthy   bool
		Endpoints []condition
	}
	if err := json.Unmarshal([]byte(r.Text), &h); err != nil || len(h.Endpoints) != 1 {
		t.Fatalf("%v: %s", err, r.Text)
	}
	if h.Healthy != (r.StatusCode == 200) {
		t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
	}
	return r.StatusCode, h.Endpoints[0]
}

// reloadHealth is health without what was seen before: what is seen holds for
// ten seconds, or until a reload.
func (e *endpoint) reloadHealth(t testing.TB) (int, condition) {
	t.Helper()
	e.reloads++
	e.Reload(t, e.withAdmin(e.caddyfile(t, fmt.Sprintf("token_lifetime %ds", 100+e.reloads))))
	return e.health(t)
}

func TestHealth(t *testing.T) {
	e := startEndpoint(t, "")
	status, h := e.reloadHealth(t)
	if status != 200 || !h.Answers || h.Suspended || len(h.Problems) > 0 || h.Base != "/v2/cce" || h.Socket != "unix/"+e.daemon.Socket() {
		t.Errorf("HTTP %d %+v", status, h)
	}
	// A look makes a session, so it holds for a while.
	before := e.asked()
	if e.health(t); e.asked() != before {
		t.Errorf("cced was asked %d times", e.asked()-before)
	}
	for name, test := range map[string]struct {
		fall, rise func()
		healthy    bool
		want       string
	}{
		"cced is down": {e.daemon.Stop, func() {
			if err := e.daemon.Restart(); err != nil {
				t.Fatal(err)
			}
		}, false, "cced does not answer: "},
		"the password is wrong": {
			func() { writeFile(t, e.files+"/password", "wrong-password-1") },
			func() { writeFile(t, e.files+"/password", "secret-1") },
			false, "account 'admin': ",
		},
		"the file of secrets is broken": {
			func() {
				writeFile(t, e.files+"/access", office)
				within(t, 3*time.Second, func() bool { return strings.Contains(e.Log(t), "client secrets cannot be used") })
			},
			func() { writeFile(t, e.files+"/access", office+":"+officeSecret+"\n") },
			false, "line 1: write 'entry:secret'",
		},
		"changes are refused": {func() { e.daemon.Suspend("backup") }, func() { e.daemon.Resume() }, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			test.fall()
			defer test.rise()
			status, h := e.reloadHealth(t)
			if (status == 200) != test.healthy || test.want != "" && (len(h.Problems) != 1 || !strings.Contains(h.Problems[0], test.want)) {
				t.Errorf("HTTP %d %+v", status, h)
			}
			if strings.Contains(fmt.Sprint(h), "wrong-password-1") {
				t.Error("it tells a password")
			}
			if test.healthy && (!h.Suspended || h.Reason != "backup") {
				t.Errorf("%+v", h)
			}
		})
	}
	if r := e.admin(t, http.MethodPost, "/caddycce/health"); r.StatusCode != 405 || r.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
	}
}

func TestAReloadThatFailsLeavesTheHealthOfWhatRuns(t *testing.T) {
	e := startEndpoint(t, "")
	e.reloadHealth(t)
	// It is provisioned, and then cannot listen.
	bad := strings.Replace(e.withAdmin(e.caddyfile(t, "")), "http://:0 {", "http://:0 {\n\tbind 192.0.2.1", 1)
	if err := e.Load(t, bad); err == nil {
		t.Fatal("it listens at 192.0.2.1")
	}
	if status, h := e.health(t); status != 200 || !h.Answers {
		t.Errorf("HTTP %d %+v", status, h)
	}
}

func TestMetrics(t *testing.T) {
	e := startEndpoint(t, "auth_failures 2 60s")
	e.Reload(t, e.withAdmin(e.caddyfile(t, "auth_failures 2 60s")))
	before := e.metrics(t)
	token := e.token(t)
	e.office(t, `{"cmd":"GET 6",`+token+`}`)
	e.office(t, `{"cmd":"BEGIN",`+token+`}`)
	e.office(t, `{"cmd":"NOSUCH-`+office+`",`+token+`}`)
	e.local(t, `not JSON`)
	e.from(t, stranger, `{"cmd":"GET 6"}`)
	for range 3 {
		e.try(t, "AUTH", "admin", "guess")
	}
	after := e.metrics(t)
	for series, want := range map[string]int{
		`caddy_cce_commands_total{command="LOGIN",result="ok"}`:           1,
		`caddy_cce_commands_total{command="GET",result="ok"}`:             1,
		`caddy_cce_commands_total{command="AUTH",result="not_logged_in"}`: 2,
		`caddy_cce_commands_total{command="AUTH",result="braked"}`:        1,
		`caddy_cce_commands_total{command="NONE",result="bad_command"}`:   2,
		`caddy_cce_commands_total{command="NONE",result="denied"}`:        1,
		`caddy_cce_command_seconds_count{command="GET"}`:                  1,
		`caddy_cce_brakes_total`:                                          1,
	} {
		// What is not there has not been counted yet.
		was, _ := strconv.Atoi(before[series])
		if is, err := strconv.Atoi(after[series]); err != nil || is-was != want {
			t.Errorf("%s went from '%s' to '%s', want %d more", series, before[series], after[series], want)
		}
	}
	for series, want := range map[string]string{"caddy_cce_tokens": "1", "caddy_cce_transactions": "1", "caddy_cce_callers_waiting": "0"} {
		if after[series] != want {
			t.Errorf("%s is %s, want %s", series, after[series], want)
		}
	}
	for _, series := range []string{"caddy_cce_connections_open", "caddy_cce_connections_idle", "caddy_cce_connections_total"} {
		if after[series] == "" {
			t.Errorf("there is no %s", series)
		}
	}
}

var sample = regexp.MustCompile(`(?m)^(caddy_cce_\S+) (\S+)$`)

// metrics are the samples of this package by name and labels.
func (e *endpoint) metrics(t testing.TB) map[string]string {
	t.Helper()
	samples := map[string]string{}
	for _, found := range sample.FindAllStringSubmatch(e.admin(t, http.MethodGet, "/metrics").Text, -1) {
		samples[found[1]] = found[2]
	}
	return samples
}
