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
	switch {
	case l == nil:
		return nil, nil
	case l.ReadOnly && command.Changes():
		return cceapi.Denied(q.BuiltIn(), q.Word), nil
	}
	if property := l.searchesHidden(command); property != "" {
		// Finding by a value is a way to read it.
		return cceapi.Denied(q.BuiltIn(), property), nil
	}
	class, oid := target(command)
	if class != "" && !l.AllowsClass(class) {
		return cceapi.Denied(q.BuiltIn(), class), nil
	}
	if oid == 0 || len(l.Classes) == 0 {
		return nil, nil
	}
	reply, err := r.Pool.Do(ctx, c.Session, cscp.Get{OID: oid})
	if err != nil {
		return nil, err
	}
	// An object that is not there is for cced to say.
	if reply.OK() && !l.allowsObject(reply) {
		return cceapi.Denied(q.BuiltIn(), "OBJECT"), nil
	}
	return nil, nil
}

// target is the class or the object that a command is about.
func target(command cscp.Command) (class string, oid cscp.OID) {
	switch c := command.(type) {
	case cscp.Get:
		return "", c.OID
	case cscp.Set:
		return "", c.OID
	case cscp.Destroy:
		return "", c.OID
	case cscp.Names:
		return c.Class, c.OID
	case cscp.Create:
		return c.Class, 0
	case cscp.Find:
		return c.Class, 0
	}
	return "", 0
}

// searchesHidden is a property that a search looks at although its values are
// hidden, or empty.
func (l *Limits) searchesHidden(command cscp.Command) string {
	find, ok := command.(cscp.Find)
	if !ok {
		return ""
	}
	for _, k := range find.Criteria {
		if l.hidesPath(k.Property) {
			return k.Property
		}
	}
	if find.Sort != nil && l.hidesPath(find.Sort.Property) {
		return find.Sort.Property
	}
	return ""
}

// allowsObject reports whether the object of a GET is of an allowed class.
func (l *Limits) allowsObject(reply *cscp.Reply) bool {
	if l == nil || len(l.Classes) == 0 {
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
