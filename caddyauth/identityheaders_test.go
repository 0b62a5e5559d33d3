package caddyauth_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestTheUpstreamLearnsTheUserAndNotTheCredential(t *testing.T) {
	address := upstream(t)
	s, a := start(t, `
	handle /keep {
		token_auth {
			forward_credential
		}
		reverse_proxy `+address+`
	}
	handle {
		token_auth {
			forward_identity X-User
		}
		reverse_proxy `+address+`
	}`)
	key := a.issue(s, "ci")
	for name, headers := range map[string][]string{"bearer": bearer(key), "X-Api-Key": {"X-Api-Key", key}, "Basic": basic("alice:" + key)} {
		got := seenBy(t, s.Get(t, "/", append(headers, "X-User", "root")...))
		if users := got.Header["X-User"]; !slices.Equal(users, []string{"alice"}) {
			t.Errorf("%s: the upstream takes the user for %v", name, users)
		}
		for header, values := range got.Header {
			if header == "Authorization" || header == "X-Api-Key" || strings.Contains(strings.Join(values, ""), key) {
				t.Errorf("%s: the upstream got the credential in %s", name, header)
			}
		}
	}
	if got := seenBy(t, s.Get(t, "/keep", bearer(key)...)); got.Header.Get("Authorization") != "Bearer "+key {
		t.Error("forward_credential does not keep the credential")
	}
}

func TestIdentityHeadersFromOutsideAreRemoved(t *testing.T) {
	address := upstream(t)
	// Caddy drops names with underscores and dots unless they are expected: here
	// they are, so that the gate is what removes them.
	s, a := startFile(t, `{
	caddyauth {
		store sqlite {$DIR}/auth.db
	}
	servers {
		expected_underscore_headers X_User X_Remote_User X_Auth_*
		expected_dot_headers X.User X.Auth.*
	}
}
http://:0 {
	token_auth {
		forward_identity X-Webauth-Name
	}
	reverse_proxy `+address+`
}`)
	key := a.issue(s, "ci")
	for _, name := range []string{"X-User", "x-uSER", "X_User", "X.User", "X~User", "X!User", "X^User", "X+User", "X-Remote-User", "X_Remote_User", "X-Auth-Request-Email", "X_Auth_Token", "X.Auth.Token", "X-Webauth-Name"} {
		request := "GET / HTTP/1.1\nHost: a\nConnection: close\nAuthorization: Bearer " + key + "\n" + name + ": root\n\n"
		answer := raw(t, s, request)
		if !strings.Contains(answer, "200 OK") || strings.Contains(answer, "root") {
			t.Errorf("%s reaches the upstream: %s", name, answer)
		}
		if !strings.Contains(answer, `"X-Webauth-Name":["alice"]`) {
			t.Errorf("%s: the user does not reach the upstream", name)
		}
	}
	if got := seenBy(t, s.Get(t, "/", append(bearer(key), "X-Author", "kept", "X-Users", "kept")...)); got.Header.Get("X-Author") != "kept" || got.Header.Get("X-Users") != "kept" {
		t.Errorf("similar names are removed as well: %v", got.Header)
	}
}

func TestIdentityHeadersOfOnesOwn(t *testing.T) {
	address := upstream(t)
	s, a := start(t, `
	token_auth {
		identity_headers Remote-*
	}
	reverse_proxy `+address)
	got := seenBy(t, s.Get(t, "/", append(bearer(a.issue(s, "ci")), "Remote-Name", "root", "REMOTE-user", "root", "X-User", "kept")...))
	if got.Header.Get("X-User") != "kept" || len(got.Header["Remote-Name"])+len(got.Header["Remote-User"]) > 0 {
		t.Errorf("the upstream got %v", got.Header)
	}
}

func TestConnectionCannotTakeTheIdentityAway(t *testing.T) {
	address := upstream(t)
	s, a := start(t, `
	token_auth {
		forward_identity X-User
	}
	reverse_proxy `+address)
	key := a.issue(s, "ci")
	for _, connection := range []string{"close, X-User", "X-User, close", "x-user,close", "close,X_User , X-User"} {
		answer := raw(t, s, "GET / HTTP/1.1\nHost: a\nConnection: "+connection+"\nAuthorization: Bearer "+key+"\n\n")
		if !strings.Contains(answer, `"X-User":["alice"]`) {
			t.Errorf("Connection: %s takes the user away: %s", connection, answer)
		}
	}
}

func TestConnectionCannotTakeANameWithoutADashAway(t *testing.T) {
	address := upstream(t)
	s, a := start(t, `
	token_auth {
		forward_identity Remoteuser
	}
	reverse_proxy `+address)
	key := a.issue(s, "ci")
	for _, connection := range []string{"Remoteuser", "close, remoteuser"} {
		answer := raw(t, s, "GET / HTTP/1.1\nHost: a\nConnection: "+connection+"\nAuthorization: Bearer "+key+"\n\nGET / HTTP/1.1\nHost: a\nConnection: close\n\n")
		if !strings.Contains(answer, `"Remoteuser":["alice"]`) {
			t.Errorf("Connection: %s takes the user away: %s", connection, answer)
		}
	}
}

func TestTrailersCannotBringAnIdentity(t *testing.T) {
	address := upstream(t)
	s, a := start(t, `
	token_auth
	reverse_proxy `+address)
	key := a.issue(s, "ci")
	for name, announced := range map[string]string{"announced": "X-User, X-Kept", "not announced": "X-Kept"} {
		answer := raw(t, s, "POST / HTTP/1.1\nHost: a\nConnection: close\nAuthorization: Bearer "+key+
			"\nTransfer-Encoding: chunked\nTrailer: "+announced+"\n\n4\nbody\n0\nX-User: root\nX-Kept: kept\n\n")
		if !strings.Contains(answer, "kept") || strings.Contains(answer, "root") {
			t.Errorf("%s: %s", name, answer)
		}
	}
	// Without an announcement there is nothing to forward at all.
	answer := raw(t, s, "POST / HTTP/1.1\nHost: a\nConnection: close\nAuthorization: Bearer "+key+
		"\nTransfer-Encoding: chunked\n\n4\nbody\n0\nX-User: root\n\n")
	if !strings.Contains(answer, "200 OK") || strings.Contains(answer, "root") {
		t.Errorf("without an announcement: %s", answer)
	}
}

func TestErrorPagesDoNotSeeTheCredential(t *testing.T) {
	address := upstream(t)
	s, a := start(t, `
	token_auth {
		require role nobody
		errors caddy
	}
	respond "in"
	handle_errors {
		reverse_proxy `+address+`
	}`)
	key := a.issue(s, "ci")
	for _, headers := range [][]string{bearer(key), {"X-Api-Key", key}} {
		if r := s.Get(t, "/", headers...); !strings.Contains(r.Text, "header") || strings.Contains(r.Text, key) {
			t.Errorf("the error page got %s", r.Text)
		}
	}
}

func TestRefusedRequestsDoNotReachTheUpstream(t *testing.T) {
	address := upstream(t)
	s, _ := start(t, `
	token_auth
	reverse_proxy `+address)
	r := s.Do(t, http.MethodPost, "/", []byte("body"), bearer("x")...)
	expect(t, r, 401, "invalid_token")
}
