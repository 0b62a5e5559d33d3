package identity

import (
	"errors"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
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
