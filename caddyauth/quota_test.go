package caddyauth_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/principal"
)

// hold begins a request whose body does not come, until end is called.
func (a *api) hold(t *testing.T, headers ...string) (end func()) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(a.URL, "http://"), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	request := "POST /api/v1/auth/apikey HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n"
	for i := 0; i < len(headers); i += 2 {
		request += headers[i] + ": " + headers[i+1] + "\r\n"
	}
	if _, err := fmt.Fprint(conn, request, "\r\n{"); err != nil {
		t.Fatal(err)
	}
	return func() { _ = conn.Close() }
}

// holdUntilRefused holds a request until another one is refused. What is asked may be
// faster than the request that is to be held, which is refused then, and is made again.
func (a *api) holdUntilRefused(t *testing.T, ask func() int, headers ...string) (end func()) {
	t.Helper()
	end = a.hold(t, headers...)
	eventually(t, 429, func() int {
		time.Sleep(10 * time.Millisecond)
		status := ask()
		if status == 200 {
			end()
			end = a.hold(t, headers...)
		}
		return status
	})
	return end
}

// eventually asks until the status is right.
func eventually(t *testing.T, want int, ask func() int) {
	t.Helper()
	last := 0
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if last = ask(); last == want {
			return
		}
	}
	t.Fatalf("status %d, want %d", last, want)
}

func TestMoreRequestsAtOnceThanTheQuotaAreRefused(t *testing.T) {
	s := startAPI(t, "quota 1")
	key := s.makeKey(t, `{"name":"own","priv":"RE"}`, basic("bob:"+bobPassword)...)
	list := func() int { return s.Get(t, "/api/v1/auth/apikey", bearer(key)...).StatusCode }
	end := s.holdUntilRefused(t, list, bearer(key)...)
	r := s.Get(t, "/api/v1/auth/apikey", bearer(key)...)
	expectFailure(t, r, 429, "quota_exceeded", "You've exceeded your maximum quota of 1")
	// Who he is one can always ask, and others go on.
	expectStatus(t, s.Get(t, "/api/v1/user/whoami", bearer(key)...), 200, "")
	expectStatus(t, s.Get(t, "/api/v1/auth/apikey", basic("alice:"+alicePassword)...), 200, "")
	end()
	eventually(t, 200, list)
}

func TestWhoActsAsAnotherUserSpendsHisOwnQuota(t *testing.T) {
	s := startAPI(t, "quota 1")
	own := s.makeKey(t, `{"name":"own","priv":"RE"}`, basic("bob:"+bobPassword)...)
	key := s.issueNow("impersonate_ops", func(n *identity.NewKey) {
		n.Impersonation, n.Agents, n.Scopes = true, []string{"bob"}, principal.Read
	})
	time.Sleep(propagation)
	acting := func() int { return s.Get(t, "/api/v1/auth/apikey", as(key, bearer(own))...).StatusCode }
	defer s.holdUntilRefused(t, acting, bearer(own)...)()
	expectStatus(t, s.Get(t, "/api/v1/auth/apikey", basic("alice:"+alicePassword)...), 200, "")
}
