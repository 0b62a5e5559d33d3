package allowlist

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

// BrokenError says that the file is there but is not taken, until somebody
// mends it.
type BrokenError struct {
	Path string
	Err  error
}

func (e *BrokenError) Error() string { return fmt.Sprintf("secrets file '%s': %v", e.Path, e.Err) }
func (e *BrokenError) Unwrap() error { return e.Err }

// Read reads a file of secrets. One that everybody on this machine may read or
// write, or that is not a regular file, is refused as a BrokenError.
func Read(path string) (*Document, error) {
	d, _, err := read(path)
	return d, err
}

// read also returns what the file was when it was read.
func read(path string) (*Document, fs.FileInfo, error) {
	file, info, err := atomicfile.OpenRegular(path)
	if errors.Is(err, atomicfile.ErrNotRegular) {
		return nil, nil, &BrokenError{path, err}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("secrets file: %w", err)
	}
	defer file.Close()
	if mode := info.Mode().Perm(); mode&0o007 != 0 {
		return nil, nil, &BrokenError{path, fmt.Errorf("it is open to everybody on this machine (mode %04o); run `chmod 600`, or 640 where a group reads it", mode)}
	}
	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, nil, fmt.Errorf("secrets file: %w", err)
	}
	d, err := ParseDocument(content)
	if err != nil {
		return nil, nil, &BrokenError{path, err}
	}
	return d, info, nil
}

// maxTries is how often a change is begun anew because the file was changed
// meanwhile by a program that does not know the lock.
const maxTries = 10

// Edit changes a file of secrets. Other users of this function wait, and an
// edit by anybody else is not lost: when the file has changed meanwhile,
// change is called again with what is there now. The file is replaced as a
// whole, with its mode and owner, and is not touched where nothing changes.
func Edit(ctx context.Context, path string, change func(*Document) error) error {
	for range maxTries {
		done, err := tryEdit(ctx, path, change)
		if done || err != nil {
			return err
		}
	}
	return fmt.Errorf("secrets file '%s' is changed all the time by another program", path)
}

func tryEdit(ctx context.Context, path string, change func(*Document) error) (done bool, err error) {
	unlock, err := lock(ctx, path)
	if err != nil {
		return false, fmt.Errorf("secrets file: %w", err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	d, before, err := read(path)
	if err != nil {
		return false, err
	}
	old := d.Bytes()
	if err := change(d); err != nil {
		return false, err
	}
	content := d.Bytes()
	if bytes.Equal(content, old) {
		return true, nil
	}
	if len(content) > maxFile || len(d.lines) > maxLines {
		return false, fmt.Errorf("secrets file '%s' would be too large: %w", path, errTooLarge)
	}
	if now, err := os.Stat(path); err != nil || !atomicfile.Unchanged(now, before) {
		return false, nil
	}
	err = atomicfile.Replace(path, content, before)
	if errors.Is(err, atomicfile.ErrReplaced) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("secrets file '%s' cannot be written: %w", path, err)
	}
	return true, nil
}

// create makes a file with a secret for each entry. If it is there already the
// error is fs.ErrExist.
func create(path string, entries []Entry, generate Generator) error {
	d, err := ParseDocument(nil)
	if err != nil {
		return err
	}
	if _, err := d.Complete(entries, generate); err != nil {
		return err
	}
	content := d.Bytes()
	if len(content) > maxFile || len(d.lines) > maxLines {
		return fmt.Errorf("secrets file '%s' would be too large: %w", path, errTooLarge)
	}
	if err := atomicfile.WriteNew(path, content); err != nil {
		return fmt.Errorf("secrets file '%s' cannot be made: %w", path, err)
	}
	return nil
}
