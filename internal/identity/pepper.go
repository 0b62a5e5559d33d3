package identity

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/sallyport/sallyport/internal/atomicfile"
	"github.com/sallyport/sallyport/internal/credential"
)

// maxPepperFile is more than any pepper file needs.
const maxPepperFile = 1 << 10

// loadPepper reads the pepper file. If it is missing and the store is new the
// pepper is made.
func loadPepper(path string, newStore bool, random io.Reader) (*credential.Pepper, error) {
	pepper, err := readPepper(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return pepper, err
	}
	if !newStore {
		return nil, fmt.Errorf("pepper file '%s' is missing, but its store is there: put it back from a backup; no key can be checked without it", path)
	}
	if pepper, err = credential.NewPepper(random); err != nil {
		return nil, err
	}
	err = atomicfile.WriteNew(path, []byte(pepper.Text().Reveal()+"\n"))
	if errors.Is(err, fs.ErrExist) {
		// Another process has made it at the same time.
		return readPepper(path)
	}
	if err != nil {
		return nil, fmt.Errorf("pepper file '%s' cannot be made: %w", path, err)
	}
	return pepper, nil
}

// PepperFingerprint reads a pepper file and gives its fingerprint, to compare it
// with that of a store. The error says what is wrong with the file; one that may
// not be read is fs.ErrPermission.
func PepperFingerprint(path string) (string, error) {
	pepper, err := readPepper(path)
	if err != nil {
		return "", err
	}
	return pepper.Fingerprint(), nil
}

func readPepper(path string) (*credential.Pepper, error) {
	file, info, err := atomicfile.OpenRegular(path)
	if errors.Is(err, atomicfile.ErrNotRegular) {
		return nil, fmt.Errorf("pepper file '%s': %w", path, err)
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("pepper file: %w; only root and the server's user may read it", err)
	}
	if err != nil {
		return nil, fmt.Errorf("pepper file: %w", err)
	}
	defer file.Close()
	if info.Mode().Perm()&0o007 != 0 {
		return nil, fmt.Errorf("pepper file '%s' is open to everybody on this machine (mode %04o); run `chmod 600`", path, info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(file, maxPepperFile))
	if err != nil {
		return nil, fmt.Errorf("pepper file: %w", err)
	}
	pepper, err := credential.ParsePepper(text)
	if err != nil {
		return nil, fmt.Errorf("pepper file '%s': %w; put it back from a backup", path, err)
	}
	return pepper, nil
}
