package intelmqsetup

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Rights, as the bits of a mode for others.
const (
	reading   fs.FileMode = 4
	writing   fs.FileMode = 2
	searching fs.FileMode = 1
)

// lack is a right that somebody does not have.
type lack struct {
	path string
	bits fs.FileMode
	err  error
	// asked: it is the system that says so.
	asked bool
}

func (l *lack) Error() string { return l.path + ": " + l.err.Error() }
func (l *lack) Unwrap() error { return l.err }

// may says why a user may not do something with a file. This process asks the
// system, which knows best. Of another user only owners and modes are known.
func (s System) may(who Account, path string, bits fs.FileMode) error {
	if !s.isSelf(who) {
		return s.modes(who, path, bits)
	}
	if err := s.Access(s.path(path), bits); err != nil {
		return &lack{path, bits, err, true}
	}
	return nil
}

func (s System) isSelf(who Account) bool { return s.Self.UID == who.UID }

// modes is what owners and modes say of a file, and of the folders above it.
func (s System) modes(who Account, path string, bits fs.FileMode) error {
	path = filepath.Clean(path)
	for i, c := range path {
		if c != '/' {
			continue
		}
		if err := s.mode(who, path[:i+1], searching); err != nil {
			return err
		}
	}
	return s.mode(who, path, bits)
}

func (s System) mode(who Account, path string, bits fs.FileMode) error {
	info, err := os.Stat(s.path(path))
	if err != nil {
		return &lack{path, bits, err, false}
	}
	uid, gid, _ := owner(info)
	has := info.Mode().Perm()
	// The first that fits counts, even if another one would allow more: see
	// path_resolution(7).
	switch {
	case who.UID == 0:
		return nil
	case who.UID == uid:
		has >>= 6
	case slices.Contains(who.Groups, gid):
		has >>= 3
	}
	if has&bits != bits {
		return &lack{path, bits, fs.ErrPermission, false}
	}
	return nil
}
