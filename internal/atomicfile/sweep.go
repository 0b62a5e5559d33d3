package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"strings"
)

// prefix begins the names of drafts; random letters and digits follow.
const prefix = ".new-"

// randomLength is that of crypto/rand.Text: 128 bits in base 32.
const randomLength = 26

// Sweep removes the drafts in a directory that were left by processes that were
// killed. Those that are being written it would remove too: only who has a lock
// that all writers in the directory take may call it.
func Sweep(root *os.Root) error {
	names, err := Drafts(root)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Drafts are the names of the drafts in a directory: those that were left by
// processes that were killed, and those that are being written.
func Drafts(root *os.Root) (names []string, err error) {
	files, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if file.Type().IsRegular() && isDraft(prefix, file.Name()) {
			names = append(names, file.Name())
		}
	}
	return names, nil
}

// isDraft reports whether a name is that of a draft whose names begin so.
func isDraft(prefix, name string) bool {
	random, is := strings.CutPrefix(name, prefix)
	return is && len(random) == randomLength && strings.Trim(random, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}
