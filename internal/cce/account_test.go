package cce_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/internal/cce"
	"github.com/sallyport/sallyport/internal/opensslenc"
)

const (
	masterKey = "wq2J0yq3sXkDk9e7p1Zt\n"
	plain     = "Tr0ub4dor"
)

// onDisk are files of an account under test.
type onDisk struct {
	cce.AccountFiles
	t *testing.T
}

func inFiles(t *testing.T) onDisk {
	t.Helper()
	dir := t.TempDir()
	return onDisk{cce.AccountFiles{Password: filepath.Join(dir, "api-admin.passwd"), MasterKey: filepath.Join(dir, "master.key")}, t}
}

// write writes a file over that seems to have been changed at a time.
func (d onDisk) write(path, content string, changed time.Time) {
	d.t.Helper()
	check(d.t, os.WriteFile(path, []byte(content), 0o600))
	check(d.t, os.Chtimes(path, changed, changed))
}

// encryptWith writes a master key, and encrypts a text with it.
func (d onDisk) encryptWith(key, text string) string {
	d.t.Helper()
	d.write(d.MasterKey, key, time.Now())
	return encrypt(d.t, key, text)
}

// encrypt has always the same salt: with some, one in 256, another key seems to
// be right as well.
func encrypt(t *testing.T, key, text string) string {
	t.Helper()
	content, err := opensslenc.Encrypt(strings.NewReader("the salt"), []byte(text), []byte(strings.TrimSpace(key)))
	check(t, err)
	return string(content)
}

func expectPassword(t *testing.T, a *cce.Account, want string) {
	t.Helper()
	password, err := a.Password(t.Context())
	if err != nil || string(password) != want {
		t.Errorf("'%s', %v, want '%s'", string(password), err, want)
	}
}

func TestAPasswordInTheClearIsTrimmed(t *testing.T) {
	d := inFiles(t)
	d.MasterKey = ""
	for _, content := range []string{plain, plain + "\n", "  " + plain + "\r\n\n"} {
		d.write(d.Password, content, time.Now())
		expectPassword(t, cce.NewAccount("api-admin", d.AccountFiles), plain)
	}
}

// The pair is made as the service does that the endpoint replaces.
func TestAPairMadeByOpenSSLIsRead(t *testing.T) {
	d := inFiles(t)
	d.write(d.MasterKey, masterKey, time.Now())
	command := exec.CommandContext(t.Context(), "openssl", "enc", "-aes-256-cbc", "-pbkdf2", "-salt", "-pass", "file:"+d.MasterKey, "-out", d.Password)
	command.Stdin = strings.NewReader(plain + "\n")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("openssl: %v: %s", err, out)
	}
	check(t, os.Chmod(d.Password, 0o600))
	expectPassword(t, cce.NewAccount("api-admin", d.AccountFiles), plain)
}

func TestAChangeCountsAfterASecondAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := inFiles(t)
		d.MasterKey = ""
		d.write(d.Password, "first", time.Now().Add(-time.Hour))
		a := cce.NewAccount("api-admin", d.AccountFiles)
		expectPassword(t, a, "first")
		d.write(d.Password, "second", time.Now().Add(-time.Minute))
		time.Sleep(999 * time.Millisecond)
		expectPassword(t, a, "first")
		time.Sleep(time.Millisecond)
		expectPassword(t, a, "second")
	})
}

func TestAFileThatLooksTheSameIsNotReadAgainUnlessThePasswordIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := inFiles(t)
		d.MasterKey = ""
		long := time.Now().Add(-time.Hour)
		d.write(d.Password, "first", long)
		a := cce.NewAccount("api-admin", d.AccountFiles)
		expectPassword(t, a, "first")
		d.write(d.Password, "other", long)
		time.Sleep(time.Minute)
		expectPassword(t, a, "first")
		a.Refused()
		expectPassword(t, a, "other")
	})
}

// Two changes within the same tick of a file system's clock look like one.
func TestAFileThatHasJustChangedIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := inFiles(t)
		d.MasterKey = ""
		tick := time.Now()
		d.write(d.Password, "first", tick)
		a := cce.NewAccount("api-admin", d.AccountFiles)
		expectPassword(t, a, "first")
		d.write(d.Password, "other", tick)
		time.Sleep(time.Second)
		expectPassword(t, a, "other")
	})
}

func TestAnotherMasterKeyIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := inFiles(t)
		long := time.Now().Add(-time.Hour)
		d.write(d.MasterKey, masterKey, long)
		d.write(d.Password, encrypt(t, masterKey, plain), long)
		a := cce.NewAccount("api-admin", d.AccountFiles)
		expectPassword(t, a, plain)
		d.write(d.MasterKey, "another key", long.Add(time.Minute))
		time.Sleep(time.Second)
		if password, err := a.Password(t.Context()); err == nil || password != "" {
			t.Errorf("'%s', %v", string(password), err)
		}
		d.write(d.MasterKey, masterKey, long)
		time.Sleep(time.Second)
		expectPassword(t, a, plain)
	})
}

func TestFilesThatCannotBeUsedAreNamedAndNotShown(t *testing.T) {
	const secret = "do-not-show-this"
	for name, c := range map[string]struct {
		prepare func(d *onDisk)
		want    string
	}{
		"no file": {func(*onDisk) {}, "`caddy cce account rotate` makes it"},
		"an empty one": {func(d *onDisk) {
			d.MasterKey = ""
			d.write(d.Password, " \n", time.Now())
		}, "/api-admin.passwd': it is empty"},
		"one that everybody may read": {func(d *onDisk) {
			d.MasterKey = ""
			d.write(d.Password, secret, time.Now())
			check(d.t, os.Chmod(d.Password, 0o644))
		}, "/api-admin.passwd': it is open to everybody on this machine (mode 0644); run `chmod 600`"},
		"a key that everybody may read": {func(d *onDisk) {
			d.write(d.Password, d.encryptWith(secret, plain), time.Now())
			check(d.t, os.Chmod(d.MasterKey, 0o604))
		}, "/master.key': it is open to everybody on this machine (mode 0604)"},
		"two lines": {func(d *onDisk) {
			d.MasterKey = ""
			d.write(d.Password, secret+"\n"+secret, time.Now())
		}, "it has to hold one line of text"},
		"one that is too long": {func(d *onDisk) {
			d.MasterKey = ""
			d.write(d.Password, strings.Repeat(secret, 4096), time.Now())
		}, "it has more than 4096 bytes"},
		"a folder": {func(d *onDisk) {
			d.MasterKey = ""
			check(d.t, os.Mkdir(d.Password, 0o700))
		}, "it is not a regular file"},
		"an encrypted one without a key": {func(d *onDisk) {
			d.write(d.Password, d.encryptWith(masterKey, secret), time.Now())
			d.MasterKey = ""
		}, "it is encrypted; say where its master key file is"},
		"a missing key": {func(d *onDisk) {
			d.write(d.Password, d.encryptWith(masterKey, secret), time.Now())
			check(d.t, os.Remove(d.MasterKey))
		}, "master key file: open "},
		"an empty key": {func(d *onDisk) {
			d.write(d.Password, d.encryptWith(masterKey, secret), time.Now())
			d.write(d.MasterKey, "\n", time.Now())
		}, "/master.key': it is empty"},
		"another key": {func(d *onDisk) {
			d.write(d.Password, d.encryptWith(masterKey, secret), time.Now())
			d.write(d.MasterKey, secret, time.Now())
		}, "`caddy cce account rotate` makes a new pair"},
		"a password in the clear, with a key": {func(d *onDisk) {
			d.write(d.MasterKey, masterKey, time.Now())
			d.write(d.Password, secret, time.Now())
		}, "cannot be decrypted with master key file"},
		"nothing but blanks, encrypted": {func(d *onDisk) {
			d.write(d.Password, d.encryptWith(masterKey, "\n"), time.Now())
		}, "/api-admin.passwd': it is empty"},
	} {
		d := inFiles(t)
		c.prepare(&d)
		password, err := cce.NewAccount("api-admin", d.AccountFiles).Password(t.Context())
		if err == nil || password != "" || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want '…%s…'", name, err, c.want)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error shows a secret: %v", name, err)
		}
	}
}

func TestAProblemGoesAwayWhenTheFileIsMended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := inFiles(t)
		d.MasterKey = ""
		a := cce.NewAccount("api-admin", d.AccountFiles)
		for range 2 {
			if _, err := a.Password(t.Context()); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%v", err)
			}
		}
		d.write(d.Password, plain, time.Now())
		time.Sleep(time.Second)
		expectPassword(t, a, plain)
	})
}

func TestARequestThatIsOverReadsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := cce.NewAccount("api-admin", inFiles(t).AccountFiles).Password(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestPathsThatCannotBeMeantAreRefused(t *testing.T) {
	check(t, cce.AccountFiles{Password: "a"}.Check())
	check(t, cce.AccountFiles{Password: "a", MasterKey: "b"}.Check())
	for _, bad := range []cce.AccountFiles{{}, {MasterKey: "b"}, {Password: "a", MasterKey: "a"}} {
		if bad.Check() == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}
