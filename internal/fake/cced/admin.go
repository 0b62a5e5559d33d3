package cced

import (
	"bytes"
	"strings"
)

// administer answers ADMIN.
func (c *conn) administer(words [][]byte) {
	done := false
	switch {
	case !c.caller.admin:
	case bytes.EqualFold(words[0], []byte("SUSPEND")):
		reason := ""
		if len(words) > 1 {
			reason = string(words[1])
		}
		done = c.server.Suspend(reason)
	case bytes.EqualFold(words[0], []byte("RESUME")):
		done = c.server.Resume()
	}
	if done {
		c.ok()
	} else {
		c.fail()
	}
}

// tellSuspended says that changes are refused, if they are.
func (c *conn) tellSuspended() bool {
	reason := c.server.suspended.Load()
	if reason == nil {
		return false
	}
	c.quoted("309 SUSPENDED ", *reason)
	return true
}

// bye answers BYE. The word after it is for handlers.
func (c *conn) bye(words [][]byte) {
	if len(words) == 1 {
		switch strings.ToUpper(string(words[0])) {
		case "SUCCESS", "FAIL", "DEFER":
		default:
			c.badParameters()
			return
		}
	}
	if c.session != "" {
		c.server.sessions.renew(c.session, c.lastUser)
	}
	c.line("202 GOODBYE")
	c.line()
	c.closing = true
}

// helpTexts are the lines of HELP. That of COMMIT was not recorded.
var helpTexts = []string{
	"ADMIN suspend | resume : suspend or resume write operations",
	"AUTH <username> <passwd> : Authenticate as a user",
	"AUTHKEY <username> <sessionid> : Attempt to resume a session",
	"BEGIN : Begin a transaction",
	"BYE [SUCCESS | FAIL | DEFER] : Disconnect immediately, indicating exit status",
	"CLASSES : List all classes",
	"CREATE <class> [<key>=<value> ...] : Create a new instance of the specified class",
	"DESTROY <oid> : Destroy the specified object",
	"ENDKEY : Expire the current sessionid now",
	"FIND <class> [<key>=<value> ...] : Find instances of the specified class, matching given criteria",
	"GET <oid>[.<namespace>] : Get a list of key=value pairs for the specified object",
	"HELP : Show help about all commands currently available",
	"NAMES <oid> | <class> : List available namespaces for an object or class",
	"SET <oid>[.<namespace>] [<key>=<value> ...] : Set all listed keys to listed values in the specified object",
	"WHOAMI : Get the object id of the currently logged in user",
}

// help answers HELP, which has no final line.
func (c *conn) help([][]byte) {
	for _, text := range helpTexts {
		name, _, _ := strings.Cut(text, " ")
		if c.transaction == nil || commands[name].inside {
			c.line(text)
		}
	}
}
