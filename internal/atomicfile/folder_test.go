package atomicfile_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

func TestAFolderThatIsMissingIsNamed(t *testing.T) {
	dir := t.TempDir()
	if info, err := atomicfile.Folder(filepath.Join(dir, "auth.db")); err != nil || !info.IsDir() {
		t.Errorf("one that is there: %v", err)
	}
	missing := filepath.Join(dir, "backups")
	_, err := atomicfile.Folder(filepath.Join(missing, "auth.db"))
	if !errors.Is(err, fs.ErrNotExist) || !strings.HasSuffix(err.Error(), "the folder '"+missing+"': file does not exist; make it by `install -d -m 0700 '"+missing+"'`") {
		t.Errorf("one that is not: %v", err)
	}
}
