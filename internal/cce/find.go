package cce

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/internal/cceapi"
	"github.com/sallyport/sallyport/internal/cscp"
)

// find finds objects. A regular expression matches what a caller may not read as
// well, and sorting shows the order of it: so the hits of such a search are read
// once more as the caller, and those that he could only have found by a property
// that is hidden from him are left out. The reply is cced's to the FIND; if it is
// not OK there are no objects.
func (r *Runner) find(ctx context.Context, session cscp.Session, find cscp.Find) ([]cscp.OID, *cscp.Reply, error) {
	reply, err := r.Pool.Do(ctx, session, find)
	if err != nil && hasRegexp(find.Criteria) && errors.Is(err, cscp.ErrClosed) && !cscp.IsUnsent(err) {
		err = &regexpError{err}
	}
	if err != nil || !reply.OK() {
		return nil, reply, err
	}
	hits, err := objectsOf(reply)
	if err != nil {
		return nil, nil, err
	}
	if len(hits) == 0 {
		return nil, reply, nil
	}
	need := newNeed(find)
	if len(need.namespaces) == 0 {
		return hits, reply, nil
	}
	hits, err = r.readable(ctx, session, hits, need)
	return hits, reply, err
}

// regexpError says that cced has closed the connection when it was given a
// regular expression.
type regexpError struct{ err error }

func (e *regexpError) Error() string { return "over a regular expression: " + e.err.Error() }

// Unwrap is how the connection ended.
func (e *regexpError) Unwrap() error { return e.err }

func hasRegexp(criteria []cscp.Criterion) bool {
	return slices.ContainsFunc(criteria, func(k cscp.Criterion) bool { return k.Regexp })
}

func objectsOf(reply *cscp.Reply) ([]cscp.OID, error) {
	texts := reply.Objects()
	oids := make([]cscp.OID, len(texts))
	for i, text := range texts {
		var err error
		if oids[i], err = cscp.ParseOID(text); err != nil {
			return nil, cscp.ErrProtocol
		}
	}
	return oids, nil
}

// need says which properties a caller has to be able to read for a hit to be
// his to know, by namespace.
type need struct {
	namespaces []string
	// matched[i] are the properties of regular expressions in namespaces[i],
	// sorted[i] is the one that orders the hits, if it is there.
	matched [][]string
	sorted  []string
}

func newNeed(find cscp.Find) *need {
	n := new(need)
	for _, k := range find.Criteria {
		if k.Regexp {
			i, property := n.namespaceOf(k.Property)
			n.matched[i] = append(n.matched[i], property)
		}
	}
	if find.Sort != nil {
		i, property := n.namespaceOf(find.Sort.Property)
		n.sorted[i] = property
	}
	return n
}

func (n *need) namespaceOf(path string) (index int, property string) {
	namespace, property, found := strings.Cut(path, ".")
	if !found {
		namespace, property = "", path
	}
	if index = slices.Index(n.namespaces, namespace); index < 0 {
		index = len(n.namespaces)
		n.namespaces, n.matched, n.sorted = append(n.namespaces, namespace), append(n.matched, nil), append(n.sorted, "")
	}
	return index, property
}

// readable leaves out the hits that the caller may not know of, and brings the
// rest into the order of their numbers if he may not know the one that was asked
// for. cced itself orders nothing by a property that is not there.
func (r *Runner) readable(ctx context.Context, session cscp.Session, hits []cscp.OID, n *need) ([]cscp.OID, error) {
	per := len(n.namespaces)
	hidden, unordered := make([]bool, len(hits)), false
	get := func(i int) cscp.Command { return cscp.Get{OID: hits[i/per], Namespace: n.namespaces[i%per]} }
	err := r.Pool.Pipeline(ctx, session, len(hits)*per, get, func(i int, reply *cscp.Reply) error {
		matched, sorted := n.matched[i%per], n.sorted[i%per]
		switch {
		case reply.Has(cscp.CodeUnknownObject), !hasAll(reply, matched):
			hidden[i/per] = true
		case sorted != "" && !has(reply, sorted):
			unordered = true
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	kept := hits[:0]
	for i, oid := range hits {
		if !hidden[i] {
			kept = append(kept, oid)
		}
	}
	if unordered {
		slices.Sort(kept)
	}
	return kept, nil
}

func hasAll(reply *cscp.Reply, properties []string) bool {
	for _, p := range properties {
		if !has(reply, p) {
			return false
		}
	}
	return true
}

// has reports whether a property was among those that the caller may read.
func has(reply *cscp.Reply, property string) bool {
	for line := range reply.Lines() {
		if name, _, ok := line.Data(); ok && string(name) == property {
			return true
		}
	}
	return false
}

func texts(oids []cscp.OID) []string {
	list := make([]string, len(oids))
	for i, oid := range oids {
		list[i] = oid.String()
	}
	return list
}

// findX answers which objects there are.
func (r *Runner) findX(ctx context.Context, c *Caller, q *cceapi.Request) (*cceapi.Answer, error) {
	if refused, err := r.refused(ctx, c, q, q.Search); refused != nil || err != nil {
		return refused, err
	}
	oids, reply, err := r.find(ctx, c.Session, q.Search)
	if err != nil {
		return nil, err
	}
	if !reply.OK() {
		return cceapi.Replied(q, reply, c.Options)
	}
	return cceapi.Found(texts(oids)), nil
}

// getObject answers the first object that is found.
func (r *Runner) getObject(ctx context.Context, c *Caller, q *cceapi.Request) (*cceapi.Answer, error) {
	if refused, err := r.refused(ctx, c, q, q.Search); refused != nil || err != nil {
		return refused, err
	}
	oids, reply, err := r.find(ctx, c.Session, q.Search)
	if err != nil {
		return nil, err
	}
	if !reply.OK() {
		return cceapi.Replied(q, reply, c.Options)
	}
	if len(oids) == 0 {
		return cceapi.ObjectNotFound(), nil
	}
	if reply, err = r.Pool.Do(ctx, c.Session, cscp.Get{OID: oids[0], Namespace: q.Namespace}); err != nil {
		return nil, err
	}
	return cceapi.Object(reply, c.Options)
}
