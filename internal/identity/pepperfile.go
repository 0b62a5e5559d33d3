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

// lastWay is what is left to do where a pepper is gone for ever.
const lastWay = "where there is no copy, the last way is `caddy auth store pepper replace-lost`, which revokes all keys"

// loadPeppers reads the pepper file, or its draft. If there is neither and the store
// is new a draft is made.
func loadPeppers(path string, newStore bool, random io.Reader) (*credential.Peppers, error) {
	// Between the first two looks another process may give the draft its name.
	for _, file := range []string{path, draftOf(path), path} {
		if peppers, err := ReadPeppers(file); !errors.Is(err, fs.ErrNotExist) {
			return peppers, err
		}
	}
	if !newStore {
		return nil, fmt.Errorf("pepper file '%s' is missing, but its store is there: put it back from a backup; no key can be checked without it; %s", path, lastWay)
	}
	pepper, err := credential.NewPepper(random)
	if err != nil {
		return nil, err
	}
	peppers, err := new(credential.Peppers).With(pepper)
	if err != nil {
		return nil, err
	}
	err = atomicfile.WriteNew(draftOf(path), fileOf(peppers))
	if errors.Is(err, fs.ErrExist) {
		// Another process has made it at the same time.
		return loadPeppers(path, false, random)
	}
	if err != nil {
		return nil, fmt.Errorf("pepper file '%s' cannot be made: %w", path, err)
	}
	return peppers, nil
}

// keepPeppers gives the pepper of a store that is there its name, if it has not got
// it. Nobody removes a draft before that, so all who make a store at the same time
// have the same one.
func keepPeppers(path string, peppers *credential.Peppers) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := atomicfile.WriteNew(path, fileOf(peppers)); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("pepper file '%s' cannot be made: %w", path, err)
		}
	}
	// Most often there is none, and one that stays does no harm.
	_ = os.Remove(draftOf(path))
	return nil
}

// fileOf is what stands in a pepper file.
func fileOf(peppers *credential.Peppers) []byte { return []byte(peppers.Text().Reveal()) }

// ReadPeppers reads a pepper file. The error says what is wrong with it; one that
// may not be read is fs.ErrPermission.
func ReadPeppers(path string) (*credential.Peppers, error) {
	peppers, _, err := readPeppers(path)
	return peppers, err
}

func readPeppers(path string) (*credential.Peppers, fs.FileInfo, error) {
	file, info, err := atomicfile.OpenRegular(path)
	if errors.Is(err, atomicfile.ErrNotRegular) {
		return nil, nil, fmt.Errorf("pepper file '%s': %w", path, err)
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, nil, fmt.Errorf("pepper file: %w; only root and the server's user may read it", err)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("pepper file: %w; put it back from a backup; %s", err, lastWay)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("pepper file: %w", err)
	}
	defer file.Close()
	if info.Mode().Perm()&0o007 != 0 {
		return nil, nil, fmt.Errorf("pepper file '%s' is open to everybody on this machine (mode %04o); run `chmod 600`", path, info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(file, maxPepperFile))
	if err != nil {
		return nil, nil, fmt.Errorf("pepper file: %w", err)
	}
	peppers, err := credential.ParsePeppers(text)
	if err != nil {
		return nil, nil, fmt.Errorf("pepper file '%s': %w; put it back from a backup", path, err)
	}
	return peppers, info, nil
}
