package allowlist_test

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/allowlist"
)

const seen = time.Second // by when an edit must count

// inUse is a file that is in use, and its log.
type inUse struct {
	*allowlist.File
	t    *testing.T
	path string
	log  logBuffer
}

// logBuffer is a log that the test reads while it is written.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// open opens the file secrets in a new directory, with this content if any, for
// the entries. It must be called inside a synctest bubble.
func open(t *testing.T, content string, listed ...string) *inUse {
	t.Helper()
	u := prepare(t, content)
	check(t, u.Open(t.Context(), entries(t, listed...)))
	return u
}

func prepare(t *testing.T, content string) *inUse {
	t.Helper()
	u := &inUse{t: t, path: filepath.Join(t.TempDir(), "secrets")}
	if content != "" {
		u.save(content)
	}
	u.File = allowlist.NewFile(u.path, counter(), slog.New(slog.NewTextHandler(&u.log, nil)))
	t.Cleanup(u.Close)
	return u
}

// save saves the file as editors do that write a new one.
func (u *inUse) save(content string) {
	u.t.Helper()
	check(u.t, os.WriteFile(u.path+".new", []byte(content), 0o600))
	check(u.t, os.Rename(u.path+".new", u.path))
}

// expect checks what becomes of a caller from 10.0.0.1 with a secret.
func (u *inUse) expect(secret string, want allowlist.Verdict) {
	u.t.Helper()
	generous := allowlist.Limit{Count: 1000, Period: time.Second}
	got, _ := u.Admit(prefix(u.t, "10.0.0.1"), netip.MustParseAddr("10.0.0.1"), secret, generous)
	if got != want {
		u.t.Errorf("'%s': %s, want %s", secret, got, want)
	}
}

func (u *inUse) expectContent(want string) {
	u.t.Helper()
	text, err := os.ReadFile(u.path)
	check(u.t, err)
	if diff := cmp.Diff(want, string(text)); diff != "" {
		u.t.Errorf("the file (-want +got):\n%s", diff)
	}
}

func TestOpeningMakesAMissingFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := prepare(t, "")
		u.expect("anything", allowlist.NotLoaded)
		check(t, u.Open(t.Context(), entries(t, "10.0.0.1/32", "2001:db8::/64")))
		u.expectContent("10.0.0.1/32:" + word(1, 32) + "\n2001:db8::/64:" + word(2, 32) + "\n")
		info, err := os.Stat(u.path)
		check(t, err)
		if info.Mode() != 0o600 {
			t.Errorf("the mode is %v", info.Mode())
		}
		u.expect(word(1, 32), allowlist.Admitted)
		u.expect(word(2, 32), allowlist.WrongSecret)
		u.expect("", allowlist.NothingPresented)
		u.expect(strings.Repeat("x", 10_000), allowlist.WrongSecret)
	})
}

func TestOpeningGivesASecretToThoseWithoutAndChangesNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := open(t, "# mine\n192.0.2.1:swordfish-and-others", "10.0.0.1", "192.0.2.1/32")
		want := "# mine\n192.0.2.1:swordfish-and-others\n10.0.0.1:"
		u.expectContent(want + word(1, 32) + "\n")
		u.expect(word(1, 32), allowlist.Admitted)
		check(t, u.Open(t.Context(), entries(t, "10.0.0.1", "192.0.2.1/32")))
		u.expectContent(want + word(1, 32) + "\n")
	})
}

func TestEditsCountWithinASecond(t *testing.T) {
	for name, save := range map[string]func(u *inUse, content string){
		"by rename": (*inUse).save,
		"in place":  func(u *inUse, content string) { check(u.t, os.WriteFile(u.path, []byte(content), 0o600)) },
		"after a while without a file": func(u *inUse, content string) {
			check(u.t, os.Remove(u.path))
			time.Sleep(time.Millisecond)
			u.save(content)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := open(t, "10.0.0.1:first", "10.0.0.1")
				time.Sleep(seen)
				u.expect("first", allowlist.Admitted)
				save(u, "10.0.0.1:second")
				time.Sleep(seen)
				u.expect("first", allowlist.WrongSecret)
				u.expect("second", allowlist.Admitted)
				save(u, "# it was here\n")
				time.Sleep(seen)
				u.expect("second", allowlist.NoSecret)
				u.expectContent("# it was here\n")
				if problem := u.Problem(); problem != "" {
					t.Errorf("the problem is '%s'", problem)
				}
			})
		})
	}
}

func TestAHashedSecretIsAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := open(t, "10.0.0.1:swordfish-and-others", "10.0.0.1")
		check(t, allowlist.Edit(t.Context(), u.path, func(d *allowlist.Document) error {
			_, err := d.Hash(prefix(t, "10.0.0.1"), counter())
			return err
		}))
		time.Sleep(seen)
		u.expect("swordfish-and-others", allowlist.Admitted)
		u.expect("sha256$"+word(1, 16)+"$", allowlist.WrongSecret)
		text, err := os.ReadFile(u.path)
		check(t, err)
		_, hash, _ := strings.Cut(strings.TrimSpace(string(text)), ":")
		u.expect(hash, allowlist.WrongSecret)
	})
}

func TestABrokenEditLeavesTheLastSecretsInForceAndSaysSo(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(u *inUse)
		want  string
	}{
		"a line": {func(u *inUse) { u.save("10.0.0.1:second\nswordfish\n") }, "line 2: write 'entry:secret'"},
		"the mode": {func(u *inUse) {
			u.save("10.0.0.1:second")
			check(u.t, os.Chmod(u.path, 0o604))
		}, "is open to everybody on this machine (mode 0604); run `chmod 600`"},
		"a directory": {func(u *inUse) {
			check(u.t, os.Remove(u.path))
			check(u.t, os.Mkdir(u.path, 0o700))
		}, "is not a regular file"},
		"no file": {func(u *inUse) { check(u.t, os.Remove(u.path)) }, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := open(t, "10.0.0.1:first-secret", "10.0.0.1")
				time.Sleep(seen)
				test.spoil(u)
				time.Sleep(10 * seen)
				u.expect("first-secret", allowlist.Admitted)
				u.expect("second", allowlist.WrongSecret)
				if problem := u.Problem(); !strings.Contains(problem, test.want) || strings.Contains(problem, "swordfish") {
					t.Errorf("the problem is '%s', want …%s…", problem, test.want)
				}
				if n := strings.Count(u.log.String(), "cannot be used"); n != 1 {
					t.Errorf("it was logged %d times:\n%s", n, u.log.String())
				}
				check(t, os.RemoveAll(u.path))
				u.save("10.0.0.1:third-secret")
				time.Sleep(seen)
				u.expect("third-secret", allowlist.Admitted)
				if u.Problem() != "" || !strings.Contains(u.log.String(), "can be used again") {
					t.Errorf("the problem is '%s':\n%s", u.Problem(), u.log.String())
				}
			})
		})
	}
}

func TestOpeningABrokenFileStopsTheFirstTimeAndGoesOnLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := prepare(t, "10.0.0.1:swordfish:x")
		err := u.Open(t.Context(), entries(t, "10.0.0.1"))
		if _, broken := errors.AsType[*allowlist.BrokenError](err); !broken {
			t.Fatalf("%v", err)
		}
		u.expectContent("10.0.0.1:swordfish:x")
		u.expect("swordfish", allowlist.NotLoaded)
		u.save("10.0.0.1:first-secret")
		check(t, u.Open(t.Context(), entries(t, "10.0.0.1")))
		u.save("10.0.0.1")
		check(t, u.Open(t.Context(), entries(t, "10.0.0.1", "10.0.0.2")))
		u.expect("first-secret", allowlist.Admitted)
		if !strings.Contains(u.Problem(), "line 1") {
			t.Errorf("the problem is '%s'", u.Problem())
		}
	})
}

func TestAFileOpenToEverybodyIsNeitherReadNorMended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := prepare(t, "10.0.0.1:first-secret")
		check(t, os.Chmod(u.path, 0o644))
		if err := u.Open(t.Context(), entries(t, "10.0.0.1", "10.0.0.2")); err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("%v", err)
		}
		u.expectContent("10.0.0.1:first-secret")
	})
}

func TestAFileThatCannotBeWrittenStopsTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := prepare(t, "")
		u.File = allowlist.NewFile(filepath.Join(u.path, "none"), counter(), slog.New(slog.DiscardHandler))
		if err := u.Open(t.Context(), entries(t, "10.0.0.1")); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "cannot be made") {
			t.Errorf("%v", err)
		}
	})
}

func TestASymbolicLinkToTheFileStaysOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := prepare(t, "# here\n")
		link := filepath.Join(t.TempDir(), "link")
		check(t, os.Symlink(u.path, link))
		f := allowlist.NewFile(link, counter(), slog.New(slog.DiscardHandler))
		defer f.Close()
		check(t, f.Open(t.Context(), entries(t, "10.0.0.1")))
		u.expectContent("# here\n10.0.0.1:" + word(1, 32) + "\n")
		if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
			t.Errorf("%v, %v", info, err)
		}
	})
}

func TestShortSecretsAreWarnedOfOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := open(t, "10.0.0.1:swordfish\n10.0.0.2:swordfish\n", "10.0.0.1")
		time.Sleep(10 * seen)
		if n := strings.Count(u.log.String(), "can be guessed"); n != 1 || !strings.Contains(u.log.String(), "entries=2") {
			t.Errorf("%d warnings:\n%s", n, u.log.String())
		}
		if strings.Contains(u.log.String(), "swordfish") {
			t.Errorf("the log shows a secret:\n%s", u.log.String())
		}
	})
}

func TestClosingEndsTheGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	u := prepare(t, "10.0.0.1:first-secret")
	for range 100 {
		check(t, u.Open(t.Context(), entries(t, "10.0.0.1")))
	}
	if n := runtime.NumGoroutine(); n > before+1 {
		t.Errorf("%d goroutines more", n-before)
	}
	u.Close()
	u.Close()
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines are left", n-before)
	}
	u.expect("first-secret", allowlist.Admitted)
}

// Many who change a file at the same time do not lose one another's changes.
func TestEditsAtTheSameTimeAreAllKept(t *testing.T) {
	u := prepare(t, "# begin\n")
	var all sync.WaitGroup
	const writers = 8
	for i := range writers {
		all.Go(func() {
			e := entries(t, "10.0.0."+word(i, 1))
			err := allowlist.Edit(t.Context(), u.path, func(d *allowlist.Document) error {
				_, err := d.Complete(e, counter())
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	d, err := allowlist.Read(u.path)
	check(t, err)
	if len(d.Entries()) != writers {
		t.Errorf("%d entries are left:\n%s", len(d.Entries()), d.Bytes())
	}
}

// An editor knows nothing of our lock.
func TestAnEditByAnEditorMeanwhileIsNotLost(t *testing.T) {
	u := prepare(t, "10.0.0.1:first-secret\n")
	calls := 0
	check(t, allowlist.Edit(t.Context(), u.path, func(d *allowlist.Document) error {
		if calls++; calls == 1 {
			u.save("# edited\n10.0.0.1:edited-secret\n")
		}
		_, err := d.Complete(entries(t, "10.0.0.2"), counter())
		return err
	}))
	u.expectContent("# edited\n10.0.0.1:edited-secret\n10.0.0.2:" + word(1, 32) + "\n")
	if calls != 2 {
		t.Errorf("%d calls", calls)
	}
}

func TestAnEditThatNeverEndsIsGivenUp(t *testing.T) {
	u := prepare(t, "# begin\n")
	text := "# begin\n"
	err := allowlist.Edit(t.Context(), u.path, func(d *allowlist.Document) error {
		text += "#\n"
		u.save(text)
		_, err := d.Complete(entries(t, "10.0.0.2"), counter())
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "is changed all the time") {
		t.Errorf("%v", err)
	}
	u.expectContent(text)
}

func TestAnEditWithoutAChangeDoesNotTouchTheFile(t *testing.T) {
	u := prepare(t, "10.0.0.1:first-secret")
	before, err := os.Stat(u.path)
	check(t, err)
	check(t, allowlist.Edit(t.Context(), u.path, func(*allowlist.Document) error { return nil }))
	stop := errors.New("stop")
	if err := allowlist.Edit(t.Context(), u.path, func(d *allowlist.Document) error {
		_, err := d.Rotate(prefix(t, "10.0.0.1"), counter())
		return errors.Join(err, stop)
	}); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
	after, err := os.Stat(u.path)
	check(t, err)
	if !os.SameFile(before, after) || !before.ModTime().Equal(after.ModTime()) {
		t.Error("it is another file")
	}
}

func TestAnEditThatMakesTheFileTooLargeIsRefused(t *testing.T) {
	content := strings.Repeat("#\n", 200_000)
	u := prepare(t, content)
	err := allowlist.Edit(t.Context(), u.path, func(d *allowlist.Document) error {
		_, err := d.Complete(entries(t, "10.0.0.2"), counter())
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "would be too large") {
		t.Errorf("%v", err)
	}
	u.expectContent(content)
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
