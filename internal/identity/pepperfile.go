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

// loadPeppers reads the pepper file. If it is missing and the store is new a
// pepper is made.
func loadPeppers(path string, newStore bool, random io.Reader) (*credential.Peppers, error) {
	peppers, err := ReadPeppers(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return peppers, err
	}
	if !newStore {
		return nil, fmt.Errorf("pepper file '%s' is missing, but its store is there: put it back from a backup; no key can be checked without it", path)
	}
	pepper, err := credential.NewPepper(random)
	if err != nil {
		return nil, err
	}
	if peppers, err = new(credential.Peppers).With(pepper); err != nil {
		return nil, err
	}
	err = atomicfile.WriteNew(path, []byte(peppers.Text().Reveal()))
	if errors.Is(err, fs.ErrExist) {
		// Another process has made it at the same time.
		return ReadPeppers(path)
	}
	if err != nil {
		return nil, fmt.Errorf("pepper file '%s' cannot be made: %w", path, err)
	}
	return peppers, nil
}

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
