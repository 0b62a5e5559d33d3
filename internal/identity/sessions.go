package identity

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// NewToken is what a token of a session is made of.
type NewToken struct {
	Kind credential.TokenKind
	principal.Lifetime
}

// NewSession is what a session is made of.
type NewSession struct {
	// Tokens are the tokens to make.
	Tokens []NewToken
	// Address and UserAgent tell the user later where the session began.
	Address   netip.Addr
	UserAgent string
}

func (n *NewSession) check() error {
	if len(n.Tokens) == 0 {
		return invalid("a session needs a token")
	}
	for i := range n.Tokens {
		if err := n.Tokens[i].Check(); err != nil {
			return invalid("%s", err)
		}
	}
	return nil
}

const (
	// maxKeySessions bounds the sessions that come from one key, maxUserSessions
	// those of a user that come from none; beyond it the oldest of the same kind
	// ends. A key that can only read must not log its user out.
	maxKeySessions  = 100
	maxUserSessions = 1000
	// maxUserAgent is as much of a User-Agent as is kept, in characters.
	maxUserAgent = 255
)

// LogInByKey begins a session for a caller whose API key was accepted. It can do
// no more than the key, and ends with it, or with the overlap if a rotation has
// replaced the secret. The error is ErrEnded if that has happened meanwhile, and a
// KeyLogInsError if the key logs in too often.
func (r *Registry) LogInByKey(ctx context.Context, caller Caller, n NewSession) (store.Session, []credential.Secret, error) {
	if wait := r.beginKeyLogIn(caller.ID); wait > 0 {
		return store.Session{}, nil, &KeyLogInsError{wait}
	}
	begun := false
	defer func() { r.endKeyLogIn(caller.ID, begun) }()
	s := store.Session{Method: principal.MethodAPIKey, KeyID: caller.ID.String(), Scopes: caller.Scopes}
	session, words, err := r.begin(ctx, s, n, func(c *store.Change) (u store.User, until time.Time, err error) {
		k, err := c.Key(store.KeyRef{ID: s.KeyID})
		if err == nil {
			until, err = endOf(&k, &caller, r.now())
		}
		if err == nil {
			u, err = c.UserByFold(Fold(k.Username))
		}
		if errors.Is(err, store.ErrNotFound) || err == nil && u.State != store.Active {
			err = ErrEnded
		}
		return u, until, err
	})
	begun = err == nil
	return session, words, err
}

// LogInByProvider begins a session for a caller who has presented the token of another
// provider. It can do what the token can, and the caller has the roles and groups in it
// that the provider gives, besides his own as they are at each request. It does not end
// with the token, but with the link to the provider.
//
// The error is ErrEnded if the token has ended since it was proven, ErrImpersonated, or an
// InvalidError.
func (r *Registry) LogInByProvider(ctx context.Context, p *principal.Principal, extraRoles, extraGroups []string, n NewSession) (store.Session, []credential.Secret, error) {
	if p.Method != principal.MethodJWT {
		return store.Session{}, nil, invalid("such a session begins with the token of a provider")
	}
	roles, err := checkNames("role", extraRoles)
	if err != nil {
		return store.Session{}, nil, err
	}
	groups, err := checkNames("group", extraGroups)
	if err != nil {
		return store.Session{}, nil, err
	}
	s := store.Session{Method: principal.MethodJWT, Scopes: p.Scopes, Roles: roles, Groups: groups}
	return r.begin(ctx, s, n, func(c *store.Change) (u store.User, none time.Time, err error) {
		if _, err := r.stillStands(c, p); err != nil {
			return u, none, err
		}
		u, err = c.UserByFold(Fold(p.Name))
		return u, none, err
	})
}

// endOf says until when what comes from a key may live, zero if for ever.
func endOf(k *store.Key, caller *Caller, now time.Time) (until time.Time, err error) {
	over := func(t time.Time) bool { return !t.IsZero() && !now.Before(t) }
	if !k.Disabled.IsZero() || !k.Revoked.IsZero() || over(k.Expires) {
		return until, ErrEnded
	}
	overlap := k.PreviousExpires
	switch {
	case caller.provenBy(&k.Verifier), caller.proven.Equal(&noVerifier) && over(overlap):
		overlap = time.Time{}
	case caller.proven.Equal(&noVerifier):
		// Which secret it was is not known: as if it were the older one.
	case overlap.IsZero() || over(overlap) || !caller.provenBy(&k.Previous):
		return until, ErrEnded
	}
	return earlier(k.Expires, overlap), nil
}

// earlier is the earlier one of two times, of which zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// ErrEnded: what a session was to come from has ended meanwhile.
var ErrEnded = errors.New("the credential has ended")

