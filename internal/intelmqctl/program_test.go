//go:build unix

package intelmqctl_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/intelmqctl"
)

// script is a Program that runs a script of the shell. Its arguments are $1, $2 …
func script(text string) *intelmqctl.Program {
	return &intelmqctl.Program{Words: []string{"/bin/sh", "-c", text, "intelmqctl"}}
}

// execute runs a script to its end.
func execute(t *testing.T, p *intelmqctl.Program, arguments ...string) intelmqctl.Output {
	t.Helper()
	o, err := p.Execute(t.Context(), arguments)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestAProgramPrintsAndEnds(t *testing.T) {
	arguments := []string{"--type", "", "a b", "'", `"$(id)"`, "grüß\ndich", "*"}
	o := execute(t, script(`printf '<%s>' "$@"; echo trouble >&2; exit 3`), arguments...)
	want := ""
	for _, argument := range arguments {
		want += "<" + argument + ">"
	}
	if string(o.Stdout) != want || string(o.Stderr) != "trouble\n" || o.ExitCode != 3 {
		t.Errorf("got %q, %q, exit code %d", o.Stdout, o.Stderr, o.ExitCode)
	}
	if o.Truncated || o.Interrupted || o.Running != nil || o.Took <= 0 {
		t.Errorf("got %+v", o)
	}
}

func TestAProgramReadsNothing(t *testing.T) {
	o := execute(t, script(`readlink /proc/$$/fd/0; cat; echo end`))
	if !strings.HasSuffix(string(o.Stdout), "end\n") || !strings.HasPrefix(string(o.Stdout), "/dev/null\n") && onLinux() {
		t.Errorf("got %q", o.Stdout)
	}
}

func onLinux() bool {
	_, err := os.Stat("/proc/self/stat")
	return err == nil
}

func needsLinux(t *testing.T) {
	t.Helper()
	if !onLinux() {
		t.Skip("there is no /proc")
	}
}

func TestAProgramHasASessionOfItsOwn(t *testing.T) {
	needsLinux(t)
	o := execute(t, script(`echo $$; cat /proc/$$/stat; pwd`))
	lines := strings.Split(string(o.Stdout), "\n")
	fields := strings.Fields(lines[1][strings.LastIndex(lines[1], ")")+1:])
	if group, session, terminal := fields[2], fields[3], fields[4]; group != lines[0] || session != lines[0] || terminal != "0" {
		t.Errorf("process %s has group %s, session %s and terminal %s", lines[0], group, session, terminal)
	}
	if lines[2] != "/" {
		t.Errorf("it runs in %s", lines[2])
	}
}

func TestTheEnvironmentIsClean(t *testing.T) {
	needsLinux(t)
	t.Setenv("ICINGA_SECRET", "hunter2")
	t.Setenv("PATH", "/nowhere")
	t.Setenv("LANG", "de_DE")
	t.Setenv("HOME", "/home/x")
	t.Setenv("TZ", "")
	t.Setenv("INTELMQ_ROOT_DIR", "/srv/intelmq")
	unset(t, "INTELMQ_PATHS_NO_OPT")
	o := execute(t, script(`cat /proc/$$/environ`))
	want := []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"LANG=C.UTF-8", "TZ=", "HOME=/home/x", "INTELMQ_ROOT_DIR=/srv/intelmq",
	}
	if diff := cmp.Diff(want, strings.Split(strings.TrimSuffix(string(o.Stdout), "\x00"), "\x00")); diff != "" {
		t.Error(diff)
	}
}

func unset(t *testing.T, name string) {
	t.Helper()
	t.Setenv(name, "")
	os.Unsetenv(name)
}

// TestAProgramInheritsNoFile shows it for a socket of ours, and for one that we
// have inherited, which Go does not close by itself.
func TestAProgramInheritsNoFile(t *testing.T) {
	needsLinux(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	file, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	inherited, err := syscall.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(inherited)
	o := execute(t, script(`ls /proc/$$/fd`))
	if got := strings.Fields(string(o.Stdout)); !slices.Equal(got, []string{"0", "1", "2"}) {
		t.Errorf("it has the files %s", got)
	}
}

func TestOutputIsBounded(t *testing.T) {
	for _, c := range []struct {
		name, script   string
		max            int
		stdout, stderr int
		truncated      bool
	}{
		{"all that fits", `head -c 1000 /dev/zero`, 1000, 1000, 0, false},
		{"a byte more", `head -c 1001 /dev/zero`, 1000, 1000, 0, true},
		{"more than 16 MiB", `head -c 17000000 /dev/zero`, 0, 16 << 20, 0, true},
		{"messages of 5 MiB, which is no error", `head -c 5242880 /dev/zero >&2`, 0, 0, 1 << 20, false},
		{"messages of a byte more than is kept", `head -c 1048577 /dev/zero >&2`, 0, 0, 1 << 20, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := script(c.script + `; echo "end" >&2; exit 4`)
			p.MaxOutput = c.max
			o := execute(t, p)
			if len(o.Stdout) != c.stdout || o.Truncated != c.truncated {
				t.Errorf("%d bytes, truncated %t", len(o.Stdout), o.Truncated)
			}
			if want := max(c.stderr, len("end\n")); len(o.Stderr) != want || !bytes.HasSuffix(o.Stderr, []byte("end\n")) {
				t.Errorf("%d bytes of messages, want %d, the last of them", len(o.Stderr), want)
			}
			if o.ExitCode != 4 {
				t.Errorf("exit code %d: it was not left to end by itself", o.ExitCode)
			}
		})
	}
}

