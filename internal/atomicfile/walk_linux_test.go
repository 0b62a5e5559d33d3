package atomicfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

// A stranger who owns the folder may exchange root's link for his own, and back, at
// any moment.
func TestALinkThatIsExchangedAtTheWrongMomentLeadsNowhere(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make a link for another user")
	}
	dir := tree(t)
	check(t, os.Mkdir(filepath.Join(dir, "secret"), 0o700))
	check(t, os.WriteFile(filepath.Join(dir, "secret/file"), []byte("secret"), 0o600))
	link, roots, his := filepath.Join(dir, "link"), filepath.Join(dir, "roots"), filepath.Join(dir, "his")
	check(t, os.Symlink("disk/bots", link))
	check(t, os.Symlink("secret", his))
	check(t, os.Lchown(his, stranger, stranger))
	exchanged := make(chan struct{})
	go func() {
		defer close(exchanged)
		for end := time.Now().Add(time.Second); time.Now().Before(end); {
			_ = os.Rename(link, roots)
			_ = os.Rename(his, link)
			_ = os.Rename(link, his)
			_ = os.Rename(roots, link)
		}
	}()
	followed, refused := 0, 0
	for {
		file, info, err := atomicfile.OpenTrusted(filepath.Join(link, "file"))
		switch {
		case err == nil && info.Size() != 1:
			t.Fatal("the secret is opened")
		case err == nil:
			followed++
			check(t, file.Close())
		case errors.Is(err, atomicfile.ErrForeignLink):
			refused++
		case !errors.Is(err, fs.ErrNotExist):
			t.Fatal(err)
		}
		select {
		case <-exchanged:
			if followed == 0 || refused == 0 {
				t.Errorf("%d were followed and %d refused; this test cannot fail", followed, refused)
			}
			return
		default:
		}
	}
}

// What is in the folders above need not be listed by this process.
func TestNoRightToReadIsNeededOnTheWay(t *testing.T) {
	dir := tree(t)
	check(t, os.Chmod(filepath.Join(dir, "disk"), 0o311))
	t.Cleanup(func() { check(t, os.Chmod(filepath.Join(dir, "disk"), 0o755)) })
	root, where, err := atomicfile.OpenFolder(filepath.Join(dir, "relative/bots"))
	check(t, err)
	check(t, root.Close())
	if where != filepath.Join(dir, "disk/bots") {
		t.Errorf("it is at '%s'", where)
	}
}
