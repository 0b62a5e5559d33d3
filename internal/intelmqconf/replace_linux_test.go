package intelmqconf_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/intelmqconf"
)

// Tests that need another process run this test program once more, with one of
// these words in child and the path of a runtime.yaml in childFile.
const (
	child     = "INTELMQCONF_TEST_CHILD"
	childFile = "INTELMQCONF_TEST_FILE"
)

func TestMain(m *testing.M) {
	switch os.Getenv(child) {
	case "save for ever":
		saveForEver(os.Getenv(childFile))
	case "save where files are short":
		saveWhereFilesAreShort(os.Getenv(childFile))
	case "save over it where files are short":
		becomeService()
		saveWhereFilesAreShort(os.Getenv(childFile))
	default:
		os.Exit(m.Run())
	}
}

func run(t *testing.T, what, path string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	check(t, err)
	c := exec.CommandContext(t.Context(), program)
	c.Env = append(os.Environ(), child+"="+what, childFile+"="+path)
	c.Stderr = os.Stderr
	return c
}

// botnet is a configuration of so many bots.
func botnet(bots int, word string) string {
	var b strings.Builder
	b.WriteString(`{"global":{}`)
	for i := range bots {
		fmt.Fprintf(&b, `,"bot-%d":{"parameters":{"word":"%s","number":%d}}`, i, word, i)
	}
	return b.String() + "}"
}

func saveForEver(path string) {
	var r intelmqconf.Runtime
	for i := 0; ; i++ {
		saved, err := r.Save(path, []byte(botnet(100, []string{"one", "another one"}[i%2])), intelmqconf.Saving{})
		if err != nil || saved.Warning != "" {
			fmt.Fprintln(os.Stderr, err, saved.Warning)
			os.Exit(1)
		}
		fmt.Println(saved.Document.ETag)
	}
}

func TestAKilledSaveLeavesTheOldFileOrTheNewOne(t *testing.T) {
	path := put(t, "{}")
	_, one := save(t, path, botnet(100, "one"))
	_, another := save(t, path, botnet(100, "another one"))
	half, drafts := 0, 0
	for i := range 120 {
		c := run(t, "save for ever", path)
		out, err := c.StdoutPipe()
		check(t, err)
		check(t, c.Start())
		lines := bufio.NewReader(out)
		_, err = lines.ReadString('\n')
		check(t, err)
		// A save begins to write when its first temporary file is there, and takes
		// about a millisecond from then. The moment has to be any of that.
		for left(t, path) == 0 {
			runtime.Gosched()
		}
		time.Sleep(rand.N(2 * time.Millisecond))
		check(t, c.Process.Kill())
		_, err = io.Copy(io.Discard, lines)
		check(t, err)
		_ = c.Wait()
		for _, name := range []string{path, path + ".bak"} {
			if text, err := os.ReadFile(name); err != nil || string(text) != one && string(text) != another {
				t.Fatalf("after %d kills '%s' has %d bytes, %v", i+1, name, len(text), err)
			}
		}
		n := left(t, path)
		half += min(n, 1)
		drafts = max(drafts, n)
	}
	if half == 0 {
		t.Error("no save was killed in its middle")
	}
	// Those of the file and of its backup.
	if drafts > 2 {
		t.Errorf("%d temporary files were left: the next save does not remove them", drafts)
	}
	t.Logf("%d saves were killed with a temporary file", half)
	save(t, path, botnet(1, "last"))
	if n := left(t, path); n != 0 {
		t.Errorf("%d temporary files are left", n)
	}
}

// left counts the files beside a runtime.yaml and its backup.
func left(t *testing.T, path string) int {
	t.Helper()
	files, err := os.ReadDir(filepath.Dir(path))
	check(t, err)
	return len(files) - 2
}

func TestADiskThatIsFullLeavesTheOldFile(t *testing.T) {
	const old = "a: {x: 1}\n"
	for name, prepare := range map[string]func(t *testing.T, path string){
		"alone":                         func(*testing.T, string) {},
		"behind a link":                 func(t *testing.T, path string) { moveBehindLink(t, path) },
		"where a killed save left some": func(t *testing.T, path string) { check(t, os.WriteFile(draftBeside(path), []byte("half"), 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			path := put(t, old)
			prepare(t, path)
			expectNoRoom(t, "save where files are short", path, old)
		})
	}
	t.Run("and the backup from before", func(t *testing.T) {
		path := putOverOlder(t, old)
		expectNoRoom(t, "save where files are short", path, old)
		expectFiles(t, filepath.Dir(path), map[string]string{"runtime.yaml": old, "runtime.yaml.bak": older})
	})
	t.Run("where it is written over", func(t *testing.T) {
		if os.Geteuid() != 0 {
			t.Skip("only root can be another user for a while")
		}
		path := shared(t, old, 990, service, 0o664, 0o755)
		expectNoRoom(t, "save over it where files are short", path, old)
	})
}

// expectNoRoom wants another process to say that there is no room, and the file as
// it was.
func expectNoRoom(t *testing.T, what, path, old string) {
	t.Helper()
	out, err := run(t, what, path).Output()
	check(t, err)
	if want := "'" + path + "': file too large"; string(out) != want {
		t.Errorf("it says '%s', want '%s'", out, want)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != old {
		t.Errorf("the file has '%s', %v", text, err)
	}
	drafts, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".new-*"))
	check(t, err)
	if len(drafts) > 0 {
		t.Errorf("%v are left", drafts)
	}
}

