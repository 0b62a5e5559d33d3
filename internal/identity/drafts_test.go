package identity

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
)

// killedWhileWriting leaves what a process leaves that is killed while it writes a
// file with this content into the folder of the peppers.
func (w *world) killedWhileWriting(content []byte) (path string) {
	w.t.Helper()
	path = filepath.Join(filepath.Dir(w.peppers.file), ".new-"+rand.Text())
	if err := os.WriteFile(path, content, 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

func TestDraftsOfThePepperFileAreRemoved(t *testing.T) {
	for name, begin := range map[string]func(*world){
		"by a rotation":          func(w *world) { w.rotatePepper() },
		"by a retirement":        func(w *world) { w.retire(false) },
		"by one that is refused": func(w *world) { w.retire(true) },
		"at the start":           func(w *world) { w.clock.add(time.Minute); w.restart() },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			content, err := os.ReadFile(w.peppers.file)
			w.must(nil, err)
			other, err := credential.NewPepper(w.random)
			w.must(nil, err)
			peppers, err := new(credential.Peppers).With(other)
			w.must(nil, err)
			draft := w.killedWhileWriting(content)
			kept := []string{w.killedWhileWriting(fileOf(peppers)), w.killedWhileWriting([]byte("192.0.2.1:secret\n")), w.killedWhileWriting(nil)}
			begin(w)
			if _, err := os.Stat(draft); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("it is still there: %v", err)
			}
			for _, path := range kept {
				if _, err := os.Stat(path); err != nil {
					t.Errorf("what is no draft of this file: %v", err)
				}
			}
			if _, err := os.Stat(w.peppers.file); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestAStartTouchesNothingOfWhoMakesTheStore: he writes the pepper's draft without the
// turn, since there is no store yet that has one.
func TestAStartTouchesNothingOfWhoMakesTheStore(t *testing.T) {
	w := newWorld(t)
	content, err := os.ReadFile(w.peppers.file)
	w.must(nil, err)
	draft := w.killedWhileWriting(content)
	w.restart()
	if _, err := os.Stat(draft); err != nil {
		t.Errorf("a draft that may be his: %v", err)
	}
}

func TestDraftsAreFoundWhereThePepperFileReallyIs(t *testing.T) {
	w := newWorld(t)
	content, err := os.ReadFile(w.peppers.file)
	w.must(nil, err)
	draft := w.killedWhileWriting(content)
	w.killedWhileWriting([]byte("no pepper"))
	link := filepath.Join(t.TempDir(), "pepper")
	w.must(nil, os.Symlink(w.peppers.file, link))
	later := time.Now().Add(draftWrittenFor)
	if got, err := LeftDrafts(link, later); err != nil || len(got) != 1 || filepath.Base(got[0]) != filepath.Base(draft) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := LeftDrafts(link, time.Now()); err != nil || len(got) != 0 {
		t.Errorf("one that may be written now: %v, %v", got, err)
	}
	if _, err := LeftDrafts(filepath.Join(t.TempDir(), "none", "pepper"), later); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in no folder: %v", err)
	}
}

// A folder that nobody may write in keeps nobody from starting.
func TestADraftThatCannotBeRemovedKeepsNobodyFromStarting(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write everywhere")
	}
	w := newWorld(t)
	content, err := os.ReadFile(w.peppers.file)
	w.must(nil, err)
	w.peppers.file = filepath.Join(t.TempDir(), "pepper")
	w.must(nil, os.WriteFile(w.peppers.file, content, 0o600))
	draft := w.killedWhileWriting(content)
	w.must(nil, os.Chmod(filepath.Dir(draft), 0o500))
	w.peppers.sweepAtStart(t.Context(), w.store, w.clock.now().Add(time.Hour))
	if _, err := os.Stat(draft); err != nil {
		t.Error(err)
	}
	if err := w.peppers.sweepDrafts(w.pepperFile()); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a change of the file: %v", err)
	}
	w.must(nil, os.Chmod(filepath.Dir(draft), 0o700))
	if !slices.Contains(w.pepperFile(), w.needed()[0]) {
		t.Error("the pepper has changed")
	}
}
