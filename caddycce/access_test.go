package caddycce_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/plugin/report"
)

// branch is a second listed entry, and branchAddress one of its addresses. Its
// secret is made at the start.
const branch, branchAddress = "192.0.2.0/24", "192.0.2.77"

// Answers that many requests get.
const (
	pong           = `{"status":202,"message":"PONG"}`
	forbidden      = `Forbidden`
	wrongSecret    = `Unauthorized: invalid client secret`
	onlyLocal      = `{"status":403,"message":"AUTH and AUTHKEY only allowed from localhost"}`
	noLocalLogin   = `{"status":403,"message":"LOGIN not allowed from localhost"}`
	nobody         = `{"status":201,"message":"GOODBYE","data":{"errors":[{"code":401,"message":"FAIL"}],"oid":"-1"}}`
	notLoggedIn    = `{"status":401,"message":"GOODBYE","data":{"errors":[{"code":401,"message":"FAIL"}]}}`
	failedBuiltIn  = `{"status":401,"message":"OK","data":{"errors":[{"code":401,"message":"FAIL"}]}}`
	done           = `{"status":201,"message":"GOODBYE"}`
	wrongSessionID = `"user":"admin","sessionid":"A1b2"`
)

// words are all commands: the word as cced or the document has it, and bodies
// that ask for it, without credentials. good is the HTTP status that the first of
// them gets from whoever is logged in as an administrator.
var words = []struct {
	word   string
	good   int
	bodies []string
}{
	{"PING", 202, []string{`"cmd":"PING"`, `"cmd":"ping"`, `"cmd":" Ping "`}},
	{"LOGIN", 200, []string{`"cmd":"LOGIN"`, `"cmd":"login"`}},
	{"AUTH", 403, []string{`"cmd":"AUTH","user":"admin","password":"secret-1"`, `"cmd":"AUTH admin secret-1"`, `"cmd":"auth \"admin\" \"secret-1\""`, `"cmd":"aUtH","user":"mary","password":"mary-pw 2"`}},
	{"AUTHKEY", 403, []string{`"cmd":"AUTHKEY","user":"admin","sessionid":"A1b2"`, `"cmd":"AUTHKEY admin A1b2"`, `"cmd":"authkey \"admin\" \"A1b2\""`}},
	{"WHOAMI", 200, []string{`"cmd":"WHOAMI"`, `"cmd":"whoami"`}},
	{"GET", 200, []string{`"cmd":"GET","oid":"6"`, `"cmd":"GET 6"`, `"cmd":"get 1 . Snmp"`}},
	{"SET", 200, []string{`"cmd":"SET","oid":"3","data":{"description":"x"}`, `"cmd":"SET 3 description=\"y\""`, `"cmd":"set 3 . Email vacationOn=1"`}},
	{"FIND", 200, []string{`"cmd":"FIND","class":"Vsite"`, `"cmd":"FIND Vsite name=\"site1\""`, `"cmd":"find User"`}},
	{"FINDX", 200, []string{`"cmd":"FINDX","class":"Vsite","regex_args":{"name":"^s"}`, `"cmd":"findx","class":"User"`, `"cmd":"FINDX Vsite"`}},
	{"GETOBJECT", 200, []string{`"cmd":"GETOBJECT","class":"Vsite","args":{"name":"site1"}`, `"cmd":"getobject","class":"System"`}},
	{"GETALL", 200, []string{`"cmd":"GETALL","class":"Vsite"`, `"cmd":"GETALL","oids":["1","2"]`, `"cmd":"getall","class":"User"`}},
	{"NAMES", 200, []string{`"cmd":"NAMES","oid":"6"`, `"cmd":"NAMES Vsite"`, `"cmd":"names 6"`}},
	{"CLASSES", 200, []string{`"cmd":"CLASSES"`, `"cmd":"classes"`}},
	{"CREATE", 200, []string{`"cmd":"CREATE","class":"Vsite","data":{"name":"new","fqdn":"n.smd.example"}`, `"cmd":"CREATE Vsite name=\"new\""`, `"cmd":"create Vsite"`}},
	{"DESTROY", 200, []string{`"cmd":"DESTROY","oid":"8"`, `"cmd":"DESTROY 8"`, `"cmd":"destroy 7"`}},
	{"SUSPEND", 200, []string{`"cmd":"SUSPEND","reason":"backup"`, `"cmd":"suspend"`}},
	{"RESUME", 200, []string{`"cmd":"RESUME"`, `"cmd":"resume"`}},
	{"ADMIN SUSPEND", 200, []string{`"cmd":"ADMIN SUSPEND"`, `"cmd":"admin suspend \"backup\""`}},
	{"ADMIN RESUME", 200, []string{`"cmd":"ADMIN RESUME"`, `"cmd":"admin resume"`}},
	{"SUSPENDED", 200, []string{`"cmd":"SUSPENDED"`, `"cmd":"suspended"`}},
	{"BEGIN", 200, []string{`"cmd":"BEGIN"`, `"cmd":"begin"`}},
	{"COMMIT", 400, []string{`"cmd":"COMMIT"`, `"cmd":"commit"`}},
	{"BYE", 200, []string{`"cmd":"BYE"`, `"cmd":"bye"`, `"cmd":"BYE SUCCESS"`}},
	{"ENDKEY", 200, []string{`"cmd":"ENDKEY"`, `"cmd":"endkey"`}},
}

