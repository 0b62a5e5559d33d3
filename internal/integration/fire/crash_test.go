package fire_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/identity"
)

// roundsOfAStore is how often one store is killed over before the next is made, so
// that a look at all that was ever done stays short.
const roundsOfAStore = 10

// TestKillingLosesNothingThatWasAcknowledged kills a process, which changes a store
// with several hands at once, at a random moment, again and again. All that was
// acknowledged to it is there afterwards, and nothing is there by half.
func TestKillingLosesNothingThatWasAcknowledged(t *testing.T) {
	s := seed(t)
	random := rand.New(rand.NewPCG(s, 0))
	var acknowledged, inFlight, opening int
	n := rounds(t)
	began := time.Now()
	for first := 0; first < n; first += roundsOfAStore {
		c := newCrash(t)
		for i := range min(roundsOfAStore, n-first) {
			c.round(random, first+i)
			if t.Failed() {
				t.Fatalf("in round %d", first+i)
			}
			progressOfKills(t, first+i+1, n)
		}
		acknowledged, inFlight, opening = acknowledged+len(c.deeds), inFlight+c.inFlight, opening+c.opening
	}
	if acknowledged < n || inFlight == 0 {
		t.Errorf("%d changes were acknowledged in %d rounds, %d on disk were not: this proves nothing", acknowledged, n, inFlight)
	}
	figure(t, "kill -9 %d times in %.0f s, %d of them while the store was being opened: all of %d acknowledged changes were there, and %d whole ones that were not acknowledged any more",
		n+opening, time.Since(began).Seconds(), opening, acknowledged, inFlight)
}

// crash is a store over which workers are killed.
type crash struct {
	t   *testing.T
	dir string
	// deeds are all that were acknowledged.
	deeds []deed
	// inFlight are events whose deeds were not, opening the kills of workers that
	// had not opened the store yet.
	inFlight, opening int
	// next is what the next worker is told.
	next plan
}

// newCrash makes a store.
func newCrash(t *testing.T) *crash {
	t.Helper()
	c := &crash{t: t, dir: t.TempDir()}
	c.next = plan{Dir: c.dir, Passwords: map[string]string{}}
	config := registryConfig(c.dir)
	config.Create = true
	r, err := identity.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range people {
		label := "add " + name
		if _, err := r.AddUser(t.Context(), label, identity.NewUser{Username: name, Password: passwordOf(label)}); err != nil {
			t.Fatal(err)
		}
		c.did(deed{Kind: "user.add", Label: label, ID: name})
		c.next.Passwords[name] = passwordOf(label)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *crash) did(d deed) { c.deeds = append(c.deeds, d) }

// round kills a worker, or two: the second while it opens what the first has
// left. Then it looks what is there.
func (c *crash) round(random *rand.Rand, number int) {
	c.t.Helper()
	kills := []moment{{"open", time.Duration(random.IntN(150_000)) * time.Microsecond}}
	if random.IntN(3) == 0 {
		c.opening++
		kills = append(kills, moment{"opening", time.Duration(random.IntN(15_000)) * time.Microsecond})
	}
	for i, kill := range kills {
		c.next.Label = "round " + strconv.Itoa(number) + " life " + strconv.Itoa(i)
		c.next.Seed = uint64(2*number + i)
		c.deeds = append(c.deeds, runWorker(c.t, &c.next, kill)...)
	}
	c.verify(len(kills) * len(hands))
}

// moment is when to kill: so much after a worker has told a deed of that kind.
type moment struct {
	after string
	delay time.Duration
}

// startWorker starts a worker, by another program if one is named. Its lines are
// the deeds on the channel, which is closed when the worker has ended.
func startWorker(t *testing.T, p *plan, before ...string) (*exec.Cmd, <-chan deed) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	input, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	// A worker that hangs is killed, too, and has not told what it should.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	w := exec.CommandContext(ctx, program)
	w.Args[0] = workerName
	if len(before) > 0 {
		link := filepath.Join(t.TempDir(), workerName)
		if err := os.Symlink(program, link); err != nil {
			t.Fatal(err)
		}
		w = exec.CommandContext(ctx, before[0], append(before[1:], link)...)
	}
	w.Stdin, w.Stderr = bytes.NewReader(input), new(strings.Builder)
	output, err := w.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	deeds := make(chan deed)
	go func() {
		defer close(deeds)
		for lines := bufio.NewScanner(output); lines.Scan(); {
			var d deed
			if err := json.Unmarshal(lines.Bytes(), &d); err != nil {
				t.Errorf("a worker has said '%s': %v", lines.Text(), err)
			}
			deeds <- d
		}
	}()
	return w, deeds
}

// runWorker kills a worker at its moment, and gives what it has told.
func runWorker(t *testing.T, p *plan, kill moment) (done []deed) {
	t.Helper()
	w, deeds := startWorker(t, p)
	for d := range deeds {
		if d.Label != "" || d.ID != "" {
			done = append(done, d)
		}
		if d.Kind == kill.after {
			time.AfterFunc(kill.delay, func() { _ = w.Process.Kill() })
		}
	}
	// What is killed has no exit code.
	err := w.Wait()
	if exit, is := errors.AsType[*exec.ExitError](err); !is || exit.ExitCode() != -1 {
		t.Errorf("a worker that was to be killed after '%s' has ended by itself: %v: %s", kill.after, err, w.Stderr)
	}
	return done
}

