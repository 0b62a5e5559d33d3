package cced

import (
	"io"
	"sync"
	"time"
)

const (
	sessionLength = 63
	// longestUser is how much of a user name fits into a session: the sessions
	// of longer ones are never accepted.
	longestUser = 31
	// anonymous is the session id of AUTH "" "".
	anonymous = "000000000000000000000000000000000000000000000000000000000000000"
)

// sessions are the daemon's sessions. Like its files, they outlive a restart.
type sessions struct {
	mu     sync.Mutex
	byID   map[string]session
	life   time.Duration
	now    func() time.Time
	random io.Reader
}

type session struct {
	user string
	last time.Time // AUTH, AUTHKEY or BYE
}

// open makes a session.
func (s *sessions) open(user string) (string, error) {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	id := make([]byte, sessionLength)
	if _, err := io.ReadFull(s.random, id); err != nil {
		return "", err
	}
	for i, b := range id {
		id[i] = letters[int(b)%len(letters)]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID[string(id)] = session{user, s.now()}
	return string(id), nil
}

// renew starts the life of a session anew, if it is that user's and not over.
func (s *sessions) renew(id, user string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, known := s.byID[id]
	if !known || found.user != user || len(user) > longestUser {
		return false
	}
	if s.now().Sub(found.last) > s.life {
		delete(s.byID, id)
		return false
	}
	s.byID[id] = session{user, s.now()}
	return true
}

func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, id)
}
