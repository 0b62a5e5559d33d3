package botfiles_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/botfiles"
)

func TestARelativeAllowedPathIsRefused(t *testing.T) {
	for _, path := range []string{"", "bots", "./bots"} {
		if _, err := botfiles.Open(path); err == nil || !strings.Contains(err.Error(), "relative") {
			t.Errorf("'%s': %v", path, err)
		}
	}
}

func TestWhatIsNotBelowTheAllowedPathIsNotThere(t *testing.T) {
	dir := realDir(t)
	top := filepath.Join(dir, "bots")
	write(t, filepath.Join(top, "file"), "inside")
	write(t, filepath.Join(dir, "botsX/file"), "outside")
	f := files(t, top)
	for name, path := range map[string]string{
		"nothing":                          "",
		"an old name of a file":            "runtime",
		"a relative path":                  "bots/file",
		"a relative path up":               "../botsX/file",
		"the folder above":                 dir,
		"the root":                         "/",
		"a folder with the same beginning": dir + "/botsX/file",
		"a path that leaves":               top + "/../botsX/file",
		"a path that leaves, to the root":  top + strings.Repeat("/..", 30) + "/etc/passwd",
		"a path with NUL":                  top + "/file\x00",
		"a path with a line feed":          top + "/file\n",
		"a path with a C1 control":         top + "/file\u0085",
		"a path that is not UTF-8":         top + "/\xff",
		"a path that is too long":          top + strings.Repeat("/.", 4096) + "/file",
	} {
		if _, err := f.Describe(path); !errors.Is(err, botfiles.ErrNotAllowed) {
			t.Errorf("%s is described: %v", name, err)
		}
		if _, err := f.Fetch(path); !errors.Is(err, botfiles.ErrNotAllowed) {
			t.Errorf("%s is fetched: %v", name, err)
		}
	}
}

func TestAPathMayBeWrittenInManyWays(t *testing.T) {
	dir := realDir(t)
	write(t, filepath.Join(dir, "bots/a/file"), "inside")
	for _, allowed := range []string{dir + "/bots", dir + "/bots/", dir + "//x/../bots"} {
		for _, path := range []string{"/bots/a/file", "/bots//a/./file", "/bots/a/../a/file", "/x/../bots/a/file"} {
			if text, err := fetch(files(t, allowed), dir+path); err != nil || text != "inside" {
				t.Errorf("'%s' in '%s': '%s', %v", path, allowed, text, err)
			}
		}
	}
}

// On many systems /opt/intelmq is a link to a larger disk.
func TestTheAllowedPathMayBeALink(t *testing.T) {
	dir := realDir(t)
	top := filepath.Join(dir, "opt/bots")
	write(t, filepath.Join(dir, "disk/bots/a/large"), strings.Repeat("x", 2000))
	f := files(t, top)
	if _, err := f.Describe(top); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before it is there: %v", err)
	}
	check(t, os.Symlink("disk", filepath.Join(dir, "opt")))
	for _, path := range []string{top, filepath.Join(dir, "disk/bots")} {
		listing, err := f.Describe(path + "/a")
		check(t, err)
		if want := dir + "/disk/bots/a/large"; listing.Files["large"].Path != want {
			t.Errorf("'%s': the file is at '%s', want '%s'", path, listing.Files["large"].Path, want)
		}
		// What a listing says can be asked for.
		if _, err := fetch(f, listing.Files["large"].Path); err != nil {
			t.Error(err)
		}
	}
}

