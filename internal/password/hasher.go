package password

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/text/unicode/norm"
)

const (
	// queuePerTurn is how many callers may wait for each hash at once. The last
	// of them waits 64 hashes long: 1.5 s where a hash of the default parameters
	// takes 23 ms (BenchmarkVerify), and less than DefaultWait on cores of a
	// third of that speed. A longer queue would only hold callers that are
	// refused in the end.
	queuePerTurn = 64

	// DefaultWait is the longest wait for a turn where the configuration says
	// nothing else; after it, people press the button again.
	DefaultWait = 5 * time.Second

	// longestRest bounds the rest after a turn. A turn that was longer has waited
	// for something else than the processor.
	longestRest = time.Second
)

// Config is how a Hasher works. A field that is 0 stands for its default.
type Config struct {
	// Parallel is how many hashes are computed at once. The default is half of
	// GOMAXPROCS, but at least 1: the other half is for requests that need no
	// hash. Where that is the only core, as long as a turn was is left to them
	// after it.
	Parallel int
	// Queue is how many callers may wait for a turn. The default is 64 for each
	// of Parallel.
	Queue int
	// Wait is the longest time that a caller waits. The default is DefaultWait.
	Wait time.Duration
	// Params is what a new hash costs.
	Params Params
	// Random is where salts come from. The default is crypto/rand.
	Random io.Reader
}

// ErrBusy: so many hashes are being computed and waited for that this one is not
// going to be. Ask again later (429).
var ErrBusy = errors.New("too many passwords are being checked; try again later")

// Hasher computes hashes, a bounded number at once. It may be used by many
// goroutines, and needs no closing.
type Hasher struct {
	parallel, queue int
	wait            time.Duration
	params          Params
	random          io.Reader
	// rests says that each turn is followed by a rest.
	rests bool
	// dummy stands for the hash that a user has not, importedDummy for the
	// imported one. Nothing is ever accepted by them.
	dummy         record
	importedDummy importedRecord
	hashes        atomic.Uint64
	// imported says that a second hash is computed for all, bcryptCost of which cost one
	// of bcrypt is: 0 is none.
	imported   atomic.Bool
	bcryptCost atomic.Int32

	mu      sync.Mutex
	running int
	// waiting has one channel a caller, the first comer first. One that is out
	// of it is closed: its caller has the turn.
	waiting []chan struct{}
	refused uint64
}

// NewHasher makes a Hasher. Configured parameters must have passed
// [Params.Check]: with those that cannot be computed it panics, at the start of
// the server and not at the first log-in.
func NewHasher(c Config) *Hasher {
	if err := c.Params.Check(); err != nil {
		panic("password.NewHasher: " + err.Error())
	}
	h := &Hasher{parallel: c.Parallel, queue: c.Queue, wait: c.Wait, params: c.Params.orDefault(), random: c.Random}
	if h.parallel <= 0 {
		cores := runtime.GOMAXPROCS(0)
		h.parallel, h.rests = max(1, cores/2), cores == 1
	}
	if h.queue <= 0 {
		h.queue = queuePerTurn * h.parallel
	}
	if h.wait <= 0 {
		h.wait = DefaultWait
	}
	if h.random == nil {
		h.random = rand.Reader
	}
	// So their salts need not be random.
	h.dummy = record{h.params, make([]byte, saltSize), make([]byte, tagSize)}
	h.importedDummy = importedRecord{importedRounds, make([]byte, saltSize), make([]byte, tagSize)}
	return h
}

// Parallel is how many hashes are computed at once, at least 1.
func (h *Hasher) Parallel() int { return h.parallel }

// ExpectImported says that there are hashes of Imported, so that from now on the
// time of an answer must not tell whose they are. It costs each log-in the time
// of a second hash.
func (h *Hasher) ExpectImported() { h.imported.Store(true) }

// Reserve waits for a turn, behind all who came before. The error is ErrBusy
// when the queue is full or the longest wait over, and that of the context when
// the caller has gone away. The turn must be given back by Release.
func (h *Hasher) Reserve(ctx context.Context) (*Turn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ready, err := h.enter()
	if err != nil {
		return nil, err
	}
	timer := time.NewTimer(h.wait)
	defer timer.Stop()
	select {
	case <-ready:
	case <-timer.C:
		if h.leave(ready) {
			h.refuse()
			return nil, ErrBusy
		}
	case <-ctx.Done():
		if !h.leave(ready) {
			h.release()
		}
		return nil, ctx.Err()
	}
	return &Turn{hasher: h, began: time.Now()}, nil
}

// Refuses reports whether the queue is full, so that Reserve would return ErrBusy. Then
// it counts a caller as refused. Who asks before he does any other work makes a refusal
// cheap; one who is let through may still be refused.
func (h *Hasher) Refuses() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.running < h.parallel || len(h.waiting) < h.queue {
		return false
	}
	h.refused++
	return true
}

