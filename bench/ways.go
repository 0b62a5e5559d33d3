package main

import (
	"context"
	"os"

	"github.com/sallyport/sallyport/internal/cceapi"
	"github.com/sallyport/sallyport/internal/cscp"
)

// way carries out n reads in a session of cced, as cscp.Pool's Pipeline does,
// which is one of them.
type way func(ctx context.Context, s cscp.Session, n int, command func(int) cscp.Command, handle func(int, *cscp.Reply) error) error

// oneByOne waits for each reply before it sends the next command.
func oneByOne(pool *cscp.Pool) way {
	return func(ctx context.Context, s cscp.Session, n int, command func(int) cscp.Command, handle func(int, *cscp.Reply) error) error {
		lease, err := pool.Lease(ctx, s)
		if err != nil {
			return err
		}
		defer lease.Release()
		for i := range n {
			reply, err := lease.Do(ctx, command(i))
			if err != nil {
				return err
			}
			if err := handle(i, reply); err != nil {
				return err
			}
		}
		return nil
	}
}

// connecting opens a connection for each command, and takes the session up again.
func connecting(dial cscp.Dial) way {
	one := func(ctx context.Context, s cscp.Session, command cscp.Command) (*cscp.Reply, error) {
		// A peer that is root has rights of its own.
		conn, err := cscp.Open(ctx, dial, cscp.Options{DropRights: os.Geteuid() == 0})
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		if err := conn.Resume(ctx, s.User, s.ID); err != nil {
			return nil, err
		}
		return conn.Do(ctx, command)
	}
	return func(ctx context.Context, s cscp.Session, n int, command func(int) cscp.Command, handle func(int, *cscp.Reply) error) error {
		for i := range n {
			reply, err := one(ctx, s, command(i))
			if err != nil {
				return err
			}
			if err := handle(i, reply); err != nil {
				return err
			}
		}
		return nil
	}
}

// search finds objects by a pattern, and reads each once more, as FINDX does.
func (do way) search(ctx context.Context, s cscp.Session, find cscp.Find) (oids []cscp.OID, err error) {
	var hits []cscp.OID
	err = do(ctx, s, 1, func(int) cscp.Command { return find }, func(_ int, reply *cscp.Reply) error {
		for _, text := range reply.Objects() {
			oid, err := cscp.ParseOID(text)
			if err != nil {
				return err
			}
			hits = append(hits, oid)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	get := func(i int) cscp.Command { return cscp.Get{OID: hits[i]} }
	err = do(ctx, s, len(hits), get, func(i int, reply *cscp.Reply) error {
		for line := range reply.Lines() {
			if name, _, ok := line.Data(); ok && string(name) == find.Criteria[0].Property {
				oids = append(oids, hits[i])
				break
			}
		}
		return nil
	})
	return oids, err
}

// getAll reads all namespaces of objects, as GETALL does.
func (do way) getAll(ctx context.Context, s cscp.Session, oids []cscp.OID) (*cceapi.Answer, error) {
	var reads []cscp.Get
	names := func(i int) cscp.Command { return cscp.Names{OID: oids[i]} }
	err := do(ctx, s, len(oids), names, func(i int, reply *cscp.Reply) error {
		reads = append(reads, cscp.Get{OID: oids[i]})
		for _, namespace := range reply.Namespaces() {
			reads = append(reads, cscp.Get{OID: oids[i], Namespace: namespace})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	objects := cceapi.NewObjects(cceapi.Options{})
	get := func(i int) cscp.Command { return reads[i] }
	err = do(ctx, s, len(reads), get, func(i int, reply *cscp.Reply) error {
		if reads[i].Namespace == "" {
			objects.Start(reads[i].OID)
		}
		return objects.Add(reads[i].Namespace, reply)
	})
	return objects.Answer(), err
}
