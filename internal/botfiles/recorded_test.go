package botfiles_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/atomicfile"
	"github.com/sallyport/sallyport/internal/botfiles"
)

// recorded is what the service that is replaced makes of a path.
type recorded struct {
	File      string          `json:"file"`
	Fetch     bool            `json:"fetch"`
	Content   json.RawMessage `json:"content"`
	Exception string          `json:"exception"`
	Result    string          `json:"result"`
	Note      string          `json:"note"`
}

// bots is the allowed path of the records.
const bots = "/opt/intelmq/var/lib/bots"

// ours are the answers that differ from the records, by their note.
var ours = map[string]string{
	"folder that holds a link to outside: the target is read": "the link is left out",
	"broken link in the folder":                               "it is left out",
	"small file that is not UTF-8":                            "its size and path are shown",
}

// TestRecordedPaths asks for all that was recorded, of a tree like the recorded
// one.
func TestRecordedPaths(t *testing.T) {
	text, err := os.ReadFile("testdata/config-route-intended.json")
	check(t, err)
	var records []recorded
	check(t, json.Unmarshal(text, &records))
	if len(records) == 0 {
		t.Fatal("nothing is recorded")
	}
	for _, r := range records {
		name := strings.TrimPrefix(r.File, bots) + " " + r.Note
		if r.Fetch {
			name += " fetched"
		}
		t.Run(name, func(t *testing.T) {
			top := recordedTree(t, r)
			here := func(path string) string { return strings.Replace(path, bots, top, 1) }
			if r.Fetch {
				r.compareFetch(t, top, here(r.File))
				return
			}
			listing, err := files(t, top).Describe(here(r.File))
			if want := r.err(); want != nil {
				if !errors.Is(err, want) {
					t.Errorf("%v, want '%v'", err, want)
				}
				return
			}
			check(t, err)
			compareListing(t, listing, r.wanted(t, here))
		})
	}
}

// err is what we say in place of an answer that was not one.
func (r recorded) err() error {
	switch {
	case ours[r.Note] != "":
		return nil
	case r.Result == "not allowed", strings.HasPrefix(r.Exception, "ValueError: embedded null"):
		return botfiles.ErrNotAllowed
	case strings.HasPrefix(r.Exception, "FileNotFoundError"):
		return fs.ErrNotExist
	case strings.HasPrefix(r.Exception, "IsADirectoryError"):
		return atomicfile.ErrNotRegular
	}
	return nil
}

func (r recorded) compareFetch(t *testing.T, top, path string) {
	t.Helper()
	got, err := fetch(files(t, top), path)
	if want := r.err(); want != nil {
		if !errors.Is(err, want) {
			t.Errorf("%v, want '%v'", err, want)
		}
		return
	}
	check(t, err)
	if got != "small file\n" {
		t.Errorf("'%s'", got)
	}
}

// wanted is the recorded listing with the paths of this one.
func (r recorded) wanted(t *testing.T, here func(string) string) botfiles.Listing {
	t.Helper()
	var want botfiles.Listing
	if ours[r.Note] != "" {
		// It is like the listing of the folder without what makes trouble.
		r.Content = json.RawMessage(`{"files":{"small.txt":{"contents":"small file\n"},
			"b2000.txt":{"size":2000,"path":"` + bots + `/fa/b2000.txt"},"b1999.txt":{"contents":"x*1999"},
			"empty":{"contents":""},"sub":{"size":4096,"path":"` + bots + `/fa/sub"}},"directory":"` + bots + `/fa"}`)
	}
	check(t, json.Unmarshal(r.Content, &want))
	if r.Note == "small file that is not UTF-8" {
		size := int64(1)
		want.Files["zz-latin"] = botfiles.Entry{Size: &size, Path: bots + "/fa/zz-latin"}
	}
	want.Directory = here(want.Directory)
	for name, entry := range want.Files {
		entry.Path = here(entry.Path)
		if entry.Contents != nil {
			text := strings.ReplaceAll(*entry.Contents, "x*1999", strings.Repeat("x", 1999))
			entry.Contents = &text
		}
		want.Files[name] = entry
	}
	return want
}

// compareListing leaves out the sizes of folders, which are the file system's.
func compareListing(t *testing.T, got, want botfiles.Listing) {
	t.Helper()
	for _, l := range []botfiles.Listing{got, want} {
		for name, entry := range l.Files {
			if info, err := os.Stat(entry.Path); err == nil && info.IsDir() {
				entry.Size = nil
				l.Files[name] = entry
			}
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// recordedTree makes the tree of a record and returns its allowed path.
func recordedTree(t *testing.T, r recorded) string {
	t.Helper()
	top := filepath.Join(realDir(t), "opt/intelmq/var/lib/bots")
	for _, dir := range []string{"fa/sub", "file-collector", "file-output", "../botsX"} {
		check(t, os.MkdirAll(filepath.Join(top, dir), 0o755))
	}
	for name, text := range map[string]string{
		"small.txt": "small file\n", "b1999.txt": strings.Repeat("x", 1999), "b2000.txt": strings.Repeat("x", 2000), "empty": "",
	} {
		write(t, filepath.Join(top, "fa", name), text)
	}
	switch {
	case strings.Contains(r.File+r.Note, "link to outside"), strings.HasSuffix(r.File, "zz-link"):
		check(t, os.Symlink("/etc/hostname", filepath.Join(top, "fa/zz-link")))
	case strings.Contains(r.Note, "broken"):
		check(t, os.Symlink("nowhere", filepath.Join(top, "fa/zz-broken")))
	case strings.Contains(r.Note, "UTF-8"):
		write(t, filepath.Join(top, "fa/zz-latin"), "\xff")
	}
	return top
}
