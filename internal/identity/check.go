package identity

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
	"github.com/sallyport/sallyport/internal/urlpath"
)

// Reason says how a check ended. Its text is for logs; callers are told less.
type Reason uint8

// The reasons. Those from WrongUser to NotAgent are found only for a caller who
// has presented the right secret.
const (
	// Accepted: the caller is who the credential says.
	Accepted Reason = iota
	// NotFresh: we cannot find out. The answer to the caller is 503.
	NotFresh
	// Malformed: not the form of a key, or a wrong checksum.
	Malformed
	// UnknownKey: no key has that id.
	UnknownKey
	// UnknownToken: no token is like that, any more or ever.
	UnknownToken
	// WrongSecret: the id is known, the rest is wrong.
	WrongSecret
	// WrongUser: the key is not of the user that was named with it.
	WrongUser
	// WrongName: the key does not have the name that was given with it.
	WrongName
	Revoked
	KeyDisabled
	UserDisabled
	Expired
	// Idle: the token was not used for too long.
	Idle
	NotYetValid
	// Address and the following: the key is bound to other circumstances.
	Address
	UserAgent
	Audience
	Subject
	APIVersion
	// Impersonation: the key is for impersonation, and was presented as a credential.
	// NotAgent: it is no such key, or not for this agent.
	Impersonation
	NotAgent
	// UnknownIdentity and Spent are about tokens of other providers: nobody is linked to
	// whom it means, and one that is good for one time was presented before.
	UnknownIdentity
	Spent
	// WrongPassword and the following are about user name and password: wrong,
	// refused for earlier failures of the name or of the network, and too many
	// at once.
	WrongPassword
	Locked
	Throttled
	Busy
	// reasons is how many there are.
	reasons
)

// Reasons is the number of reasons.
const Reasons = int(reasons)

var reasonTexts = [...]string{
	Accepted: "accepted", NotFresh: "not_fresh", Malformed: "malformed", UnknownKey: "unknown_key", UnknownToken: "unknown_token",
	WrongSecret: "wrong_secret", WrongUser: "wrong_user", WrongName: "wrong_name", Revoked: "revoked",
	KeyDisabled: "key_disabled", UserDisabled: "user_disabled", Expired: "expired", Idle: "idle", NotYetValid: "not_yet_valid",
	Address: "address", UserAgent: "user_agent", Audience: "audience", Subject: "subject", APIVersion: "api_version", Impersonation: "impersonation_key", NotAgent: "not_agent",
	UnknownIdentity: "unknown_identity", Spent: "spent",
	WrongPassword: "wrong_password", Locked: "locked", Throttled: "throttled", Busy: "busy",
}

func (r Reason) String() string { return reasonTexts[r] }

// Circumstances are what the limits of a key are held against.
type Circumstances struct {
	// Address is the caller's, unmapped and without zone. An invalid one is in
	// no network.
	Address netip.Addr
	// UserAgent is the User-Agent header.
	UserAgent string
	// Path is the path that the client asked for, decoded, before any rewriting.
	Path string
	// Audience and APIVersion are those of the gate.
	Audience, APIVersion string
}

// Caller is who presented an accepted credential.
type Caller struct {
	User *principal.User
	// ID is the public id of the key or token. A password has none.
	ID     credential.KeyID
	Scopes principal.Scopes
	// proven is the verifier of the key, so that what comes from it can be
	// bound to this secret of the key.
	proven credential.Verifier
	// moved is the verifier of the same secret under a newer pepper, if the key
	// is about to be brought under it.
	moved *credential.Verifier
}

// provenBy reports whether the secret that has this verifier was presented.
func (c *Caller) provenBy(v *credential.Verifier) bool {
	return c.proven.Equal(v) || c.moved != nil && c.moved.Equal(v)
}

const (
	// A use of a key, or of a token that may lie idle for ever, is noted once a
	// minute, since it is only told to people. A token that may not lives on by
	// its uses, so they are noted by the second.
	keyUseEvery  = 60
	idleUseEvery = 1
)

// Check says whether the presented key is accepted, a key by name among them (see
// credential.Presented.Named). It allocates nothing, but for a key by name. circumstances
// is called only for a key that is bound to some, and for one by name.
func (m *Mirror) Check(p *credential.Presented, circumstances func() Circumstances) (Caller, Reason) {
	return m.checkKey(p, nil, circumstances)
}

