package caddyauth_test

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/principal"
)

// TestNoSecretIsInAnyOutput drives every form of credential through every kind
// of answer, with the logs set up as Caddyfile.example does, and then looks for
// the secrets in everything that was written.
func TestNoSecretIsInAnyOutput(t *testing.T) {
	s, a := startFile(t, `(redacted) {
	format filter {
		request>headers>X-Api-Key replace REDACTED
	}
}
{
	debug
	admin unix/{$DIR}/admin.sock
	caddyauth {
		store sqlite {$DIR}/auth.db
	}
	log {
		output file {$DIR}/log.json
		import redacted
	}
}
http://:0 {
	log {
		output file {$DIR}/access.json
		import redacted
	}
	route /write {
		token_auth {
			require scope write
		}
		respond "in"
	}
	route /kept {
		token_auth {
			forward_credential
		}
		reverse_proxy 127.0.0.1:1
	}
	route /caddy {
		token_auth {
			errors caddy
		}
		error 500
	}
	route {
		token_auth
		reverse_proxy 127.0.0.1:1
	}
}`)
	good := a.issue(s, "good")
	expired := a.issue(s, "expired", func(n *identity.NewKey) { n.Expires = time.Now().Add(time.Second) })
	never := a.issue(s, "never", func(n *identity.NewKey) { n.Scopes = principal.Write; n.UserAgent = "x" })
	forged := good[:30] + strings.Repeat("Z", 10) + good[40:]
	time.Sleep(time.Second)

	statuses := map[int]int{}
	visit := func() {
		for _, path := range []string{"/", "/write", "/kept", "/caddy"} {
			for _, key := range []string{good, expired, never, forged} {
				for _, headers := range [][]string{
					bearer(key),
					{"X-Api-Key", key},
					basic("alice:" + key),
					basic("alice:good:" + key),
					{"Authorization", key},
					{"Authorization", "Digest " + key},
					{"Authorization", "Basic !" + key},
					append(bearer(key), "X-Api-Key", key),
				} {
					statuses[s.Get(t, path, headers...).StatusCode]++
				}
			}
		}
	}
	visit()
	status, config := post(t, s, http.MethodGet, "/config/", "")
	if status != http.StatusOK || !strings.Contains(config, "token_auth") {
		t.Fatalf("configuration: %d %s", status, config)
	}
	if err := os.Rename(filepath.Join(s.Dir, "auth.db"), filepath.Join(s.Dir, "away.db")); err != nil {
		t.Fatal(err)
	}
	within(t, 3*time.Second, func() bool { return s.Get(t, "/", bearer(good)...).StatusCode == http.StatusServiceUnavailable })
	visit()
	for _, status := range []int{400, 401, 403, 500, 502, 503} {
		if statuses[status] == 0 {
			t.Errorf("there was no answer %d: %v", status, statuses)
		}
	}
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	pepper := strings.TrimSpace(readFile(t, filepath.Join(s.Dir, "pepper")))
	log, access := s.Log(t), readFile(t, filepath.Join(s.Dir, "access.json"))
	if !strings.Contains(log, "http.log.error") || !strings.Contains(log, "request refused") || strings.Count(access, "\n") < 200 {
		t.Fatal("the logs are not those of this test")
	}
	for where, text := range map[string]string{"log": log, "access log": access, "configuration": config} {
		for what, secret := range map[string]string{"good key": good, "expired key": expired, "bound key": never, "forged key": forged, "pepper": pepper} {
			for form, hidden := range map[string]string{
				"in the clear":    secret,
				"its secret part": secret[len(secret)-49:],
				"in Basic":        base64.StdEncoding.EncodeToString([]byte("alice:" + secret)),
				"in hexadecimal":  hex.EncodeToString([]byte(secret)),
			} {
				if strings.Contains(text, hidden) {
					t.Errorf("the %s holds the %s %s", where, what, form)
				}
			}
		}
	}
}

func TestTheAccessLogTellsWhoAndWhyNot(t *testing.T) {
	s, a := startFile(t, `{
	caddyauth {
		store sqlite {$DIR}/auth.db
	}
}
http://:0 {
	log {
		output file {$DIR}/access.json
	}
	token_auth
	respond "in"
}`)
	key := a.issue(s, "ci")
	expect(t, s.Get(t, "/", bearer(key)...), 200, "")
	refused := s.Get(t, "/", bearer("swordfish")...)
	id := strings.Split(refused.Text, `"error_id":"`)[1][:12]
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	access := readFile(t, filepath.Join(s.Dir, "access.json"))
	if !strings.Contains(access, `"user_id":"alice"`) {
		t.Errorf("the user is not in the access log: %s", access)
	}
	if !strings.Contains(access, `"error_id":"`+id+`","refused":"malformed"`) {
		t.Errorf("the cause of %s is not in the access log: %s", id, access)
	}
	if !strings.Contains(s.Log(t), id) {
		t.Errorf("the first refusal is not in the log")
	}
}
