//go:build unix

package caddyauth_test

import (
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestAFullDiskFailsIssuingAndNotChecking limits the size of files, which is to
// the database what a full disk is.
func TestAFullDiskFailsIssuingAndNotChecking(t *testing.T) {
	s, a := startFile(t, withAdmin)
	key := a.issue(s, "ci")
	expect(t, s.Get(t, "/", bearer(key)...), 200, "")

	lift := limitFiles(t, s.Dir+"/auth.db-wal")
	var status int
	var text string
	for range 50 {
		if status, text = post(t, s, "POST", "/caddyauth/user/add", `{"actor":"os:root","input":{"username":"bob"}}`); status != 200 {
			break
		}
		if status, text = post(t, s, "POST", "/caddyauth/user/delete", `{"actor":"os:root","input":{"user":"bob"}}`); status != 200 {
			break
		}
	}
	if status != 503 || !strings.Contains(text, s.Dir+"/auth.db cannot be read or written; see whether its disk is full or failing") {
		t.Errorf("a change on a full disk: %d %s", status, text)
	}
	for began := time.Now(); time.Since(began) < 1500*time.Millisecond; time.Sleep(100 * time.Millisecond) {
		expect(t, s.Get(t, "/", bearer(key)...), 200, "")
		expect(t, s.Get(t, "/", bearer("x")...), 401, "invalid_token")
	}
	lift()
	if status, text = post(t, s, "POST", "/caddyauth/key/revoke", `{"actor":"os:root","input":{"key":"alice/ci"}}`); status != 200 {
		t.Errorf("when there is space again: %d %s", status, text)
	}
	expect(t, s.Get(t, "/", bearer(key)...), 401, "invalid_token")
}

// limitFiles lets no file of this process grow beyond the size of path.
func limitFiles(t *testing.T, path string) (lift func()) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	after := before
	after.Cur = uint64(info.Size())
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &after); err != nil {
		t.Fatal(err)
	}
	lift = func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			t.Error(err)
		}
		signal.Reset(syscall.SIGXFSZ)
	}
	t.Cleanup(lift)
	return lift
}
