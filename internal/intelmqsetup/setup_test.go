//go:build unix

package intelmqsetup_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/intelmqsetup"
)

const rule = "caddy ALL=(intelmq) NOPASSWD: /usr/bin/intelmqctl\n"

// setup is one by root.
func (m *machine) setup() intelmqsetup.Setup {
	system := m.system()
	system.Self = intelmqsetup.Account{Name: "root"}
	return intelmqsetup.Setup{System: system, User: "caddy", IntelMQUser: "intelmq", Intelmqctl: "/usr/bin/intelmqctl", ConfigDir: configDir}
}

func (m *machine) run(s intelmqsetup.Setup, dryRun bool) (string, error) {
	var out strings.Builder
	err := s.Run(m.Context(), dryRun, &out)
	return out.String(), err
}

func TestSetUpMakesAllThatIsMissing(t *testing.T) {
	m := newMachine(t)
	// visudo says yes where there is none.
	said, err := m.run(m.setup(), false)
	check(t, err)
	want := `done        user 'caddy' is a member of group 'intelmq'
              restart Caddy, since a process keeps the groups with which it was started
done        group 'intelmq' can write '/opt/intelmq/etc'
done        group 'intelmq' can write '/opt/intelmq/etc/runtime.yaml'
done        group 'intelmq' can write '/opt/intelmq/etc/manager'
done        group 'intelmq' can write '/opt/intelmq/etc/manager/positions.conf'
done        user 'caddy' may run '/usr/bin/intelmqctl' as 'intelmq', by '/etc/sudoers.d/sallyport-intelmq'
`
	if d := cmp.Diff(want, said); d != "" {
		t.Error(d)
	}
	m.expect(configDir, "", fs.ModeDir|0o775)
	m.expect(configDir+"/runtime.yaml", "{}\n", 0o664)
	m.expect(configDir+"/manager", "", fs.ModeDir|0o775)
	m.expect(configDir+"/manager/positions.conf", "{}", 0o664)
	m.expect("/etc/sudoers.d/sallyport-intelmq", rule, 0o440)
	if len(m.runs) != 2 || strings.Join(m.runs[0], " ") != "usermod -a -G intelmq caddy" || strings.Join(m.runs[1][:3], " ") != "visudo -c -f" {
		t.Errorf("what was run: %v", m.runs)
	}
	if !strings.Contains(filepath.Base(m.runs[1][3]), ".") {
		t.Errorf("sudo would read the draft '%s'", m.runs[1][3])
	}
}

func TestToSetUpAgainChangesNothing(t *testing.T) {
	m := newMachine(t)
	_, err := m.run(m.setup(), false)
	check(t, err)
	caddy := m.users["caddy"]
	caddy.Groups = append(caddy.Groups, m.users["intelmq"].GID)
	m.users["caddy"] = caddy
	check(t, os.WriteFile(m.path(configDir+"/manager/positions.conf"), []byte(`{"a":1}`), 0o664))
	m.runs = nil
	said, err := m.run(m.setup(), false)
	check(t, err)
	if n := strings.Count(said, "already "); n != 6 || len(m.runs) != 0 {
		t.Errorf("%d are already so, and %v were run:\n%s", n, m.runs, said)
	}
	m.expect(configDir+"/manager/positions.conf", `{"a":1}`, 0o664)
}