// refusal is an HTTP status and a body.
type refusal struct {
	status int
	body   string
}

// failed is what callers get who may ask, but are nobody yet.
func failed(word string) refusal {
	switch word {
	case "PING":
		return refusal{202, pong}
	case "WHOAMI":
		return refusal{401, nobody}
	case "FINDX", "GETOBJECT", "GETALL", "SUSPENDED":
		return refusal{401, failedBuiltIn}
	}
	return refusal{401, notLoggedIn}
}

// always is one answer for everything.
func always(r refusal) func(string) refusal { return func(string) refusal { return r } }

// except is an answer for some words, and another for the others.
func except(one refusal, words []string, others func(string) refusal) func(string) refusal {
	return func(word string) refusal {
		if slices.Contains(words, word) {
			return one
		}
		return others(word)
	}
}

var (
	sessions = []string{"AUTH", "AUTHKEY"}
	ping     = []string{"PING"}
)

// TestAccess asks every command in every form as every kind of caller who may not
// have it carried out, and holds that nothing has come to cced.
func TestAccess(t *testing.T) {
	e := startEndpoint(t, "api_access "+branch+"\nauth_failures 100 60s")
	branchSecret := e.secretOf(t, branch)
	token := e.token(t)
	secret := func(s string) []string { return []string{"X-Client-Secret", s} }
	for _, c := range []struct {
		name string
		ask  func(t testing.TB, fields string) reply
		want func(word string) refusal
	}{
		{
			"localhost without a session",
			func(t testing.TB, f string) reply { return e.local(t, "{"+f+"}") },
			except(refusal{403, noLocalLogin}, []string{"LOGIN"}, failed),
		},
		{
			"localhost with a token",
			func(t testing.TB, f string) reply { return e.local(t, "{"+f+","+token+"}") },
			except(refusal{403, noLocalLogin}, []string{"LOGIN"}, failed),
		},
		{
			"localhost with a token as Bearer and a secret",
			func(t testing.TB, f string) reply {
				return e.local(t, "{"+f+"}", "Authorization", bearer(token), "X-Client-Secret", officeSecret)
			},
			except(refusal{403, noLocalLogin}, []string{"LOGIN"}, failed),
		},
		{
			"localhost with an empty session id",
			func(t testing.TB, f string) reply { return e.local(t, `{"user":"admin","sessionid":"",`+f+"}") },
			except(refusal{403, noLocalLogin}, []string{"LOGIN"}, failed),
		},
		{
			"localhost with a header of a proxy",
			func(t testing.TB, f string) reply { return e.local(t, "{"+f+"}", "X-Forwarded-For", "127.0.0.1") },
			always(refusal{403, forbidden}),
		},
		{
			"a trusted proxy on this machine that says nothing",
			func(t testing.TB, f string) reply { return post(t, e.proxy, e.URL+"/v2/cce", "{"+f+"}") },
			always(refusal{403, forbidden}),
		},
		{
			"a trusted proxy on this machine that speaks for this machine",
			func(t testing.TB, f string) reply { return e.from(t, "127.0.0.1", "{"+f+"}") },
			always(refusal{403, forbidden}),
		},
		{
			"a listed caller without a secret",
			func(t testing.TB, f string) reply { return e.from(t, office, "{"+f+"}") },
			except(refusal{202, pong}, ping, except(refusal{403, onlyLocal}, sessions, always(refusal{401, wrongSecret}))),
		},
		{
			"a listed caller with another's secret",
			func(t testing.TB, f string) reply { return e.from(t, office, "{"+f+"}", secret(branchSecret)...) },
			except(refusal{202, pong}, ping, except(refusal{403, onlyLocal}, sessions, always(refusal{401, wrongSecret}))),
		},
		{
			"a listed caller with a good token and without a secret",
			func(t testing.TB, f string) reply { return e.from(t, office, "{"+f+","+token+"}") },
			except(refusal{202, pong}, ping, except(refusal{403, onlyLocal}, sessions, always(refusal{401, wrongSecret}))),
		},
		{
			"a listed caller with two secrets",
			func(t testing.TB, f string) reply {
				return e.from(t, office, "{"+f+"}", "X-Client-Secret", officeSecret, "X-Client-Secret", officeSecret)
			},
			except(refusal{202, pong}, ping, except(refusal{403, onlyLocal}, sessions, always(refusal{401, wrongSecret}))),
		},
		{
			"a listed caller with a secret and no token",
			func(t testing.TB, f string) reply { return e.from(t, office, "{"+f+"}", secret(officeSecret)...) },
			except(refusal{0, ""}, []string{"LOGIN"}, except(refusal{403, onlyLocal}, sessions, failed)),
		},
		{
			"a listed caller with a secret and the token of another entry",
			func(t testing.TB, f string) reply {
				return e.from(t, branchAddress, "{"+f+","+token+"}", secret(branchSecret)...)
			},
			except(refusal{0, ""}, []string{"LOGIN"}, except(refusal{403, onlyLocal}, sessions, failed)),
		},
		{
			"a listed caller with everything and a session id besides",
			func(t testing.TB, f string) reply {
				return e.from(t, office, "{"+wrongSessionID+","+f+","+token+"}", secret(officeSecret)...)
			},
			except(refusal{202, pong}, ping, always(refusal{403, onlyLocal})),
		},
		{
			"a listed caller with everything and a password besides",
			func(t testing.TB, f string) reply {
				return e.from(t, office, `{"user":"admin","password":"secret-1",`+f+"}", secret(officeSecret)...)
			},
			except(refusal{0, ""}, []string{"LOGIN"}, except(refusal{403, onlyLocal}, sessions, failed)),
		},
		{
			"a stranger",
			func(t testing.TB, f string) reply { return e.from(t, stranger, "{"+f+"}") },
			always(refusal{403, forbidden}),
		},
		{
			"a stranger with everything",
			func(t testing.TB, f string) reply {
				return e.from(t, stranger, "{"+wrongSessionID+","+f+","+token+"}", secret(officeSecret)...)
			},
			always(refusal{403, forbidden}),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := e.daemon.Lines()
			for _, w := range words {
				want := c.want(w.word)
				// On this machine they are asked of cced itself: see handler_test.go.
				if want.status == 0 || strings.HasPrefix(c.name, "localhost") && want.body != forbidden && slices.Contains(sessions, w.word) {
					continue
				}
				for _, fields := range w.bodies {
					t.Run(fields, func(t *testing.T) { c.ask(t, fields).expect(t, want.status, want.body) })
				}
			}
			if more := e.daemon.Lines()[len(before):]; len(more) > 0 {
				t.Errorf("cced was asked %q", more)
			}
		})
	}
}