func TestNothingIsStartedWhenItIsTooLate(t *testing.T) {
	made := filepath.Join(t.TempDir(), "made")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := script(`: >`+made).Execute(ctx, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(made); !errors.Is(err, fs.ErrNotExist) {
		t.Error("it was started")
	}
}

func TestWhatCannotBeStartedIsNamed(t *testing.T) {
	folder := t.TempDir()
	file := func(name, text string, mode fs.FileMode) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct {
		name, command, want string
		err                 error
	}{
		{"nothing", "", "name intelmqctl", nil},
		{"a name nowhere in the PATH", "no-such-intelmqctl", "is in none of the folders '/usr/local/sbin:", fs.ErrNotExist},
		{"a relative path", "bin/intelmqctl", "write its whole path", nil},
		{"a file that is not there", folder + "/missing", "there is no such file; install it", fs.ErrNotExist},
		{"a folder", folder, "this is a folder", nil},
		{"a file without its mode", file("plain", "#!/bin/sh\n", 0o600), "must not execute it; see its mode", fs.ErrPermission},
		{"an interpreter that is not there", file("script", "#!/no/such/python3\n", 0o700), "the interpreter that its first line names is not there", fs.ErrNotExist},
		{"text", file("text", "echo\n", 0o700), "this is no program of this system", syscall.ENOEXEC},
		{"a path through a file", file("file", "", 0o700) + "/intelmqctl", "not a directory", syscall.ENOTDIR},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &intelmqctl.Program{Words: strings.Fields(c.command)}
			_, err := p.Execute(t.Context(), []string{"status"})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.command) {
				t.Fatalf("got %v", err)
			}
			if c.err != nil && !errors.Is(err, c.err) {
				t.Errorf("'%v' is not '%v'", err, c.err)
			}
		})
	}
	t.Run("a folder to run in that is not there", func(t *testing.T) {
		p := script(`:`)
		p.Directory = folder + "/missing"
		if _, err := p.Execute(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "there is no folder '"+p.Directory+"'") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("arguments without an end", func(t *testing.T) {
		_, err := script(`:`).Execute(t.Context(), []string{strings.Repeat("x", 4<<20)})
		if !errors.Is(err, syscall.E2BIG) || !strings.Contains(err.Error(), "arguments are longer") {
			t.Errorf("got %v", err)
		}
	})
}

// TestTheCommandIsFoundInItsOwnPath, and not in that of the server.
func TestTheCommandIsFoundInItsOwnPath(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "intelmqctl"), []byte("#!/bin/sh\necho $0 $1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", "/nowhere")
	p := &intelmqctl.Program{
		Words:       []string{"intelmqctl"},
		Environment: []string{"PATH=.:/nowhere:" + folder},
	}
	if o := execute(t, p, "status"); string(o.Stdout) != folder+"/intelmqctl status\n" {
		t.Errorf("got %q, %q", o.Stdout, o.Stderr)
	}
}

func TestTheLineIsWhatAPersonCouldType(t *testing.T) {
	p := &intelmqctl.Program{Words: []string{"sudo", "-u", "intelmq", "/usr/bin/intelmqctl"}}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	got := p.Line([]string{"run", "csv-parser", "message", "send", `{"a": "it's"}`, ""})
	want := "sudo -u " + me.Username + ` sudo -u intelmq /usr/bin/intelmqctl run csv-parser message send '{"a": "it'"'"'s"}' ''`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if len(p.Words) != 4 {
		t.Error("the words have changed")
	}
}

// TestManyAtOnce is for the race detector.
func TestManyAtOnce(t *testing.T) {
	p := script(`echo "$1"`)
	done := make(chan error)
	for i := range 40 {
		go func() {
			want := strconv.Itoa(i)
			o, err := p.Execute(t.Context(), []string{want})
			if err == nil && string(o.Stdout) != want+"\n" {
				err = errors.New(string(o.Stdout))
			}
			done <- err
		}()
	}
	for range 40 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestNoFileStaysOpen holds it for a program that ends, one behind which another
// holds the output, and one that is not started.
func TestNoFileStaysOpen(t *testing.T) {
	needsLinux(t)
	call := func() {
		execute(t, script(`:`))
		o := execute(t, script(`sleep 600 & echo $!`))
		endLater(t, string(o.Stdout))
		if _, err := (&intelmqctl.Program{Words: []string{"/no/such/intelmqctl"}}).Execute(t.Context(), nil); err == nil {
			t.Error("it was started")
		}
	}
	call()
	before := openFiles(t)
	call()
	if after := openFiles(t); after != before {
		t.Errorf("%d files are open, there were %d", after, before)
	}
}

// openFiles is how many files this process has open.
func openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}
