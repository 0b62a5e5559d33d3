package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/password"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

const (
	// maxRefused bounds what is told of records that are not sound, maxCounted how
	// many of them are counted.
	maxRefused = 20
	maxCounted = 1_000_000
	// mostCount is the greatest number of changes or passwords of a user that counts
	// as sound, so that there is room for more.
	mostCount = int64(1) << 62
)

// unsound says of each record what is wrong with it, if anything: it would not be
// loaded, could not be shown, or is not as this program writes it. The error is that
// the store cannot be read.
func unsound(ctx context.Context, s *store.Store) (problems []string, err error) {
	needed, err := s.Peppers(ctx)
	if err != nil {
		return nil, err
	}
	// Nothing is checked under them, so that their numbers are enough.
	peppers := &pepperSet{list: make([]*credential.Pepper, len(needed))}
	for _, p := range needed {
		peppers.ids = append(peppers.ids, p.ID)
	}
	l, err := newLoader(peppers)
	if err != nil {
		return nil, err
	}
	examiner := store.Examiner{
		User:     func(u *store.User) error { return errors.Join(userSound(u), l.user(u)) },
		Password: passwordSound,
		Key:      func(k *store.Key) error { return errors.Join(keySound(k), secretSound(k), l.key(k)) },
		Session:  sessionSound,
		Token:    l.token,
		Identity: func(i *store.Identity) error { return errors.Join(identitySound(i), l.identity(i)) },
		Refused:  l.refuse,
	}
	note := func(err error) {
		if len(problems) < maxCounted {
			problems = append(problems, err.Error())
		}
	}
	if err := s.Examine(ctx, examiner, note); err != nil || len(problems) > 0 {
		return problems, err
	}
	return wouldNotLoad(ctx, s)
}

// wouldNotLoad says why a store would not be loaded of which each record is sound:
// loading has queries of its own.
func wouldNotLoad(ctx context.Context, s *store.Store) (problems []string, err error) {
	_, err = s.Load(ctx, store.Receiver{
		User: func(*store.User) error { return nil }, Key: func(*store.Key) error { return nil }, Token: func(*store.Token) error { return nil },
		Identity: func(*store.Identity) error { return nil }, Refused: func(*store.RefusedToken) error { return nil },
	})
	if err != nil && ctx.Err() == nil {
		return []string{err.Error()}, nil
	}
	return nil, err
}

// userSound holds a user against what decides about him.
func userSound(u *store.User) error {
	switch {
	case checkUsername(u.Username) != nil:
		return fmt.Errorf("user '%s' has a name that no user can have", printable(u.Username))
	case u.Fold != Fold(u.Username):
		return fmt.Errorf("user '%s' would be found by the name '%s'", u.Username, printable(u.Fold))
	case u.State != store.Active && u.State != store.Disabled:
		return fmt.Errorf("user '%s' has the state '%s', which is none", u.Username, printable(string(u.State)))
	case u.Version < 1 || u.Version > mostCount || u.Epoch < 1 || u.Epoch > mostCount:
		return fmt.Errorf("user '%s' has counters that cannot be counted up", u.Username)
	}
	_, roles := checkNames("role", u.Roles)
	_, groups := checkNames("group", u.Groups)
	if err := errors.Join(roles, groups); err != nil {
		return fmt.Errorf("user '%s': %w", u.Username, err)
	}
	return nil
}

// keySound: it has a name that a key can have, and limits as they are kept.
func keySound(k *store.Key) error {
	limits := k.Limits
	limits.Networks = slices.Clone(k.Networks)
	if err := errors.Join(checkKeyName(k.Name), checkLimits(&limits), agentsSound(k)); err != nil {
		return fmt.Errorf("key '%s': %w", printable(k.ID), err)
	}
	if !slices.Equal(limits.Networks, k.Networks) {
		return fmt.Errorf("key '%s' is bound to networks that are not in their usual form", printable(k.ID))
	}
	return nil
}

// agentsSound: the agents of a key are as NewKey.checkAgents keeps them.
func agentsSound(k *store.Key) error {
	n := NewKey{Impersonation: k.Impersonation, Agents: k.Agents, Scopes: k.Scopes}
	if err := n.checkAgents(); err != nil {
		return err
	}
	if !slices.Equal(n.Agents, k.Agents) {
		return errors.New("its agents are not in their usual form")
	}
	return nil
}

// passwordSound: the hash can be computed.
func passwordSound(userID string, p *store.Password) error {
	if err := password.CheckStored(p.PHC); err != nil {
		return fmt.Errorf("password of user '%s': %w", printable(userID), err)
	}
	return nil
}

// secretSound: the secret of a key can be proven, by a verifier or by the hash that was
// imported.
func secretSound(k *store.Key) error {
	unused := k.Verifier.Equal(&noVerifier)
	switch {
	case !k.Revoked.IsZero():
		return nil
	case k.ImportedHash == "" && k.ByName && unused:
		return fmt.Errorf("key '%s' has neither a verifier nor an imported hash", printable(k.ID))
	case k.ImportedHash == "":
		return nil
	case !k.ByName || !unused || !k.PreviousExpires.IsZero():
		return fmt.Errorf("key '%s' has an imported hash beside its secret", printable(k.ID))
	}
	if err := password.CheckBcrypt(k.ImportedHash); err != nil {
		return fmt.Errorf("key '%s': %w", printable(k.ID), err)
	}
	return nil
}

// sessionSound: it began as sessions can.
func sessionSound(s *store.Session) error {
	byKey := s.Method == principal.MethodAPIKey
	known := byKey || s.Method == principal.MethodPassword || s.Method == principal.MethodJWT
	if !known || byKey != (s.KeyID != "") {
		return fmt.Errorf("session '%s' has the method '%s', with which none begins, or not the key for it", printable(s.ID), printable(s.Method))
	}
	if s.Method != principal.MethodJWT && len(s.Roles)+len(s.Groups) > 0 {
		return fmt.Errorf("session '%s' has roles or groups of a provider, and did not begin by one", printable(s.ID))
	}
	_, roles := checkNames("role", s.Roles)
	_, groups := checkNames("group", s.Groups)
	if err := errors.Join(roles, groups); err != nil {
		return fmt.Errorf("session '%s': %w", printable(s.ID), err)
	}
	return nil
}

// identitySound: it is found by issuer and subject, which a provider can have.
func identitySound(i *store.Identity) error {
	if err := checkIdentity(i.Provider, i.Issuer, i.Subject); err != nil {
		return fmt.Errorf("identity '%s': %w", printable(i.ID), err)
	}
	if i.ID != digestText(principal.IdentityDigest(i.Issuer, i.Subject)) {
		return fmt.Errorf("identity '%s' of user '%s' has an id that is not that of its issuer and subject", printable(i.ID), printable(i.Username))
	}
	return nil
}