func draftBeside(path string) string {
	return filepath.Join(filepath.Dir(path), ".new-ABCDEFGHIJKLMNOPQRSTUVWXYZ")
}

// older is what a backup has from before.
const older = "a: {x: 0}\n"

func putOverOlder(t *testing.T, text string) (path string) {
	t.Helper()
	path = put(t, text)
	check(t, os.WriteFile(path+".bak", []byte(older), 0o600))
	return path
}

func TestAFileThatChangedMeanwhileKeepsItsBackup(t *testing.T) {
	const old, edited = "a: {x: 1}\n", "a: {x: 1, y: 2}\n"
	for name, edit := range map[string]func(path string) error{
		"in place": func(path string) error { return os.WriteFile(path, []byte(edited), 0o600) },
		"by another file": func(path string) error {
			check(t, os.WriteFile(path+".swp", []byte(edited), 0o600))
			return os.Rename(path+".swp", path)
		},
	} {
		for where, prepare := range map[string]func(t *testing.T, path string) (target string){
			"alone":         func(_ *testing.T, path string) string { return path },
			"behind a link": moveBehindLink,
		} {
			t.Run(name+", "+where, func(t *testing.T) {
				path := putOverOlder(t, old)
				target := prepare(t, path)
				was, err := os.Stat(path)
				check(t, err)
				check(t, edit(target))
				if err := intelmqconf.Replace(path, old, "a: {}\n", was); !errors.Is(err, intelmqconf.ErrChanged) {
					t.Errorf("%v", err)
				}
				expectFiles(t, filepath.Dir(path), map[string]string{"runtime.yaml": edited, "runtime.yaml.bak": older})
				if target != path {
					expectFiles(t, filepath.Dir(target), map[string]string{"checkout.yaml": edited})
				}
			})
		}
	}
}

// saveWhereFilesAreShort stands for a full disk: there is room for the backup, and
// for half of the new file.
func saveWhereFilesAreShort(path string) {
	signal.Ignore(syscall.SIGXFSZ)
	limit := syscall.Rlimit{Cur: 5000, Max: 5000}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		fmt.Print(err)
		return
	}
	var r intelmqconf.Runtime
	if _, err := r.Save(path, []byte(botnet(100, "one")), intelmqconf.Saving{}); err != nil {
		fmt.Print(err)
	}
}

func TestOwnerGroupAndModeStay(t *testing.T) {
	path := put(t, "a: {x: 1}\n")
	check(t, os.Chmod(path, 0o664))
	if os.Geteuid() == 0 {
		check(t, os.Chown(path, 12345, 23456))
	}
	save(t, path, `{"a":{"x":2}}`)
	for _, file := range []string{path, path + ".bak"} {
		info, err := os.Stat(file)
		check(t, err)
		owner := info.Sys().(*syscall.Stat_t)
		if info.Mode().Perm() != 0o664 || os.Geteuid() == 0 && (owner.Uid != 12345 || owner.Gid != 23456) {
			t.Errorf("'%s' has %v and belongs to %d:%d", file, info.Mode(), owner.Uid, owner.Gid)
		}
	}
}

func TestALinkStaysOneAndTheBackupIsBesideIt(t *testing.T) {
	const old = "a: {x: 1}\n"
	path := put(t, old)
	target := moveBehindLink(t, path)
	_, text := save(t, path, `{"a":{"x":2}}`)
	expectFiles(t, filepath.Dir(target), map[string]string{"checkout.yaml": text})
	expectFiles(t, filepath.Dir(path), map[string]string{"runtime.yaml": text, "runtime.yaml.bak": old})
	if info, err := os.Lstat(path); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", info, err)
	}
}

func moveBehindLink(t *testing.T, path string) (target string) {
	t.Helper()
	target = filepath.Join(t.TempDir(), "checkout.yaml")
	check(t, os.Rename(path, target))
	check(t, os.Symlink(target, path))
	return target
}

func TestABackupThatCannotBeMadeKeepsTheOldFile(t *testing.T) {
	const old = "a: {x: 1}\n"
	var r intelmqconf.Runtime
	path := put(t, old)
	check(t, os.Mkdir(path+".bak", 0o700))
	_, err := r.Save(path, []byte(`{"a":{"x":2}}`), intelmqconf.Saving{})
	failed, is := errors.AsType[*intelmqconf.FileError](err)
	if !is || failed.Path != path+".bak" {
		t.Errorf("%v", err)
	}
	check(t, os.Remove(path+".bak"))
	expectUntouched(t, path, old)
}

func TestAPipeIsNotWaitedFor(t *testing.T) {
	var r intelmqconf.Runtime
	path := filepath.Join(t.TempDir(), "runtime.yaml")
	check(t, syscall.Mkfifo(path, 0o600))
	if _, err := r.Read(path); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("%v", err)
	}
}
