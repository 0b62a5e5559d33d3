package cce

import (
	"container/heap"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/cscp"
)

const (
	// TokenLength is the length of a token in letters and digits, as in the
	// examples of the API document.
	TokenLength = 64
	// DefaultTokenLifetime is that of the API document.
	DefaultTokenLifetime = 300 * time.Second
	// DefaultTokensPerEntry is how many tokens an entry of the access list may
	// have if nothing is said.
	DefaultTokensPerEntry = 100
	// maxTokens bounds the tokens of all entries.
	maxTokens = 10_000
)

// TokenLimits say how long a token is valid and how many there may be.
type TokenLimits struct {
	// Lifetime is counted from the issue on. Use does not prolong it.
	Lifetime time.Duration
	// PerEntry is how many tokens one entry may have, at least 1.
	PerEntry int
}

// ErrTokensClosed: the store has been closed.
var ErrTokensClosed = errors.New("no tokens are issued any more, since the server is stopping")

// Tokens are those that are valid, each with a session of its own. Only their
// SHA-256 is kept: a token has 380 bits of chance, which no slow hash has to
// protect. It may be used by many goroutines at once.
type Tokens struct {
	onEnd func(cscp.Session)

	mu       sync.Mutex
	byDigest map[digest]*token
	byEntry  map[netip.Prefix]map[*token]struct{}
	// queue has the token that expires first at its front.
	queue  tokenQueue
	issued uint64
	closed bool
	// timer goes off when the first token expires.
	timer   *time.Timer
	closing chan struct{}
	stopped chan struct{}
}

type digest [sha256.Size]byte

// token is what is known of one.
type token struct {
	digest  digest
	entry   netip.Prefix
	session cscp.Session
	expires time.Time
	// number is the how-manieth it was, place where it is in the queue.
	number uint64
	place  int
}

// NewTokens makes a store. onEnd is called once for each session whose token
// has ended, by whatever: BYE, its time, another token in its place, or Close.
// It is called after the token has stopped being valid, by the goroutine that
// has ended it, or by the store's own when a token expires; it must have a limit
// on its time, and must not call Close.
func NewTokens(onEnd func(cscp.Session)) *Tokens {
	t := &Tokens{
		onEnd:    onEnd,
		byDigest: map[digest]*token{},
		byEntry:  map[netip.Prefix]map[*token]struct{}{},
		timer:    time.NewTimer(time.Hour),
		closing:  make(chan struct{}),
		stopped:  make(chan struct{}),
	}
	t.timer.Stop()
	go t.expire()
	return t
}

// Issue makes a token for a session, for callers of an entry. If the entry has
// as many as it may, the one that would expire first ends: a program that does
// not say BYE must not be locked out by its own past. The same goes for all
// tokens together. On an error the session is still the caller's to end.
func (t *Tokens) Issue(entry netip.Prefix, session cscp.Session, limits TokenLimits) (cscp.Secret, time.Time, error) {
	text, err := credential.RandomBase62(rand.Reader, TokenLength)
	if err != nil {
		return "", time.Time{}, err
	}
	expires := time.Now().Add(limits.Lifetime)
	displaced, err := t.add(&token{digest: sha256.Sum256([]byte(text)), entry: entry, session: session, expires: expires}, limits.PerEntry)
	if err != nil {
		return "", time.Time{}, err
	}
	t.tell(displaced)
	return cscp.Secret(text), expires, nil
}

// add takes a token in, and returns those that had to make room.
func (t *Tokens) add(k *token, perEntry int) (displaced []*token, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, ErrTokensClosed
	}
	for mates := t.byEntry[k.entry]; len(mates) >= max(perEntry, 1); {
		displaced = append(displaced, t.remove(first(mates)))
	}
	if len(t.queue) >= maxTokens {
		displaced = append(displaced, t.remove(t.queue[0]))
	}
	t.issued++
	k.number = t.issued
	t.byDigest[k.digest] = k
	if t.byEntry[k.entry] == nil {
		t.byEntry[k.entry] = map[*token]struct{}{}
	}
	t.byEntry[k.entry][k] = struct{}{}
	heap.Push(&t.queue, k)
	t.wind()
	return displaced, nil
}

