package botfiles

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"
)

const (
	// maxPath bounds a client's path, in bytes, as Linux does (PATH_MAX).
	maxPath = 4096
	// maxLinks bounds the links of one path, as Linux does (path_resolution(7)).
	maxLinks = 40
)

// tree is the allowed path, open.
type tree struct {
	root *os.Root
	// real is where it is, without links. configured is how the administrator calls
	// it, and therefore also how clients do.
	real, configured string
}

func (t *tree) close() { t.root.Close() }

// path is where a file of the tree is.
func (t *tree) path(name string) string { return filepath.Join(t.real, name) }

// find says where in the tree a path leads, without links. A path is compared
// by its components: /a/botsX is not below /a/bots.
func (t *tree) find(path string) (name string, err error) {
	name, ok := t.inside(path)
	if !ok {
		return "", ErrNotAllowed
	}
	return t.resolve(name)
}

// inside is the part of an absolute path that is below the tree. Only the text is
// looked at; no file outside is.
func (t *tree) inside(path string) (string, bool) {
	for _, top := range []string{t.configured, t.real} {
		if name, ok := below(top, path); ok {
			return name, true
		}
	}
	return "", false
}

// below is the part of an absolute path below a folder, "." for the folder itself.
func below(folder, path string) (string, bool) {
	if !filepath.IsAbs(path) {
		return "", false
	}
	name, err := filepath.Rel(folder, path)
	if err != nil || !filepath.IsLocal(name) {
		return "", false
	}
	return name, true
}

// resolve follows the links in a name of the tree. os.Root would follow relative
// ones only, and bots make absolute ones. What it opens in the end it checks again.
func (t *tree) resolve(name string) (string, error) {
	done, links := ".", 0
	for rest := split(name); len(rest) > 0; {
		next := filepath.Join(done, rest[0])
		rest = rest[1:]
		if !filepath.IsLocal(next) {
			return "", ErrNotAllowed
		}
		info, err := t.root.Lstat(next)
		if err != nil {
			return "", told(err)
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			done = next
			continue
		}
		if links++; links > maxLinks {
			return "", told(&fs.PathError{Op: "resolve", Path: name, Err: syscall.ELOOP})
		}
		target, err := t.root.Readlink(next)
		if err != nil {
			return "", told(err)
		}
		if filepath.IsAbs(target) {
			inside, ok := t.inside(target)
			if !ok {
				return "", ErrNotAllowed
			}
			done, target = ".", inside
		}
		// A ".." in it is that of the folder where the link is, which is found already.
		rest = append(split(target), rest...)
	}
	return done, nil
}

// split makes components of a path. A ".." stays one, since what is before it may
// be a link.
func split(path string) []string {
	var list []string
	for part := range strings.SplitSeq(filepath.ToSlash(path), "/") {
		if part != "" && part != "." {
			list = append(list, part)
		}
	}
	return list
}

// plain reports whether a client's path is text that can be the name of a file.
func plain(path string) bool {
	return len(path) <= maxPath && utf8.ValidString(path) && !strings.ContainsFunc(path, unicode.IsControl)
}
