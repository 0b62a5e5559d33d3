package identity

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

func TestTheSweepRemovesSessionsThatAreOver(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	w.logIn(alice(right), NewToken{credential.AppToken, principal.Lifetime{Absolute: time.Minute}})
	w.logIn(alice(right), NewToken{credential.AppToken, principal.Lifetime{Idle: time.Minute}})
	_, lasting := w.logIn(alice(right), NewToken{credential.AppToken, principal.Lifetime{Absolute: time.Hour}})
	for _, step := range []struct {
		later    time.Duration
		sessions int64
		tokens   int
	}{
		{time.Minute + sweepSlack, 3, 3},
		{time.Second, 1, 1},
	} {
		w.later(step.later)
		w.must(nil, w.mirror.sweep(t.Context(), keptFailures))
		w.later(0)
		info, err := w.Info(t.Context())
		_, tokens := w.mirror.Size()
		if err != nil || info.Sessions != step.sessions || tokens != step.tokens {
			t.Errorf("%d sessions, %d tokens in memory, want %d and %d: %v", info.Sessions, tokens, step.sessions, step.tokens, err)
		}
	}
	w.expectToken(lasting[0], Accepted)
}

// A token whose last use is not in the store yet must not be swept away.
func TestTheSweepSparesWhatIsInUse(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	_, words := w.logIn(alice(right), NewToken{credential.AppToken, principal.Lifetime{Idle: time.Minute}})
	for i := range 60 {
		w.later(30 * time.Second)
		w.expectToken(words[0], Accepted)
		if i%2 == 1 {
			// As upkeep does it every minute.
			w.mirror.writeUses(t.Context())
			w.must(nil, w.mirror.sweep(t.Context(), keptFailures))
		}
	}
	w.restart()
	w.expectToken(words[0], Accepted)
}

func TestUpkeepTidiesUpEveryMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.setPassword("alice", right)
		_, words := w.logIn(alice(right), NewToken{credential.AppToken, principal.Lifetime{Absolute: time.Hour}})
		w.expectPassword(alice(right), Accepted, 1)
		w.logIn(alice(right), NewToken{credential.BareToken, principal.Lifetime{Absolute: time.Minute}})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			w.mirror.upkeep(ctx)
			close(done)
		}()
		w.later(time.Minute + sweepSlack + time.Second)
		w.expectToken(words[0], Accepted)
		time.Sleep(upkeepEvery + time.Second)
		synctest.Wait()
		if n := w.mirror.remembered.size; n != 0 {
			t.Errorf("%d proofs are remembered", n)
		}
		left, err := w.store.Sessions(t.Context(), store.SessionFilter{Limit: 10})
		if err != nil || len(left) != 1 || !left[0].Tokens[0].LastUsed.Equal(w.clock.now()) {
			t.Errorf("%+v, %v", left, err)
		}
		stop()
		<-done
	})
}

func TestASweepThatFailsIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		if err := w.store.Close(); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			w.mirror.upkeep(ctx)
			close(done)
		}()
		time.Sleep(upkeepEvery + time.Second)
		stop()
		<-done
		if !strings.Contains(w.log.String(), "the store could not be tidied up; it is tried again in a minute") {
			t.Errorf("the log says: %s", w.log)
		}
	})
}

func TestTheEndWaitsThreeSecondsForALockedStore(t *testing.T) {
	w := newWorld(t)
	id := w.callerOf(w.issue("ci")).ID
	db, err := sql.Open("sqlite", w.config.Location.Path)
	w.must(nil, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	w.must(nil, err)
	w.mirror.used.note(id, w.clock.now())
	w.mirror.tokensUsed.note(id, w.clock.now())
	w.mirror.moves.note(&credential.Verifier{1}, 1, func() store.Move { return store.Move{ID: id} })
	ended, end := context.WithCancel(t.Context())
	end()
	began := time.Now()
	w.mirror.Run(ended)
	if took := time.Since(began); took < lastLimit/2 || took > lastLimit+2*time.Second {
		t.Errorf("it took %v", took)
	}
	if text := w.log.String(); !strings.Contains(text, "the last uses of keys or tokens could not be written") {
		t.Errorf("the log says %s", text)
	}
}
