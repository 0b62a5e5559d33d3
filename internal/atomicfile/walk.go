package atomicfile

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// maxLinks bounds the links of one path, as Linux does (path_resolution(7)).
const maxLinks = 40

// Walk follows a path to its end, and says where that is, without links, and what
// it is. Each folder, link and file on the way is shown to check before it is used;
// its error ends the walk, with the path that it is about if that is another one.
//
// What is shown is what is used: each step starts from the folder that is held open
// from the one before, so that it does not help to put a link in place of something
// at the right moment. (Only on Linux. Elsewhere names are looked up anew.) What
// comes of the end afterwards has to be held against info.
func Walk(path string, check func(path string, info fs.FileInfo) error) (where string, info fs.FileInfo, err error) {
	end, where, err := walk(path, check)
	if err != nil {
		return "", nil, err
	}
	defer end.close()
	return where, end.info, nil
}

// walk is Walk, with the end still held. The caller closes it.
func walk(path string, check func(string, fs.FileInfo) error) (end held, where string, err error) {
	path, err = whole(path)
	if err != nil {
		return held{}, "", err
	}
	top := filepath.VolumeName(path) + string(filepath.Separator)
	w := walker{check: check, asked: filepath.Clean(path), top: top, rest: steps(path[len(filepath.VolumeName(path)):])}
	defer func() { w.leave(0) }()
	first, err := holdTop(top)
	if err != nil {
		return held{}, "", err
	}
	w.way = []held{first}
	for len(w.rest) > 0 {
		if err := w.step(); err != nil {
			return held{}, "", err
		}
	}
	last := len(w.way) - 1
	end, w.way = w.way[last], w.way[:last]
	return end, w.path(w.names...), nil
}

// walker is on its way.
type walker struct {
	check      func(string, fs.FileInfo) error
	asked, top string
	// way is what it came through, the top first, and names are those of all but it.
	way   []held
	names []string
	// rest is where it has to go yet.
	rest  []string
	links int
}

func (w *walker) path(names ...string) string {
	return w.top + strings.Join(names, string(filepath.Separator))
}

func (w *walker) step() error {
	name := w.rest[0]
	w.rest = w.rest[1:]
	last := len(w.way) - 1
	if name == ".." {
		// Above the top is the top.
		w.leave(max(last, 1))
		return nil
	}
	names := append(slices.Clip(w.names), name)
	at := w.path(names...)
	next, err := w.way[last].child(at, name)
	if err != nil {
		return err
	}
	if err := w.check(at, next.info); err != nil {
		next.close()
		if at != w.asked {
			err = fmt.Errorf("'%s': %w", at, err)
		}
		return err
	}
	if next.info.Mode()&fs.ModeSymlink != 0 {
		defer next.close()
		return w.follow(next)
	}
	w.way, w.names = append(w.way, next), names
	return nil
}

// follow goes where a link leads.
func (w *walker) follow(link held) error {
	if w.links++; w.links > maxLinks {
		return &fs.PathError{Op: "follow", Path: w.path(w.names...), Err: syscall.ELOOP}
	}
	target, err := link.target()
	if err != nil {
		return err
	}
	if filepath.IsAbs(target) {
		w.leave(1)
	}
	w.rest = append(steps(target), w.rest...)
	return nil
}

// leave goes back until so much of the way is left.
func (w *walker) leave(left int) {
	for _, h := range w.way[min(left, len(w.way)):] {
		h.close()
	}
	w.way = w.way[:min(left, len(w.way))]
	w.names = w.names[:min(max(left-1, 0), len(w.names))]
}

// whole is a path from the top. A ".." in it stays, since what is before it may be a
// link.
func whole(path string) (string, error) {
	if filepath.IsAbs(path) {
		return path, nil
	}
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	return here + string(filepath.Separator) + path, nil
}

func steps(path string) []string {
	var list []string
	for name := range strings.SplitSeq(filepath.ToSlash(path), "/") {
		if name != "" && name != "." {
			list = append(list, name)
		}
	}
	return list
}
