package identity

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/password"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// Attempt is somebody who claims to be a user.
type Attempt struct {
	Username, Password string
	// Address is the caller's.
	Address netip.Addr
}

// ErrWrongPassword is the error of a failed attempt, whatever was wrong: there
// is no such user, he is disabled or has no password, or it is another one.
var ErrWrongPassword = errors.New("wrong user name or password")

// BrakeError is the error of an attempt that was refused for earlier failures.
type BrakeError struct {
	// Locked is set if this name is refused from the caller's network. If not,
	// all names are.
	Locked bool
	// Failures in Window is the limit.
	Failures int
	Window   time.Duration
	// Wait is how long it lasts.
	Wait time.Duration
}

func (e *BrakeError) Error() string {
	if e.Locked {
		return "too many failures of this name from this network"
	}
	return "too many failures from this network"
}

// BusyRetry is when whoever got password.ErrBusy may try again.
const BusyRetry = 5 * time.Second

// proofLimit is how long the proof of a password may take, waiting included.
const proofLimit = 30 * time.Second

// prove proves a password. It computes the same hashes, whatever the outcome
// (password.Turn.Verify), unless all names are refused from the caller's network or there are too many
// hashes to be computed already. Attempts that are the same, at the same time,
// are one: a program that logs in twenty times at once must not lock itself out.
//
// The error is ErrWrongPassword, a BrakeError, password.ErrBusy, an InvalidError
// for what cannot be a password, or a fault of the store.
func (r *Registry) prove(ctx context.Context, a Attempt) (store.User, error) {
	// An imported hash is one of what was typed, so that goes on as it is.
	if _, err := password.Clean(a.Password); err != nil {
		return store.User{}, invalid("%s", err)
	}
	e, err := r.proveShared(ctx, r.proofKey(&a), &KeyAttempt{Attempt: a})
	return e.user, err
}

// evidence is what an attempt has proven: the password of a user, or a key by name.
type evidence struct {
	user  store.User
	byKey bool
}

// proveShared proves for all who ask for the same proof at the same time.
func (r *Registry) proveShared(ctx context.Context, name string, a *KeyAttempt) (evidence, error) {
	proof := r.proofs.DoChan(name, func() (any, error) { return r.proveApart(ctx, a) })
	select {
	case result := <-proof:
		e, _ := result.Val.(evidence)
		return e, result.Err
	case <-ctx.Done():
		return evidence{}, ctx.Err()
	}
}

// proveApart proves for all who ask the same. Whoever asked first may go away,
// so only the end of time and that of the registry cut it short. And since
// nobody else recovers in this goroutine, a panic must not end the server.
func (r *Registry) proveApart(ctx context.Context, a *KeyAttempt) (e evidence, err error) {
	defer func() {
		if p := recover(); p != nil {
			e, err = evidence{}, fmt.Errorf("a password could not be checked: panic: %v\n%s", p, debug.Stack())
		}
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), proofLimit)
	defer cancel()
	defer context.AfterFunc(r.life, cancel)()
	return r.proveOnce(ctx, a)
}

// proofKey names an attempt without telling the password. What was typed as a
// name may hold anything, so it comes in as a hash of fixed length.
func (r *Registry) proofKey(a *Attempt) string {
	at := r.place(a)
	v := r.hidden("attempt\x00" + at.Source + "\x00" + at.Name + "\x00" + a.Password)
	return string(v[:])
}

// hidden is what is kept for a moment of what must not be seen. With the newest
// pepper it is another.
func (r *Registry) hidden(text string) credential.Verifier {
	pepper, _ := r.peppers.newest()
	return pepper.Verifier(text)
}

// maxTyped is more than any way to write the 64 letters of a user name, in
// bytes: a letter and its accents are 9 at most.
const maxTyped = 1024

// fold is the folded name of whoever it may be. All that is too long for a name
// is one name, which nobody can have.
func (a *Attempt) fold() string {
	if len(a.Username) > maxTyped {
		return "(too long)"
	}
	return Fold(a.Username)
}

