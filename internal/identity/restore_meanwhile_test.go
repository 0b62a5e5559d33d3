package identity

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/store"
)

// compared is a restore that has passed the checks and knows what it replaces.
func compared(t testing.TB, c Config, file, pepper string) (*Restore, store.Comparison) {
	t.Helper()
	r := prepared(t, c, file, pepper)
	comparison, err := r.Compare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r, comparison
}

// restoreFrom puts a backup in place, and does not wait until the mirror follows.
func (w *world) restoreFrom(file, pepper string) {
	w.t.Helper()
	r, _ := compared(w.t, w.config, file, pepper)
	w.must(r.Apply(w.t.Context(), "os:test"))
}

// The backup needs the pepper that is retired just before it is put in place.
func TestAPepperThatIsRetiredMeanwhileComesBack(t *testing.T) {
	w, word, file, _ := backedUp(t)
	needs := w.pepperFile()[0]
	w.rotatePepper()
	w.check(word)
	w.moveAll()
	r, _ := compared(t, w.config, file, "")
	done, err := w.RetirePeppers(t.Context(), "os:test", false)
	if err != nil || len(done.Peppers) != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	w.must(r.Apply(t.Context(), "os:test"))
	if !slices.Contains(w.pepperFile(), needs) {
		t.Errorf("the pepper file has %v, the store needs %s", w.pepperFile(), needs)
	}
	w.later(0)
	if got := w.check(word); got != Accepted {
		t.Errorf("the key is %v", got)
	}
	w.restart()
	if got := w.check(word); got != Accepted {
		t.Errorf("after a restart the key is %v", got)
	}
}

