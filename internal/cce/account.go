package cce

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/sallyport/sallyport/internal/atomicfile"
	"github.com/sallyport/sallyport/internal/cscp"
	"github.com/sallyport/sallyport/internal/opensslenc"
)

const (
	// DefaultUser is the account behind LOGIN in the API document.
	DefaultUser = "api-admin"

	// lookEvery is the least time between two looks at the files.
	lookEvery = time.Second
	// settled is how old a file's last change must be to be told from a next one.
	// Some file systems give times in steps of two seconds.
	settled = 2 * time.Second
	// maxSecretFile bounds a file with a password or a key, in bytes.
	maxSecretFile = 4 << 10
)

// AccountFiles are where the password of an account is. All users of this
// machine must be kept from both files.
type AccountFiles struct {
	// Password is the path of a file with the password. Blanks and line ends
	// around it do not count.
	Password string
	// MasterKey is the path of a file with the passphrase that the password is
	// encrypted with, in the format of `openssl enc -aes-256-cbc -pbkdf2 -salt`;
	// blanks and line ends around either do not count. If it is empty the
	// password is in the clear.
	MasterKey string
}

// Check reports whether the paths can be meant. It looks at no file.
func (f AccountFiles) Check() error {
	switch f.Password {
	case "":
		return errors.New("the account behind LOGIN has no password file; name one")
	case f.MasterKey:
		return fmt.Errorf("'%s' is named as password file and as master key file; they are two files", f.Password)
	}
	return nil
}

// Account is a user of CCE whose password is in files, which it follows. It may
// be used by many goroutines at once.
type Account struct {
	user  string
	files AccountFiles

	mu sync.Mutex
	// looked is when the files were looked at last. If they could be read and
	// have settled, seen says what they were.
	looked   time.Time
	seen     []fs.FileInfo
	password cscp.Secret
	err      error
}

// NewAccount makes an account. Nothing is read before the password is asked for.
func NewAccount(user string, files AccountFiles) *Account {
	return &Account{user: user, files: files}
}

// User is the name of the account.
func (a *Account) User() string { return a.user }

// PasswordError says why the files of an account do not tell its password.
type PasswordError struct{ err error }

func (e *PasswordError) Error() string { return e.err.Error() }
func (e *PasswordError) Unwrap() error { return e.err }

// Password is what the files say now: a change counts after a second at most. If
// they do not tell it the error is a PasswordError.
func (a *Account) Password(ctx context.Context) (cscp.Secret, error) {
	if err := context.Cause(ctx); err != nil {
		return "", err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	if !a.looked.IsZero() && now.Sub(a.looked) < lookEvery {
		return a.password, a.err
	}
	a.looked = now
	if a.seen != nil && a.files.unchanged(a.seen) {
		return a.password, nil
	}
	var infos []fs.FileInfo
	a.seen, a.err = nil, nil
	var err error
	if a.password, infos, err = a.files.read(); err != nil {
		a.err = &PasswordError{err}
	} else if haveSettled(infos, now) {
		a.seen = infos
	}
	return a.password, a.err
}

// Refused tells that cced does not accept the password. The next one is read
// from the files at once, in case they have just been changed.
func (a *Account) Refused() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.looked, a.seen = time.Time{}, nil
}

// paths are those of the files that are used.
func (f AccountFiles) paths() []string {
	if f.MasterKey == "" {
		return []string{f.Password}
	}
	return []string{f.Password, f.MasterKey}
}

// unchanged reports whether the files are those that were seen.
func (f AccountFiles) unchanged(seen []fs.FileInfo) bool {
	for i, path := range f.paths() {
		info, err := os.Stat(path)
		if err != nil || !atomicfile.Unchanged(info, seen[i]) {
			return false
		}
	}
	return true
}

// haveSettled reports whether a further change would show in the files' times.
func haveSettled(infos []fs.FileInfo, now time.Time) bool {
	for _, info := range infos {
		// Wall time, as that of files. One from the future never settles.
		if now.Round(0).Sub(info.ModTime()) < settled {
			return false
		}
	}
	return true
}

var (
	errEmpty     = errors.New("it is empty")
	errEncrypted = errors.New("it is encrypted; say where its master key file is")
	errNotText   = errors.New("it has to hold one line of text, and nothing else")
)

// encryptedMark begins a file that `openssl enc -salt` has written.
var encryptedMark = []byte("Salted__")

// read returns the password, and what the files were when they were read.
func (f AccountFiles) read() (cscp.Secret, []fs.FileInfo, error) {
	content, info, err := readSecret("password", f.Password)
	if err != nil {
		return "", nil, err
	}
	infos := []fs.FileInfo{info}
	if f.MasterKey == "" {
		if bytes.HasPrefix(content, encryptedMark) {
			return "", nil, inFile("password", f.Password, errEncrypted)
		}
	} else {
		key, info, err := f.readKey()
		if err != nil {
			return "", nil, err
		}
		infos = append(infos, info)
		if content, err = opensslenc.Decrypt(content, key); err != nil {
			return "", nil, fmt.Errorf("password file '%s' cannot be decrypted with master key file '%s': %w; `caddy cce account rotate` makes a new pair", f.Password, f.MasterKey, err)
		}
	}
	password := bytes.TrimSpace(content)
	if err := checkPassword(password); err != nil {
		return "", nil, inFile("password", f.Password, err)
	}
	return cscp.Secret(password), infos, nil
}

// readKey returns the passphrase.
func (f AccountFiles) readKey() ([]byte, fs.FileInfo, error) {
	content, info, err := readSecret("master key", f.MasterKey)
	if err != nil {
		return nil, nil, err
	}
	key := bytes.TrimSpace(content)
	if len(key) == 0 {
		return nil, nil, inFile("master key", f.MasterKey, errEmpty)
	}
	return key, info, nil
}

// checkPassword refuses what is no password but damage.
func checkPassword(password []byte) error {
	if len(password) == 0 {
		return errEmpty
	}
	if bytes.ContainsFunc(password, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return errNotText
	}
	return nil
}

// readSecret reads a file that others must not see. what is what it holds.
func readSecret(what, path string) ([]byte, fs.FileInfo, error) {
	file, info, err := atomicfile.OpenRegular(path)
	switch {
	case errors.Is(err, atomicfile.ErrNotRegular):
		return nil, nil, inFile(what, path, err)
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, fmt.Errorf("%s file: %w; `caddy cce account rotate` makes it", what, err)
	case errors.Is(err, fs.ErrPermission):
		return nil, nil, fmt.Errorf("%s file: %w; give it to the user that the server runs as", what, err)
	case err != nil:
		return nil, nil, fmt.Errorf("%s file: %w", what, err)
	}
	defer file.Close()
	if err := checkClosed(info); err != nil {
		return nil, nil, inFile(what, path, err)
	}
	content, err := io.ReadAll(io.LimitReader(file, maxSecretFile+1))
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("%s file: %w", what, err)
	case len(content) > maxSecretFile:
		return nil, nil, inFile(what, path, fmt.Errorf("it has more than %d bytes", maxSecretFile))
	}
	return content, info, nil
}

// checkClosed refuses a file that everybody on this machine may read or write.
func checkClosed(info fs.FileInfo) error {
	if mode := info.Mode().Perm(); mode&0o007 != 0 {
		return fmt.Errorf("it is open to everybody on this machine (mode %04o); run `chmod 600`, or 640 where a group reads it", mode)
	}
	return nil
}

func inFile(what, path string, err error) error {
	return fmt.Errorf("%s file '%s': %w", what, path, err)
}
