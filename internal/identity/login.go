package identity

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
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

const (
	// proofLimit is how long the proof of a password may take, waiting included.
	proofLimit = 30 * time.Second
	// maxLagging bounds the attempts that wait because their names fail often.
	maxLagging = 64
)

// prove proves a password. It computes exactly one hash, whatever the outcome,
// unless all names are refused from the caller's network or there are too many
// hashes to be computed already. Attempts that are the same, at the same time,
// are one: a program that logs in twenty times at once must not lock itself out.
//
// The error is ErrWrongPassword, a BrakeError, password.ErrBusy, an InvalidError
// for what cannot be a password, or a fault of the store.
func (r *Registry) prove(ctx context.Context, a Attempt) (store.User, error) {
	clean, err := password.Clean(a.Password)
	if err != nil {
		return store.User{}, invalid("%s", err)
	}
	a.Password = clean
	proof := r.proofs.DoChan(r.proofKey(&a), func() (any, error) {
		// Whoever asked may go away while others wait for the same.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), proofLimit)
		defer cancel()
		return r.proveOnce(ctx, &a)
	})
	select {
	case result := <-proof:
		u, _ := result.Val.(store.User)
		return u, result.Err
	case <-ctx.Done():
		return store.User{}, ctx.Err()
	}
}

// proofKey names an attempt without telling the password.
func (r *Registry) proofKey(a *Attempt) string {
	v := r.pepper.Verifier("attempt\x00" + SourceOf(a.Address) + "\x00" + Fold(a.Username) + "\x00" + a.Password)
	return string(v[:])
}

// place is where failures of an attempt are counted.
func (r *Registry) place(a *Attempt) store.FailurePlace {
	return store.FailurePlace{Name: r.hashName(Fold(a.Username)), Source: SourceOf(a.Address)}
}

// hashName is the form in which a user name stands in the counts of failures.
func (r *Registry) hashName(fold string) string {
	v := r.pepper.Verifier("login name\x00" + fold)
	return hex.EncodeToString(v[:16])
}

func (r *Registry) proveOnce(ctx context.Context, a *Attempt) (store.User, error) {
	turn, err := r.waitForTurn(ctx, a)
	if err != nil {
		return store.User{}, err
	}
	defer turn.Release()
	record, locked, err := r.charge(ctx, a)
	if err != nil {
		return store.User{}, err
	}
	if locked != nil {
		// One that is refused anyway must take the time of the others.
		_, _, _ = turn.Verify("", a.Password)
		return store.User{}, locked
	}
	ok, outdated, err := turn.Verify(record.Password.PHC, a.Password)
	if err != nil {
		return store.User{}, fmt.Errorf("the password of user '%s' in the store is damaged; set it anew: %w", record.User.Username, err)
	}
	if !ok || record.User.State != store.Active {
		return store.User{}, ErrWrongPassword
	}
	var renewed string
	if outdated {
		if renewed, err = turn.Hash(a.Password); err != nil {
			return store.User{}, err
		}
	}
	return record.User, r.refund(ctx, a, &record, renewed)
}

// waitForTurn waits until the attempt may be looked at, and a hash be computed.
func (r *Registry) waitForTurn(ctx context.Context, a *Attempt) (*password.Turn, error) {
	record, err := r.store.LoginRecord(ctx, Fold(a.Username), r.place(a))
	if err != nil {
		return nil, err
	}
	brakes := &r.settings.Load().Brakes
	v := brakes.judge(&record.Failures, r.now())
	if v.throttled {
		return nil, brakes.refusal(&v)
	}
	if v.lag > 0 {
		select {
		case r.lagging <- struct{}{}:
		default:
			return nil, password.ErrBusy
		}
		waited := sleep(ctx, v.lag)
		<-r.lagging
		if !waited {
			return nil, ctx.Err()
		}
	}
	return r.hasher.Reserve(ctx)
}

func (b *Brakes) refusal(v *verdict) error {
	return &BrakeError{Locked: v.locked, Failures: b.Failures, Window: b.Window, Wait: v.wait}
}

// charge reads what decides, and counts the attempt as failed beforehand. locked
// is set if the name is refused from here.
func (r *Registry) charge(ctx context.Context, a *Attempt) (record store.LoginRecord, locked error, err error) {
	now, brakes, place := r.now(), &r.settings.Load().Brakes, r.place(a)
	err = r.store.Change(ctx, func(c *store.Change) error {
		if record, err = c.LoginRecord(Fold(a.Username), place); err != nil {
			return err
		}
		if v := brakes.judge(&record.Failures, now); v.locked || v.throttled {
			locked = brakes.refusal(&v)
			return nil
		}
		brakes.charge(&record.Failures, now)
		if record.Failures.Pair.Count == brakes.Failures {
			if err := r.recordLock(c, &record, place); err != nil {
				return err
			}
		}
		return c.SetFailures(&record.Failures)
	})
	return record, locked, err
}

// recordLock writes into the audit trail that a name is refused from now on.
func (r *Registry) recordLock(c *store.Change, record *store.LoginRecord, place store.FailurePlace) error {
	id, err := r.newID()
	if err != nil {
		return err
	}
	return c.Record(&store.Event{
		ID: id, Time: r.now(), Kind: "login.lock", Outcome: "ok", Actor: "brakes", UserID: record.User.ID,
		Detail: fmt.Sprintf("%d failures from %s", record.Failures.Pair.Count, place.Source),
	})
}

// refund takes the charge of an attempt that was right back. Whoever was
// disabled or has another password meanwhile is refused after all.
func (r *Registry) refund(ctx context.Context, a *Attempt, proven *store.LoginRecord, renewed string) error {
	return r.store.Change(ctx, func(c *store.Change) error {
		now, err := c.LoginRecord(Fold(a.Username), r.place(a))
		if err != nil {
			return err
		}
		if !stillSame(&proven.User, &now.User) {
			return ErrWrongPassword
		}
		if renewed != "" {
			if err := c.RehashPassword(now.User.ID, now.Password.PHC, renewed); err != nil {
				return err
			}
		}
		refund(&now.Failures)
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
