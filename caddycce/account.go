package caddycce

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/sallyport/sallyport/internal/cce"
	"github.com/sallyport/sallyport/internal/cscp"
)

// rejection is a password of an account that cced has refused.
type rejection struct {
	digest [sha256.Size]byte
	at     time.Time
}

const (
	// rejectionPause is for how long a password that was refused is not tried
	// again: cced's system may lock the account.
	rejectionPause = 5 * time.Second
	// logInLimit is how long a log-in may take. Its client may go away before: what
	// comes of it is worth knowing all the same.
	logInLimit = 30 * time.Second
)

// logIn logs an account in with the password of its file. If cced refuses it the
// file is read once more: it may have been changed a moment ago.
func (d *desk) logIn(ctx context.Context, a *cce.Account) (cscp.Session, error) {
	password, err := a.Password(ctx)
	if err != nil {
		return cscp.Session{}, err
	}
	session, err := d.tryPassword(a, password)
	if !errors.Is(err, cscp.ErrRefused) {
		return session, err
	}
	a.Refused()
	if newer, failed := a.Password(ctx); failed == nil && newer != password {
		return d.tryPassword(a, newer)
	}
	return session, err
}

// tryPassword logs an account in, unless cced has refused just that a moment ago.
func (d *desk) tryPassword(a *cce.Account, password cscp.Secret) (cscp.Session, error) {
	digest := sha256.Sum256([]byte(password))
	d.mu.Lock()
	last := d.rejections[a.User()]
	d.mu.Unlock()
	if last.digest == digest && time.Since(last.at) < rejectionPause {
		return cscp.Session{}, cscp.ErrRefused
	}
	session, err := d.authenticate(a.User(), password)
	if errors.Is(err, cscp.ErrRefused) {
		d.mu.Lock()
		d.rejections[a.User()] = rejection{digest, time.Now()}
		d.mu.Unlock()
	}
	return session, err
}

// authenticate logs a user in by password, whether or not the client waits for
// it: a guess that nobody waits for counts as well.
func (d *desk) authenticate(user string, password cscp.Secret) (cscp.Session, error) {
	ctx, cancel := context.WithTimeout(d.life, logInLimit)
	defer cancel()
	return d.pool.LogIn(ctx, user, password)
}
