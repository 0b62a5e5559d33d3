package cce_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/cce"
	"github.com/sallyport/sallyport/internal/cscp"
)

// daemon is a cced that knows one user at most, and what rotations ask.
type daemon struct {
	mu sync.Mutex
	// exists: there is the user, object 7; the properties and namespaces are his.
	exists     bool
	properties map[string]string
	namespaces []string
	password   string
	// forgets: changes are OK and thrown away, as after a start with -ro.
	forgets bool
	// instead answers a command, by its word, in another way; "" closes.
	instead map[string]string
	lines   []string
}

// blueonyx is a user's properties and namespaces as they are on a real server.
func blueonyx() *daemon {
	return &daemon{
		properties: map[string]string{"enabled": "1", "systemAdministrator": "1", "ui_enabled": "0", "stylePreference": "", "localePreference": "browser"},
		namespaces: []string{"Email", "Shell", "RootAccess"},
		instead:    map[string]string{},
	}
}

func (d *daemon) open(ctx context.Context) (*cscp.Conn, error) {
	return cscp.Open(ctx, func(context.Context) (net.Conn, error) {
		here, there := net.Pipe()
		go d.serve(there)
		return here, nil
	}, cscp.Options{})
}

func (d *daemon) serve(stream net.Conn) {
	defer stream.Close()
	fmt.Fprint(stream, "100 CSCP/0.99\n200 READY\n")
	for lines := bufio.NewScanner(stream); lines.Scan(); {
		reply := d.answer(lines.Text())
		if reply == "" {
			return
		}
		fmt.Fprint(stream, reply)
	}
}

var setting = regexp.MustCompile(`(\w+) ?= ?"([^"]*)"`)

func (d *daemon) answer(line string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
	word, _, _ := strings.Cut(line, " ")
	values := map[string]string{}
	for _, m := range setting.FindAllStringSubmatch(line, -1) {
		values[m[1]] = m[2]
	}
	if reply, other := d.instead[word]; other {
		return strings.ReplaceAll(reply, "PASSWORD", values["password"])
	}
	switch word {
	case "FIND":
		if d.exists {
			return "104 OBJECT 7\n201 OK\n"
		}
	case "GET":
		var reply strings.Builder
		for name, value := range d.properties {
			fmt.Fprintf(&reply, "102 DATA %s = \"%s\"\n", name, value)
		}
		return reply.String() + "201 OK\n"
	case "NAMES":
		return "105 NAMESPACE " + strings.Join(d.namespaces, "\n105 NAMESPACE ") + "\n201 OK\n"
	case "CREATE", "SET":
		if password, given := values["password"]; given && !d.forgets {
			d.exists, d.password = true, password
		}
		if word == "CREATE" {
			return "104 OBJECT 7\n201 OK\n"
		}
	case "AUTH":
		if line != fmt.Sprintf(`AUTH "api-admin" "%s"`, d.password) {
			return "401 FAIL\n"
		}
		return "109 SESSIONID " + strings.Repeat("x", 63) + "\n201 OK\n"
	}
	return "201 OK\n"
}

// rotating is a rotation under test.
type rotating struct {
	*daemon
	onDisk
	rotation cce.Rotation
}

// rotate prepares one whose old password is "old", in the clear.
func rotate(t *testing.T, d *daemon) *rotating {
	t.Helper()
	r := &rotating{daemon: d, onDisk: inFiles(t)}
	r.MasterKey = ""
	r.write(r.Password, "old", time.Now())
	d.password = "old"
	r.rotation = cce.Rotation{User: "api-admin", Files: r.AccountFiles, Random: rand.Reader, Open: d.open}
	return r
}

func (r *rotating) run() (*cce.Rotated, error) {
	r.t.Helper()
	r.rotation.Files = r.AccountFiles
	admin, err := r.open(r.t.Context())
	check(r.t, err)
	defer admin.Close()
	return r.rotation.Run(r.t.Context(), admin)
}

