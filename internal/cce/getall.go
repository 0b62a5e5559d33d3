package cce

import (
	"cmp"
	"context"

	"github.com/sallyport/sallyport/internal/cceapi"
	"github.com/sallyport/sallyport/internal/cscp"
)

// getAll answers objects with all their namespaces: those that were listed, or
// those that are found.
func (r *Runner) getAll(ctx context.Context, c *Caller, q *cceapi.Request) (*cceapi.Answer, error) {
	listing, refused, err := r.list(ctx, c, q)
	if refused != nil || err != nil {
		return refused, err
	}
	reads := listing.reads()
	objects := cceapi.NewObjects(c.Options)
	open := false
	get := func(i int) cscp.Command { return reads[i] }
	err = r.Pool.Pipeline(ctx, c.Session, len(reads), get, func(i int, reply *cscp.Reply) error {
		if reads[i].Namespace == "" {
			// An object may be gone since it was found.
			if open = reply.OK() && c.Limits.allowsObject(reply); open {
				objects.Start(reads[i].OID)
			}
		}
		if !open || !reply.OK() {
			return nil
		}
		if objects.Size() > cmp.Or(r.MaxAnswer, cscp.DefaultMaxReply) {
			return cscp.ErrTooLong
		}
		return objects.Add(reads[i].Namespace, reply)
	})
	if err != nil {
		return nil, err
	}
	return objects.Answer(), nil
}

// listing is a list of objects and the namespaces of each.
type listing struct {
	oids []cscp.OID
	// of[i] are the namespaces of oids[i]; where all are of one class there is
	// one list for all of them.
	of  [][]string
	all []string
}

// reads lists what to read: of each object first the main namespace.
func (l *listing) reads() []cscp.Get {
	reads := make([]cscp.Get, 0, len(l.oids)*(1+len(l.all)))
	for i, oid := range l.oids {
		namespaces := l.all
		if l.of != nil {
			namespaces = l.of[i]
		}
		reads = append(reads, cscp.Get{OID: oid})
		for _, namespace := range namespaces {
			reads = append(reads, cscp.Get{OID: oid, Namespace: namespace})
		}
	}
	return reads
}

// list finds out which objects are meant. All objects of a class have the same
// namespaces.
func (r *Runner) list(ctx context.Context, c *Caller, q *cceapi.Request) (*listing, *cceapi.Answer, error) {
	if len(q.OIDs) > 0 {
		// Whether they are of a class that he sees shows when they are read.
		if c.Limits != nil && c.Limits.Allows(cscp.Get{OID: q.OIDs[0]}) != nil {
			return nil, cceapi.Denied(q.BuiltIn(), q.Word), nil
		}
		l, err := r.listNamed(ctx, c, q.OIDs)
		return l, nil, err
	}
	if refused, err := r.refused(ctx, c, q, q.Search); refused != nil || err != nil {
		return nil, refused, err
	}
	oids, reply, err := r.find(ctx, c.Session, q.Search)
	if err == nil && reply.OK() {
		reply, err = r.Pool.Do(ctx, c.Session, cscp.Names{Class: q.Search.Class})
	}
	if err != nil {
		return nil, nil, err
	}
	if !reply.OK() {
		refused, err := cceapi.Replied(q, reply, c.Options)
		return nil, refused, err
	}
	return &listing{oids: oids, all: reply.Namespaces()}, nil, nil
}

func (r *Runner) listNamed(ctx context.Context, c *Caller, oids []cscp.OID) (*listing, error) {
	l := &listing{oids: oids, of: make([][]string, len(oids))}
	names := func(i int) cscp.Command { return cscp.Names{OID: oids[i]} }
	err := r.Pool.Pipeline(ctx, c.Session, len(oids), names, func(i int, reply *cscp.Reply) error {
		l.of[i] = reply.Namespaces()
		return nil
	})
	return l, err
}