// TestWhoIsLoggedInMayAskEverything is the other half of TestAccess.
func TestWhoIsLoggedInMayAskEverything(t *testing.T) {
	for name, test := range map[string]struct {
		ask    func(e *endpoint, t testing.TB, fields string) reply
		status map[string]int
	}{
		"with a session on this machine": {
			func(e *endpoint, t testing.TB, f string) reply {
				return e.local(t, "{"+f+","+e.session(t, "admin", "secret-1")+"}")
			},
			map[string]int{"LOGIN": 403, "AUTH": 200, "AUTHKEY": 200},
		},
		"with a token from elsewhere": {
			func(e *endpoint, t testing.TB, f string) reply {
				return e.from(t, office, "{"+f+","+e.token(t)+"}", "X-Client-Secret", officeSecret)
			},
			nil,
		},
		"with a token as Bearer from elsewhere": {
			func(e *endpoint, t testing.TB, f string) reply {
				return e.from(t, office, "{"+f+"}", "X-Client-Secret", officeSecret, "Authorization", bearer(e.token(t)))
			},
			nil,
		},
		"with a token in both places": {
			func(e *endpoint, t testing.TB, f string) reply {
				token := e.token(t)
				return e.from(t, office, "{"+f+","+token+"}", "X-Client-Secret", officeSecret, "Authorization", bearer(token))
			},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := startEndpoint(t, "")
			for _, w := range words {
				fields, want := w.bodies[0], w.good
				if other, differs := test.status[w.word]; differs {
					want = other
				}
				if w.word == "AUTHKEY" && want == 200 {
					// The session id is that of the caller.
					fields = `"cmd":"AUTHKEY"`
				}
				if r := test.ask(e, t, fields); r.StatusCode != want {
					t.Errorf("%s: HTTP %d %s, want %d", fields, r.StatusCode, r.Text, want)
				}
			}
		})
	}
}

