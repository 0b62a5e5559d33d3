package sallyport_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Bounds of the corpus: it is read by people and run by each `go test`.
const (
	maxCorpusFiles = 25      // of one target
	maxCorpusFile  = 4 << 10 // bytes
	maxCorpus      = 1 << 20 // bytes, of all targets
)

var fuzzTarget = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(f \*testing\.F\)`)

// TestEachFuzzTargetHasACorpus holds that there are inputs beside each target which
// `go test` tries every time, and none that belong to no target any more.
func TestEachFuzzTargetHasACorpus(t *testing.T) {
	targets := fuzzTargets(t)
	if len(targets) < 70 {
		t.Errorf("%d fuzz targets were found; this test looks in the wrong place", len(targets))
	}
	size := int64(0)
	for _, folder := range targets {
		entries, err := os.ReadDir(folder)
		if err != nil || len(entries) == 0 {
			t.Errorf("'%s' has no inputs: run the target for a while, and take some from $(go env GOCACHE)/fuzz", folder)
		}
		if len(entries) > maxCorpusFiles {
			t.Errorf("'%s' has %d files, more than %d; keep those that are the most different", folder, len(entries), maxCorpusFiles)
		}
		for _, entry := range entries {
			info, err := entry.Info()
			if err != nil {
				t.Fatal(err)
			}
			if size += info.Size(); info.Size() > maxCorpusFile {
				t.Errorf("'%s' has %d bytes, more than %d", filepath.Join(folder, entry.Name()), info.Size(), maxCorpusFile)
			}
		}
	}
	if size > maxCorpus {
		t.Errorf("all inputs have %d bytes, more than %d", size, maxCorpus)
	}
	for _, folder := range corpora(t) {
		if !slices.Contains(targets, folder) {
			t.Errorf("'%s' belongs to no target; delete it, or mend its name", folder)
		}
	}
}

// fuzzTargets are the folders of the inputs of all targets, which are there or not.
func fuzzTargets(t *testing.T) (folders []string) {
	t.Helper()
	walk(t, func(path string, entry fs.DirEntry) error {
		if entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		for _, match := range fuzzTarget.FindAllSubmatch(text, -1) {
			folders = append(folders, filepath.Join(filepath.Dir(path), "testdata", "fuzz", string(match[1])))
		}
		return err
	})
	return folders
}

// corpora are the folders of inputs that are there, wherever they are.
func corpora(t *testing.T) (folders []string) {
	t.Helper()
	fuzz := filepath.Join("testdata", "fuzz")
	walk(t, func(path string, entry fs.DirEntry) error {
		if parent := filepath.Dir(path); entry.IsDir() && (parent == fuzz || strings.HasSuffix(parent, string(filepath.Separator)+fuzz)) {
			folders = append(folders, path)
		}
		return nil
	})
	return folders
}

// walk visits all that is in the repository, but for what git and make put there.
func walk(t *testing.T, visit func(path string, entry fs.DirEntry) error) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (path == ".git" || path == "bin" || path == ".demo"):
			return fs.SkipDir
		}
		return visit(path, entry)
	})
	if err != nil {
		t.Fatal(err)
	}
}
