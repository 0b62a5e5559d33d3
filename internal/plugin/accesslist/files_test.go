package accesslist

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
)

func TestHealthTellsWhichFilesAreBroken(t *testing.T) {
	if problems := Problems(); len(problems) > 0 {
		t.Fatalf("without any file: %q", problems)
	}
	path := filepath.Join(t.TempDir(), "access")
	file := shareForTest(t, path)
	expectHealth(t, "has not been read yet")
	mustNot(t, file.Open(t.Context(), nil))
	expectHealth(t, "")
	mustNot(t, os.WriteFile(path, []byte("10.0.0.1"), 0o600))
	mustNot(t, file.Open(t.Context(), nil))
	expectHealth(t, "line 1: write 'entry:secret'")
}

func expectHealth(t *testing.T, want string) {
	t.Helper()
	problems := Problems()
	if want == "" && len(problems) == 0 {
		return
	}
	if len(problems) != 1 || want == "" || !strings.Contains(problems[0], want) {
		t.Errorf("health is %q, want …%s…", problems, want)
	}
}

// shareForTest takes a share of a file outside any configuration.
func shareForTest(t *testing.T, path string) *sharedSecrets {
	t.Helper()
	value, _, err := secretsFiles.LoadOrNew(path, func() (caddy.Destructor, error) {
		return newSharedSecrets(path, slog.New(slog.DiscardHandler)), nil
	})
	mustNot(t, err)
	t.Cleanup(func() {
		if _, err := secretsFiles.Delete(path); err != nil {
			t.Error(err)
		}
	})
	return value.(*sharedSecrets)
}

func TestARequestWaitsFiveSecondsForTheSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sharedSecrets{opened: make(chan struct{})}
		began := time.Now()
		if s.wait(t.Context()) || time.Since(began) != readyWait {
			t.Errorf("it has waited %s", time.Since(began))
		}
		gone, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("gone"))
		if began = time.Now(); s.wait(gone) || time.Since(began) != 0 {
			t.Errorf("for a client that has gone away it has waited %s", time.Since(began))
		}
		close(s.opened)
		if !s.wait(t.Context()) {
			t.Error("it does not see that the file has been read")
		}
	})
}

func mustNot(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