// place is where failures of an attempt are counted.
func (r *Registry) place(a *Attempt) store.FailurePlace {
	return store.FailurePlace{Name: r.hashName(a.fold()), Source: sourceOf(a.Address)}
}

// hashName is the form in which a user name stands in the counts of failures.
// They are kept over a change of the pepper until the oldest is retired.
func (r *Registry) hashName(fold string) string {
	v := r.peppers.set.Load().oldest().Verifier("login name\x00" + fold)
	return hex.EncodeToString(v[:16])
}

func (r *Registry) proveOnce(ctx context.Context, a *KeyAttempt) (evidence, error) {
	source := sourceOf(a.Address)
	if !r.proving.enter(source) {
		return evidence{}, password.ErrBusy
	}
	defer r.proving.leave(source)
	turn, err := r.waitForTurn(ctx, &a.Attempt)
	if err != nil {
		return evidence{}, err
	}
	defer turn.Release()
	record, charged, err := r.charge(ctx, &a.Attempt)
	if b, refused := errors.AsType[*BrakeError](err); refused && b.Locked {
		// One that is refused anyway must take the time of the others.
		_, _ = a.verify(turn, &store.LoginRecord{}, &store.Key{})
	}
	if err != nil {
		return evidence{}, err
	}
	key, err := r.namedKey(ctx, a)
	if err != nil {
		return evidence{}, err
	}
	found, err := a.verify(turn, &record, &key)
	switch {
	case err != nil:
		return evidence{}, err
	case found.key || r.provesNamed(&key, a.Secret):
		return evidence{record.User, true}, r.settleKey(ctx, a, &record, &key, charged)
	case !found.password || record.User.State != store.Active:
		return evidence{}, ErrWrongPassword
	}
	var renewed string
	if found.outdated {
		if renewed, err = rehash(turn, a.Password); err != nil {
			return evidence{}, err
		}
	}
	return evidence{user: record.User}, r.refund(ctx, &a.Attempt, &record, charged, renewed)
}

// found says what of an attempt is right. An outdated password is a right one.
type found struct{ key, password, outdated bool }

// verify looks at all that an attempt may mean, in the same time whatever it finds.
func (a *KeyAttempt) verify(turn *password.Turn, record *store.LoginRecord, key *store.Key) (f found, err error) {
	if a.KeyName != "" {
		if f.key, err = turn.VerifySecret(key.ImportedHash, a.Secret); err != nil {
			err = fmt.Errorf("the hash of key '%s/%s' in the store is damaged; rotate the key: %w", key.Username, key.Name, err)
		}
	}
	if a.Password == "" {
		return f, err
	}
	ok, outdated, wrong := turn.Verify(record.Password.PHC, a.Password)
	if f.password, f.outdated = ok, outdated; wrong != nil {
		wrong = fmt.Errorf("the password of user '%s' in the store is damaged; set it anew: %w", record.User.Username, wrong)
	}
	return f, errors.Join(err, wrong)
}

// rehash makes a hash of the current parameters of a password that was proven.
func rehash(turn *password.Turn, typed string) (string, error) {
	clean, err := password.Clean(typed)
	if err != nil {
		return "", err
	}
	return turn.Hash(clean)
}

// waitForTurn waits until the attempt may be looked at, and a hash be computed.
func (r *Registry) waitForTurn(ctx context.Context, a *Attempt) (*password.Turn, error) {
	// In a flood most are sent away: that must not cost a look into the store.
	if r.hasher.Refuses() {
		return nil, password.ErrBusy
	}
	at := r.place(a)
	record, err := r.store.LoginRecord(ctx, a.fold(), at)
	if err != nil {
		return nil, err
	}
	brakes := &r.settings.Load().Brakes
	v := brakes.judge(&record.Failures, r.now())
	switch {
	case v.throttled:
		return nil, brakes.refusal(&v)
	case v.lag > 0 && !v.locked:
		// One that is refused anyway must not take the place of another.
		if err := r.lag(ctx, at.Source, v.lag); err != nil {
			return nil, err
		}
	}
	return r.hasher.Reserve(ctx)
}

