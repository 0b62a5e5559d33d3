package identity

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/store"
)

// execute changes the database behind the back of the store.
func (w *world) execute(statement string) {
	w.t.Helper()
	db, err := sql.Open("sqlite", w.config.Location.Path)
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = db.ExecContext(w.t.Context(), statement)
	if err := errors.Join(err, db.Close()); err != nil {
		w.t.Fatal(err)
	}
}

func TestAStoreThatIsGoneIsAFaultAndNoRefusal(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(w *world) error
		want  string
	}{
		"the store is closed":  {func(w *world) error { return w.store.Close() }, "database is closed"},
		"the file has gone":    {func(w *world) error { return os.Rename(w.config.Location.Path, w.config.Location.Path+".away") }, store.ErrReplaced.Error()},
		"a table is not there": {func(w *world) error { w.execute(`DROP TABLE login_failures`); return nil }, "no such table"},
	} {
		w := newWorld(t)
		w.setPassword("alice", right)
		caller := w.callerOf(w.issue("ci"))
		if err := test.spoil(w); err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		_, reason, check := w.mirror.CheckPassword(ctx, alice(right))
		if reason != NotFresh {
			t.Errorf("%s: the reason is %s", name, reason)
		}
		_, change := w.ChangePassword(ctx, "user:alice", alice(right), newer)
		_, lockOuts := w.LockOuts(ctx)
		_, unlock := w.Unlock(ctx, "os:root", "alice")
		errs := map[string]error{"log-in": w.try(alice(right)), "check": check, "change": change, "lock-outs": lockOuts, "unlock": unlock}
		if !strings.Contains(test.want, "table") {
			_, _, errs["log-in by key"] = w.LogInByKey(ctx, caller, NewSession{Tokens: []NewToken{hour(credential.AppToken)}})
			_, errs["set"] = w.SetPassword(ctx, "test", "alice", newer)
			_, errs["sessions"] = w.Sessions(ctx, "", "", 10)
			_, errs["end"] = w.EndSessions(ctx, "test", "alice")
			errs["end one"] = w.EndSession(ctx, "test", "", "x")
			errs["log-out"] = w.LogOut(ctx, "test", "x")
		}
		for what, err := range errs {
			if err == nil || isRefusal(err) || errors.Is(err, store.ErrNotFound) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %s: %v", name, what, err)
			}
		}
	}
}

// A disk may be full at any step. Whatever was not acknowledged is not there,
// half of it neither.
func TestALogInThatCannotBeWrittenIsNone(t *testing.T) {
	for _, step := range []string{"INSERT ON login_failures", "DELETE ON login_failures", "INSERT ON sessions", "INSERT ON tokens", "INSERT ON changes", "INSERT ON audit_events"} {
		w := newWorld(t)
		w.setPassword("alice", right)
		caller := w.callerOf(w.issue("ci"))
		w.execute(`CREATE TRIGGER full BEFORE ` + step + ` BEGIN SELECT RAISE(ABORT, 'no room'); END`)
		n := NewSession{Tokens: []NewToken{hour(credential.AppToken), hour(credential.SessionToken)}}
		_, words, err := w.LogInByPassword(t.Context(), alice(right), n)
		if err == nil || isRefusal(err) || words != nil || !strings.Contains(err.Error(), "no room") {
			t.Errorf("%s: %v", step, err)
		}
		_, words, err = w.LogInByKey(t.Context(), caller, n)
		if failures := strings.Contains(step, "failures"); failures == (err != nil) || err != nil && (isRefusal(err) || words != nil) {
			t.Errorf("%s: by a key: %v", step, err)
		}
		w.execute(`DROP TRIGGER full`)
		w.must(w.EndSessions(t.Context(), "test", "alice"))
		w.later(0)
		if _, tokens := w.mirror.Size(); tokens != 0 {
			t.Errorf("%s: %d tokens are there", step, tokens)
		}
		if err := w.try(alice(right)); err != nil {
			t.Errorf("%s: when there is room again: %v", step, err)
		}
	}
}

func TestACheckNeedsNoRoom(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	_, words := w.logIn(alice(right), hour(credential.AppToken))
	w.expectPassword(alice(right), Accepted, 1)
	for _, table := range []string{"login_failures", "tokens", "audit_events"} {
		w.execute(`CREATE TRIGGER full_` + table + ` BEFORE INSERT ON ` + table + ` BEGIN SELECT RAISE(ABORT, 'no room'); END`)
	}
	w.later(0)
	w.expectToken(words[0], Accepted)
	w.expectPassword(alice(right), Accepted, 0)
	w.expectPassword(alice(wrong), NotFresh, 0)
}

// What was acknowledged is in the files, however the process ends.
func TestACrashLosesNothing(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	ended, _ := w.logIn(alice(right), hour(credential.AppToken))
	_, words := w.logIn(alice(right), hour(credential.AppToken))
	w.must(nil, w.LogOut(t.Context(), "user:alice", ended.Tokens[0].ID))
	w.fail(DefaultFailures, alice(""))

	dir := t.TempDir()
	files, err := filepath.Glob(filepath.Join(filepath.Dir(w.config.Location.Path), "*"))
	if err != nil || len(files) < 3 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.config.Location.Path = filepath.Join(dir, filepath.Base(w.config.Location.Path))
	w.open()
	w.later(0)
	w.expectToken(words[0], Accepted)
	if list := w.sessions("alice"); len(list) != 1 {
		t.Errorf("%d sessions", len(list))
	}
	if b := braked(t, w.try(alice(right))); !b.Locked {
		t.Error("the lock is lost")
	}
}