// IsToken reports whether a word has the form of a token.
func IsToken(word string) bool {
	return len(word) == TokenLength && strings.IndexFunc(word, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) < 0
}

// Find returns the session of a token. A token is good only for the entry that
// it was issued to.
func (t *Tokens) Find(text cscp.Secret, entry netip.Prefix) (cscp.Session, bool) {
	sum := digest(sha256.Sum256([]byte(text)))
	t.mu.Lock()
	defer t.mu.Unlock()
	// The time of the look-up tells something of digests only, of which nobody can
	// choose one: it brings no guess nearer.
	k, found := t.byDigest[sum]
	if !found || k.entry != entry || !k.expires.After(time.Now()) {
		return cscp.Session{}, false
	}
	return k.session, true
}

// End ends a token, and returns when its session has been told to. It reports
// whether there was one.
func (t *Tokens) End(text cscp.Secret) bool {
	sum := digest(sha256.Sum256([]byte(text)))
	t.mu.Lock()
	k, found := t.byDigest[sum]
	if found {
		t.remove(k)
	}
	t.mu.Unlock()
	if found {
		t.tell([]*token{k})
	}
	return found
}

// Len is how many tokens there are.
func (t *Tokens) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.queue)
}

// Close ends all tokens and the store's goroutine. When it returns onEnd has
// been called for each of them.
func (t *Tokens) Close() {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		<-t.stopped
		return
	}
	t.closed = true
	left := append([]*token(nil), t.queue...)
	for _, k := range left {
		t.remove(k)
	}
	t.mu.Unlock()
	close(t.closing)
	<-t.stopped
	t.tell(left)
}

// expire ends tokens when their time is over, until Close.
func (t *Tokens) expire() {
	defer close(t.stopped)
	for {
		select {
		case <-t.closing:
			t.timer.Stop()
			return
		case now := <-t.timer.C:
			t.tell(t.takeExpired(now))
		}
	}
}

func (t *Tokens) takeExpired(now time.Time) (expired []*token) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.queue) > 0 && !t.queue[0].expires.After(now) {
		expired = append(expired, t.remove(t.queue[0]))
	}
	t.wind()
	return expired
}

// wind sets the timer to the token that expires first.
func (t *Tokens) wind() {
	if len(t.queue) > 0 {
		t.timer.Reset(time.Until(t.queue[0].expires))
	}
}

func (t *Tokens) remove(k *token) *token {
	delete(t.byDigest, k.digest)
	mates := t.byEntry[k.entry]
	delete(mates, k)
	if len(mates) == 0 {
		delete(t.byEntry, k.entry)
	}
	heap.Remove(&t.queue, k.place)
	return k
}

func (t *Tokens) tell(ended []*token) {
	for _, k := range ended {
		t.onEnd(k.session)
	}
}

// first is the token that expires first.
func first(tokens map[*token]struct{}) (earliest *token) {
	for k := range tokens {
		if earliest == nil || k.before(earliest) {
			earliest = k
		}
	}
	return earliest
}

// before reports whether k expires before o; of two that expire at once, whether
// it is the older one.
func (k *token) before(o *token) bool {
	if !k.expires.Equal(o.expires) {
		return k.expires.Before(o.expires)
	}
	return k.number < o.number
}

// tokenQueue is a heap of tokens.
type tokenQueue []*token

func (q tokenQueue) Len() int           { return len(q) }
func (q tokenQueue) Less(i, j int) bool { return q[i].before(q[j]) }

func (q tokenQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

// Push is for package heap.
func (q *tokenQueue) Push(k any) {
	added := k.(*token)
	added.place = len(*q)
	*q = append(*q, added)
}

// Pop is for package heap.
func (q *tokenQueue) Pop() any {
	last := len(*q) - 1
	k := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return k
}