// expectRotated holds that the daemon's password is new, the file's, and nowhere
// else.
func (r *rotating) expectRotated(done *cce.Rotated, err error) {
	r.t.Helper()
	check(r.t, err)
	if done.OID != 7 || !regexp.MustCompile(`^[0-9A-Za-z]{24}$`).MatchString(r.password) {
		r.t.Errorf("object %s has '%s'", done.OID, r.password)
	}
	expectPassword(r.t, cce.NewAccount("api-admin", r.AccountFiles), r.password)
	r.expectBeside(false)
}

func (r *rotating) expectBeside(want bool) {
	r.t.Helper()
	_, err := os.Stat(r.Password + ".new")
	if there := err == nil; there != want {
		r.t.Errorf("the file beside is there: %v, want %v", there, want)
	}
}

// expectSent holds which lines with a pattern in them cced has got, without
// passwords.
func (r *rotating) expectSent(pattern string, want ...string) {
	r.t.Helper()
	var got []string
	for _, line := range r.lines {
		if regexp.MustCompile(pattern).MatchString(line) {
			got = append(got, strings.ReplaceAll(line, r.password, "PASSWORD"))
		}
	}
	if !slices.Equal(got, want) {
		r.t.Errorf("cced has got %q, want %q", got, want)
	}
}

func TestAUserThatIsThereGetsANewPasswordAndLosesTheShell(t *testing.T) {
	d := blueonyx()
	d.exists = true
	r := rotate(t, d)
	done, err := r.run()
	r.expectRotated(done, err)
	if done.UserMade || done.KeyMade || len(done.Warnings) > 0 {
		t.Errorf("%+v", done)
	}
	r.expectSent("^(CREATE|SET|ENDKEY)",
		`SET 7 password = "PASSWORD"`,
		`ENDKEY`,
		`SET 7 . Shell enabled = "0"`,
		`SET 7 . RootAccess enabled = "0"`)
}

func TestAUserThatIsMissingIsMadeWithItsFlagsAndItsFiles(t *testing.T) {
	r := rotate(t, blueonyx())
	r.MasterKey = r.Password + ".key"
	check(t, os.Remove(r.Password))
	done, err := r.run()
	r.expectRotated(done, err)
	if !done.UserMade || !done.KeyMade || len(done.Warnings) > 0 {
		t.Errorf("%+v", done)
	}
	r.expectSent("^(CREATE|SET)",
		`CREATE User name = "api-admin" fullName = "API Integration Account" systemAdministrator = "1" password = "PASSWORD"`,
		`SET 7 ui_enabled = "1" stylePreference = "BlueOnyx"`,
		`SET 7 . Shell enabled = "0"`,
		`SET 7 . RootAccess enabled = "0"`)
	for _, path := range []string{r.Password, r.MasterKey} {
		info, err := os.Stat(path)
		check(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("'%s' has mode %04o", path, info.Mode().Perm())
		}
	}
	if content, err := os.ReadFile(r.Password); err != nil || strings.Contains(string(content), r.password) {
		t.Errorf("the password is in the clear: %v", err)
	}
}

func TestAKeyAndTheModeOfAFileStay(t *testing.T) {
	d := blueonyx()
	d.exists = true
	r := rotate(t, d)
	r.MasterKey = r.Password + ".key"
	r.write(r.MasterKey, masterKey, time.Now())
	check(t, os.Chmod(r.Password, 0o640))
	done, err := r.run()
	r.expectRotated(done, err)
	key, err := os.ReadFile(r.MasterKey)
	check(t, err)
	info, err := os.Stat(r.Password)
	check(t, err)
	if string(key) != masterKey || info.Mode().Perm() != 0o640 {
		t.Errorf("the key is '%s', the mode %04o", key, info.Mode().Perm())
	}
}

func TestAnAccountThatSomebodyHasLimitedStaysLimited(t *testing.T) {
	d := blueonyx()
	d.exists, d.properties["systemAdministrator"] = true, "0"
	r := rotate(t, d)
	done, err := r.run()
	r.expectRotated(done, err)
	r.expectSent("systemAdministrator")
	if len(done.Warnings) != 1 || !strings.Contains(done.Warnings[0], "is no system administrator") {
		t.Errorf("%q", done.Warnings)
	}
}

