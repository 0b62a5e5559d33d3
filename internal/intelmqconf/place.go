package intelmqconf

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

// place is where a file is that is there. Its folders are held open: IntelMQ owns
// them, and could put links in their place while a file is saved.
type place struct {
	path string
	// folder is that of the path. home is that of the file, another one where the
	// path is a link, and name is the file's name there.
	folder, home *os.Root
	name         string
}

// find follows links of root's and our own only.
func find(path string) (*place, error) {
	folder, dir, err := atomicfile.OpenFolder(filepath.Dir(path))
	if err != nil {
		return nil, fileError(path, err)
	}
	at := &place{path: path, folder: folder, home: folder}
	where, _, err := atomicfile.Locate(path)
	if err == nil && filepath.Dir(where) != dir {
		at.home, _, err = atomicfile.OpenFolder(filepath.Dir(where))
	}
	if err != nil {
		return nil, errors.Join(fileError(path, err), folder.Close())
	}
	at.name = filepath.Base(where)
	return at, nil
}

func (p *place) close() {
	_ = p.folder.Close()
	_ = p.home.Close()
}

// sweep removes what saves that were killed have left where the file and its
// backup are.
func (p *place) sweep() error {
	for _, folder := range []*os.Root{p.folder, p.home} {
		if err := atomicfile.Sweep(folder); err != nil && !errors.Is(err, fs.ErrPermission) {
			return fileError(filepath.Clean(folder.Name()), err)
		}
		if p.home == p.folder {
			break
		}
	}
	return nil
}
