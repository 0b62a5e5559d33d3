package caddyauth_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sallyport/sallyport/internal/caddyrun"
)

// TestAFullDiskFailsIssuingAndNotChecking limits the size of a server's files,
// which is to the database what a full disk is. The server is a process of its
// own, since the limit holds for all files of one.
func TestAFullDiskFailsIssuingAndNotChecking(t *testing.T) {
	s := &caddyrun.Server{Dir: t.TempDir()}
	server := caddyrun.StartProcess(t, s.Dir, `{
	admin unix/{$DIR}/admin.sock
	persist_config off
	caddyauth {
		store sqlite {$DIR}/auth.db
	}
}
http:// {
	bind unix/{$DIR}/http.sock
	token_auth
	respond "in"
}
`)
	socket := filepath.Join(s.Dir, "http.sock")
	status := func(key string) int {
		t.Helper()
		got, err := ask(socket, key)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	within(t, 20*time.Second, func() bool {
		got, err := ask(socket, "")
		return err == nil && got == 401
	})
	// Caddy's admin API answers for a configuration only when all of it runs.
	within(t, 20*time.Second, func() bool {
		got, _ := post(t, s, "POST", "/caddyauth/store/info", `{"input":{}}`)
		return got == 200
	})
	must := func(path, body string) string {
		t.Helper()
		got, text := post(t, s, "POST", path, body)
		if got != 200 {
			t.Fatalf("%s: %d %s", path, got, text)
		}
		return text
	}
	must("/caddyauth/user/add", `{"actor":"os:root","input":{"username":"alice"}}`)
	var issued struct{ Key string }
	if err := json.Unmarshal([]byte(must("/caddyauth/key/issue", `{"actor":"os:root","input":{"user":"alice","name":"ci"}}`)), &issued); err != nil {
		t.Fatal(err)
	}

	lift := limitFiles(t, server.Pid, filepath.Join(s.Dir, "auth.db-wal"))
	got, text := post(t, s, "POST", "/caddyauth/key/issue", `{"actor":"os:root","input":{"user":"alice","name":"cd"}}`)
	if got != 503 || !strings.Contains(text, s.Dir+"/auth.db cannot be read or written; see whether its disk is full or failing") {
		t.Errorf("issuing on a full disk: %d %s", got, text)
	}
	for began := time.Now(); time.Since(began) < 1500*time.Millisecond; time.Sleep(100 * time.Millisecond) {
		if good, bad := status(issued.Key), status("x"); good != 200 || bad != 401 {
			t.Fatalf("checking on a full disk: %d for a good key, %d for a bad one", good, bad)
		}
	}
	lift()
	must("/caddyauth/key/revoke", `{"actor":"os:root","input":{"key":"alice/ci"}}`)
	if got := status(issued.Key); got != 401 {
		t.Errorf("a key that was revoked when there was space again: %d", got)
	}
}

// limitFiles lets no file of a process grow beyond the size of path.
func limitFiles(t *testing.T, pid int, path string) (lift func()) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	limit := unix.Rlimit{Cur: uint64(info.Size()), Max: unix.RLIM_INFINITY}
	var before unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_FSIZE, &limit, &before); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := unix.Prlimit(pid, unix.RLIMIT_FSIZE, &before, nil); err != nil {
			t.Error(err)
		}
	}
}
