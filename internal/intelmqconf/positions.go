package intelmqconf

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

// Positions is the file manager/positions.conf in IntelMQ's configuration folder:
// where the manager's page draws each bot. The zero value is ready, and may be used
// by many goroutines at once.
type Positions struct {
	// Now is the time, for how long what was read is good; nil is time.Now.
	Now func() time.Time

	cache cache
}

// Read gives the positions. A file that is missing or empty, or holds an empty
// list, has none. The error is a FileError.
func (p *Positions) Read(path string) (*Document, error) {
	d, err := p.cache.read(path, clock(p.Now), parsePositions)
	return orNone(d, err)
}

func parsePositions(content []byte) (value, error) {
	v, err := parseConf(content)
	// Older instructions make the file by `touch`.
	if errors.Is(err, ErrEmpty) {
		return value{kind: object}, nil
	}
	return v, err
}

// parseConf reads a JSON file of IntelMQ. An empty list is an empty object for the
// service that is replaced.
func parseConf(content []byte) (value, error) {
	v, err := parseJSON(content, lastCounts)
	switch {
	case err != nil:
		return v, err
	case v.kind == list && len(v.items) == 0:
		return value{kind: object}, nil
	case v.kind != object:
		return v, ErrNotObject
	default:
		return v, nil
	}
}

// orNone gives an empty object for a file that is missing.
func orNone(d *Document, err error) (*Document, error) {
	if errors.Is(err, ErrMissing) {
		return newDocument(&value{kind: object}), nil
	}
	return d, err
}

// Save puts positions in place of those at path. The folder is made if it is
// missing, but not the one above. A BodyError says what is wrong with the body,
// which is a JSON object; an empty one is refused unless there are no positions.
// ErrChanged is for IfMatch. Nobody else may save into that folder meanwhile.
func (p *Positions) Save(path string, body []byte, how Saving) (Saved, error) {
	want, err := parseObject(body)
	if err != nil {
		return Saved{}, &BodyError{err}
	}
	content, was, err := readFile(path)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return Saved{}, fileError(path, err)
	}
	have, broken := parsePositions(content)
	if how.IfMatch != "" && (broken != nil || !newDocument(&have).matches(how.IfMatch)) {
		return Saved{}, ErrChanged
	}
	d := newDocument(&want)
	if len(want.members) == 0 {
		// What cannot be read may still be mended by hand.
		if broken != nil || len(have.members) > 0 {
			return Saved{}, &BodyError{ErrEmptyObject}
		}
		return Saved{Document: d}, nil
	}
	next := appendIndented(nil, &want, 0)
	if missing {
		return Saved{Document: d, Written: true}, create(path, next)
	}
	if bytes.Equal(content, next) {
		return Saved{Document: d}, nil
	}
	warning, err := replace(path, change{old: content, content: next, was: was})
	if err != nil {
		return Saved{}, err
	}
	return Saved{d, true, warning}, nil
}

// create writes a file that is not there yet. Who may change the folder may change
// the file.
func create(path string, content []byte) error {
	dir := filepath.Dir(path)
	folder, _, err := atomicfile.OpenFolder(dir)
	if errors.Is(err, fs.ErrNotExist) {
		folder, err = makeFolder(dir)
	}
	if err != nil {
		return fileError(dir, err)
	}
	defer folder.Close()
	if err := atomicfile.Sweep(folder); err != nil {
		return fileError(dir, err)
	}
	info, err := folder.Stat(".")
	if err == nil {
		err = atomicfile.WriteNewMode(folder, filepath.Base(path), content, info.Mode().Perm()&0o664)
	}
	if errors.Is(err, fs.ErrExist) {
		return ErrChanged
	}
	if err != nil {
		return fileError(path, err)
	}
	return nil
}

// makeFolder makes the folder of the positions, but not the one above.
func makeFolder(dir string) (*os.Root, error) {
	above, _, err := atomicfile.OpenFolder(filepath.Dir(dir))
	if err != nil {
		return nil, err
	}
	defer above.Close()
	if err := atomicfile.MakeDir(above, filepath.Base(dir)); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	folder, _, err := atomicfile.OpenFolder(dir)
	return folder, err
}
