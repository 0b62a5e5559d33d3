package identity

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/store"
)

func TestAKeyThatLogsInAgainAndAgainHasToWait(t *testing.T) {
	w := newWorld(t)
	busy, other := w.callerOf(w.issue("busy")), w.callerOf(w.issue("other"))
	logIn := func(c Caller) error {
		_, _, err := w.LogInByKey(t.Context(), c, NewSession{Tokens: []NewToken{hour(credential.AppToken)}})
		return err
	}
	for range keyLogIns.Count {
		w.must(nil, logIn(busy))
	}
	events := len(w.events("session.begin"))
	for range 10 {
		err := logIn(busy)
		if often, ok := errors.AsType[*KeyLogInsError](err); !ok || often.Wait <= 0 || often.Wait > time.Minute {
			t.Fatalf("one more: %v", err)
		}
	}
	w.must(nil, logIn(other))
	if more := len(w.events("session.begin")) - events; more != 1 {
		t.Errorf("the audit trail has %d events more, want that of the other key", more)
	}
	if n, want := len(w.sessions("alice")), keyLogIns.Count+1; n != want {
		t.Errorf("there are %d sessions, want %d", n, want)
	}
}

func TestLogInsThatTheStoreRefusedAreNotCounted(t *testing.T) {
	w := newWorld(t)
	c := w.callerOf(w.issue("ci"))
	logIn := func() error {
		_, _, err := w.LogInByKey(t.Context(), c, NewSession{Tokens: []NewToken{hour(credential.AppToken)}})
		return err
	}
	path := w.config.Location.Path
	w.must(nil, os.Rename(path, path+".away"))
	for range keyLogIns.Count + 1 {
		if err := logIn(); !errors.Is(err, store.ErrReplaced) {
			t.Fatalf("while the store has gone: %v", err)
		}
	}
	w.must(nil, os.Rename(path+".away", path))
	w.must(nil, logIn())
}

func TestLogInsUnderWayAreCountedToo(t *testing.T) {
	w := newWorld(t)
	c := w.callerOf(w.issue("ci"))
	for range keyLogIns.Count {
		if wait := w.beginKeyLogIn(c.ID); wait != 0 {
			t.Fatalf("it has to wait %v", wait)
		}
	}
	_, _, err := w.LogInByKey(t.Context(), c, NewSession{Tokens: []NewToken{hour(credential.AppToken)}})
	if often, ok := errors.AsType[*KeyLogInsError](err); !ok || often.Wait != keyLogInsBusy {
		t.Errorf("%v", err)
	}
	for range keyLogIns.Count {
		w.endKeyLogIn(c.ID, false)
	}
	_, _, err = w.LogInByKey(t.Context(), c, NewSession{Tokens: []NewToken{hour(credential.AppToken)}})
	w.must(nil, err)
}
