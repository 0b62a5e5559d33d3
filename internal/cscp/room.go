package cscp

// share is what one user has of the connections of a Pool.
type share struct{ open, idle int }

// count changes how many connections of a session, and so of its user, are open
// and idle. It remembers nothing of users who have none.
func (p *Pool) count(h *holder, open, idle int) {
	h.open += open
	s := p.users[h.user]
	s.open += open
	s.idle += idle
	if s.open == 0 {
		delete(p.users, h.user)
		return
	}
	p.users[h.user] = s
}

// exceeds reports whether a session, its user or all together have more
// connections than they may. Where they do none is kept idle.
func (p *Pool) exceeds(h *holder) bool {
	return p.open > p.limits.MaxConnections ||
		h.open > p.limits.MaxPerSession ||
		p.users[h.user].open > p.limits.MaxPerUser
}

// makeRoom counts a connection that is about to be opened, for a session or, with
// none, for a log-in. Where the session, its user or all have as many as they may
// it closes that one of theirs which has been idle for longest, or reports false
// if none is idle. To close one is enough: none is idle where there are too many.
func (p *Pool) makeRoom(h *holder) bool {
	var longest *pooled
	switch {
	case h != nil && h.open >= p.limits.MaxPerSession:
		if len(h.idle) > 0 {
			longest = h.idle[0]
		}
	case h != nil && p.users[h.user].open >= p.limits.MaxPerUser:
		longest = p.longestIdle(h.user)
	case p.open < p.limits.MaxConnections:
		p.open++
		return true
	case p.idle.Len() > 0:
		longest = p.idle.Front().Value.(*pooled)
	}
	if longest == nil {
		return false
	}
	p.closeIdle(longest)
	p.open++
	return true
}

// makeUserRoom closes an idle connection of a user who has as many as he may.
func (p *Pool) makeUserRoom(user string) {
	if p.users[user].open < p.limits.MaxPerUser {
		return
	}
	if c := p.longestIdle(user); c != nil {
		p.closeIdle(c)
	}
}

// longestIdle is the user's connection that has been idle for longest, or nil.
func (p *Pool) longestIdle(user string) *pooled {
	if p.users[user].idle == 0 {
		return nil
	}
	for e := p.idle.Front(); e != nil; e = e.Next() {
		if c := e.Value.(*pooled); c.of.user == user {
			return c
		}
	}
	return nil
}