// bearer is the field of a token as the value of Authorization.
func bearer(field string) string {
	return "Bearer " + strings.Trim(strings.TrimPrefix(field, `"token":`), `"`)
}

// secretOf is the client secret of an entry.
func (e *endpoint) secretOf(t testing.TB, entry string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(e.files, "access"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if secret, found := strings.CutPrefix(line, entry+":"); found {
			return strings.TrimSpace(secret)
		}
	}
	t.Fatalf("the access file has no secret for '%s'", entry)
	return ""
}

func TestALineThatHidesACommandIsNotCarriedOut(t *testing.T) {
	e := startEndpoint(t, "")
	before := len(e.daemon.Lines())
	for _, line := range []string{
		`PING\nAUTH admin secret-1`, `LOGIN\nAUTH admin secret-1`, `GET 6\nAUTH admin secret-1`, `GET 6\u0000AUTH admin secret-1`,
		`GET 6 AUTH admin secret-1`, `ＡＵＴＨ admin secret-1`, `,AUTH admin secret-1`, `"AUTH" admin secret-1`, `AUTH,admin secret-1`,
	} {
		r := e.from(t, office, `{"cmd":"`+line+`"}`, "X-Client-Secret", officeSecret)
		if r.StatusCode != 400 && r.StatusCode != 403 {
			t.Errorf("%s: HTTP %d %s", line, r.StatusCode, r.Text)
		}
		if r = e.from(t, stranger, `{"cmd":"`+line+`"}`); r.StatusCode != 403 || r.Text != "Forbidden\n" {
			t.Errorf("%s from a stranger: HTTP %d %s", line, r.StatusCode, r.Text)
		}
	}
	if more := e.daemon.Lines()[before:]; len(more) > 0 {
		t.Errorf("cced was asked %q", more)
	}
}