// checkKey is Check where agent is nil; else it checks a key by which the agent acts
// as its owner.
func (m *Mirror) checkKey(p *credential.Presented, agent *principal.User, circumstances func() Circumstances) (Caller, Reason) {
	x, now, fresh := m.look()
	if !fresh {
		return Caller{}, NotFresh
	}
	peppers := x.peppers.Load()
	word, wellFormed := peppers.newest().Open(p.Word)
	if !wellFormed {
		return m.checkNamed(x, now, p, agent, circumstances)
	}
	defer word.Close()
	id := word.ID()
	s, candidates := x.keys.candidates(id)
	r, verifier := x.proveKey(candidates, word, p.Word, peppers.living[0])
	if r == nil {
		return Caller{}, s.whyNot(id)
	}
	a := x.account(r.user)
	switch {
	case a == nil:
		return Caller{}, UnknownKey
	case p.Kind == credential.Basic && a.Name != p.User && a.Fold != Fold(p.User):
		return Caller{}, WrongUser
	case p.KeyName != "" && r.name != x.hashName(p.KeyName):
		return Caller{}, WrongName
	}
	if reason := admitKey(a, s, r, agent, now, circumstances); reason != Accepted {
		return Caller{}, reason
	}
	return m.callerBy(a, r, word, verifier, peppers, now), Accepted
}

// admitKey holds a proven key against time and circumstances, and against what it is
// used for.
func admitKey(a *account, s *shard, r *record, agent *principal.User, now time.Time, circumstances func() Circumstances) Reason {
	if reason := admit(a, s, r, now, circumstances); reason != Accepted {
		return reason
	}
	return purpose(s, r, agent)
}

// callerBy is whoever has proven a key by a word that is open under the newest pepper.
// The use is noted.
func (m *Mirror) callerBy(a *account, r *record, word *credential.Word, verifier credential.Verifier, peppers *pepperNumbers, now time.Time) Caller {
	id := word.ID()
	if r.use(now, keyUseEvery) {
		m.used.note(id, now)
	}
	c := Caller{User: &a.User, ID: id, Scopes: r.scopes, proven: verifier}
	if peppers.outdated(r.pepper) {
		c.moved = m.noteMove(store.Move{ID: id, Old: verifier, Pepper: peppers.newestID(), Used: now}, word)
	}
	return c
}

// proveKey finds the record of a presented word, whose verifier is computed under
// the pepper of each candidate: nearly always that is one. word is open under
// the pepper of number newest.
func (x *index) proveKey(candidates []record, word *credential.Word, text string, newest uint8) (proven *record, verifier credential.Verifier) {
	if len(candidates) == 0 {
		// An unknown id takes the same time.
		verifier = word.Verifier()
		return prove(nil, &verifier), verifier
	}
	for i := range candidates {
		r := &candidates[i]
		switch {
		case i > 0 && r.pepper == candidates[i-1].pepper:
		case r.pepper == newest:
			verifier = word.Verifier()
		default:
			// Loaded after the record, it knows the record's number.
			verifier = x.peppers.Load().list[r.pepper].Verifier(text)
		}
		if r.verifier.Equal(&verifier) {
			return r, verifier
		}
	}
	return nil, verifier
}

// CheckToken says whether the presented token is accepted, as Check does for
// keys. It allocates only for a session that a provider has given roles or groups, which
// the User of the Caller has then besides its own.
func (m *Mirror) CheckToken(kind credential.TokenKind, presented string, circumstances func() Circumstances) (Caller, Reason) {
	x, now, fresh := m.look()
	if !fresh {
		return Caller{}, NotFresh
	}
	peppers := x.peppers.Load()
	word, wellFormed := peppers.newest().OpenToken(kind, presented)
	if !wellFormed {
		return Caller{}, Malformed
	}
	defer word.Close()
	verifier := word.Verifier()
	s, r := x.proveToken(&verifier)
	if r == nil && (len(peppers.living) > 1 || x.peppers.Load() != peppers) {
		s, r, verifier = x.proveOldToken(presented)
	}
	if r == nil || r.flags&tokenFlags[kind] == 0 {
		return Caller{}, UnknownToken
	}
	a := x.account(r.user)
	if a == nil {
		return Caller{}, UnknownToken
	}
	if reason := admit(a, s, r, now, circumstances); reason != Accepted {
		return Caller{}, reason
	}
	id, every := verifier.ID(), uint32(keyUseEvery)
	if r.window != 0 {
		every = idleUseEvery
	}
	if r.use(now, every) {
		m.tokensUsed.note(id, now)
	}
	if peppers.outdated(r.pepper) {
		m.noteMove(store.Move{ID: id, Token: true, Old: verifier, Pepper: peppers.newestID(), Used: now}, word)
	}
	return Caller{User: s.termsOf(r).user(a), ID: id, Scopes: r.scopes}, Accepted
}

// proveToken finds the record of the token that has this verifier, and so its id.
func (x *index) proveToken(v *credential.Verifier) (*shard, *record) {
	s, candidates := x.tokens.candidates(v.ID())
	return s, prove(candidates, v)
}

