package caddyauth

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sallyport/sallyport/internal/accesstoken"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

const (
	testIssuer = "https://id.example.org"
	testSecret = "a secret of HS256 that has more than 32 bytes"
)

// setting is a provider with a store, a clock that can be set, and counters.
type setting struct {
	*idpSet
	*identity.Registry
	t      *testing.T
	mirror *identity.Mirror
	// ahead is by how much the clock of the providers is ahead of the true one, storeAhead
	// by how much that of the store is, in nanoseconds.
	ahead      time.Duration
	storeAhead atomic.Int64
	// keysSought is how often a key was looked up, peopleAsked how often an account
	// was looked for in the database.
	keysSought, peopleAsked int
}

// newSetting has the user alice, who is the subject alice.
func newSetting(t *testing.T, c IdentityProvider) *setting {
	t.Helper()
	location, err := store.NewLocation("sqlite", filepath.Join(t.TempDir(), "auth.db"))
	if err != nil {
		t.Fatal(err)
	}
	s := &setting{idpSet: newIDPSet(), t: t}
	now := func() time.Time { return time.Now().Add(time.Duration(s.storeAhead.Load())) }
	r, err := identity.Open(t.Context(), identity.Config{Location: location, Create: true, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	s.Registry, s.mirror = r, identity.NewMirror(r, slog.New(slog.DiscardHandler))
	if _, err := r.AddUser(t.Context(), "test", identity.NewUser{Username: "alice", Roles: []string{"user"}}); err != nil {
		t.Fatal(err)
	}
	if err := r.LinkIdentity(t.Context(), "test", "alice", "staff", testIssuer, "alice"); err != nil {
		t.Fatal(err)
	}
	run, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.mirror.Run(run)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.mirror.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.now = func() time.Time { return time.Now().Add(s.ahead) }
	s.configure(c)
	return s
}

func (s *setting) configure(c IdentityProvider) {
	s.t.Helper()
	s.t.Setenv("SECRET_OF_TEST", testSecret)
	c.Name, c.Issuer, c.Audience, c.Secret = "staff", testIssuer, []string{"ops"}, "{env.SECRET_OF_TEST}"
	settings, err := c.resolve()
	if err != nil {
		s.t.Fatal(err)
	}
	p, err := newIDP(settings, slog.New(slog.DiscardHandler))
	if err != nil {
		s.t.Fatal(err)
	}
	p.keys = countedKeys{p.keys, &s.keysSought}
	s.add(p)
}

// countedKeys counts how often a key is looked up.
type countedKeys struct {
	accesstoken.Keys
	sought *int
}

func (k countedKeys) Find(ctx context.Context, kid, algorithm string) (any, error) {
	*k.sought++
	return k.Keys.Find(ctx, kid, algorithm)
}

// sign makes a token about a subject, with these claims besides.
func (s *setting) sign(subject string, more jwt.MapClaims) string {
	s.t.Helper()
	claims := jwt.MapClaims{"iss": testIssuer, "aud": "ops", "sub": subject, "exp": time.Now().Add(time.Hour).Unix()}
	maps.Copy(claims, more)
	word, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(testSecret))
	if err != nil {
		s.t.Fatal(err)
	}
	return word
}

func (s *setting) prove(word string) (identity.Caller, identity.Reason, error) {
	_, caller, reason, err := s.idpSet.prove(s.t.Context(), word, accounts{s.mirror, func() (*identity.Registry, error) {
		s.peopleAsked++
		return s.Registry, nil
	}})
	return caller, reason, err
}

// expect checks what comes of a token: a reason, and the rule that it does not meet.
func (s *setting) expect(word string, reason identity.Reason, rule accesstoken.Rule) identity.Caller {
	s.t.Helper()
	caller, got, err := s.prove(word)
	fault, _ := errors.AsType[*accesstoken.Error](err)
	if got != reason || rule == "" && fault != nil || rule != "" && (fault == nil || fault.Rule != rule) {
		s.t.Errorf("got %s, %v; want %s, %s", got, err, reason, rule)
	}
	return caller
}

func TestTokenThatWasSeenIsNotVerifiedAgain(t *testing.T) {
	s := newSetting(t, IdentityProvider{})
	word := s.sign("alice", nil)
	for range 3 {
		if c := s.expect(word, identity.Accepted, ""); c.User.Name != "alice" || c.Scopes != principal.AllScopes {
			t.Errorf("the caller is %+v", c)
		}
	}
	if s.keysSought != 1 || s.peopleAsked != 0 {
		t.Errorf("a key was looked up %d times, the database asked %d times", s.keysSought, s.peopleAsked)
	}
}

// TestSeenTokenIsHeldAgainstTheClock, which somebody may set back as well.
func TestSeenTokenIsHeldAgainstTheClock(t *testing.T) {
	s := newSetting(t, IdentityProvider{})
	now := time.Now()
	word := s.sign("alice", jwt.MapClaims{"nbf": now.Unix(), "exp": now.Add(time.Minute).Unix()})
	s.expect(word, identity.Accepted, "")
	s.ahead = -2 * time.Minute
	s.expect(word, identity.UnknownToken, accesstoken.RuleNotYet)
	s.ahead = 0
	s.expect(word, identity.Accepted, "")
}

// TestSeenTokenExpires by the clock of the store's copy, which decides about all kinds,
// when the leeway is over.
func TestSeenTokenExpires(t *testing.T) {
	s := newSetting(t, IdentityProvider{})
	word := s.sign("alice", jwt.MapClaims{"exp": time.Now().Add(time.Minute).Unix()})
	s.expect(word, identity.Accepted, "")
	s.storeAhead.Store(int64(time.Minute + 30*time.Second))
	s.expect(word, identity.Accepted, "")
	s.storeAhead.Store(int64(2 * time.Minute))
	s.expect(word, identity.Expired, "")
}

// remembered counts the tokens in memory.
func (s *setting) remembered() (n int) {
	for _, part := range s.seen {
		n += part.Len()
	}
	return n
}

func TestMemoryOfTokensIsBounded(t *testing.T) {
	s := newSetting(t, IdentityProvider{})
	first := s.sign("alice", nil)
	s.expect(first, identity.Accepted, "")
	// Each part has its own bound, and chance says into which a token comes.
	for i := range 2 * maxSeen {
		s.expect(s.sign("alice", jwt.MapClaims{"jti": strconv.Itoa(i)}), identity.Accepted, "")
	}
	if got := s.remembered(); got != maxSeen {
		t.Errorf("%d tokens are remembered", got)
	}
	sought := s.keysSought
	s.expect(first, identity.Accepted, "")
	if s.keysSought != sought+1 {
		t.Error("the oldest was not forgotten")
	}
}

// TestRefusedTokensPushNothingOut: anybody can make them.
func TestRefusedTokensPushNothingOut(t *testing.T) {
	s := newSetting(t, IdentityProvider{RequiredGroups: []string{"staff"}, GroupsClaim: "groups"})
	s.expect(s.sign("alice", jwt.MapClaims{"aud": "billing"}), identity.UnknownToken, accesstoken.RuleAudience)
	s.expect(s.sign("alice", nil)+"x", identity.UnknownToken, accesstoken.RuleSignature)
	s.expect("a.b.c", identity.UnknownToken, accesstoken.RuleForm)
	if _, _, err := s.prove(s.sign("alice", nil)); !errors.Is(err, errGroups) {
		t.Errorf("without the group it is %v", err)
	}
	if got := s.remembered(); got != 0 {
		t.Errorf("%d tokens are remembered", got)
	}
}

func TestOneTimeTokensAreNotRemembered(t *testing.T) {
	s := newSetting(t, IdentityProvider{OneTime: true})
	word := s.sign("alice", jwt.MapClaims{"jti": "1"})
	s.expect(word, identity.Accepted, "")
	s.expect(word, identity.Spent, "")
	s.expect(s.sign("alice", nil), identity.UnknownToken, accesstoken.RuleID)
	if got := s.remembered(); got != 0 {
		t.Errorf("%d tokens are remembered", got)
	}
}

// TestStrangersAreNotLookedForEachTime: whoever has a good token and no account here
// must not keep the database busy.
func TestStrangersAreNotLookedForEachTime(t *testing.T) {
	s := newSetting(t, IdentityProvider{TrustEmail: true})
	word := s.sign("bob", jwt.MapClaims{"email": "bob@example.org", "email_verified": true})
	for range 5 {
		if _, reason, err := s.prove(word); reason != identity.UnknownIdentity || !errors.Is(err, identity.ErrNoAccount) {
			t.Fatalf("%s, %v", reason, err)
		}
	}
	if s.peopleAsked != 1 || s.keysSought != 1 {
		t.Errorf("the database was asked %d times, a key was looked up %d times", s.peopleAsked, s.keysSought)
	}
	s.ahead = strangerPause
	if _, err := s.AddUser(t.Context(), "test", identity.NewUser{Username: "bob", Email: "bob@example.org"}); err != nil {
		t.Fatal(err)
	}
	if c := s.expect(word, identity.Accepted, ""); c.User == nil || c.User.Name != "bob" {
		t.Errorf("the caller is %+v", c)
	}
	if s.peopleAsked != 2 {
		t.Errorf("the database was asked %d times", s.peopleAsked)
	}
}

// TestDisabledOnesAreNotLookedForEachTime: a user who is disabled here, and not linked yet,
// still gets tokens.
func TestDisabledOnesAreNotLookedForEachTime(t *testing.T) {
	s := newSetting(t, IdentityProvider{TrustEmail: true})
	if _, err := s.AddUser(t.Context(), "test", identity.NewUser{Username: "bob", Email: "bob@example.org", Disabled: true}); err != nil {
		t.Fatal(err)
	}
	word := s.sign("bob", jwt.MapClaims{"email": "bob@example.org", "email_verified": true})
	for range 5 {
		if _, reason, err := s.prove(word); reason != identity.UserDisabled || !errors.Is(err, identity.ErrUserDisabled) {
			t.Fatalf("%s, %v", reason, err)
		}
	}
	if s.peopleAsked != 1 || s.keysSought != 1 {
		t.Errorf("the database was asked %d times, a key was looked up %d times", s.peopleAsked, s.keysSought)
	}
}

// TestStrangersWhoCannotBeFoundAreNotLookedFor: without auto_create and trust_email only
// an administrator links accounts.
func TestStrangersWhoCannotBeFoundAreNotLookedFor(t *testing.T) {
	s := newSetting(t, IdentityProvider{})
	if _, reason, err := s.prove(s.sign("bob", nil)); reason != identity.UnknownIdentity || !errors.Is(err, identity.ErrNoAccount) || s.peopleAsked != 0 {
		t.Errorf("%s, %v, and the database was asked %d times", reason, err, s.peopleAsked)
	}
}

// TestAccountWithATokenFollowsTheAccount: it is made once for each state of it.
func TestAccountWithATokenFollowsTheAccount(t *testing.T) {
	s := newSetting(t, IdentityProvider{RoleNames: map[string][]string{"boss": {"admin"}}})
	word := s.sign("alice", jwt.MapClaims{"roles": []string{"boss"}})
	first, again := s.expect(word, identity.Accepted, ""), s.expect(word, identity.Accepted, "")
	if first.User != again.User || first.User.RoleList != "admin,user" {
		t.Errorf("the first is %+v, the second %+v", first.User, again.User)
	}
	roles := []string{"auditor"}
	if _, err := s.EditUser(t.Context(), "test", "alice", identity.UserEdit{Roles: &roles}); err != nil {
		t.Fatal(err)
	}
	s.mirror.Refresh(t.Context())
	after := s.expect(word, identity.Accepted, "")
	if !slices.Equal(after.User.Roles, []string{"admin", "auditor"}) || first.User.RoleList != "admin,user" {
		t.Errorf("it is %v, and that of before %v", after.User.Roles, first.User.Roles)
	}
	if other := s.expect(s.sign("alice", nil), identity.Accepted, ""); !slices.Equal(other.User.Roles, []string{"auditor"}) {
		t.Errorf("a token without roles has %v", other.User.Roles)
	}
	if s.keysSought != 2 {
		t.Errorf("a key was looked up %d times", s.keysSought)
	}
}

// TestDatabaseThatCannotBeAskedRefusesNobody: it is not known whether there is an
// account.
func TestDatabaseThatCannotBeAskedRefusesNobody(t *testing.T) {
	s := newSetting(t, IdentityProvider{AutoCreate: true})
	down := errors.New("no database")
	word := s.sign("bob", nil)
	_, _, reason, err := s.idpSet.prove(t.Context(), word, accounts{s.mirror, func() (*identity.Registry, error) { return nil, down }})
	if reason != identity.NotFresh || !errors.Is(err, down) {
		t.Errorf("%s, %v", reason, err)
	}
	if f := refusalFor(reason, err); f.status != 503 {
		t.Errorf("it is answered %d", f.status)
	}
	if c := s.expect(word, identity.Accepted, ""); c.User == nil {
		t.Error("nobody was made")
	}
}

// TestReasonWhyNoAccountCouldBeMadeIsForTheLog: the client is not told it.
func TestReasonWhyNoAccountCouldBeMadeIsForTheLog(t *testing.T) {
	_, why := identity.ParseKeyRef("")
	f := refusalFor(identity.UnknownIdentity, why)
	plain := rejected(identity.UnknownIdentity)
	if why == nil || !errors.Is(f.err, why) || f.status != plain.status || f.code != plain.code || f.message != plain.message || f.cause != plain.cause {
		t.Errorf("%+v for %v", f, why)
	}
	if plain.err != nil {
		t.Errorf("what all requests share has %v", plain.err)
	}
}
