package cscp

import (
	"cmp"
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/fake/cced"
)

// TestADaemon talks to the stand-in, or to the real daemon at CCED_SOCKET, with
// the account CCED_USER and CCED_PASSWORD, which has to be an administrator's. It
// changes nothing there: what it sets is given up.
func TestADaemon(t *testing.T) {
	socket, _ := cced.SocketForTests(t)
	dial := func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "unix", socket) }
	user, password := cmp.Or(os.Getenv("CCED_USER"), "admin"), Secret(cmp.Or(os.Getenv("CCED_PASSWORD"), "secret-1"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	nobody, err := Open(ctx, dial, Options{DropRights: true})
	if err != nil {
		t.Fatal(err)
	}
	defer nobody.Close()
	if reply, err := nobody.Do(ctx, WhoAmI{}); err != nil || !slices.Equal(reply.Objects(), []string{"-1"}) {
		t.Errorf("WHOAMI before a log-in: %v, %v", reply, err)
	}
	p := NewPool(PoolConfig{Dial: dial})
	defer p.Close()
	if _, err := p.LogIn(ctx, user, password+"-wrong"); !errors.Is(err, ErrRefused) {
		t.Errorf("a wrong password: %v", err)
	}
	session, err := p.LogIn(ctx, user, password)
	if err != nil {
		t.Fatal(err)
	}
	self := findSelf(ctx, t, p, session)
	readSelf(ctx, t, p, session, self)
	setAndGiveUp(ctx, t, p, session, self)
	if reply, err := p.Do(ctx, session, EndKey{}); err != nil || !reply.OK() {
		t.Errorf("ENDKEY: %v, %v", reply, err)
	}
	p.Forget(session)
	if err := p.Check(ctx, session); !errors.Is(err, ErrRefused) {
		t.Errorf("the session after its end: %v", err)
	}
}

// findSelf finds the session's user in three ways.
func findSelf(ctx context.Context, t *testing.T, p *Pool, s Session) OID {
	t.Helper()
	reply, err := p.Do(ctx, s, WhoAmI{})
	if err != nil {
		t.Fatal(err)
	}
	self := reply.Objects()
	if len(self) != 1 || self[0] == "-1" {
		t.Fatalf("WHOAMI: %q", self)
	}
	for _, k := range []Criterion{{Property: "name", Value: s.User}, {Property: "name", Value: "^" + s.User + "$", Regexp: true}} {
		if reply, err := p.Do(ctx, s, Find{Class: "User", Criteria: []Criterion{k}}); err != nil || !slices.Equal(reply.Objects(), self) {
			t.Errorf("FIND by %+v: %v, %v, want %q", k, reply, err, self)
		}
	}
	oid, err := ParseOID(self[0])
	if err != nil {
		t.Fatal(err)
	}
	return oid
}

// readSelf sends many reading commands at once.
func readSelf(ctx context.Context, t *testing.T, p *Pool, s Session, self OID) {
	t.Helper()
	read := []Command{Get{OID: self}, Names{OID: self}, Names{Class: "User"}, Classes{}}
	answered := 0
	err := p.Pipeline(ctx, s, 100*len(read), func(i int) Command { return read[i%len(read)] }, func(i int, reply *Reply) error {
		answered++
		values, err := reply.Values()
		switch {
		case !reply.OK() || err != nil:
			t.Errorf("command %d: %v, %v", i, reply, err)
		case i%len(read) == 0 && values["name"] != s.User:
			t.Errorf("answer %d is of '%s'", i, values["name"])
		case i%len(read) == 3 && !slices.Contains(reply.Classes(), "User"):
			t.Errorf("answer %d is %q", i, reply.Classes())
		}
		return nil
	})
	if err != nil || answered != 100*len(read) {
		t.Errorf("%d answers, %v", answered, err)
	}
}

// setAndGiveUp sets an odd value in a transaction, sees it there, and leaves
// without COMMIT.
func setAndGiveUp(ctx context.Context, t *testing.T, p *Pool, s Session, self OID) {
	t.Helper()
	const odd = "\"say\" \\ caf\u00e9\n201 OK\n\ttab $x `id` 'q' &a&"
	lease, err := p.Lease(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []Command{Begin{}, Set{OID: self, Values: []Pair{{"fullName", odd}}}} {
		if reply, err := lease.Do(ctx, command); err != nil || !reply.OK() {
			t.Errorf("%s: %v, %v", command.Word(), reply, err)
		}
	}
	reply, err := lease.Do(ctx, Get{OID: self})
	if err != nil {
		t.Fatal(err)
	}
	if values, err := reply.Values(); err != nil || values["fullName"] != odd {
		t.Errorf("in the transaction the value is '%s', %v", values["fullName"], err)
	}
	lease.Release()
	if reply, err = p.Do(ctx, s, Get{OID: self}); err != nil {
		t.Fatal(err)
	}
	if values, err := reply.Values(); err != nil || values["fullName"] == odd {
		t.Errorf("after it the value is '%s', %v", values["fullName"], err)
	}
}