func TestLinksLeadInsideAndNotOut(t *testing.T) {
	dir := realDir(t)
	top := filepath.Join(dir, "bots")
	write(t, filepath.Join(top, "a/file"), "inside")
	write(t, filepath.Join(dir, "secret"), "outside")
	for name, c := range map[string]struct {
		target string
		err    error
	}{
		"to a file of the folder":           {"a/file", nil},
		"by the absolute path":              {top + "/a/file", nil},
		"by a path that goes up and down":   {"a/../a/file", nil},
		"by a folder above":                 {"../bots/a/file", botfiles.ErrNotAllowed},
		"out":                               {"../secret", botfiles.ErrNotAllowed},
		"out, by the absolute path":         {dir + "/secret", botfiles.ErrNotAllowed},
		"out, by the absolute path and ..":  {top + "/../secret", botfiles.ErrNotAllowed},
		"out, to what is not there":         {"../nothing", botfiles.ErrNotAllowed},
		"nowhere":                           {"nothing", fs.ErrNotExist},
		"to itself":                         {"link", fs.ErrNotExist},
		"through a file":                    {"a/file/x", fs.ErrNotExist},
		"to a name that is no name":         {strings.Repeat("x", 300), fs.ErrNotExist},
		"out, behind a link to a folder":    {"folder/../../secret", botfiles.ErrNotAllowed},
		"inside, behind a link to a folder": {"folder/file", nil},
	} {
		t.Run(name, func(t *testing.T) {
			for _, l := range [][2]string{{"folder", "a"}, {"link", c.target}} {
				check(t, os.Symlink(l[1], filepath.Join(top, l[0])))
				defer os.Remove(filepath.Join(top, l[0]))
			}
			f := files(t, top)
			text, err := fetch(f, top+"/link")
			if !errors.Is(err, c.err) || err == nil && text != "inside" {
				t.Errorf("fetched: '%s', %v, want '%v'", text, err, c.err)
			}
			_, err = f.Describe(top + "/link")
			if !errors.Is(err, c.err) {
				t.Errorf("described: %v, want '%v'", err, c.err)
			}
			listing, err := f.Describe(top)
			check(t, err)
			if _, shown := listing.Files["link"]; shown != (c.err == nil) {
				t.Errorf("in the listing: %v", shown)
			}
		})
	}
}

func TestFetchIsBounded(t *testing.T) {
	top := realDir(t)
	path := filepath.Join(top, "file")
	write(t, path, "x")
	f := files(t, top)
	check(t, os.Truncate(path, 16<<20))
	content, err := f.Fetch(path)
	check(t, err)
	// What is written meanwhile is not part of the answer.
	check(t, os.Truncate(path, 17<<20))
	text := make([]byte, 17<<20)
	n := 0
	for err == nil {
		var more int
		more, err = content.Read(text[n:])
		n += more
	}
	check(t, content.Close())
	if n != 16<<20 {
		t.Errorf("%d bytes", n)
	}
	if _, err := f.Fetch(path); !errors.Is(err, botfiles.ErrTooLarge) {
		t.Errorf("%v", err)
	}
}

func FuzzAPathLeadsNowhereElse(f *testing.F) {
	dir := realDir(f)
	top := filepath.Join(dir, "bots")
	for _, name := range []string{"bots/file", "bots/a/file", "botsX/file", "file"} {
		text := "outside"
		if strings.HasPrefix(name, "bots/") {
			text = "inside"
		}
		write(f, filepath.Join(dir, name), text)
	}
	check(f, os.Symlink("..", filepath.Join(top, "up")))
	check(f, os.Symlink(dir, filepath.Join(top, "away")))
	for _, path := range []string{"/file", "/a/../file", "/../file", "/../botsX/file", "/up/file", "/away/file", "X/file", "/up/bots/file", "//file", "/file\x00", "/./a/./file"} {
		f.Add(path)
	}
	bots := files(f, top)
	f.Fuzz(func(t *testing.T, path string) {
		for _, path := range []string{path, top + path} {
			if text, err := fetch(bots, path); err == nil && text != "inside" {
				t.Errorf("'%s' gives '%s'", path, text)
			}
			listing, err := bots.Describe(path)
			if err != nil {
				continue
			}
			for name, entry := range listing.Files {
				if entry.Contents != nil && *entry.Contents != "inside" {
					t.Errorf("'%s' shows '%s' with '%s'", path, name, *entry.Contents)
				}
			}
			if d := listing.Directory; d != "" && d != top && !strings.HasPrefix(d, top+"/") {
				t.Errorf("'%s' lists '%s'", path, d)
			}
		}
	})
}
