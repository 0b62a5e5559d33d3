//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package allowlist_test

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/internal/allowlist"
)

// Whoever may read the file may lock it, and keep it locked.
func TestALockThatIsHeldForEverStopsChangesAfterFiveSeconds(t *testing.T) {
	const longest = 5*time.Second + 100*time.Millisecond
	for name, change := range map[string]func(u *inUse) error{
		"a start that needs a secret": func(u *inUse) error { return u.Open(u.t.Context(), entries(u.t, "10.0.0.2")) },
		"a reload that needs a secret": func(u *inUse) error {
			check(u.t, u.Open(u.t.Context(), entries(u.t, "10.0.0.1")))
			// The bubble's clock stands still while a goroutine waits for a mutex.
			u.Close()
			return u.Open(u.t.Context(), entries(u.t, "10.0.0.1", "10.0.0.2"))
		},
		"an edit": func(u *inUse) error {
			return allowlist.Edit(u.t.Context(), u.path, func(*allowlist.Document) error { return nil })
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := prepare(t, "10.0.0.1:first-secret")
				file, err := os.Open(u.path)
				check(t, err)
				defer file.Close()
				check(t, syscall.Flock(int(file.Fd()), syscall.LOCK_SH))
				began := time.Now()
				err = change(u)
				if err == nil || !strings.Contains(err.Error(), u.path+"' is locked by another program") || !strings.Contains(err.Error(), "find it with `fuser -v`") {
					t.Errorf("%v", err)
				}
				if took := time.Since(began); took > longest {
					t.Errorf("it took %s", took)
				}
				u.expectContent("10.0.0.1:first-secret")
			})
		})
	}
}

// Reading needs no lock, so a server whose entries all have a secret starts.
func TestALockDoesNotStopAStartThatNeedsNoSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := prepare(t, "10.0.0.1:first-secret")
		file, err := os.Open(u.path)
		check(t, err)
		defer file.Close()
		check(t, syscall.Flock(int(file.Fd()), syscall.LOCK_EX))
		check(t, u.Open(t.Context(), entries(t, "10.0.0.1")))
		u.expect("first-secret", allowlist.Admitted)
	})
}