func TestADryRunTellsAndChangesNothing(t *testing.T) {
	m := newMachine(t)
	said, err := m.run(m.setup(), true)
	check(t, err)
	want := `would do    user 'caddy' is a member of group 'intelmq'
              usermod -a -G intelmq caddy
would do    group 'intelmq' can write '/opt/intelmq/etc'
              chgrp intelmq '/opt/intelmq/etc'
              chmod g+rwx '/opt/intelmq/etc'
would do    group 'intelmq' can write '/opt/intelmq/etc/runtime.yaml'
              chgrp intelmq '/opt/intelmq/etc/runtime.yaml'
              chmod g+rw '/opt/intelmq/etc/runtime.yaml'
would do    group 'intelmq' can write '/opt/intelmq/etc/manager'
              install -d -o intelmq -g intelmq -m 0775 '/opt/intelmq/etc/manager'
would do    group 'intelmq' can write '/opt/intelmq/etc/manager/positions.conf'
              printf '{}' >'/opt/intelmq/etc/manager/positions.conf'
              chown intelmq:intelmq '/opt/intelmq/etc/manager/positions.conf'
              chmod 0664 '/opt/intelmq/etc/manager/positions.conf'
would do    user 'caddy' may run '/usr/bin/intelmqctl' as 'intelmq', by '/etc/sudoers.d/sallyport-intelmq'
              the line, with mode 0440, once ` + "`visudo -c`" + ` has accepted it:
              caddy ALL=(intelmq) NOPASSWD: /usr/bin/intelmqctl
`
	if d := cmp.Diff(want, said); d != "" {
		t.Error(d)
	}
	m.expect(configDir, "", fs.ModeDir|0o755)
	m.expect(configDir+"/runtime.yaml", "{}\n", 0o644)
	for _, name := range []string{configDir + "/manager", "/etc/sudoers.d/sallyport-intelmq"} {
		if _, err := os.Lstat(m.path(name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("'%s' is there: %v", name, err)
		}
	}
	if len(m.runs) != 0 {
		t.Errorf("what was run: %v", m.runs)
	}
}

func TestIntelMQsOwnUserNeedsNeitherSudoNorMembership(t *testing.T) {
	m := newMachine(t)
	s := m.setup()
	s.User = "intelmq"
	said, err := m.run(s, false)
	check(t, err)
	if strings.Count(said, "not needed ") != 2 || strings.Count(said, ": Caddy runs as IntelMQ's own user\n") != 2 || len(m.runs) != 0 {
		t.Errorf("%v were run:\n%s", m.runs, said)
	}
}

func TestWhatVisudoRefusesIsNotPutInPlace(t *testing.T) {
	m := newMachine(t)
	m.write("/etc/sudoers.d/sallyport-intelmq", "old\n", 0o440)
	m.says["visudo"] = answer{"parse error in\nline 1", errors.New("exit status 1")}
	_, err := m.run(m.setup(), false)
	if err == nil || !strings.Contains(err.Error(), "visudo does not accept it: exit status 1: parse error in line 1") {
		t.Errorf("%v", err)
	}
	m.expect("/etc/sudoers.d/sallyport-intelmq", "old\n", 0o440)
	if left, err := os.ReadDir(m.path("/etc/sudoers.d")); err != nil || len(left) != 1 {
		t.Errorf("what is left: %v, %v", left, err)
	}
}

// TestVisudo lets sudo's own program read the rule.
func TestVisudo(t *testing.T) {
	visudo := tool(t, "visudo")
	m := newMachine(t)
	s := m.setup()
	s.System.Run = func(ctx context.Context, program string, arguments ...string) (string, error) {
		if program != "visudo" {
			return "", nil
		}
		said, err := exec.CommandContext(ctx, visudo, arguments...).CombinedOutput()
		return string(said), err
	}
	_, err := m.run(s, false)
	check(t, err)
	m.expect("/etc/sudoers.d/sallyport-intelmq", rule, 0o440)
	bad := filepath.Join(t.TempDir(), "bad")
	check(t, os.WriteFile(bad, []byte("caddy ALL=(intelmq NOPASSWD: x\n"), 0o440))
	if err := exec.CommandContext(t.Context(), visudo, "-c", "-f", bad).Run(); err == nil {
		t.Error("visudo accepts anything; this test cannot fail")
	}
}

func TestSetUpRefusesWhatItCannotMean(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*machine, *intelmqsetup.Setup)
		want   string
	}{
		"a user who is an alias of sudo":       {func(_ *machine, s *intelmqsetup.Setup) { s.User = "ALL" }, "is not a name"},
		"a group of sudo":                      {func(_ *machine, s *intelmqsetup.Setup) { s.User = "%caddy" }, "is not a name"},
		"two users":                            {func(_ *machine, s *intelmqsetup.Setup) { s.User = "caddy,www-data" }, "is not a name"},
		"a user with a line feed":              {func(_ *machine, s *intelmqsetup.Setup) { s.IntelMQUser = "intelmq\nroot" }, "is not a name"},
		"a user who is an option":              {func(_ *machine, s *intelmqsetup.Setup) { s.User = "-r" }, "is not a name"},
		"a user who is not there":              {func(_ *machine, s *intelmqsetup.Setup) { s.User = "www-data" }, "the user of Caddy: unknown user www-data; name it by --user"},
		"an IntelMQ user who is not there":     {func(_ *machine, s *intelmqsetup.Setup) { s.IntelMQUser = "other" }, "the user of IntelMQ: unknown user other; name it by --intelmq-user"},
		"a command without its path":           {func(_ *machine, s *intelmqsetup.Setup) { s.Intelmqctl = "intelmqctl" }, "is not a whole path"},
		"a command with a wildcard":            {func(_ *machine, s *intelmqsetup.Setup) { s.Intelmqctl = "/usr/bin/*" }, "is not a whole path"},
		"a command with arguments":             {func(_ *machine, s *intelmqsetup.Setup) { s.Intelmqctl = "/bin/sh -c" }, "is not a whole path"},
		"two commands":                         {func(_ *machine, s *intelmqsetup.Setup) { s.Intelmqctl = "/bin/a,/bin/b" }, "is not a whole path"},
		"a path that goes up":                  {func(_ *machine, s *intelmqsetup.Setup) { s.Intelmqctl = "/usr/bin/../bin/intelmqctl" }, "is not a whole path"},
		"a folder of commands":                 {func(_ *machine, s *intelmqsetup.Setup) { s.Intelmqctl = "/usr/bin" }, "is not a program"},
		"a command that is not there":          {func(_ *machine, s *intelmqsetup.Setup) { s.Intelmqctl = "/usr/bin/none" }, "command -v intelmqctl'` shows by --intelmqctl"},
		"a command that is no program":         {func(m *machine, _ *intelmqsetup.Setup) { m.chmod("/usr/bin/intelmqctl", 0o644) }, "is not a program"},
		"a command that everybody can change":  {func(m *machine, _ *intelmqsetup.Setup) { m.chmod("/usr/bin/intelmqctl", 0o757) }, "everybody can change"},
		"a relative folder":                    {func(_ *machine, s *intelmqsetup.Setup) { s.ConfigDir = "etc" }, "is not a whole path"},
		"a folder that is not there":           {func(_ *machine, s *intelmqsetup.Setup) { s.ConfigDir = "/none" }, "shows by --config-dir"},
		"the root":                             {func(_ *machine, s *intelmqsetup.Setup) { s.ConfigDir = "/" }, "is not a folder of IntelMQ's configuration"},
		"another folder":                       {func(_ *machine, s *intelmqsetup.Setup) { s.ConfigDir = "/etc" }, "CONFIG_DIR"},
		"a folder where the file is a pipe":    {func(m *machine, _ *intelmqsetup.Setup) { m.pipe(configDir + "/runtime.yaml") }, "not a regular file"},
		"a folder where the file is a link":    {func(m *machine, _ *intelmqsetup.Setup) { m.link(configDir+"/runtime.yaml", "../secret") }, "symbolic link"},
		"a file that has another name":         {func(m *machine, _ *intelmqsetup.Setup) { m.name(configDir+"/runtime.yaml", "/opt/intelmq/secret") }, "several names"},
		"a machine without a folder of sudo's": {func(m *machine, _ *intelmqsetup.Setup) { m.remove("/etc/sudoers.d") }, "install sudo"},
		"a folder that is a link":              {func(m *machine, _ *intelmqsetup.Setup) { m.link(configDir+"/manager", "../../../etc") }, "symbolic link"},
		"a usermod that fails": {func(m *machine, _ *intelmqsetup.Setup) {
			m.says["usermod"] = answer{"cannot lock\n", errors.New("exit 10")}
		}, "usermod: exit 10: cannot lock"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.write("/opt/intelmq/secret", "precious", 0o600)
			s := m.setup()
			c.change(m, &s)
			_, err := m.run(s, false)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want '…%s…'", err, c.want)
			}
			if _, is := errors.AsType[*intelmqsetup.RefusedError](err); is != (len(m.runs) == 0) {
				t.Errorf("%v refuses a word: %t, and what was run is %v", err, is, m.runs)
			}
			m.expect("/opt/intelmq/secret", "precious", 0o600)
			m.expect("/etc", "", fs.ModeDir|0o755)
		})
	}
}