// enter takes a free turn or a place in the queue. The channel is closed when
// the turn is the caller's.
func (h *Hasher) enter() (ready chan struct{}, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ready = make(chan struct{})
	switch {
	case h.running < h.parallel:
		// A turn is free only while nobody waits.
		h.running++
		close(ready)
	case len(h.waiting) < h.queue:
		h.waiting = append(h.waiting, ready)
	default:
		h.refused++
		return nil, ErrBusy
	}
	return ready, nil
}

// leave gives up a place in the queue. It reports false if the turn has come in
// the meantime: then it is the caller's.
func (h *Hasher) leave(ready chan struct{}) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := slices.Index(h.waiting, ready)
	if at < 0 {
		return false
	}
	h.waiting = slices.Delete(h.waiting, at, at+1)
	return true
}

func (h *Hasher) refuse() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refused++
}

// release hands a turn to the first who waits, or back.
func (h *Hasher) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.waiting) == 0 {
		h.running--
		return
	}
	close(h.waiting[0])
	h.waiting = slices.Delete(h.waiting, 0, 1)
}

// Stats is what a Hasher does, for metrics.
type Stats struct {
	Running int    // turns that are given out
	Queued  int    // callers that wait for one
	Hashes  uint64 // hashes computed since the start, those of the dummy included
	Refused uint64 // callers refused with ErrBusy since the start
}

// Stats tells what is going on.
func (h *Hasher) Stats() Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	return Stats{Running: h.running, Queued: len(h.waiting), Hashes: h.hashes.Load(), Refused: h.refused}
}

// Turn is the right to compute hashes, one after the other. It is for one
// goroutine.
type Turn struct {
	hasher   *Hasher
	began    time.Time
	released atomic.Bool
}

// Release gives the turn back. A second call does nothing.
func (t *Turn) Release() {
	switch h := t.hasher; {
	case t.released.Swap(true):
	case h.rests:
		time.AfterFunc(min(time.Since(t.began), longestRest), h.release)
	default:
		h.release()
	}
}

var errReleased = errors.New("the turn to compute a hash has been given back already")

// Verify reports whether typed, which Clean has taken, is the password of which
// phc is stored. It computes exactly one hash, whatever phc holds: for "", which
// means that there is no password, for damaged and foreign text and for
// parameters out of bounds it is the dummy of the current parameters, and ok is
// false. Whether the user exists and may log in is for the caller to say,
// afterwards.
//
// Where ExpectImported was called, and from the first imported hash on that comes
// by, there is a second hash as well, whatever phc holds: that of the imported
// record, or of a dummy of it. Otherwise the time would tell who was imported and
// has not logged in since. An imported hash is one of the bytes as they were
// typed, the own one is of the form that Clean gives them. With ExpectBcrypt there is
// in the same way one of bcrypt.
//
// outdated says, of a right password, that phc should be replaced: it was
// imported, or its parameters are below the current ones. err is about a damaged
// phc; it is for the log, and the caller's answer is that to a wrong password.
func (t *Turn) Verify(phc, typed string) (ok, outdated bool, err error) {
	if t.released.Load() {
		return false, false, errReleased
	}
	h := t.hasher
	own, foreign := h.dummy, h.importedDummy
	var isOwn, isForeign bool
	var crypted *bcryptRecord
	switch {
	case phc == "":
	case strings.HasPrefix(phc, BcryptPrefix):
		var parsed bcryptRecord
		if parsed, err = parseBcrypt(phc); err == nil {
			h.expectCost(parsed.cost)
			crypted = &parsed
		}
	case strings.HasPrefix(phc, ImportedPrefix):
		h.ExpectImported()
		var parsed importedRecord
		if parsed, err = parseImported(phc); err == nil {
			foreign, isForeign = parsed, true
		}
	default:
		var parsed record
		if parsed, err = parsePHC(phc); err == nil {
			own, isOwn = parsed, true
		}
	}
	matches := own.matches(h.compute(own, norm.NFC.String(typed)))
	ok = matches && isOwn
	if h.imported.Load() {
		tag, failed := h.computeImported(foreign, typed)
		err = errors.Join(err, failed)
		matches = foreign.matches(tag)
		ok = ok || matches && isForeign
	}
	if h.verifyBcrypt(crypted, typed) {
		ok = true
	}
	return ok, ok && (!isOwn || own.below(h.params)), err
}

// Hash makes what is to be stored of a password, as Clean returns it and a
// Policy has allowed it: a PHC text of the current parameters with a fresh salt.
func (t *Turn) Hash(clean string) (string, error) {
	if t.released.Load() {
		return "", errReleased
	}
	h := t.hasher
	made := record{h.params, make([]byte, saltSize), make([]byte, tagSize)}
	if _, err := io.ReadFull(h.random, made.salt); err != nil {
		return "", fmt.Errorf("reading random bytes for a salt: %w", err)
	}
	made.tag = h.compute(made, clean)
	return made.String(), nil
}

func (h *Hasher) compute(r record, clean string) []byte {
	h.hashes.Add(1)
	return r.tagOf(clean)
}

func (h *Hasher) computeImported(r importedRecord, typed string) ([]byte, error) {
	h.hashes.Add(1)
	return r.tagOf(typed)
}