// proveOldToken is proveToken for a token that is not found under the newest
// pepper. One that moves in this moment is put in its new place before it is taken
// from the old one, and only ever moves to a newer pepper: so the oldest comes
// first, and the newest once more. If there is a newer one by now, again.
func (x *index) proveOldToken(presented string) (s *shard, r *record, v credential.Verifier) {
	for {
		peppers := x.peppers.Load()
		for _, number := range slices.Backward(peppers.living) {
			v = peppers.list[number].Verifier(presented)
			if s, r = x.proveToken(&v); r != nil {
				return s, r, v
			}
		}
		if x.peppers.Load() == peppers {
			return s, nil, v
		}
	}
}

// Recheck holds a caller who was proven earlier in the same request against
// other circumstances, those of a second gate. Nothing is bound to circumstances
// but keys and what comes from them.
func (m *Mirror) Recheck(p *principal.Principal, circumstances func() Circumstances) Reason {
	x, now, fresh := m.look()
	if !fresh {
		return NotFresh
	}
	if by := p.Impersonation; by != nil {
		if reason := x.recheck(&x.keys, by.KeyID, now, circumstances, UnknownKey); reason != Accepted {
			return reason
		}
	}
	switch p.Method {
	case principal.MethodAPIKey:
		return x.recheck(&x.keys, p.KeyID, now, circumstances, UnknownKey)
	case principal.MethodPassword:
		return Accepted
	case principal.MethodJWT:
		return x.recheckExternal(p, now)
	}
	return x.recheck(&x.tokens, p.TokenID, now, circumstances, UnknownToken)
}

func (x *index) recheck(t *table, text string, now time.Time, circumstances func() Circumstances, unknown Reason) Reason {
	id, err := credential.ParseKeyID(text)
	if err != nil {
		return unknown
	}
	s, records := t.find(id)
	if len(records) == 0 && t == &x.tokens {
		// A token has another id under the next pepper.
		x.former.find(id, func(id credential.KeyID) bool {
			s, records = t.find(id)
			return len(records) > 0
		})
	}
	if len(records) == 0 {
		return unknown
	}
	a := x.account(records[0].user)
	if a == nil {
		return unknown
	}
	return admit(a, s, &records[0], now, circumstances)
}

// prove finds the record that has this verifier. The verifier covers the id, so
// that the ids need not be compared.
func prove(candidates []record, presented *credential.Verifier) (proven *record) {
	for i := range candidates {
		if candidates[i].verifier.Equal(presented) {
			proven = &candidates[i]
		}
	}
	if len(candidates) == 0 {
		// An unknown id takes the same time.
		presented.Equal(&noVerifier)
	}
	return proven
}

// noVerifier is that of no secret.
var noVerifier credential.Verifier

// whyNot tells a wrong secret from an unknown id, for the log.
func (s *shard) whyNot(id credential.KeyID) Reason {
	if from, to := s.span(id); from < to {
		return WrongSecret
	}
	return UnknownKey
}

// admit holds a proven key or token against time and circumstances.
func admit(a *account, s *shard, r *record, now time.Time, circumstances func() Circumstances) Reason {
	seconds := now.Unix()
	switch {
	case r.flags&flagRevoked != 0:
		return Revoked
	case r.flags&flagDisabled != 0:
		return KeyDisabled
	case !a.active:
		return UserDisabled
	case r.expires != 0 && seconds >= int64(r.expires):
		return Expired
	case r.idleSince(seconds):
		return Idle
	case r.isKey() && seconds < int64(r.window):
		return NotYetValid
	}
	if t := s.termsOf(r); t != nil && !t.None() {
		c := circumstances()
		return withinLimits(&t.Limits, &c)
	}
	return Accepted
}

// purpose holds a key against what it is used for: by an agent, or as the credential of
// its owner where agent is nil.
func purpose(s *shard, r *record, agent *principal.User) Reason {
	forAgents := r.flags&flagImpersonation != 0
	switch {
	case agent == nil && forAgents:
		return Impersonation
	case agent == nil:
		return Accepted
	}
	if t := s.termsOf(r); forAgents && t != nil && isAgent(t.agents, agent) {
		return Accepted
	}
	return NotAgent
}

func withinLimits(l *store.Limits, c *Circumstances) Reason {
	switch {
	case len(l.Networks) > 0 && !contains(l.Networks, c.Address):
		return Address
	case l.UserAgent != "" && l.UserAgent != c.UserAgent:
		return UserAgent
	case len(l.Audience) > 0 && (c.Audience == "" || !slices.Contains(l.Audience, c.Audience)):
		return Audience
	case len(l.Subject) > 0 && !covers(l.Subject, c.Path):
		return Subject
	case l.APIVersion != "" && l.APIVersion != c.APIVersion:
		return APIVersion
	}
	return Accepted
}

// covers reports whether one of the patterns covers the path. A path that
// different readers may take for different ones is covered by none.
func covers(patterns []string, path string) bool {
	if !urlpath.IsClean(path) {
		return false
	}
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if beginning, open := strings.CutSuffix(pattern, "*"); open {
			return strings.HasPrefix(path, beginning)
		}
		return path == pattern
	})
}
