//go:build unix

package atomicfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

// stranger is a user who is neither root nor this process.
const stranger = 12345

// tree is a folder without links in its path, with a file below it and links.
func tree(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	check(t, err)
	check(t, os.MkdirAll(filepath.Join(dir, "disk/bots"), 0o755))
	check(t, os.WriteFile(filepath.Join(dir, "disk/bots/file"), []byte("x"), 0o600))
	for name, target := range map[string]string{
		"relative": "disk", "absolute": dir + "/disk", "up": "disk/../disk/./bots//..", "above": "../../../../../../../../../../.." + dir + "/disk",
		"twice": "relative", "loop": "loop", "broken": "none", "disk/bots/link": "file",
	} {
		check(t, os.Symlink(target, filepath.Join(dir, name)))
	}
	return dir
}

func TestAPathIsFollowedAsTheSystemDoes(t *testing.T) {
	dir := tree(t)
	t.Chdir(dir)
	for _, path := range []string{
		"/", dir, "disk", ".", "relative/bots", dir + "/relative/bots/file", dir + "/absolute/bots/link", dir + "/up/bots",
		dir + "/above/bots/file", dir + "/twice/bots/", "twice/../disk", "relative/bots/../../disk/bots/file", "//",
	} {
		where, info, err := atomicfile.Locate(path)
		check(t, err)
		real, err := filepath.EvalSymlinks(path)
		check(t, err)
		real, err = filepath.Abs(real)
		check(t, err)
		want, err := os.Stat(path)
		check(t, err)
		if where != real || !os.SameFile(info, want) {
			t.Errorf("'%s' is at '%s', want '%s'", path, where, real)
		}
	}
	for path, want := range map[string]error{
		"none": fs.ErrNotExist, "broken": fs.ErrNotExist, "none/..": fs.ErrNotExist, "loop": syscall.ELOOP, "disk/bots/file/x": syscall.ENOTDIR,
	} {
		if _, err := atomicfile.Look(path); !errors.Is(err, want) {
			t.Errorf("'%s': %v, want '%v'", path, err, want)
		}
	}
}

func TestEachStepIsShown(t *testing.T) {
	dir := tree(t)
	var seen []string
	_, _, err := atomicfile.Walk(dir+"/twice/bots", func(path string, _ fs.FileInfo) error {
		if below, ok := strings.CutPrefix(path, dir+"/"); ok {
			seen = append(seen, below)
		}
		return nil
	})
	check(t, err)
	if d := cmp.Diff([]string{"twice", "relative", "disk", "disk/bots"}, seen); d != "" {
		t.Error(d)
	}
}

// ways are those to open what a path leads to.
var ways = map[string]func(path string) error{
	"look": func(path string) error {
		_, err := atomicfile.Look(path)
		return err
	},
	"open the file": func(path string) error {
		file, _, err := atomicfile.OpenTrusted(path)
		if err != nil {
			return err
		}
		return file.Close()
	},
	"open its folder": func(path string) error {
		root, _, err := atomicfile.OpenFolder(filepath.Dir(path))
		if err != nil {
			return err
		}
		return root.Close()
	},
}

func TestAFolderThatIsALinkOfAnotherUserIsNotFollowed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make a link for another user")
	}
	for name, way := range ways {
		dir := tree(t)
		path := filepath.Join(dir, "twice/bots/file")
		if err := way(path); err != nil {
			t.Errorf("%s: root's links: %v", name, err)
		}
		for _, link := range []string{"twice", "relative"} {
			check(t, os.Lchown(filepath.Join(dir, link), stranger, 0))
			err := way(path)
			if !errors.Is(err, atomicfile.ErrForeignLink) || !strings.Contains(err.Error(), "'"+dir+"/"+link+"': ") || !strings.Contains(err.Error(), "chown -h root") {
				t.Errorf("%s: '%s' of another user: %v", name, link, err)
			}
			check(t, os.Lchown(filepath.Join(dir, link), 0, 0))
		}
	}
	dir := tree(t)
	check(t, os.Lchown(filepath.Join(dir, "twice"), stranger, 0))
	if _, err := atomicfile.LookAs(stranger, filepath.Join(dir, "twice")); err != nil {
		t.Errorf("his own link: %v", err)
	}
}

func TestOnlyFoldersAreOpenedAsFoldersAndFilesAsFiles(t *testing.T) {
	dir := tree(t)
	check(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
	for _, name := range []string{"pipe", "disk/bots/file"} {
		if _, _, err := atomicfile.OpenFolder(filepath.Join(dir, name)); !errors.Is(err, atomicfile.ErrNotFolder) {
			t.Errorf("'%s' as a folder: %v", name, err)
		}
	}
	for _, name := range []string{"pipe", "disk"} {
		if _, _, err := atomicfile.OpenTrusted(filepath.Join(dir, name)); !errors.Is(err, atomicfile.ErrNotRegular) {
			t.Errorf("'%s' as a file: %v", name, err)
		}
	}
}

// Who may write in the folder above may put something in place of the new one.
func TestWhatTakesTheNameOfANewFolderIsNotGivenAway(t *testing.T) {
	dir := tree(t)
	root := open(t, dir)
	put := map[string]func(path string) error{
		"full": func(path string) error { return os.MkdirAll(filepath.Join(path, "file"), 0o700) },
		"link": func(path string) error {
			return errors.Join(os.Mkdir(path+".to", 0o700), os.Symlink("link.to", path))
		},
	}
	if os.Geteuid() == 0 {
		put["his"] = func(path string) error { return errors.Join(os.Mkdir(path, 0o700), os.Chown(path, stranger, stranger)) }
	}
	for name, put := range put {
		check(t, put(filepath.Join(dir, name)))
		if _, err := atomicfile.Claim(root, name); !errors.Is(err, atomicfile.ErrReplaced) {
			t.Errorf("'%s': %v", name, err)
		}
	}
	check(t, os.Mkdir(filepath.Join(dir, "new"), 0o700))
	mine, err := atomicfile.Claim(root, "new")
	check(t, err)
	check(t, mine.Close())
}
