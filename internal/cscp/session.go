package cscp

import (
	"crypto/sha256"
	"time"
)

// Session is a log-in at cced, with which connections are opened.
type Session struct {
	User string
	ID   Secret
}

// isPossible reports whether cced could accept the session. Others are refused
// without asking: cced compares an empty id with what the memory holds.
func (s Session) isPossible() bool { return AuthKey{s.User, s.ID}.check() == nil }

// sessionKey is what a Pool knows a session by, so that it holds no ids.
type sessionKey [sha256.Size]byte

// key is the digest of user, NUL and id. Neither has a NUL.
func (s Session) key() sessionKey {
	text := append(append([]byte(s.User), 0), s.ID...)
	defer clear(text)
	return sha256.Sum256(text)
}

// holder is what a Pool knows of a session that has connections or wants one.
type holder struct {
	key  sessionKey
	user string
	// idle are the connections that nobody uses, the last used one at the end.
	idle []*pooled
	// open counts the connections that are open or being opened, waiting those
	// who want one.
	open, waiting int
	// proving says that an AUTHKEY is on its way. Two at once may cost the
	// session its life: where the kernel's clock for files is ahead of cced's,
	// cced takes the session's file for one of the future and deletes it.
	proving bool
	// proven is when cced last accepted the session.
	proven time.Time
	// ended says that no connection may be used any more.
	ended bool
}

// drop takes a connection out of the idle ones.
func (h *holder) drop(c *pooled) {
	for i, other := range h.idle {
		if other == c {
			h.idle = append(h.idle[:i], h.idle[i+1:]...)
			return
		}
	}
}
