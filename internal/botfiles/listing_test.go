package botfiles_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/botfiles"
)

func TestAListingIsWrittenAsClientsKnowIt(t *testing.T) {
	top := realDir(t)
	write(t, filepath.Join(top, "b"), "<ü> & \"x\"\n")
	write(t, filepath.Join(top, "a"), "")
	write(t, filepath.Join(top, "c"), strings.Repeat("x", 2000))
	for path, want := range map[string]string{
		top:        `{"files":{"a":{"contents":""},"b":{"contents":"<ü> & \"x\"\n"},"c":{"size":2000,"path":"` + top + `/c"}},"directory":"` + top + `"}`,
		top + "/a": `{"files":{"a":{"contents":""}}}`,
	} {
		listing, err := files(t, top).Describe(path)
		check(t, err)
		if text, err := listing.JSON(); err != nil || string(text) != want {
			t.Errorf("%s, %v, want %s", text, err, want)
		}
	}
}

func TestAnEmptyFolderHasAnEmptyListing(t *testing.T) {
	top := realDir(t)
	listing, err := files(t, top).Describe(top)
	check(t, err)
	if text, err := listing.JSON(); err != nil || string(text) != `{"files":{},"directory":"`+top+`"}` {
		t.Errorf("%s, %v", text, err)
	}
}

func TestANameThatIsNotUTF8IsLeftOut(t *testing.T) {
	top := realDir(t)
	if err := os.WriteFile(filepath.Join(top, "\xff"), nil, 0o600); err != nil {
		t.Skip("this file system has no such names")
	}
	write(t, filepath.Join(top, "a"), "x")
	listing, err := files(t, top).Describe(top)
	check(t, err)
	if len(listing.Files) != 1 {
		t.Errorf("%v", listing.Files)
	}
}

func TestAListingIsBounded(t *testing.T) {
	top := realDir(t)
	// Names of one file cost less than files.
	file := filepath.Join(top, "file")
	write(t, file, strings.Repeat("x", 1999))
	few, many := filepath.Join(top, "few"), filepath.Join(top, "many")
	for dir, n := range map[string]int{few: 8300, many: 8500} {
		check(t, os.Mkdir(dir, 0o755))
		for i := range n {
			check(t, os.Symlink("../file", filepath.Join(dir, fmt.Sprint(i))))
		}
	}
	f := files(t, top)
	if listing, err := f.Describe(few); err != nil || len(listing.Files) != 8300 {
		t.Errorf("less than 16 MiB: %d files, %v", len(listing.Files), err)
	}
	if _, err := f.Describe(many); !errors.Is(err, botfiles.ErrTooLarge) {
		t.Errorf("more than 16 MiB: %v", err)
	}
	check(t, os.Truncate(file, 0))
	if listing, err := f.Describe(many); err != nil || len(listing.Files) != 8500 {
		t.Errorf("many small ones: %d files, %v", len(listing.Files), err)
	}
	for i := range 1501 {
		check(t, os.Symlink("../file", filepath.Join(many, fmt.Sprint("more", i))))
	}
	if _, err := f.Describe(many); !errors.Is(err, botfiles.ErrTooLarge) {
		t.Errorf("more than 10,000 entries: %v", err)
	}
}
