package cced

// auth answers AUTH. What a failed one leaves is what there was.
func (c *conn) auth(words [][]byte) {
	name, password := string(words[0]), string(words[1])
	if name == "" {
		c.caller, c.session, c.lastUser = caller{}, "", ""
		c.line("109 SESSIONID ", anonymous)
		c.ok()
		return
	}
	who, known := c.server.account(name)
	if !known || !c.server.passwordIs(name, password) {
		c.refuse()
		return
	}
	id, err := c.server.sessions.open(name)
	if err != nil {
		c.line("307 OUT OF MEMORYSESSIONID")
	} else {
		c.line("109 SESSIONID ", id)
	}
	c.caller, c.session, c.lastUser = who, id, name
	c.ok()
}

// authKey answers AUTHKEY.
func (c *conn) authKey(words [][]byte) {
	name, id := string(words[0]), string(words[1])
	who, known := c.server.account(name)
	// The real daemon compares an empty id with what its memory still holds of
	// the connection's last session.
	leftOver := id == "" && name != "" && name == c.lastUser
	if !known || !leftOver && !c.server.sessions.renew(id, name) {
		c.refuse()
		return
	}
	c.caller, c.session, c.lastUser = who, id, name
	c.ok()
}

// refuse answers a failed AUTH or AUTHKEY. The pause comes after the answer.
func (c *conn) refuse() {
	c.fail()
	c.wait(c.server.config.Pause())
}

// endKey answers ENDKEY. The connection keeps its rights.
func (c *conn) endKey([][]byte) {
	c.server.sessions.end(c.session)
	c.session = ""
	c.ok()
}

func (c *conn) whoAmI([][]byte) {
	if c.caller.oid == 0 {
		c.line("104 OBJECT -1")
	} else {
		c.number("104 OBJECT ", c.caller.oid)
	}
	c.ok()
}

// account finds the enabled user of a name.
func (s *Server) account(name string) (caller, bool) {
	s.store.mu.RLock()
	defer s.store.mu.RUnlock()
	user := s.store.user(name)
	if user == nil || !isSet(user.value("enabled")) {
		return caller{}, false
	}
	return caller{user.oid, isSet(user.value("systemAdministrator"))}, true
}

func (s *Server) passwordIs(name, password string) bool {
	s.passwordsMu.Lock()
	defer s.passwordsMu.Unlock()
	right, known := s.config.Passwords[name]
	return known && right == password
}

// keepPasswords does what the handlers of a real server do with a User's
// password: it becomes the account's.
func (s *Server) keepPasswords(changes []change) {
	for _, c := range changes {
		password, set := c.value(neverStored)
		if !set || c.class.name != "User" || c.kind == destroyed {
			continue
		}
		s.store.mu.RLock()
		user := s.store.at(c.oid)
		s.store.mu.RUnlock()
		if user != nil {
			s.passwordsMu.Lock()
			s.config.Passwords[user.value("name")] = password
			s.passwordsMu.Unlock()
		}
	}
}
