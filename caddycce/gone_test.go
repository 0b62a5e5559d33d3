package caddycce_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
)

// abandon makes a request whose client goes away while cced says nothing, if it
// comes so far, and lets cced go on.
func (e *endpoint) abandon(t *testing.T, request func(context.Context)) {
	t.Helper()
	before := e.daemon.Connections()
	e.daemon.Stall(true)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		request(ctx)
	}()
	eventually(t, func() string {
		select {
		case <-ended:
			return ""
		default:
		}
		if e.daemon.Connections().Accepted > before.Accepted {
			return ""
		}
		return "cced has not been asked, nor the client answered"
	})
	cancel()
	<-ended
	e.daemon.Stall(false)
	eventually(t, func() string {
		if e.daemon.Connections().Open > before.Open {
			return "the connection to cced is open still"
		}
		return ""
	})
}

// TestAGuessCountsThoughItsClientGoesAway: else guesses would be free.
func TestAGuessCountsThoughItsClientGoesAway(t *testing.T) {
	for _, word := range []string{"AUTH", "WHOAMI"} {
		t.Run(word, func(t *testing.T) {
			e := startEndpoint(t, "auth_failures 3 60s", quietDaemon)
			for range 20 {
				e.abandon(t, func(ctx context.Context) { e.attempt(ctx, `{"cmd":"`+word+`","user":"admin","password":"guess"}`) })
			}
			if asked := e.asked(); asked != 3 {
				t.Errorf("cced was asked %d times", asked)
			}
			e.braked(t, word, "admin", "secret-1")
		})
	}
}

func TestTheSessionOfAClientThatIsGoneIsEnded(t *testing.T) {
	e := startEndpoint(t, "")
	e.abandon(t, func(ctx context.Context) { e.attempt(ctx, `{"cmd":"AUTH","user":"admin","password":"secret-1"}`) })
	e.awaitLine(t, `AUTH "admin"`)
	e.awaitLine(t, "ENDKEY")
}

// adminClient asks the admin API.
func (e *endpoint) adminClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", e.adminSocket())
		},
	}}
}

// TestAHealthCheckWhoseClientGoesAwayTellsTheTruth: what it sees is told to
// others for a while.
func TestAHealthCheckWhoseClientGoesAwayTellsTheTruth(t *testing.T) {
	e := startEndpoint(t, "", quietDaemon)
	e.Reload(t, e.withAdmin(e.text))
	client := e.adminClient()
	e.abandon(t, func(ctx context.Context) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/caddycce/health", nil)
		if err != nil {
			return
		}
		if response, err := client.Do(r); err == nil {
			response.Body.Close()
		}
	})
	if status, h := e.health(t); status != 200 || !h.Answers || len(h.Problems) > 0 {
		t.Errorf("HTTP %d %+v", status, h)
	}
}

func TestWithoutAnEndpointNothingIsHealthy(t *testing.T) {
	e := startEndpoint(t, "")
	e.Reload(t, e.withAdmin("{\n}\nhttp://:0 {\n\trespond hello\n}"))
	r := e.admin(t, http.MethodGet, "/caddycce/health")
	if r.StatusCode != 503 || !strings.Contains(r.Text, `"healthy":false`) || !strings.Contains(r.Text, `"endpoints":[]`) {
		t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
	}
}

// TestAPasswordThatIsRefusedIsNotTriedAgainAtOnce: the system may lock an account
// that fails often.
func TestAPasswordThatIsRefusedIsNotTriedAgainAtOnce(t *testing.T) {
	e := startEndpoint(t, "", quietDaemon)
	writeFile(t, e.files+"/password", "wrong-1")
	for range 5 {
		e.logIn(t, office, officeSecret).expectFailure(t, 503, "the account behind this endpoint does not log in")
	}
	if asked := e.asked(); asked != 1 {
		t.Errorf("cced was asked %d times", asked)
	}
	writeFile(t, e.files+"/password", "wrong-2")
	e.logIn(t, office, officeSecret)
	writeFile(t, e.files+"/password", "secret-1")
	if r := e.logIn(t, office, officeSecret); r.StatusCode != 200 {
		t.Errorf("with the right password: HTTP %d %s", r.StatusCode, r.Text)
	}
	if asked := e.asked(); asked != 3 {
		t.Errorf("cced was asked %d times for three passwords", asked)
	}
}