// lag makes an attempt wait because its name fails often.
func (r *Registry) lag(ctx context.Context, source string, d time.Duration) error {
	if !r.lagging.enter(source) {
		return password.ErrBusy
	}
	defer r.lagging.leave(source)
	if !r.sleep(ctx, d) {
		return ctx.Err()
	}
	return nil
}

func (b *Brakes) refusal(v *verdict) error {
	return &BrakeError{Locked: v.locked, Failures: b.Failures, Window: b.Window, Wait: v.wait}
}

// charge reads what decides, as it was before, and counts the attempt as failed
// beforehand, at the time that it returns. The error is a BrakeError if the
// attempt is refused; one of a locked name counts for its network then.
func (r *Registry) charge(ctx context.Context, a *Attempt) (record store.LoginRecord, at time.Time, err error) {
	brakes, place := &r.settings.Load().Brakes, r.place(a)
	var locked error
	err = r.store.Change(ctx, func(c *store.Change) error {
		// The time is that of its turn to write: attempts that overtook each
		// other would look like a clock that was set back.
		at = r.now().Truncate(time.Microsecond)
		if record, err = c.LoginRecord(a.fold(), place); err != nil {
			return err
		}
		v, after := brakes.judge(&record.Failures, at), record.Failures
		switch {
		case v.throttled:
			return brakes.refusal(&v)
		case v.locked:
			locked = brakes.refusal(&v)
			brakes.chargeSource(&after, at)
			return c.SetFailures(&after)
		}
		brakes.charge(&after, at)
		if after.Pair.Count == brakes.Failures {
			if err := r.recordLock(c, record.User.ID, &after.Pair); err != nil {
				return err
			}
		}
		return c.SetFailures(&after)
	})
	if err == nil {
		err = locked
	}
	return record, at, err
}

// recordLock writes into the audit trail that a name is refused from now on. It
// leaves out some of a flood: those who attack must not fill the disk.
func (r *Registry) recordLock(c *store.Change, userID string, pair *store.Failure) error {
	recorded, missed := r.lockEvents.take(pair.Last)
	if !recorded {
		return nil
	}
	id, err := r.newID()
	if err != nil {
		return err
	}
	detail := fmt.Sprintf("%d failures from %s", pair.Count, pair.Source)
	if missed > 0 {
		detail += fmt.Sprintf("; %d more such events are not listed", missed)
	}
	return c.Record(&store.Event{ID: id, Time: pair.Last, Kind: "login.lock", Outcome: "ok", Actor: "brakes", UserID: userID, Detail: detail})
}

// refund takes the charge of an attempt that was right back. Whoever was
// disabled or has another password meanwhile is refused after all.
func (r *Registry) refund(ctx context.Context, a *Attempt, proven *store.LoginRecord, charged time.Time, renewed string) error {
	return r.store.Change(ctx, func(c *store.Change) error {
		now, err := c.LoginRecord(a.fold(), r.place(a))
		if err != nil {
			return err
		}
		if !stillSame(&proven.User, &now.User) {
			return ErrWrongPassword
		}
		if renewed != "" {
			if err := c.RehashPassword(now.User.ID, proven.Password.PHC, renewed); err != nil {
				return err
			}
		}
		refund(&now.Failures, &proven.Failures, charged)
		return c.SetFailures(&now.Failures)
	})
}

// stillSame reports whether what was proven of a user holds.
func stillSame(proven, now *store.User) bool {
	return now.ID == proven.ID && now.Epoch == proven.Epoch && now.State == store.Active
}

// LogInByPassword proves a password and begins a session.
func (r *Registry) LogInByPassword(ctx context.Context, a Attempt, n NewSession) (store.Session, []credential.Secret, error) {
	u, err := r.prove(ctx, a)
	if err != nil {
		return store.Session{}, nil, err
	}
	n.Address = a.Address
	s := store.Session{Method: principal.MethodPassword, Scopes: principal.AllScopes}
	return r.begin(ctx, s, n, func(c *store.Change) (store.User, time.Time, error) {
		now, err := c.UserByFold(u.Fold)
		if err == nil && !stillSame(&u, &now) || errors.Is(err, store.ErrNotFound) {
			err = ErrWrongPassword
		}
		return now, time.Time{}, err
	})
}
