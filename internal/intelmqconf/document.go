package intelmqconf

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

// Document is what a file holds. It must not be changed.
type Document struct {
	// JSON is compact, with the keys in the order of the file, and nothing escaped
	// that need not be.
	JSON []byte
	// ETag is a strong entity tag of JSON, with its quotes.
	ETag string
}

func newDocument(v *value) *Document {
	text := appendCompact(nil, v)
	sum := sha256.Sum256(text)
	return &Document{JSON: text, ETag: `"` + hex.EncodeToString(sum[:16]) + `"`}
}

// matches reports whether an If-Match header allows the document to be changed.
func (d *Document) matches(ifMatch string) bool {
	for tag := range strings.SplitSeq(ifMatch, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || tag == d.ETag {
			return true
		}
	}
	return false
}

// settled is how old a change of a file has to be, before it is certain that
// another one would have another time: file systems count in steps of up to two
// seconds.
const settled = 2 * time.Second

// cache keeps the last document of one path.
type cache struct {
	mu   sync.Mutex
	path string
	last *reading
}

// reading is what was found in a file, and when it had last changed.
type reading struct {
	document *Document
	content  []byte
	info     fs.FileInfo
	// final: another look needs no reading unless the info is different.
	final bool
}

// read gives the document of a file, from memory if the file has not changed.
func (c *cache) read(path string, now time.Time, parse func([]byte) (value, error)) (*Document, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.path != path {
		c.path, c.last = path, nil
	}
	info, err := atomicfile.Look(path)
	if err != nil {
		return nil, fileError(path, err)
	}
	if c.last != nil && c.last.final && atomicfile.Unchanged(c.last.info, info) {
		return c.last.document, nil
	}
	content, info, err := readFile(path)
	if err != nil {
		return nil, fileError(path, err)
	}
	next := &reading{content: content, info: info, final: now.Sub(info.ModTime()) > settled}
	if c.last != nil && bytes.Equal(c.last.content, content) {
		next.document = c.last.document
	} else {
		v, err := parse(content)
		if err != nil {
			return nil, fileError(path, err)
		}
		next.document = newDocument(&v)
	}
	c.last = next
	return next.document, nil
}

// readFile reads a file of at most maxSize bytes. Links of others, who could lead it to
// any file of this process, are not followed.
func readFile(path string) ([]byte, fs.FileInfo, error) {
	file, info, err := atomicfile.OpenTrusted(path)
	if errors.Is(err, atomicfile.ErrReplaced) {
		return nil, nil, ErrChanged
	}
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err == nil && len(content) > maxSize {
		err = ErrTooBig
	}
	return content, info, err
}

func fileError(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrMissing
	}
	// The path is told already, and a temporary name tells nothing.
	if failed, ok := errors.AsType[*fs.PathError](err); ok && failed.Error() == err.Error() {
		err = failed.Err
	}
	return &FileError{path, err}
}