// The same for the whole file, which comes back before there is a store again.
func TestAPepperFileThatIsLostMeanwhileComesBack(t *testing.T) {
	_, _, file, pepper := backedUp(t)
	c := newConfig(t, nil)
	content, err := os.ReadFile(pepper)
	if err != nil {
		t.Fatal(err)
	}
	write(t, c.pepperFile(), string(content), 0o600)
	r := prepared(t, c, file, "")
	if _, err := r.Compare(t.Context()); !errors.Is(err, store.ErrNoStore) {
		t.Fatal(err)
	}
	if err := os.Remove(c.pepperFile()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Apply(t.Context(), "os:test"); err != nil {
		t.Fatal(err)
	}
	c.Create = false
	openRegistry(t, c)
}

func TestARestoreThatCannotGiveThePepperBackChangesNothing(t *testing.T) {
	w, word, file, _ := backedUp(t)
	w.rotatePepper()
	w.check(word)
	w.moveAll()
	r, _ := compared(t, w.config, file, "")
	w.must(w.RetirePeppers(t.Context(), "os:test", false))
	write(t, w.config.pepperFile(), "no pepper", 0o600)
	if _, err := r.Apply(t.Context(), "os:test"); err == nil {
		t.Error("it is done")
	}
	if needed := w.needed(); len(needed) != 1 {
		t.Errorf("the store needs %v", needed)
	}
}

// Where there is no room for the new store, say, the damaged one stays at its place.
func TestADamagedStoreStaysWhereNoneCanTakeItsPlace(t *testing.T) {
	w, _, file, _ := backedUp(t)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	c := w.config
	write(t, c.Location.Path, strings.Repeat("no database ", 100), 0o600)
	r := prepared(t, c, file, "")
	if _, err := r.Compare(t.Context()); !errors.Is(err, store.ErrDamaged) {
		t.Fatal(err)
	}
	content, err := os.ReadFile(c.pepperFile())
	if err != nil {
		t.Fatal(err)
	}
	write(t, c.pepperFile(), "no pepper", 0o600)
	if done, err := r.Apply(t.Context(), "os:test"); err == nil || len(done.Aside) != 0 {
		t.Errorf("%v, %v", done.Aside, err)
	}
	if text, err := os.ReadFile(c.Location.Path); err != nil || !strings.HasPrefix(string(text), "no database") {
		t.Errorf("there is '%.20s', %v", text, err)
	}
	write(t, c.pepperFile(), string(content), 0o600)
	if done, err := r.Apply(t.Context(), "os:test"); err != nil || len(done.Aside) == 0 {
		t.Errorf("%v, %v", done.Aside, err)
	}
	w.open()
}

// renumbered is a world whose store was restored, so that the pepper of its backup,
// and the one that it got since, would have the same number.
func renumbered(t *testing.T) (w *world, word, file, pepper string) {
	t.Helper()
	w, word, before, _ := backedUp(t)
	w.rotatePepper()
	file, pepper = filepath.Join(t.TempDir(), "rotated.db"), filepath.Join(t.TempDir(), "peppers")
	if _, err := Backup(t.Context(), w.config, file, pepper); err != nil {
		t.Fatal(err)
	}
	w.restoreFrom(before, "")
	w.later(0)
	w.must(w.RetirePeppers(t.Context(), "os:test", false))
	w.rotatePepper()
	return w, word, file, pepper
}

func TestAMoveThatWaitsDuringARestoreSpoilsNoKey(t *testing.T) {
	w, word, file, pepper := renumbered(t)
	if got := w.check(word); got != Accepted {
		t.Fatalf("it is %v", got)
	}
	w.restoreFrom(file, pepper)
	w.moveAll()
	w.later(0)
	if got := w.check(word); got != Accepted {
		t.Errorf("after the move it is %v", got)
	}
	w.restart()
	if got := w.check(word); got != Accepted {
		t.Errorf("after a restart it is %v", got)
	}
}

func TestAMoveOfBeforeARestoreIsForgotten(t *testing.T) {
	w, word, file, pepper := renumbered(t)
	if w.check(word); len(w.mirror.moves.wait) != 1 {
		t.Fatalf("%d wait", len(w.mirror.moves.wait))
	}
	w.restoreFrom(file, pepper)
	if w.later(0); len(w.mirror.moves.wait) != 0 {
		t.Errorf("%d wait", len(w.mirror.moves.wait))
	}
}

// Whoever has not seen the restore yet knows peppers that the store has no more.
func TestSecretsThatAreMadeRightAfterARestoreAreAccepted(t *testing.T) {
	for name, restored := range map[string]func() *world{
		"the number is gone": func() *world {
			w, _, file, _ := backedUp(t)
			w.rotatePepper()
			w.restoreFrom(file, "")
			return w
		},
		"the number would be that of another pepper": func() *world {
			w, _, file, pepper := renumbered(t)
			w.restoreFrom(file, pepper)
			return w
		},
	} {
		if w := restored(); w.check(w.issue("new")) != Accepted {
			t.Errorf("%s: a new key is refused", name)
		}
		w := restored()
		_, secret, err := w.RotateKey(t.Context(), "os:test", ref("ci"), time.Hour)
		if err != nil || w.check(secret.Reveal()) != Accepted {
			t.Errorf("%s: a rotated key is refused: %v", name, err)
		}
	}
}

func TestTheNumberOfAPepperIsNeverUsedAgain(t *testing.T) {
	w, _, file, pepper := renumbered(t)
	seen := map[int64]string{}
	note := func() {
		peppers, err := w.store.Peppers(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range peppers {
			if before := seen[p.ID]; before != "" && before != p.Fingerprint {
				t.Errorf("number %d was %s and is %s", p.ID, before, p.Fingerprint)
			}
			seen[p.ID] = p.Fingerprint
		}
	}
	for range 3 {
		note()
		w.restoreFrom(file, pepper)
		note()
		w.later(0)
		w.rotatePepper()
	}
	if problems, err := w.Check(t.Context()); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

func TestARevocationDuringARestoreIsTold(t *testing.T) {
	w, word, file, _ := backedUp(t)
	r, c := compared(t, w.config, file, "")
	if len(c.Keys) != 0 {
		t.Errorf("before it: %+v", c.Keys)
	}
	w.must(w.RevokeKey(t.Context(), "os:test", ref("ci"), ""))
	done, err := r.Apply(t.Context(), "os:test")
	if err != nil || done.Later == nil || len(done.Later.Keys) != 1 || done.Later.Keys[0].Why != "revoked" {
		t.Errorf("%+v, %v", done.Later, err)
	}
	w.later(0)
	if got := w.check(word); got != Accepted {
		t.Errorf("the key of the backup is %v", got)
	}
	r, _ = compared(t, w.config, file, "")
	if done, err := r.Apply(t.Context(), "os:test"); err != nil || done.Later != nil {
		t.Errorf("without a change: %+v, %v", done.Later, err)
	}
}

func TestARotationWithTheClockSetBackIsTold(t *testing.T) {
	w, _, file, _ := backedUp(t)
	w.clock.set(-time.Hour)
	w.later(0)
	w.must2(w.RotateKey(t.Context(), "os:test", ref("ci"), 0))
	if _, c := compared(t, w.config, file, ""); len(c.Keys) != 1 || c.Keys[0].Why != "rotated" {
		t.Errorf("%+v", c.Keys)
	}
}

func TestAnOverlapThatRetirementHasEndedIsTold(t *testing.T) {
	w := newWorld(t)
	w.issue("ci")
	w.rotatePepper()
	w.must2(w.RotateKey(t.Context(), "os:test", ref("ci"), 24*time.Hour))
	file, pepper := filepath.Join(t.TempDir(), "backup.db"), filepath.Join(t.TempDir(), "peppers")
	w.must(Backup(t.Context(), w.config, file, pepper))
	w.must(w.RetirePeppers(t.Context(), "os:test", true))
	if _, c := compared(t, w.config, file, pepper); len(c.Keys) != 1 || c.Keys[0].Why != "overlap ended" {
		t.Errorf("%+v", c.Keys)
	}
	w.clock.add(25 * time.Hour)
	if _, c := compared(t, w.config, file, pepper); len(c.Keys) != 0 {
		t.Errorf("when it would have ended by itself: %+v", c.Keys)
	}
}

// must2 is must for what gives two results.
func (w *world) must2(_ any, _ any, err error) {
	w.t.Helper()
	w.must(nil, err)
}
