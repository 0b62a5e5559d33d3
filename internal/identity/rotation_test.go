package identity

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/atomicfile"
	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

func (w *world) rotatePepper() PepperStatus {
	w.t.Helper()
	status, err := w.RotatePepper(w.t.Context(), "test")
	if err != nil {
		w.t.Fatal(err)
	}
	return status
}

// moveAll writes what was noted, as the server does every two seconds.
func (w *world) moveAll() { w.mirror.writeMoves(w.t.Context()) }

// expectOld holds what needs an old pepper against how much it should be.
func (w *world) expectOld(keys, tokens int64) {
	w.t.Helper()
	status, err := w.PepperStatus(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if status.OldKeys != keys || status.OldTokens != tokens {
		w.t.Errorf("%d keys and %d tokens need an old pepper, want %d and %d", status.OldKeys, status.OldTokens, keys, tokens)
	}
}

// pepperFile is what is in the pepper file, as fingerprints.
func (w *world) pepperFile() []string {
	w.t.Helper()
	file, err := ReadPeppers(w.peppers.file)
	if err != nil {
		w.t.Fatal(err)
	}
	return file.Fingerprints()
}

// needed are the fingerprints of what the store needs.
func (w *world) needed() (prints []string) {
	w.t.Helper()
	list, err := w.store.Peppers(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range list {
		prints = append(prints, p.Fingerprint)
	}
	return prints
}

// expectPeppers holds file and store against how many peppers should be there.
func (w *world) expectPeppers(file, needed int) {
	w.t.Helper()
	got := w.pepperFile()
	if len(got) != file || len(w.needed()) != needed {
		w.t.Errorf("%d peppers in the file and %d in the store, want %d and %d", len(got), len(w.needed()), file, needed)
	}
	for _, p := range w.needed() {
		if !slices.Contains(got, p) {
			w.t.Errorf("pepper %s is lost", p)
		}
	}
}

func TestSecretsGoOnWorkingUnderANewPepperAndMoveWhenUsed(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	used, unused, before := w.issue("used"), w.issue("unused"), w.issue("rotated")
	_, secret, err := w.RotateKey(t.Context(), "test", ref("rotated"), time.Hour)
	w.must(nil, err)
	after := secret.Reveal()
	_, tokens := w.logIn(alice(right), hour(credential.AppToken))

	status := w.rotatePepper()
	if len(status.Peppers) != 2 || status.Peppers[0].Keys != 0 || status.Peppers[1].Keys != 3 || status.OldKeys != 3 || status.OldTokens != 1 || status.Moved != 0 {
		t.Errorf("begun: %+v", status)
	}
	w.expectPeppers(2, 2)
	expect := func(when string) {
		t.Helper()
		for name, word := range map[string]string{"used": used, "before its rotation": before, "after its rotation": after} {
			if got := w.check(word); got != Accepted {
				t.Errorf("%s, the key %s: %s", when, name, got)
			}
		}
		w.expectToken(tokens[0], Accepted)
		if got := w.check(otherDigit(used)); got != Malformed {
			t.Errorf("%s, a wrong key: %s", when, got)
		}
	}
	expect("after the change")
	w.expectOld(3, 1)
	expect("while the moves wait")
	w.moveAll()
	expect("after the moves")
	w.expectOld(1, 0)
	w.restart()
	expect("after a restart")
	w.expectOld(1, 0)
	if got := w.check(unused); got != Accepted {
		t.Errorf("the key that was not used: %s", got)
	}
	w.moveAll()
	w.expectOld(0, 0)
	if got := w.events("pepper.rotate"); len(got) != 1 || got[0].Detail != w.needed()[0] || got[0].Actor != "test" {
		t.Errorf("events %+v", got)
	}
}

func TestNewSecretsAreUnderTheNewestPepperOfTheStore(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	old := w.issue("old")
	w.rotatePepper()
	word := w.issue("new")
	_, tokens := w.logIn(alice(right), hour(credential.AppToken))
	w.expectOld(1, 0)
	if got := w.check(word); got != Accepted {
		t.Errorf("the new key: %s", got)
	}
	w.expectToken(tokens[0], Accepted)
	// Rotated, a key has its two secrets under two peppers.
	_, secret, err := w.RotateKey(t.Context(), "test", ref("old"), time.Hour)
	w.must(nil, err)
	w.restart()
	for _, word := range []string{old, secret.Reveal()} {
		if got := w.check(word); got != Accepted {
			t.Errorf("a secret of the rotated key: %s", got)
		}
	}
	w.expectOld(1, 0)
	w.moveAll()
	w.expectOld(0, 0)
	w.clock.add(2 * time.Hour)
	w.must(nil, w.poll())
	if got := w.check(old); got != Expired {
		t.Errorf("after the overlap: %s", got)
	}
}

func TestARejectedKeyDoesNotMove(t *testing.T) {
	w := newWorld(t)
	word := w.issue("ci", func(n *NewKey) { n.Subject = []string{"/reports/*"} })
	w.rotatePepper()
	if got := w.check(word); got != Subject {
		t.Fatal(got)
	}
	if n := len(w.mirror.moves.take()); n != 0 {
		t.Errorf("%d moves are noted", n)
	}
}

func TestAMoveThatIsLateChangesNothing(t *testing.T) {
	for name, meanwhile := range map[string]func(w *world) error{
		"the key is rotated": func(w *world) error {
			_, _, err := w.RotateKey(w.t.Context(), "test", ref("ci"), 0)
			return err
		},
		"the key is revoked": func(w *world) error {
			_, err := w.RevokeKey(w.t.Context(), "test", ref("ci"), "")
			return err
		},
		"the user is deleted": func(w *world) error { return w.DeleteUser(w.t.Context(), "test", "alice") },
		"the sessions end": func(w *world) error {
			_, err := w.EndSessions(w.t.Context(), "test", "alice")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.setPassword("alice", right)
			word := w.issue("ci")
			_, tokens := w.logIn(alice(right), hour(credential.AppToken))
			w.rotatePepper()
			if got := w.check(word); got != Accepted {
				t.Fatal(got)
			}
			w.expectToken(tokens[0], Accepted)
			w.must(nil, meanwhile(w))
			key, token := w.check(word), w.checkToken(credential.AppToken, tokens[0])
			w.moveAll()
			w.restart()
			if got := w.check(word); got != key {
				t.Errorf("the key: %s, before the move %s", got, key)
			}
			w.expectToken(tokens[0], token)
			if strings.Contains(w.log.String(), "level=WARN") {
				t.Error(w.log.String())
			}
		})
	}
}

func TestMovesAreBounded(t *testing.T) {
	var m moves
	for i := range maxMoves + 10 {
		old := credential.Verifier{byte(i), byte(i >> 8), byte(i >> 16)}
		m.note(&old, 2, func() store.Move { return store.Move{Old: old, Pepper: 2} })
	}
	if n := len(m.take()); n != maxMoves {
		t.Errorf("%d moves are noted", n)
	}
	var f former
	for i := range maxFormer + 10 {
		f.put(credential.KeyID{byte(i), byte(i >> 8), byte(i >> 16)}, credential.KeyID{1})
	}
	if len(f.ids) != 10 {
		t.Errorf("%d former ids are kept", len(f.ids))
	}
}

func TestMovesThatCannotBeWrittenAreNotedAgain(t *testing.T) {
	w := newWorld(t)
	word := w.issue("ci")
	w.rotatePepper()
	w.check(word)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w.mirror.writeMoves(ctx)
	if !strings.Contains(w.log.String(), "could not be brought under the new pepper") {
		t.Errorf("the log: %s", w.log)
	}
	w.expectOld(1, 0)
	w.check(word)
	w.moveAll()
	w.expectOld(0, 0)
}

func TestMovesAreWrittenInTheEnd(t *testing.T) {
	w := newWorld(t)
	word := w.issue("ci")
	w.rotatePepper()
	w.check(word)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w.mirror.keepMoving(ctx)
	w.expectOld(0, 0)
}

// A request that was proven before a token moved knows it by its former id.
func TestATokenIsKnownByItsFormerIDToo(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	_, tokens := w.logIn(alice(right), hour(credential.AppToken))
	caller, _ := w.mirror.CheckToken(credential.AppToken, tokens[0], nil)
	p := principal.Principal{Method: principal.MethodAppToken, TokenID: caller.ID.String()}
	w.rotatePepper()
	w.expectToken(tokens[0], Accepted)
	w.moveAll()
	moved, reason := w.mirror.CheckToken(credential.AppToken, tokens[0], nil)
	if reason != Accepted || moved.ID == caller.ID {
		t.Fatalf("%s, the id is %s as before", reason, moved.ID)
	}
	if got := w.mirror.Recheck(&p, nil); got != Accepted {
		t.Errorf("at a second gate: %s", got)
	}
	w.must(nil, w.mirror.reload(t.Context()))
	if got := w.mirror.Recheck(&p, nil); got != Accepted {
		t.Errorf("at a second gate after a load: %s", got)
	}
	w.must(nil, w.LogOut(t.Context(), "user:alice", p.TokenID))
	if got := w.mirror.Recheck(&p, nil); got != UnknownToken {
		t.Errorf("after the log-out: %s", got)
	}
	w.expectToken(tokens[0], UnknownToken)
}

func TestAKeyThatMovesBetweenProofAndLogInLogsIn(t *testing.T) {
	w := newWorld(t)
	word := w.issue("ci")
	w.rotatePepper()
	caller := w.callerOf(word)
	w.moveAll()
	if _, _, err := w.LogInByKey(t.Context(), caller, NewSession{Tokens: []NewToken{hour(credential.AppToken)}}); err != nil {
		t.Error(err)
	}
}

func TestATokenDoesNotGoIdleByMoving(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	_, tokens := w.logIn(alice(right), hour(credential.AppToken))
	w.rotatePepper()
	w.later(50 * time.Second)
	w.expectToken(tokens[0], Accepted)
	w.moveAll()
	w.later(50 * time.Second)
	w.expectToken(tokens[0], Accepted)
	w.open()
	w.later(0)
	w.expectToken(tokens[0], Accepted)
}

func TestPasswordsAndLocksOutliveANewPepper(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	w.expectPassword(alice(right), Accepted, 1)
	w.rotatePepper()
	w.expectPassword(alice(right), Accepted, 1)
	w.fail(5, alice(wrong))
	w.rotatePepper()
	w.expectPassword(alice(right), Locked, 1)
	w.must(w.RetirePeppers(t.Context(), "test", false))
	// The counts are under the oldest pepper, and begin anew with another one.
	w.expectPassword(alice(right), Accepted, 1)
}

// The steps at which a change can be broken off: in each the file has all that the
// store needs.
func TestARotationThatIsBrokenOffGoesOn(t *testing.T) {
	refused := errors.New("no space left on device")
	for name, test := range map[string]struct {
		replace func(cancel func()) func(string, []byte, fs.FileInfo) error
		file    int
	}{
		"before the file is written": {func(func()) func(string, []byte, fs.FileInfo) error {
			return func(string, []byte, fs.FileInfo) error { return refused }
		}, 1},
		"after the file is written": {func(func()) func(string, []byte, fs.FileInfo) error {
			return func(path string, content []byte, was fs.FileInfo) error {
				return errors.Join(atomicfile.Replace(path, content, was), refused)
			}
		}, 2},
		"when the store is to commit": {func(cancel func()) func(string, []byte, fs.FileInfo) error {
			return func(path string, content []byte, was fs.FileInfo) error {
				cancel()
				return atomicfile.Replace(path, content, was)
			}
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			word := w.issue("ci")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			w.peppers.replace = test.replace(cancel)
			if _, err := w.RotatePepper(ctx, "test"); err == nil {
				t.Fatal("it was not broken off")
			}
			w.expectPeppers(test.file, 1)
			half := w.pepperFile()
			w.restart()
			w.issue("meanwhile")
			w.expectOld(0, 0)
			if got := w.check(word); got != Accepted {
				t.Errorf("the key: %s", got)
			}
			w.rotatePepper()
			// What is left over stays until peppers are retired.
			w.expectPeppers(test.file+1, 2)
			if slices.Contains(half, w.needed()[0]) {
				t.Error("it went on with a pepper that was there")
			}
			if got := w.check(word); got != Accepted {
				t.Errorf("the key: %s", got)
			}
		})
	}
}

// The pepper was changed because somebody has seen it.
func TestAPepperThatARestoreHasUndoneIsNotUsedAgain(t *testing.T) {
	w, word, file, _ := backedUp(t)
	first := w.needed()[0]
	w.rotatePepper()
	seen := w.needed()[0]
	r := prepared(t, w.config, file, "")
	_, err := r.Compare(t.Context())
	w.must(nil, err)
	if got := r.PepperAgain(); got != first {
		t.Errorf("the pepper that is in use again is '%s'", got)
	}
	_, err = r.Apply(t.Context(), "test")
	w.must(nil, err)
	w.must(nil, w.poll())
	w.rotatePepper()
	if got := w.needed(); len(got) != 2 || got[0] == seen || got[1] != first {
		t.Errorf("the peppers are %v, and %s was seen", got, seen)
	}
	w.expectPeppers(3, 2)
	if got := w.check(word); got != Accepted {
		t.Errorf("the key: %s", got)
	}
	w.moveAll()
	w.must(w.RetirePeppers(t.Context(), "test", false))
	w.expectPeppers(1, 1)
}

func TestARotationWithoutItsFileSaysWhatIsLeftToDo(t *testing.T) {
	w := newWorld(t)
	w.must(nil, os.Remove(w.peppers.file))
	if _, err := w.RotatePepper(t.Context(), "test"); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), w.peppers.file) || !strings.Contains(err.Error(), "put it back from a backup; where there is no copy, the last way is `caddy auth store pepper replace-lost`") {
		t.Errorf("%v", err)
	}
}

