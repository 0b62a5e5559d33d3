package identity

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/sallyport/sallyport/internal/atomicfile"
	"github.com/sallyport/sallyport/internal/credential"
)

// maxPepperFile is more than any pepper file needs.
const maxPepperFile = 1 << 10

// draftOf is the name that a new pepper has until its store is there. A pepper
// without a store is one that has lost it (Config.Adopt); a draft without a store
// is what somebody has left who was killed while he made both.
func draftOf(path string) string { return path + ".new" }

// loadPepper reads the pepper file, or its draft. If there is neither and the store
// is new a draft is made.
func loadPepper(path string, newStore bool, random io.Reader) (*credential.Pepper, error) {
	// Between the first two looks another process may give the draft its name.
	for _, file := range []string{path, draftOf(path), path} {
		if pepper, err := readPepper(file); !errors.Is(err, fs.ErrNotExist) {
			return pepper, err
		}
	}
	if !newStore {
		return nil, fmt.Errorf("pepper file '%s' is missing, but its store is there: put it back from a backup; no key can be checked without it", path)
	}
	pepper, err := credential.NewPepper(random)
	if err != nil {
		return nil, err
	}
	err = atomicfile.WriteNew(draftOf(path), fileOf(pepper))
	if errors.Is(err, fs.ErrExist) {
		// Another process has made it at the same time.
		return loadPepper(path, false, random)
	}
	if err != nil {
		return nil, fmt.Errorf("pepper file '%s' cannot be made: %w", path, err)
	}
	return pepper, nil
}

// keepPepper gives the pepper of a store that is there its name, if it has not got
// it. Nobody removes a draft before that, so all who make a store at the same time
// have the same one.
func keepPepper(path string, pepper *credential.Pepper) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := atomicfile.WriteNew(path, fileOf(pepper)); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("pepper file '%s' cannot be made: %w", path, err)
		}
	}
	// Most often there is none, and one that stays does no harm.
	_ = os.Remove(draftOf(path))
	return nil
}

// fileOf is what stands in a pepper file.
func fileOf(pepper *credential.Pepper) []byte { return []byte(pepper.Text().Reveal() + "\n") }

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
