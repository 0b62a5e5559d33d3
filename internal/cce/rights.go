package cce

import (
	"context"

	"github.com/sallyport/sallyport/internal/cceapi"
	"github.com/sallyport/sallyport/internal/cscp"
)

// refused is the answer to a command that the caller's limits do not allow, or
// nil. cced's own rights come on top of it.
func (r *Runner) refused(ctx context.Context, c *Caller, q *cceapi.Request, command cscp.Command) (*cceapi.Answer, error) {
	l := c.Limits
	if l == nil {
		return nil, nil
	}
	if err := l.Allows(command); err != nil {
		if c.Denied != nil {
			c.Denied(err)
		}
		return cceapi.Denied(q.BuiltIn(), q.Word), nil
	}
	oid := objectOf(command)
	if oid == 0 || !l.narrow() {
		return nil, nil
	}
	reply, err := r.Pool.Do(ctx, c.Session, cscp.Get{OID: oid})
	if err != nil {
		return nil, err
	}
	if !reply.OK() || !l.allowsObject(reply) {
		// One of another class is not there for him, and both are answered alike:
		// a change of either is not queued.
		return cceapi.UnknownObject(oid), nil
	}
	return nil, nil
}

// objectOf is the object that a command is about, or 0.
func objectOf(command cscp.Command) cscp.OID {
	switch c := command.(type) {
	case cscp.Get:
		return c.OID
	case cscp.Set:
		return c.OID
	case cscp.Destroy:
		return c.OID
	case cscp.Names:
		return c.OID
	}
	return 0
}

// narrow reports whether there are classes that the caller does not see.
func (l *Limits) narrow() bool { return l != nil && len(l.Classes) > 0 }

// allowsObject reports whether the object of a GET is of an allowed class.
func (l *Limits) allowsObject(reply *cscp.Reply) bool {
	if !l.narrow() {
		return true
	}
	for line := range reply.Lines() {
		name, quoted, ok := line.Data()
		if !ok || string(name) != "CLASS" {
			continue
		}
		class, err := cscp.AppendUnquoted(nil, quoted)
		return err == nil && l.AllowsClass(string(class))
	}
	return false
}
