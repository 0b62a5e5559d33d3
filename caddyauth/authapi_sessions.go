package caddyauth

import (
	"slices"
	"time"

	"github.com/sallyport/sallyport/internal/howler"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/password"
	"github.com/sallyport/sallyport/internal/plugin/caller"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// sessionRecord is a session, as its user sees it.
type sessionRecord struct {
	ID string `json:"id"`
	// Method is password, api_key or jwt; KeyID is the key's.
	Method     string    `json:"method"`
	KeyID      string    `json:"key_id,omitempty"`
	Privileges []string  `json:"privileges"`
	Address    string    `json:"address,omitempty"`
	UserAgent  string    `json:"user_agent,omitempty"`
	Created    time.Time `json:"created"`
	LastUsed   time.Time `json:"last_used"`
	// Expires is when the last of its tokens ends whatever happens.
	Expires time.Time `json:"expires,omitzero"`
	// Current marks the session of the request.
	Current bool `json:"current"`
}

// maxOwnSessions is more than a user can have.
const maxOwnSessions = 1000

// ownSessions are those of the caller that have not ended.
func (c *apiCall) ownSessions() ([]store.Session, *failure) {
	list, err := c.people.Sessions(c.r.Context(), c.caller.Name, "", maxOwnSessions)
	if err != nil {
		return nil, changeFailure(err, howler.NoUser)
	}
	return slices.DeleteFunc(list, func(s store.Session) bool { return len(s.Tokens) == 0 }), nil
}

// isCurrent reports whether the caller was proven by a token of the session.
func (c *apiCall) isCurrent(s *store.Session) bool {
	return slices.ContainsFunc(s.Tokens, func(t store.Token) bool { return t.ID == c.caller.TokenID })
}

func (h *AuthAPI) listSessions(c *apiCall) (any, *failure) {
	list, failed := c.ownSessions()
	if failed != nil {
		return nil, failed
	}
	records := make([]sessionRecord, 0, len(list))
	for i := range list {
		records = append(records, c.sessionRecord(&list[i]))
	}
	return records, nil
}

func (c *apiCall) sessionRecord(s *store.Session) sessionRecord {
	r := sessionRecord{
		ID: s.ID, Method: s.Method, KeyID: s.KeyID, Privileges: howler.Letters(s.Scopes),
		Address: s.Address, UserAgent: s.UserAgent, Created: s.Created, Current: c.isCurrent(s),
	}
	endless := false
	for _, t := range s.Tokens {
		if t.LastUsed.After(r.LastUsed) {
			r.LastUsed = t.LastUsed
		}
		if t.Expires.After(r.Expires) {
			r.Expires = t.Expires
		}
		endless = endless || t.Expires.IsZero()
	}
	if endless {
		r.Expires = time.Time{}
	}
	return r
}

func (h *AuthAPI) endSession(c *apiCall) (any, *failure) {
	if err := c.people.EndSession(c.r.Context(), c.actor(), c.caller.Name, c.target.Name); err != nil {
		return nil, changeFailure(err, howler.NoSuchSession)
	}
	h.clearEnded(c)
	return noContent{}, nil
}

// endSessions ends all sessions, the one in use among them.
func (h *AuthAPI) endSessions(c *apiCall) (any, *failure) {
	n, err := c.people.EndSessions(c.r.Context(), c.actor(), c.caller.Name)
	if err != nil {
		return nil, changeFailure(err, howler.NoUser)
	}
	h.clearEnded(c)
	return ended{n}, nil
}

// clearEnded takes the cookie away if its session has ended.
func (h *AuthAPI) clearEnded(c *apiCall) {
	if c.caller.Method != principal.MethodSession {
		return
	}
	if reason, _ := h.recheck(c.r, c.caller); reason == identity.UnknownToken {
		clearSessionCookie(c.w)
	}
}

// changePassword changes one's own password, which ends all sessions that began
// with the old one. It asks for the old one, so that whoever finds an open
// session does not own the account.
func (h *AuthAPI) changePassword(c *apiCall) (any, *failure) {
	// Whatever the caller was proven by, passwords are in the body.
	if !h.maySend(c.r, principal.MethodPassword) {
		return nil, told(howler.PlainHTTP, plainHTTP.cause)
	}
	body, failed := c.readBody()
	if failed != nil {
		return nil, failed
	}
	change, refused := howler.ParsePasswordChange(c.r.Header.Get("Content-Type"), body, c.r.URL.Query())
	if refused != nil {
		return nil, told(refused, "malformed")
	}
	if _, err := password.Clean(change.Old.Reveal()); err != nil {
		return nil, told(howler.WrongPassword, identity.Malformed.String())
	}
	attempt := identity.Attempt{Username: c.caller.Name, Password: change.Old.Reveal(), Address: caller.Address(c.r)}
	_, err := c.people.ChangePassword(c.r.Context(), c.actor(), attempt, change.New.Reveal())
	if err == nil {
		h.clearEnded(c)
		return nil, nil
	}
	failed = passwordFailure(err, howler.WrongPassword)
	if failed.cause == identity.Malformed.String() {
		// The old one has passed already.
		failed.Failure, failed.cause = &howler.Failure{Status: failed.Status, Code: codeWeakPassword, Text: failed.Text}, codeWeakPassword
	}
	return nil, failed
}