// begin makes a session and its tokens. owner says within the change whose it
// is, and until when the tokens may live at most, zero if for ever.
func (r *Registry) begin(ctx context.Context, s store.Session, n NewSession, owner func(*store.Change) (store.User, time.Time, error)) (store.Session, []credential.Secret, error) {
	err := n.check()
	if err != nil {
		return store.Session{}, nil, err
	}
	var words []credential.Secret
	if s.ID, err = r.newID(); err != nil {
		return store.Session{}, nil, err
	}
	s.Created, s.UserAgent = r.now(), printableText(n.UserAgent, maxUserAgent)
	if n.Address.IsValid() {
		s.Address = n.Address.String()
	}
	event := store.Event{Kind: "session.begin", KeyID: s.KeyID, Detail: s.ID}
	err = r.changeAs(ctx, event, func(c *store.Change, e *store.Event) error {
		u, until, err := owner(c)
		if err != nil {
			return err
		}
		s.UserID, s.Username = u.ID, u.Username
		e.UserID, e.Actor = u.ID, UserActor(u.Username)
		if s.Tokens, words, err = r.newTokens(&s, n.Tokens, until); err != nil {
			return err
		}
		keep := maxUserSessions - 1
		if s.KeyID != "" {
			keep = maxKeySessions - 1
		}
		if _, err := c.EndOldestSessions(u.ID, s.KeyID, keep); err != nil {
			return err
		}
		return c.InsertSession(&s)
	})
	if err != nil {
		return store.Session{}, nil, err
	}
	return s, words, nil
}

func (r *Registry) newTokens(s *store.Session, kinds []NewToken, until time.Time) (tokens []store.Token, words []credential.Secret, err error) {
	pepper, number := r.peppers.newest()
	for _, n := range kinds {
		word, err := credential.NewToken(r.random, n.Kind, s.Username)
		if err != nil {
			return nil, nil, err
		}
		verifier := pepper.Verifier(word.Reveal())
		t := store.Token{ID: verifier.ID().String(), SessionID: s.ID, Kind: n.Kind, Verifier: verifier, Pepper: number, Idle: n.Idle, LastUsed: s.Created}
		if n.Absolute != 0 {
			t.Expires = s.Created.Add(n.Absolute)
		}
		t.Expires = earlier(t.Expires, until)
		tokens, words = append(tokens, t), append(words, word)
	}
	return tokens, words, nil
}

// Sessions lists up to limit sessions that have not ended, of one user or of
// all, beginning after the one with the id after. Uses of the last minute may not
// be in it yet.
func (r *Registry) Sessions(ctx context.Context, username, after string, limit int) ([]store.Session, error) {
	now := r.now()
	f := store.SessionFilter{After: after, Limit: limit, Alive: now}
	if username != "" {
		u, err := r.User(ctx, username)
		if err != nil {
			return nil, err
		}
		f.UserID = u.ID
	}
	list, err := r.store.Sessions(ctx, f)
	for i := range list {
		list[i].Tokens = slices.DeleteFunc(list[i].Tokens, func(t store.Token) bool { return t.Ended(now) })
	}
	return list, err
}

// EndSession ends a session, if username is not empty only one of that user. The
// error is store.ErrNotFound if there is none of that id.
func (r *Registry) EndSession(ctx context.Context, actor, username, id string) error {
	return r.change(ctx, store.Event{Kind: "session.end", Actor: actor, Detail: id}, func(c *store.Change, e *store.Event) error {
		s, err := c.Session(id)
		if errors.Is(err, store.ErrNotFound) || err == nil && username != "" && Fold(username) != Fold(s.Username) {
			return &noSession{printable(id)}
		}
		if err != nil {
			return err
		}
		e.UserID, e.KeyID = s.UserID, s.KeyID
		_, err = c.EndSessions(store.SessionFilter{ID: s.ID})
		return err
	})
}

// noSession is one that does not exist, or is another user's: they are told in
// the same words.
type noSession struct{ id string }

func (e *noSession) Error() string { return "session '" + e.id + "': not found" }
func (e *noSession) Unwrap() error { return store.ErrNotFound }

// LogOut ends the session that a token belongs to, by the id that the token has, or
// had when the request was proven.
func (r *Registry) LogOut(ctx context.Context, actor, tokenID string) error {
	return r.change(ctx, store.Event{Kind: "session.end", Actor: actor}, func(c *store.Change, e *store.Event) error {
		id, err := r.sessionOfToken(c, tokenID)
		if err != nil {
			return err
		}
		s, err := c.Session(id)
		if err != nil {
			return err
		}
		e.UserID, e.KeyID, e.Detail = s.UserID, s.KeyID, id
		_, err = c.EndSessions(store.SessionFilter{ID: id})
		return err
	})
}

// sessionOfToken finds the session of a token. The store knows one former id of it,
// memory those before.
func (r *Registry) sessionOfToken(c *store.Change, tokenID string) (session string, err error) {
	session, err = c.SessionOfToken(tokenID)
	id, malformed := credential.ParseKeyID(tokenID)
	if !errors.Is(err, store.ErrNotFound) || malformed != nil {
		return session, err
	}
	r.moved(id, func(id credential.KeyID) bool {
		session, err = c.SessionOfToken(id.String())
		return !errors.Is(err, store.ErrNotFound)
	})
	return session, err
}

// EndSessions ends all sessions of a user, and reports how many there were. Tokens of
// other providers count only if they were issued afterwards; they are not in the number,
// since nobody knows how many there are.
func (r *Registry) EndSessions(ctx context.Context, actor, username string) (ended int, err error) {
	fold, err := foldName(username)
	if err != nil {
		return 0, err
	}
	err = r.change(ctx, store.Event{Kind: "session.end", Actor: actor}, func(c *store.Change, e *store.Event) error {
		u, err := c.UserByFold(fold)
		if err != nil {
			return err
		}
		e.UserID, e.Detail = u.ID, u.Username+": all"
		if err := c.RefuseTokens(u.ID, e.Time); err != nil {
			return err
		}
		ended, err = c.EndSessions(store.SessionFilter{UserID: u.ID})
		return err
	})
	return ended, err
}