func TestBitsOfAFolderThatHaveOtherUsesStay(t *testing.T) {
	m := newMachine(t)
	m.chmod(configDir, fs.ModeSetgid|0o750)
	_, err := m.run(m.setup(), false)
	check(t, err)
	m.expect(configDir, "", fs.ModeDir|fs.ModeSetgid|0o770)
}

func TestRootGivesTheGroupItsFilesAndLeavesTheOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	m := newMachine(t)
	m.users["intelmq"] = intelmqsetup.Account{Name: "intelmq", UID: 12345, GID: 12346, Group: "intelmq", Groups: []int{12346}}
	m.own(configDir, 0, 0)
	check(t, os.Chown(m.path(configDir+"/runtime.yaml"), 54321, 778))
	_, err := m.run(m.setup(), false)
	check(t, err)
	for name, want := range map[string][2]uint32{
		"": {0, 12346}, "/runtime.yaml": {54321, 12346}, "/manager": {12345, 12346}, "/manager/positions.conf": {12345, 12346},
	} {
		info, err := os.Stat(m.path(configDir + name))
		check(t, err)
		if of := info.Sys().(*syscall.Stat_t); of.Uid != want[0] || of.Gid != want[1] {
			t.Errorf("'%s' belongs to %d:%d, want %v", name, of.Uid, of.Gid, want)
		}
	}
}

