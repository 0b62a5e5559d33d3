package intelmqconf

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// What can be wrong with a document, whether it comes from a file or from a
// client. A FileError or a BodyError is around it.
var (
	// ErrMissing: there is no file at the path.
	ErrMissing = errors.New("the file is missing")
	// ErrEmpty: the file holds nothing, or only comments.
	ErrEmpty = errors.New("it is empty")
	// ErrSyntax: it is not YAML, or not JSON.
	ErrSyntax = errors.New("it cannot be read")
	// ErrNotUTF8: it has bytes that are not UTF-8, or half of a surrogate pair.
	ErrNotUTF8 = errors.New("it is not valid UTF-8")
	// ErrVersion: a %YAML directive asks for rules other than those of YAML 1.2.
	ErrVersion = errors.New("only YAML 1.2 is read; remove the %YAML line")
	// ErrSeveralDocuments: a line of three hyphens begins a second document.
	ErrSeveralDocuments = errors.New("it has more than one document; remove all but one")
	// ErrNotObject: it is a list, a string or another thing without keys.
	ErrNotObject = errors.New("it is not an object")
	// ErrEmptyObject: saving it would empty the configuration.
	ErrEmptyObject = errors.New("it is an empty object, which would empty the configuration")
	// ErrNotBot: a member of a runtime configuration is not an object, while each
	// is a bot or the global settings.
	ErrNotBot = errors.New("it is not an object of settings")
	// ErrDuplicateKey: an object has a key twice.
	ErrDuplicateKey = errors.New("it is there twice")
	// ErrKey: a key is not a word or a number, or longer than a kilobyte.
	ErrKey = errors.New("a key must be a short string")
	// ErrMerge: what `<<` merges is not a mapping, or a list of them.
	ErrMerge = errors.New("only mappings can be merged by '<<', and only once in each")
	// ErrTag: a tag asks for something that JSON has not. Those of Python would
	// run code.
	ErrTag = errors.New("its tag is not supported; remove it")
	// ErrScalar: a value is not of the type that its tag or its form says, such as
	// a date of the thirteenth month.
	ErrScalar = errors.New("it is not a value of its type; quote it")
	// ErrNumber: a number is infinite, or no number, or has more than 4300 digits.
	ErrNumber = errors.New("it is a number that JSON cannot have")
	// ErrTooDeep: there are more than 64 levels.
	ErrTooDeep = fmt.Errorf("it has more than %d levels", maxDepth)
	// ErrTooBig: it has more than 16 MiB or 262,144 values, counted where aliases
	// repeat them.
	ErrTooBig = fmt.Errorf("it has more than %d MiB or %d values", maxSize>>20, maxValues)
)

// ErrChanged: the configuration is not the one that If-Match names, or changed
// while it was being saved.
var ErrChanged = errors.New("somebody else has changed the configuration meanwhile; load it again")

// ErrNotSaved: what was written does not read as what was to be saved. The file
// is as it was.
var ErrNotSaved = errors.New("the configuration could not be written so that it reads the same")

// The limits of a document.
const (
	maxDepth = 64
	maxSize  = 16 << 20
	// maxValues is ten times what a thousand bots have.
	maxValues = 1 << 18
	// maxKey is what YAML readers take for a key on its line (1024, YAML 1.2
	// section 7.4.2), less the quotes.
	maxKey = 1000
)

// FileError is what is wrong with a file: one of the errors above, or what the
// system says.
type FileError struct {
	Path string
	Err  error
}

func (e *FileError) Error() string {
	if errors.Is(e.Err, ErrMissing) {
		// The words of the service that is replaced.
		return fmt.Sprintf("File not found: '%s'.", e.Path)
	}
	if errors.Is(e.Err, fs.ErrPermission) {
		return fmt.Sprintf("'%s': %s; the server's user must be able to write that file and the folder '%s', for which there is `sudo caddy intelmq setup`", e.Path, e.Err, filepath.Dir(e.Path))
	}
	return fmt.Sprintf("'%s': %s", e.Path, e.Err)
}

func (e *FileError) Unwrap() error { return e.Err }

// BodyError is what is wrong with what a client wants to save. Err is, or holds, one of
// the errors above; below ErrSyntax is a *json.SyntaxError with the place.
type BodyError struct{ Err error }

func (e *BodyError) Error() string { return "the body: " + e.Err.Error() }

func (e *BodyError) Unwrap() error { return e.Err }

// budget counts what a document is made of.
type budget struct{ values, bytes int }

// spend counts one value at a depth.
func (b *budget) spend(depth, bytes int) error {
	b.values++
	b.bytes += bytes
	if depth > maxDepth {
		return ErrTooDeep
	}
	if b.values > maxValues || b.bytes > maxSize {
		return ErrTooBig
	}
	return nil
}
