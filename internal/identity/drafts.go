package identity

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/sallyport/sallyport/internal/atomicfile"
	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/store"
)

// A process that is killed while it writes the pepper file leaves a draft beside it,
// with peppers in it that may be retired later.

// draftWrittenFor is longer than anybody writes a draft.
const draftWrittenFor = time.Minute

// LeftDrafts are the paths of the drafts with peppers that were left beside the
// pepper file. Those that may still be written at that time are not among them.
func LeftDrafts(pepperFile string, now time.Time) (paths []string, err error) {
	err = eachDraft(pepperFile, func(root *os.Root, name string, _ *credential.Peppers, written time.Time) error {
		if now.Sub(written) >= draftWrittenFor {
			paths = append(paths, filepath.Join(root.Name(), name))
		}
		return nil
	})
	return paths, err
}

// sweepDrafts removes what was left of changes of the pepper file. Its caller has
// the store's one turn to write, so that nobody writes such a draft now; one with
// none of the store's peppers is that of another store.
func (p *peppers) sweepDrafts(ours []string) error {
	err := eachDraft(p.file, func(root *os.Root, name string, peppers *credential.Peppers, _ time.Time) error {
		if !slices.ContainsFunc(ours, func(print string) bool { return peppers.Find(print) != nil }) {
			return nil
		}
		if err := root.Remove(name); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("what a killed process has left beside pepper file '%s' cannot be removed: %w; delete it", p.file, err)
	}
	return nil
}

// sweepAtStart is sweepDrafts for when nobody has the turn. What cannot be removed
// keeps nobody from starting: the doctor tells of it. Beside a store that was made just
// now a draft may be of whoever makes it, who has no turn to take yet.
func (p *peppers) sweepAtStart(ctx context.Context, s *store.Store, now time.Time) {
	left := false
	_ = eachDraft(p.file, func(*os.Root, string, *credential.Peppers, time.Time) error { left = true; return nil })
	if left {
		_ = s.Change(ctx, func(c *store.Change) error {
			list, err := c.Peppers()
			if err != nil || recent(list[len(list)-1].Created, now, draftWrittenFor) {
				return err
			}
			return p.sweepDrafts(p.atHand())
		})
	}
}

// eachDraft calls do for each draft beside the pepper file that holds peppers.
func eachDraft(pepperFile string, do func(root *os.Root, name string, peppers *credential.Peppers, written time.Time) error) (err error) {
	// It is replaced where it is, not where a link to it is.
	if real, err := filepath.EvalSymlinks(pepperFile); err == nil {
		pepperFile = real
	}
	root, err := os.OpenRoot(filepath.Dir(pepperFile))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	names, err := atomicfile.Drafts(root)
	if err != nil {
		return err
	}
	for _, name := range names {
		peppers, written, err := readDraft(root, name)
		if err != nil {
			return err
		}
		if peppers == nil {
			continue
		}
		if err := do(root, name, peppers, written); err != nil {
			return err
		}
	}
	return nil
}

// readDraft reads the peppers of a draft; nil if it is one of something else, or is
// gone.
func readDraft(root *os.Root, name string) (*credential.Peppers, time.Time, error) {
	file, info, err := atomicfile.OpenRegularIn(root, name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, atomicfile.ErrNotRegular) {
		return nil, time.Time{}, nil
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxPepperFile))
	if err != nil {
		return nil, time.Time{}, err
	}
	peppers, err := credential.ParsePeppers(text)
	if err != nil {
		return nil, time.Time{}, nil //nolint:nilerr // it is no pepper file
	}
	return peppers, info.ModTime(), nil
}