func TestWhoIsNotRootIsTold(t *testing.T) {
	m := newMachine(t)
	s := m.setup()
	s.System.Self = m.users["caddy"]
	if said, err := m.run(s, false); !errors.Is(err, intelmqsetup.ErrNotRoot) || said != "" || len(m.runs) != 0 {
		t.Errorf("%v, after '%s' and %v", err, said, m.runs)
	}
	if _, err := m.run(s, true); err != nil {
		t.Errorf("a dry run: %v", err)
	}
}

func TestTheFolderIsAskedForWhereItIsNotSaid(t *testing.T) {
	m := newMachine(t)
	check(t, os.Rename(m.path(configDir), m.path("/opt/intelmq/elsewhere")))
	asked := 0
	s := m.setup()
	s.ConfigDir, s.Ask = "", func(context.Context) string { asked++; return "/opt/intelmq/elsewhere" }
	said, err := m.run(s, false)
	if err != nil || asked != 1 || !strings.Contains(said, "can write '/opt/intelmq/elsewhere/runtime.yaml'") {
		t.Errorf("%v, asked %d times: %s", err, asked, said)
	}
	s.Intelmqctl = "/usr/bin/none"
	if _, err := m.run(s, false); err == nil || asked != 1 {
		t.Errorf("%v, asked %d times of a command that is not there", err, asked)
	}
}

func (m *machine) pipe(name string) {
	m.remove(name)
	check(m.T, syscall.Mkfifo(m.path(name), 0o600))
}

func (m *machine) link(name, target string) {
	m.remove(name)
	check(m.T, os.Symlink(target, m.path(name)))
}

func (m *machine) name(name, target string) {
	m.remove(name)
	check(m.T, os.Link(m.path(target), m.path(name)))
}
