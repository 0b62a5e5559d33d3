package botfiles

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

const (
	// maxEntries bounds the entries of a folder.
	maxEntries = 10_000
	// small is the size in bytes from which on a file is only named. It is that of
	// the service that is replaced.
	small = 2000
)

// Listing is what there is at a path.
type Listing struct {
	// Files are the entries by name: those of the folder, or the one file.
	Files map[string]Entry `json:"files"`
	// Directory is the folder, with links resolved. It is empty for a file.
	Directory string `json:"directory,omitempty"`
}

// Entry is a file with its contents, or else with its size and path.
type Entry struct {
	// Contents is the text of a small file, or nil.
	Contents *string `json:"contents,omitempty"`
	// Size is in bytes, or nil where Contents says it.
	Size *int64 `json:"size,omitempty"`
	// Path is where the file is, with links resolved.
	Path string `json:"path,omitempty"`
}

// JSON is the listing as clients know it: compact, sorted by name, with < and > and
// letters of all languages as they are.
func (l Listing) JSON() ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(l); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}

// Describe lists a folder, without what is in its folders, or describes a file. A
// text of less than 2000 bytes is shown. Of what else there is, and of what cannot
// be read, size and path are. Left out are links that lead out or nowhere, and
// pipes, sockets and devices.
//
// A folder has at most 10,000 entries, and 16 MiB of contents as JSON; else it is
// ErrTooLarge. A path that is not there is fs.ErrNotExist, a folder that cannot be
// read fs.ErrPermission, a pipe or a device atomicfile.ErrNotRegular.
func (f *Files) Describe(path string) (Listing, error) {
	t, name, err := f.find(path)
	if err != nil {
		return Listing{}, err
	}
	defer t.close()
	info, err := t.root.Lstat(name)
	if err != nil {
		return Listing{}, told(err)
	}
	if info.IsDir() {
		return t.list(name)
	}
	entry, ok := t.describe(name)
	if !ok {
		return Listing{}, atomicfile.ErrNotRegular
	}
	return Listing{Files: map[string]Entry{filepath.Base(name): entry}}, nil
}

// list describes what is in a folder.
func (t *tree) list(folder string) (Listing, error) {
	names, err := t.names(folder)
	if err != nil {
		return Listing{}, told(err)
	}
	listing := Listing{Files: map[string]Entry{}, Directory: t.path(folder)}
	shown := 0
	for _, name := range names {
		where, err := t.resolve(filepath.Join(folder, name))
		if err != nil {
			continue
		}
		entry, ok := t.describe(where)
		if !ok {
			continue
		}
		shown += entry.shown()
		if shown > maxFetch {
			return Listing{}, ErrTooLarge
		}
		listing.Files[name] = entry
	}
	return listing, nil
}

// shown is how long the contents are in JSON, where a control character takes six
// bytes.
func (e *Entry) shown() int {
	if e.Contents == nil {
		return 0
	}
	// A string always marshals.
	text, _ := json.Marshal(*e.Contents)
	return len(text)
}

// names are those of the entries of a folder.
func (t *tree) names(folder string) (names []string, err error) {
	dir, _, err := atomicfile.OpenFolderIn(t.root, folder)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err = dir.Readdirnames(maxEntries + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(names) > maxEntries {
		return nil, ErrTooLarge
	}
	// JSON has no other text than UTF-8.
	names = slices.DeleteFunc(names, func(name string) bool { return !utf8.ValidString(name) })
	return names, nil
}

// describe looks at a file or folder. It is false for what has neither content nor
// entries, and for what is not there any more.
func (t *tree) describe(name string) (Entry, bool) {
	info, err := t.root.Lstat(name)
	if err != nil || !info.Mode().IsRegular() && !info.IsDir() {
		return Entry{}, false
	}
	if info.Mode().IsRegular() {
		text, opened, err := t.text(name)
		if err == nil && text != nil {
			return Entry{Contents: text}, true
		}
		if err == nil {
			info = opened
		} else if !errors.Is(err, fs.ErrPermission) {
			return Entry{}, false
		}
	}
	size := info.Size()
	return Entry{Size: &size, Path: t.path(name)}, true
}

// text is what a small file has, or nil if it is not small or no text.
func (t *tree) text(name string) (*string, fs.FileInfo, error) {
	file, info, err := atomicfile.OpenRegularIn(t.root, name)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	if info.Size() >= small {
		return nil, info, nil
	}
	var text strings.Builder
	// It may have grown since.
	n, err := io.Copy(&text, io.LimitReader(file, small))
	if err != nil {
		return nil, nil, err
	}
	if n >= small || !utf8.ValidString(text.String()) {
		return nil, info, nil
	}
	shown := text.String()
	return &shown, info, nil
}