// verify opens the store as the next start does, and holds it against all that
// was acknowledged. At most so many changes may be there that were not.
func (c *crash) verify(hands int) {
	c.t.Helper()
	r, err := identity.Open(c.t.Context(), registryConfig(c.dir))
	if err != nil {
		c.t.Fatalf("after a kill: %v", err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			c.t.Error(err)
		}
	}()
	db := openFile(c.t, c.dir)
	defer db.Close()
	checkFile(c.t, db)
	tr := readTrail(c.t, db)
	if diff := cmp.Diff(tr.state, readTables(c.t, db)); diff != "" {
		c.t.Errorf("half a change (-as the audit trail says +as the tables say):\n%s", diff)
	}
	if unasked := tr.unacknowledged(c.deeds); len(unasked) > c.inFlight+hands {
		c.t.Errorf("%d changes were acknowledged to nobody, with %d hands: %v", len(unasked), hands, unasked)
	} else {
		c.inFlight = len(unasked)
	}
	c.compareDeeds(tr)
	c.present(r, tr)
}

// compareDeeds looks for the event of each acknowledged deed.
func (c *crash) compareDeeds(tr *trail) {
	c.t.Helper()
	for _, d := range c.deeds {
		e, there := tr.deeds[d.Label]
		if d.Kind == "session.begin" {
			there = tr.begun[d.ID]
		} else {
			there = there && e.Kind == d.Kind
		}
		if !there {
			c.t.Errorf("%s %s %s was acknowledged and is lost", d.Label, d.Kind, d.ID)
		}
	}
}

// present presents every credential that there ever was, and tells the next worker
// of those in force.
func (c *crash) present(r *identity.Registry, tr *trail) {
	c.t.Helper()
	m := identity.NewMirror(r, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(c.t.Context())
	var running sync.WaitGroup
	running.Go(func() { m.Run(ctx) })
	defer running.Wait()
	defer cancel()
	if err := m.Ready(ctx); err != nil {
		c.t.Fatal(err)
	}
	c.next.Keys = nil
	for _, d := range c.deeds {
		switch d.Kind {
		case "key.issue":
			c.presentKey(m, tr, &d)
		case "session.begin":
			c.presentTokens(m, tr, &d)
		}
	}
	c.presentPasswords(r, tr)
}

func nowhere() identity.Circumstances { return identity.Circumstances{Path: "/"} }

func (c *crash) presentKey(m *identity.Mirror, tr *trail, d *deed) {
	c.t.Helper()
	k := tr.Keys[d.ID]
	want := identity.Accepted
	switch {
	case k.Revoked:
		want = identity.Revoked
	case tr.Users[k.User].Disabled:
		want = identity.UserDisabled
	}
	if !k.Revoked {
		c.next.Keys = append(c.next.Keys, word{d.ID, d.Words[0]})
	}
	if _, got := m.Check(&credential.Presented{Kind: credential.Bearer, Word: d.Words[0]}, nowhere); got != want {
		c.t.Errorf("key %s of %s: %s, want %s", d.ID, d.Label, got, want)
	}
}

func (c *crash) presentTokens(m *identity.Mirror, tr *trail, d *deed) {
	c.t.Helper()
	want := identity.UnknownToken
	if _, alive := tr.Sessions[d.ID]; alive {
		want = identity.Accepted
	}
	for i, kind := range []credential.TokenKind{credential.AppToken, credential.SessionToken} {
		if _, got := m.CheckToken(kind, d.Words[i], nowhere); got != want {
			c.t.Errorf("a %s of session %s: %s, want %s", kind, d.ID, got, want)
		}
	}
}

// presentPasswords logs everybody in who may, and tries the password that was in
// force before.
func (c *crash) presentPasswords(r *identity.Registry, tr *trail) {
	c.t.Helper()
	disabled := map[string]bool{}
	for u := range maps.Values(tr.Users) {
		disabled[u.Name] = u.Disabled
	}
	for name, label := range tr.passwords {
		c.next.Passwords[name] = passwordOf(label)
		s, words, err := r.LogInByPassword(c.t.Context(), identity.Attempt{Username: name, Password: passwordOf(label), Address: home}, newSession)
		switch {
		case disabled[name] && !errors.Is(err, identity.ErrWrongPassword), !disabled[name] && err != nil:
			c.t.Errorf("%s, disabled: %t, with the password of '%s': %v", name, disabled[name], label, err)
		case err == nil:
			c.did(deed{Kind: "session.begin", ID: s.ID, Words: []string{words[0].Reveal(), words[1].Reveal()}})
		}
		if before, was := tr.before[name]; was {
			if _, _, err := r.LogInByPassword(c.t.Context(), identity.Attempt{Username: name, Password: passwordOf(before), Address: home}, newSession); !errors.Is(err, identity.ErrWrongPassword) {
				c.t.Errorf("%s with the password before that of '%s': %v", name, label, err)
			}
		}
		// Names that fail often have to wait.
		unlock := deed{Kind: "user.unlock", Label: c.next.Label + " unlock " + name, ID: name}
		if _, err := r.Unlock(c.t.Context(), unlock.Label, name); err != nil {
			c.t.Error(err)
		}
		c.did(unlock)
	}
}
