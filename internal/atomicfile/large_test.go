package atomicfile_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

func fill(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

func acceptDraft(string) error { return nil }

func TestALargeFileReplacesNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "backup")
	check(t, atomicfile.WriteNewLarge(path, fill("first"), acceptDraft))
	if err := atomicfile.WriteNewLarge(path, fill("second"), acceptDraft); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second one: %v", err)
	}
	expectFile(t, path, "first", 0o600)
}

func TestALargeFileIsAskedAboutBeforeItHasItsName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "backup")
	refused := errors.New("refused")
	err := atomicfile.WriteNewLarge(path, fill("text"), func(draft string) error {
		if text, err := os.ReadFile(draft); err != nil || string(text) != "text" {
			t.Errorf("the draft has '%s', %v", text, err)
		}
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("it has its name already: %v", err)
		}
		return refused
	})
	if !errors.Is(err, refused) {
		t.Errorf("%v", err)
	}
	if err := atomicfile.WriteNewLarge(path, func(io.Writer) error { return refused }, acceptDraft); !errors.Is(err, refused) {
		t.Errorf("%v", err)
	}
	expectEmpty(t, filepath.Dir(path))
}

func TestWhatAKilledProcessHasLeftIsRemovedByTheNext(t *testing.T) {
	dir := t.TempDir()
	old := time.Now().Add(-time.Hour)
	name := func(prefix, letter string) string { return filepath.Join(dir, prefix+strings.Repeat(letter, 26)) }
	for path, stays := range map[string]bool{
		name(".large-", "A"): false,
		name(".new-", "A"):   true,
		name(".large-", "a"): true,
	} {
		check(t, os.WriteFile(path, nil, 0o600))
		check(t, os.Chtimes(path, old, old))
		check(t, atomicfile.WriteNewLarge(filepath.Join(dir, "backup"), fill("text"), acceptDraft))
		check(t, os.Remove(filepath.Join(dir, "backup")))
		if _, err := os.Stat(path); (err == nil) != stays {
			t.Errorf("'%s' stays: %v", path, err == nil)
		}
		_ = os.Remove(path)
	}
	// One that is being written stays, however long that takes.
	check(t, atomicfile.WriteNewLarge(filepath.Join(dir, "slow"), fill("slow"), func(draft string) error {
		check(t, os.Chtimes(draft, old, old))
		return atomicfile.WriteNewLarge(filepath.Join(dir, "fast"), fill("fast"), acceptDraft)
	}))
	text, err := os.ReadFile(filepath.Join(dir, "slow"))
	if err != nil || string(text) != "slow" {
		t.Errorf("the slow one has '%s', %v", text, err)
	}
}