func TestPeppersThatAreLeftOverFillTheFileToo(t *testing.T) {
	w := newWorld(t)
	replace := w.peppers.replace
	w.peppers.replace = func(path string, content []byte, was fs.FileInfo) error {
		return errors.Join(replace(path, content, was), errors.New("broken off"))
	}
	for range credential.MaxPeppers {
		if _, err := w.RotatePepper(t.Context(), "test"); err == nil {
			t.Fatal("it was not broken off")
		}
	}
	w.peppers.replace = replace
	if _, err := w.RotatePepper(t.Context(), "test"); err == nil || !strings.Contains(err.Error(), w.peppers.file) || !strings.Contains(err.Error(), "caddy auth store pepper retire") {
		t.Errorf("one more: %v", err)
	}
	w.must(w.RetirePeppers(t.Context(), "test", false))
	w.expectPeppers(1, 1)
	w.rotatePepper()
	w.expectPeppers(2, 2)
}

func TestAPepperFileThatIsNotTheStoresIsNotChanged(t *testing.T) {
	other, err := credential.NewPepper(strings.NewReader(strings.Repeat("x", 64)))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"another": other.Text().Reveal() + "\n", "none": "", "damaged": "00"} {
		for verb, change := range map[string]func(*world) error{
			"rotate": func(w *world) error { _, err := w.RotatePepper(w.t.Context(), "test"); return err },
			"retire": func(w *world) error { _, err := w.RetirePeppers(w.t.Context(), "test", false); return err },
		} {
			w := newWorld(t)
			before := w.needed()
			w.must(nil, os.WriteFile(w.peppers.file, []byte(content), 0o600))
			if err := change(w); err == nil || !strings.Contains(err.Error(), w.peppers.file) {
				t.Errorf("%s, %s: %v", name, verb, err)
			}
			text, err := os.ReadFile(w.peppers.file)
			if err != nil || string(text) != content || !slices.Equal(w.needed(), before) {
				t.Errorf("%s, %s: something was changed: %v", name, verb, err)
			}
		}
	}
}