func TestWhatCannotBeDoneAfterwardsIsAWarning(t *testing.T) {
	d := blueonyx()
	d.exists, d.instead["NAMES"] = true, "401 FAIL\n"
	r := rotate(t, d)
	done, err := r.run()
	r.expectRotated(done, err)
	if len(done.Warnings) != 1 || !strings.Contains(done.Warnings[0], "it is not known whether the user has shell") {
		t.Errorf("%q", done.Warnings)
	}
}

func TestAPasswordThatCannotBeTriedIsPutInItsPlaceWithAWarning(t *testing.T) {
	d := blueonyx()
	d.exists = true
	r := rotate(t, d)
	r.rotation.Open = func(context.Context) (*cscp.Conn, error) { return nil, cscp.ErrTooManyConnections }
	done, err := r.run()
	r.expectRotated(done, err)
	if len(done.Warnings) != 1 || !strings.Contains(done.Warnings[0], "the new password could not be tried") {
		t.Errorf("%q", done.Warnings)
	}
}

// In each case the error says where the password is, and another run mends it.
func TestAPasswordThatMayBeNewIsNotLost(t *testing.T) {
	for name, c := range map[string]struct {
		spoil, mend func(r *rotating)
		want        string
	}{
		"cced goes away before it has answered": {
			func(r *rotating) { r.instead["SET"] = "" },
			func(r *rotating) { delete(r.instead, "SET") },
			"may be the new one, which is in ",
		},
		"cced makes no object": {
			func(r *rotating) { r.exists, r.instead["CREATE"] = false, "201 OK\n" },
			func(r *rotating) { delete(r.instead, "CREATE") },
			"may be the new one, which is in ",
		},
		"cced was started read-only": {
			func(r *rotating) { r.forgets = true },
			func(r *rotating) { r.forgets = false },
			"does not accept it",
		},
	} {
		d := blueonyx()
		d.exists = true
		r := rotate(t, d)
		c.spoil(r)
		_, err := r.run()
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), r.Password+".new") {
			t.Errorf("%s: %v", name, err)
		}
		r.expectBeside(true)
		expectPassword(t, cce.NewAccount("api-admin", r.AccountFiles), "old")
		c.mend(r)
		done, err := r.run()
		r.expectRotated(done, err)
	}
}

func TestAFileThatWasPutInItsPlaceMeanwhileIsNotOverwritten(t *testing.T) {
	d := blueonyx()
	d.exists = true
	r := rotate(t, d)
	r.rotation.Open = func(ctx context.Context) (*cscp.Conn, error) {
		check(t, os.Rename(r.Password, r.Password+".old"))
		r.write(r.Password, "other", time.Now())
		return d.open(ctx)
	}
	_, err := r.run()
	if err == nil || !strings.Contains(err.Error(), "cannot be put in its place") || !strings.Contains(err.Error(), r.Password+".new") {
		t.Errorf("%v", err)
	}
	r.expectBeside(true)
	expectPassword(t, cce.NewAccount("api-admin", r.AccountFiles), "other")
}

func TestWhatIsRefusedChangesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(r *rotating)
		want  string
	}{
		"cced refuses the password": {
			func(r *rotating) {
				r.instead["SET"] = "302 BAD DATA 7 password \"PASSWORD is too simple\"\n401 FAIL\n"
			},
			`cced refuses SET for user 'api-admin': 302 BAD DATA 7 password "REDACTED is too simple", 401 FAIL`,
		},
		"there are no rights": {
			func(r *rotating) { r.instead["SET"] = "304 PERMISSION DENIED password\n401 FAIL\n" },
			"it needs the rights of an administrator: run it as root",
		},
		"there is no room for the user": {
			func(r *rotating) {
				r.exists, r.instead["CREATE"] = false, "104 OBJECT 7\n302 BAD DATA 0 name \"[[base-cce.invalidData]]\"\n401 FAIL\n"
			},
			"cced refuses CREATE for user 'api-admin': 302 BAD DATA 0 name",
		},
		"the user is disabled": {
			func(r *rotating) { r.properties["enabled"] = "0" },
			"user 'api-admin' (object 7) is disabled in CCE",
		},
		"there are two users": {
			func(r *rotating) { r.instead["FIND"] = "104 OBJECT 7\n104 OBJECT 8\n201 OK\n" },
			"CCE has 2 users of the name 'api-admin', objects 7 and 8",
		},
		"cced knows no users": {
			func(r *rotating) { r.instead["FIND"] = "301 UNKNOWN CLASS User\n401 FAIL\n" },
			"cced refuses FIND for user 'api-admin': 301 UNKNOWN CLASS User",
		},
		"the name is too long": {
			func(r *rotating) { r.rotation.User = strings.Repeat("a", 32) },
			"has 1 to 31 bytes",
		},
		"two files are one": {
			func(r *rotating) { r.MasterKey = r.Password },
			"they are two files",
		},
		"the folder is missing": {
			func(r *rotating) { r.MasterKey = r.Password + ".missing/key" },
			"cannot be made",
		},
		"cced refuses it after a master key was made": {
			func(r *rotating) {
				r.MasterKey = r.Password + ".key"
				r.instead["SET"] = "302 BAD DATA 7 password \"too simple\"\n401 FAIL\n"
			},
			"cced refuses SET for user 'api-admin'",
		},
		"there is no room for the file after a master key was made": {
			func(r *rotating) {
				r.MasterKey = r.Password + ".key"
				check(r.t, os.MkdirAll(r.Password+".new/full", 0o700))
				r.t.Cleanup(func() { check(r.t, os.RemoveAll(r.Password+".new")) })
			},
			".new",
		},
	} {
		d := blueonyx()
		d.exists = true
		r := rotate(t, d)
		c.spoil(r)
		_, err := r.run()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want '…%s…'", name, err, c.want)
		}
		if _, err := os.Stat(r.Password + ".key"); err == nil {
			t.Errorf("%s: a master key is left", name)
		}
		if !strings.HasPrefix(name, "there is no room for the file") {
			r.expectBeside(false)
		}
		r.MasterKey = ""
		expectPassword(t, cce.NewAccount("api-admin", r.AccountFiles), "old")
		if r.password != "old" {
			t.Errorf("%s: the user has another password", name)
		}
	}
}

func TestAFileThatCannotBeReplacedIsFoundOutBeforeCCEDIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(r *rotating)
		want  string
	}{
		"everybody may read it": {
			func(r *rotating) { check(r.t, os.Chmod(r.Password, 0o644)) },
			"it is open to everybody on this machine (mode 0644)",
		},
		"it is a folder": {
			func(r *rotating) {
				check(r.t, os.Remove(r.Password))
				check(r.t, os.Mkdir(r.Password, 0o700))
			},
			"it is not a regular file",
		},
		"it is a link to nothing": {
			func(r *rotating) {
				check(r.t, os.Remove(r.Password))
				check(r.t, os.Symlink("missing", r.Password))
			},
			"it is a symbolic link that leads nowhere",
		},
		"it is encrypted, and no master key is named": {
			func(r *rotating) { r.write(r.Password, encrypt(r.t, masterKey, "old"), time.Now()) },
			"it is encrypted; say where its master key file is",
		},
		"its folder is missing": {
			func(r *rotating) { r.Password += "/missing/file" },
			"password file",
		},
		"there is no chance": {
			func(r *rotating) { r.rotation.Random = strings.NewReader("") },
			"reading random bytes",
		},
		"the master key is empty": {
			func(r *rotating) {
				r.MasterKey = r.Password + ".key"
				r.write(r.MasterKey, "", time.Now())
			},
			"it is empty",
		},
	} {
		d := blueonyx()
		d.exists = true
		r := rotate(t, d)
		c.spoil(r)
		if _, err := r.run(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want '…%s…'", name, err, c.want)
		}
		r.expectSent("^(CREATE|SET|AUTH)")
	}
}

func TestARotationEndsWithItsTime(t *testing.T) {
	d := blueonyx()
	r := rotate(t, d)
	admin, err := d.open(t.Context())
	check(t, err)
	defer admin.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.rotation.Run(ctx, admin); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
