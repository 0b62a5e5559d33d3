package caddyauth_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/caddyrun"
)

// decision is a line that `debug` logs.
type decision struct {
	Msg      string
	Decision string
	Steps    []string
}

// decisions reads them from the log.
func decisions(t *testing.T, s *caddyrun.Server) (list []decision, lines string) {
	t.Helper()
	scanner := bufio.NewScanner(strings.NewReader(s.Log(t)))
	for scanner.Scan() {
		var d decision
		if err := json.Unmarshal(scanner.Bytes(), &d); err != nil {
			t.Fatal(err)
		}
		if d.Msg == "gate decided" {
			list, lines = append(list, d), lines+scanner.Text()+"\n"
		}
	}
	return list, lines
}

func TestDebugSaysWhatWasDecidedAndWhy(t *testing.T) {
	var key string
	var alice tokens
	s := startPrepared(t, site(`
	route /any {
		token_auth {
			debug
		}
		respond "in"
	}
	route /rules {
		token_auth {
			accept api_key session
			require scope write
			require role admin auditor
			require group web
			debug
		}
		respond "in"
	}
	route /optional {
		token_auth {
			optional
			debug
		}
		respond "in"
	}
	route /twice {
		token_auth
		token_auth {
			accept password
			debug
		}
		respond "in"
	}
	route /silent {
		token_auth
		respond "in"
	}`), func(a *admin) {
		a.withPassword()
		key, alice = a.issueNow("ci"), a.logIn(day)
	})
	for name, test := range map[string]struct {
		path    string
		headers []string
		want    []decision
	}{
		"a key": {"/any", bearer(key), []decision{{Decision: "passes", Steps: []string{
			"credential: api_key", "accept: all kinds", "caller: proven by api_key",
		}}}},
		"nothing": {"/any", nil, []decision{{Decision: "refused: credential_missing, none", Steps: []string{
			"credential: none", "accept: all kinds",
		}}}},
		"a wrong token": {"/any", bare(flip(alice.bare)), []decision{{Decision: "refused: invalid_token, unknown_token", Steps: []string{
			"credential: bare_token", "accept: all kinds",
		}}}},
		"two cookies": {"/any", append(cookie("a"), cookie("b")...), []decision{{Decision: "refused: invalid_request, malformed", Steps: []string{
			"credential: malformed", "accept: all kinds",
		}}}},
		"each rule": {"/rules", cookie(alice.web), []decision{{Decision: "refused: insufficient_scope, group", Steps: []string{
			"credential: session", "accept: api_key, session", "caller: proven by session",
			"require scope write: true", "require role admin auditor: true", "require group web: false",
		}}}},
		"a kind that is not listed": {"/rules", basic("alice:" + passphrase), []decision{{Decision: "refused: invalid_token, not_accepted", Steps: []string{
			"credential: password", "accept: api_key, session",
		}}}},
		"nobody": {"/optional", nil, []decision{{Decision: "passes as nobody: optional", Steps: []string{
			"credential: none", "accept: all kinds",
		}}}},
		"somebody where nobody may pass": {"/optional", bearer("x"), []decision{{Decision: "refused: invalid_token, malformed", Steps: []string{
			"credential: api_key", "accept: all kinds",
		}}}},
		"behind another gate": {"/twice", bearer(key), []decision{{Decision: "refused: credential_missing, none", Steps: []string{
			"credential: none", "earlier gate: api_key, accepted here: false", "accept: password",
		}}}},
		"behind another gate, accepted": {"/twice", basic("alice:" + passphrase), []decision{{Decision: "passes", Steps: []string{
			"credential: none", "earlier gate: password, accepted here: true", "accept: password", "caller: proven by password",
		}}}},
		"without it": {"/silent", bearer(key), nil},
	} {
		t.Run(name, func(t *testing.T) {
			before, _ := decisions(t, s)
			s.Get(t, test.path, test.headers...)
			after, _ := decisions(t, s)
			for i := range test.want {
				test.want[i].Msg = "gate decided"
			}
			if diff := cmp.Diff(test.want, after[len(before):], cmp.Transformer("", func(l []decision) []decision { return append([]decision{}, l...) })); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDebugLogsNothingThatAClientHasSent(t *testing.T) {
	var key string
	var alice tokens
	s := startPrepared(t, site("token_auth {\ndebug\n}\nrespond \"in\""), func(a *admin) {
		a.withPassword()
		key, alice = a.issueNow("ci"), a.logIn(day)
	})
	const typo, stranger, agent, path = "correct horse battery", "mallory", "curl-of-alice/7", "/private/path"
	for _, headers := range credentials(key, alice) {
		s.Get(t, path, append(headers, "User-Agent", agent)...)
		s.Do(t, "POST", path, nil, headers...)
	}
	for _, headers := range [][]string{
		basic("alice:" + typo),
		basic(stranger + ":" + typo),
		basic("alice:ci:" + key),
		bearer(stranger + ":" + strings.Repeat("0", 64)),
		bearer(flip(key)),
		{"Authorization", typo},
		{"Authorization", "Digest username=" + stranger},
		append(bearer(key), "X-Api-Key", key),
		{"Cookie", "__Host-sallyport=" + typo},
	} {
		s.Get(t, path, append(headers, "User-Agent", agent)...)
	}
	list, lines := decisions(t, s)
	if len(list) != 19 {
		t.Fatalf("%d decisions were logged", len(list))
	}
	for what, value := range map[string]string{
		"key": key, "app token": alice.app, "digits of the app token": alice.app[len("alice:"):], "bare token": alice.bare, "session": alice.web,
		"password": passphrase, "wrong password": typo, "name": "alice", "wrong name": stranger, "agent": agent, "path": path, "address": "127.0.0.1",
		"session's id": alice.id,
	} {
		for form, hidden := range map[string]string{"in the clear": value, "in base64": strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(value)), "=")} {
			if strings.Contains(lines, hidden) {
				t.Errorf("debug logs the %s, %s:\n%s", what, form, lines)
			}
		}
	}
	for what, secret := range map[string]string{"key": key, "app token": alice.app, "bare token": alice.bare, "session": alice.web, "password": passphrase, "wrong password": typo} {
		if strings.Contains(s.Log(t), secret) {
			t.Errorf("the log holds the %s", what)
		}
	}
}