func TestThereCanBeEightPeppers(t *testing.T) {
	w := newWorld(t)
	word := w.issue("ci")
	for range credential.MaxPeppers - 1 {
		w.rotatePepper()
	}
	w.expectPeppers(credential.MaxPeppers, credential.MaxPeppers)
	if _, err := w.RotatePepper(t.Context(), "test"); err == nil || !strings.Contains(err.Error(), "caddy auth store pepper retire") {
		t.Errorf("one more: %v", err)
	}
	if got := w.check(word); got != Accepted {
		t.Errorf("the key of the first pepper: %s", got)
	}
	w.restart()
	if got := w.check(word); got != Accepted {
		t.Errorf("the key of the first pepper after a restart: %s", got)
	}
	w.moveAll()
	w.must(w.RetirePeppers(t.Context(), "test", false))
	w.expectPeppers(1, 1)
	w.rotatePepper()
	if got := w.check(word); got != Accepted {
		t.Errorf("the key of the eighth pepper: %s", got)
	}
}

// Numbers of peppers in memory are not used again, until everything is loaded anew.
func TestMemoryIsLoadedAnewAfterTooManyPeppers(t *testing.T) {
	w := newWorld(t)
	word := w.issue("ci")
	x := w.mirror.index.Load()
	numbers := x.peppers.Load()
	full := &pepperNumbers{living: numbers.living}
	full.ids, full.list = slices.Clone(numbers.ids), slices.Clone(numbers.list)
	for len(full.ids) < maxPepperNumbers {
		full.ids, full.list = append(full.ids, int64(-len(full.ids))), append(full.list, full.list[0])
	}
	x.peppers.Store(full)
	w.rotatePepper()
	if w.mirror.index.Load() == x {
		t.Error("memory was not loaded anew")
	}
	if got := w.check(word); got != Accepted {
		t.Errorf("the key: %s", got)
	}
}