// TestMethodsAndPaths is about what there is besides POST on the base.
func TestMethodsAndPaths(t *testing.T) {
	e := startEndpoint(t, "")
	const onlyPost = `{"status":405,"message":"only POST is allowed"}`
	const nothing = `{"status":404,"message":"there is nothing at this path"}`
	for _, test := range []struct {
		method, path string
		want         refusal
	}{
		{http.MethodGet, "/v2/cce", refusal{405, onlyPost}},
		{http.MethodGet, "/v2/cce/", refusal{405, onlyPost}},
		{http.MethodPut, "/v2/cce", refusal{405, onlyPost}},
		{http.MethodHead, "/v2/cce", refusal{405, ""}},
		{http.MethodOptions, "/v2/cce", refusal{405, onlyPost}},
		{http.MethodPost, "/v2/cce/", refusal{202, pong}},
		{http.MethodPost, "/v2/cce?cmd=GET", refusal{202, pong}},
		{http.MethodPost, "/v2/cce/ping", refusal{404, nothing}},
		{http.MethodGet, "/v2/cce/ping", refusal{404, nothing}},
		{http.MethodPost, "/v2/cce//", refusal{404, nothing}},
	} {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			allowed := e.send(t, e.Client, test.method, test.path)
			allowed.expect(t, test.want.status, test.want.body)
			if allow := allowed.Header.Get("Allow"); (allow == "POST") != (test.want.status == 405) {
				t.Errorf("Allow is '%s'", allow)
			}
			// A stranger cannot tell one from another.
			refused := e.send(t, e.proxy, test.method, test.path, "X-Forwarded-For", stranger)
			body := forbidden
			if test.method == http.MethodHead {
				body = ""
			}
			refused.expect(t, 403, body)
			id := refused.Header.Get("X-Error-Id")
			if n, ok, _ := report.Find(id); !ok || n.Module != "http.handlers.cce" || n.Cause != "address_not_listed" || n.Status != 403 || n.ClientIP.String() != stranger {
				t.Errorf("'%s' is remembered: %v, as %+v", id, ok, n)
			}
			delete(refused.Header, "X-Error-Id")
			delete(refused.Header, "Date")
			if got, want := fmt.Sprint(refused.Header), "map[Cache-Control:[no-store] Content-Length:[10] Content-Type:[text/plain; charset=utf-8] Server:[Caddy]]"; got != want {
				t.Errorf("a stranger gets the headers %s", got)
			}
		})
	}
}

// send sends a request whose body is a PING.
func (e *endpoint) send(t testing.TB, client *http.Client, method, path string, headers ...string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, e.URL+path, strings.NewReader(`{"cmd":"PING"}`))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return do(t, client, r)
}

func TestWhatIsWrongWithACommandIsForThoseWithTheSecret(t *testing.T) {
	e := startEndpoint(t, "")
	e.from(t, office, `{"cmd":"GET x"}`).expect(t, 401, wrongSecret)
	e.from(t, office, `{"cmd":"NOSUCH"}`, "X-Client-Secret", "wrong").expect(t, 401, wrongSecret)
	e.from(t, office, `{"cmd":"NOSUCH"}`, "X-Client-Secret", officeSecret).expect(t, 400,
		`{"status":402,"message":"GOODBYE","data":{"errors":[{"code":402,"message":"BAD COMMAND"}]}}`)
	for _, body := range []string{`{"cmd":"AUTHKEY","user":"admin","sessionid":""}`, `{"cmd":"AUTH admin"}`, `{"cmd":"auth a b c"}`} {
		e.from(t, office, body, "X-Client-Secret", officeSecret).expect(t, 403, onlyLocal)
	}
}
