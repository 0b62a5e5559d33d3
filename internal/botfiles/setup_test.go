package botfiles_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/sallyport/sallyport/internal/botfiles"
)

// realDir is a temporary folder without links in its path, which some systems have.
func realDir(t testing.TB) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	check(t, err)
	return dir
}

func files(t testing.TB, allowed string) *botfiles.Files {
	t.Helper()
	f, err := botfiles.Open(allowed)
	check(t, err)
	return f
}

func fetch(f *botfiles.Files, path string) (string, error) {
	content, err := f.Fetch(path)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(content)
	return string(text), errors.Join(err, content.Close())
}

func write(t testing.TB, path, text string) {
	t.Helper()
	check(t, os.MkdirAll(filepath.Dir(path), 0o755))
	check(t, os.WriteFile(path, []byte(text), 0o600))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