// Nobody takes two turns to write, so that no process writes over what another
// one has written.
func TestConcurrentRotationsLoseNoPepper(t *testing.T) {
	w := newWorld(t)
	word := w.issue("ci")
	var wait sync.WaitGroup
	for i := range 3 {
		r := openRegistry(t, w.config)
		wait.Go(func() {
			for range 2 {
				if _, err := r.RotatePepper(t.Context(), fmt.Sprintf("process %d", i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	w.must(nil, w.poll())
	w.expectPeppers(7, 7)
	if got := w.check(word); got != Accepted {
		t.Errorf("the key: %s", got)
	}
}

func TestChecksDuringAChangeOfThePepper(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	key := w.issue("ci")
	_, tokens := w.logIn(alice(right), hour(credential.AppToken))
	done := make(chan struct{})
	var wait sync.WaitGroup
	for range 2 {
		wait.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if got := w.check(key); got != Accepted {
					t.Errorf("the key: %s", got)
					return
				}
				if got := w.checkToken(credential.AppToken, tokens[0]); got != Accepted {
					t.Errorf("the token: %s", got)
					return
				}
			}
		})
	}
	for range 5 {
		w.rotatePepper()
		w.issue(fmt.Sprint(w.needed()[0][:8]))
		w.moveAll()
		// What was just noted under the pepper before may keep it.
		if _, err := w.RetirePeppers(t.Context(), "test", false); err != nil {
			if _, old := errors.AsType[*OldPepperError](err); !old {
				t.Error(err)
			}
		}
	}
	close(done)
	wait.Wait()
}

func TestAnotherProcessFollowsAChangeOfThePepper(t *testing.T) {
	w := newWorld(t)
	old := w.issue("old")
	other := openRegistry(t, w.config)
	rotated, err := other.RotatePepper(t.Context(), "test")
	w.must(nil, err)
	_, secret, err := other.IssueKey(t.Context(), "test", NewKey{Username: "alice", Name: "new"})
	w.must(nil, err)
	// It looks ten times a second.
	w.must(nil, w.poll())
	for _, word := range []string{old, secret.Reveal()} {
		if got := w.check(word); got != Accepted {
			t.Errorf("a key: %s", got)
		}
	}
	if info, err := w.Info(t.Context()); err != nil || info.Pepper != rotated.Peppers[0].Fingerprint {
		t.Errorf("the newest pepper is %s, %v", info.Pepper, err)
	}
	w.moveAll()
	w.must(other.RetirePeppers(t.Context(), "test", false))
	w.must(nil, w.poll())
	w.issue("newest")
	w.expectPeppers(1, 1)
}

func TestAProcessWithoutTheNewPepperAnswersNothing(t *testing.T) {
	w := newWorld(t)
	word := w.issue("ci")
	// Another machine's copy of the pepper file.
	config := w.config
	config.PepperFile = filepath.Join(t.TempDir(), "pepper")
	text, err := os.ReadFile(w.peppers.file)
	w.must(nil, errors.Join(err, os.WriteFile(config.PepperFile, text, 0o600)))
	far := &world{t: t, clock: w.clock, log: &log{}, config: config}
	far.open()
	w.must(nil, far.poll())
	w.rotatePepper()
	w.clock.add(2 * time.Second)
	err = far.poll()
	if !errors.Is(err, store.ErrPepper) || !strings.Contains(err.Error(), "pepper file '"+config.PepperFile) || !strings.Contains(err.Error(), "put the right pepper file in its place") {
		t.Errorf("the fault: %v", err)
	}
	if got := far.check(word); got != NotFresh {
		t.Errorf("the key: %s", got)
	}
	text, err = os.ReadFile(w.peppers.file)
	w.must(nil, errors.Join(err, os.WriteFile(config.PepperFile, text, 0o600)))
	w.must(nil, far.poll())
	if got := far.check(word); got != Accepted {
		t.Errorf("the key, with the file: %s", got)
	}
}

func TestAPepperFileIsReadAgainIfItChangesDuringTheStart(t *testing.T) {
	w := newWorld(t)
	old, err := ReadPeppers(w.peppers.file)
	w.must(nil, err)
	w.rotatePepper()
	r := &Registry{now: w.clock.now}
	w.config.PepperFile, r.peppers.file = w.peppers.file, w.peppers.file
	w.must(nil, r.openStore(t.Context(), w.config, old))
	w.must(nil, r.store.Close())
}
