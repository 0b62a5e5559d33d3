package cscp_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"testing"

	"github.com/sallyport/sallyport/internal/cscp"
	"github.com/sallyport/sallyport/internal/fake/cced"
)

// moreSpaces gives the stand-in's users five namespaces.
const moreSpaces = `<SCHEMA NAME="More namespaces" VENDOR="lab" VERSION="1.0">
<class name="User" namespace="Php" version="1.0"><property name="enabled" type="boolean" default="0"/></class>
<class name="User" namespace="Quota" version="1.0"><property name="used" type="uint" default="0"/></class>
</SCHEMA>`

// reader reads from a daemon in its administrator's session.
type reader struct {
	dial    cscp.Dial
	pool    *cscp.Pool
	session cscp.Session
}

func startReader(b *testing.B, users int) *reader {
	b.Helper()
	daemon := cced.Start(b, func(c *cced.Config) {
		c.Record = false
		c.Schemas = []string{cced.BaseSchema, cced.LabSchema, moreSpaces}
		c.Setup = slices.Clone(cced.DefaultSetup)
		for i := range users {
			c.Setup = append(c.Setup, fmt.Sprintf(`CREATE User name = "bench%d" fullName = "User %d"`, i, i))
		}
	})
	var d net.Dialer
	r := &reader{dial: func(ctx context.Context) (net.Conn, error) {
		return d.DialContext(ctx, "unix", daemon.Socket())
	}}
	r.pool = cscp.NewPool(cscp.PoolConfig{Dial: r.dial})
	b.Cleanup(r.pool.Close)
	var err error
	if r.session, err = r.pool.LogIn(b.Context(), "admin", "secret-1"); err != nil {
		b.Fatal(err)
	}
	return r
}

// way carries out n reads, as Conn.Pipeline does.
type way func(ctx context.Context, n int, command func(int) cscp.Command, handle func(int, *cscp.Reply) error) error

// together sends many commands in one write.
func (r *reader) together(ctx context.Context, n int, command func(int) cscp.Command, handle func(int, *cscp.Reply) error) error {
	return r.pool.Pipeline(ctx, r.session, n, command, handle)
}

// oneByOne waits for each reply before it sends the next command.
func (r *reader) oneByOne(ctx context.Context, n int, command func(int) cscp.Command, handle func(int, *cscp.Reply) error) error {
	lease, err := r.pool.Lease(ctx, r.session)
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

// connecting opens a connection for each command and takes the session up again.
func (r *reader) connecting(ctx context.Context, n int, command func(int) cscp.Command, handle func(int, *cscp.Reply) error) error {
	for i := range n {
		conn, err := cscp.Open(ctx, r.dial, cscp.Options{DropRights: os.Geteuid() == 0})
		if err != nil {
			return err
		}
		if err := conn.Resume(ctx, r.session.User, r.session.ID); err != nil {
			return err
		}
		reply, err := conn.Do(ctx, command(i))
		conn.Close()
		if err != nil {
			return err
		}
		if err := handle(i, reply); err != nil {
			return err
		}
	}
	return nil
}

// find searches for all users by a pattern, and reads each of them for whether
// the property can be read. It returns how many there are.
func find(ctx context.Context, do way) (hits int, err error) {
	var oids []cscp.OID
	search := cscp.Find{Class: "User", Criteria: []cscp.Criterion{{Property: "name", Value: "^bench", Regexp: true}}}
	err = do(ctx, 1, func(int) cscp.Command { return search }, func(_ int, reply *cscp.Reply) error {
		oids = oidsOf(reply)
		return nil
	})
	if err != nil {
		return 0, err
	}
	get := func(i int) cscp.Command { return cscp.Get{OID: oids[i]} }
	err = do(ctx, len(oids), get, func(_ int, reply *cscp.Reply) error {
		for line := range reply.Lines() {
			if name, _, ok := line.Data(); ok && string(name) == "name" {
				hits++
				break
			}
		}
		return nil
	})
	return hits, err
}

// getAll searches for all users, and reads all namespaces of each. It returns how
// many replies there are.
func getAll(ctx context.Context, do way) (replies int, err error) {
	var oids []cscp.OID
	namespaces := []string{""}
	list := []cscp.Command{cscp.Find{Class: "User"}, cscp.Names{Class: "User"}}
	err = do(ctx, len(list), func(i int) cscp.Command { return list[i] }, func(_ int, reply *cscp.Reply) error {
		oids = append(oids, oidsOf(reply)...)
		namespaces = append(namespaces, reply.Namespaces()...)
		return nil
	})
	if err != nil {
		return 0, err
	}
	get := func(i int) cscp.Command {
		return cscp.Get{OID: oids[i/len(namespaces)], Namespace: namespaces[i%len(namespaces)]}
	}
	err = do(ctx, len(oids)*len(namespaces), get, func(_ int, reply *cscp.Reply) error {
		if reply.OK() {
			replies++
		}
		return nil
	})
	return replies, err
}

func oidsOf(reply *cscp.Reply) (oids []cscp.OID) {
	for _, text := range reply.Objects() {
		if oid, err := cscp.ParseOID(text); err == nil {
			oids = append(oids, oid)
		}
	}
	return oids
}

// compare measures what is done in each of the ways.
func (r *reader) compare(b *testing.B, do func(context.Context, way) (int, error), want int) {
	for _, w := range []struct {
		name string
		way  way
	}{{"together", r.together}, {"one by one", r.oneByOne}, {"a connection each", r.connecting}} {
		b.Run(w.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got, err := do(b.Context(), w.way); err != nil || got != want {
					b.Fatalf("%d, want %d; %v", got, want, err)
				}
			}
		})
	}
}

// BenchmarkFind is a search with 1,000 hits, each of which is checked. The
// stand-in runs in the same process, which flatters connections of their own.
func BenchmarkFind(b *testing.B) {
	const users = 1000
	startReader(b, users).compare(b, find, users)
}

// BenchmarkGetAll reads 200 users with 5 namespaces besides the main one.
func BenchmarkGetAll(b *testing.B) {
	const users = 200 - 4 // the stand-in has four of its own
	startReader(b, users).compare(b, getAll, 200*6)
}
