package cced

import "slices"

// caller is whom a connection speaks for.
type caller struct {
	oid   int64 // of the User; 0 is nobody
	admin bool
}

// acl is a list of rules, one of which must allow what is asked.
type acl []rule

type rule struct {
	kind     ruleKind
	argument string
}

type ruleKind int

const (
	ruleAll ruleKind = iota
	ruleSysadmin
	ruleUser
	ruleSelf
	ruleCapable
)

var ruleKinds = map[string]ruleKind{
	"rule_all":      ruleAll,
	"rule_sysadmin": ruleSysadmin,
	"rule_user":     ruleUser,
	"rule_self":     ruleSelf,
	"rule_capable":  ruleCapable,
}

// What holds where the schema says nothing.
var (
	sysadminOnly = acl{{kind: ruleSysadmin}}
	usersOnly    = acl{{kind: ruleUser}}
)

// may reports whether the connection's caller passes a list for an object,
// which is nil for one that does not exist yet. The store must be locked.
func (c *conn) may(list acl, target *object) bool {
	return c.caller.admin || slices.ContainsFunc(list, func(r rule) bool { return c.passes(r, target) })
}

func (c *conn) passes(r rule, target *object) bool {
	known := c.caller.oid != 0
	switch r.kind {
	case ruleAll:
		return true
	case ruleUser:
		return known
	case ruleSelf:
		return known && target != nil && target.oid == c.caller.oid
	case ruleCapable:
		user := c.server.store.at(c.caller.oid)
		return user != nil && slices.Contains(elements(user.value("capabilities")), r.argument)
	default:
		return false // administrators have passed already
	}
}
