package caddycce_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/fake/cced"
)

func TestWhileCcedIsDown(t *testing.T) {
	e := underFire(t, "")
	admin, token := e.session(t, "admin", "secret-1"), e.token(t)
	e.daemon.Stop()
	for _, body := range []string{
		`{"cmd":"WHOAMI",` + admin + `}`, `{"cmd":"GET 1",` + admin + `}`, `{"cmd":"SET 3 description = x",` + admin + `}`,
		`{"cmd":"FINDX","class":"Vsite","regex_args":{"name":"^s"},` + admin + `}`, `{"cmd":"GETALL Vsite",` + admin + `}`,
		`{"cmd":"BEGIN",` + admin + `}`, `{"cmd":"COMMIT",` + admin + `}`, `{"cmd":"BYE",` + admin + `}`,
		`{"cmd":"AUTH","user":"admin","password":"secret-1"}`, `{"cmd":"AUTHKEY",` + admin + `}`,
		`{"cmd":"WHOAMI","user":"admin","password":"secret-1"}`,
	} {
		e.local(t, body).expectFailure(t, 502, unreachable)
	}
	e.from(t, office, `{"cmd":"WHOAMI",`+token+`}`, "X-Client-Secret", officeSecret).expectFailure(t, 502, unreachable)
	e.from(t, office, `{"cmd":"LOGIN"}`, "X-Client-Secret", officeSecret).expectFailure(t, 502, unreachable)
	e.local(t, `{"cmd":"PING"}`).expect(t, 202, `{"status":202,"message":"PONG"}`)
	e.restart(t)
	e.local(t, `{"cmd":"WHOAMI",`+admin+`}`).expect(t, 200, whoIsAdmin)
	e.from(t, office, `{"cmd":"WHOAMI",`+token+`}`, "X-Client-Secret", officeSecret).expect(t, 200, whoIsAdmin)
}

func TestWhileCcedStalls(t *testing.T) {
	e := underFire(t, "timeout 1s")
	admin, mary := e.session(t, "admin", "secret-1"), e.session(t, "mary", "mary-pw 2")
	e.daemon.Stall(true)
	start := time.Now()
	e.local(t, `{"cmd":"GET 1",`+mary+`}`).expectFailure(t, 504, tooLate)
	if took := time.Since(start); took < time.Second || took > 5*time.Second {
		t.Errorf("the answer took %s", took)
	}
	e.local(t, `{"cmd":"SET 3 description = x",`+admin+`}`).expectFailure(t, 504, "it is not known whether SET has been carried out")
	// With no connection left even the log-in stalls, and nothing has been sent.
	e.local(t, `{"cmd":"SET 3 description = y",`+admin+`}`).expectFailure(t, 504, tooLate)
	e.local(t, `{"cmd":"GETALL Vsite",`+admin+`}`).expectFailure(t, 504, tooLate)
	e.daemon.Stall(false)
	eventually(t, func() string { return different(e.value(t, admin, "3", "description"), "x") })
}

// different says how two texts differ, if they do.
func different(got, want string) string {
	if got == want {
		return ""
	}
	return "'" + got + "', want '" + want + "'"
}

func TestRepliesThatAreCutOffInMidLine(t *testing.T) {
	e := underFire(t, "")
	admin := e.session(t, "admin", "secret-1")
	e.local(t, `{"cmd":"WHOAMI",`+admin+`}`).expect(t, 200, whoIsAdmin)
	// A read is asked again, once.
	e.daemon.CutAfter(len("104 OBJ"), 1)
	e.local(t, `{"cmd":"WHOAMI",`+admin+`}`).expect(t, 200, whoIsAdmin)
	e.daemon.CutAfter(len("104"), 3)
	e.local(t, `{"cmd":"WHOAMI",`+admin+`}`).expectFailure(t, 502, unreachable)
	e.daemon.CutAfter(0, 0)
	// A change is not: cced has made it.
	from := len(e.daemon.Lines())
	e.local(t, `{"cmd":"WHOAMI",`+admin+`}`).expect(t, 200, whoIsAdmin)
	for word, body := range map[string]string{
		"SET": `{"cmd":"SET 3 description = once",` + admin + `}`, "CREATE": `{"cmd":"CREATE Probe name = once",` + admin + `}`,
		"DESTROY": `{"cmd":"DESTROY 8",` + admin + `}`, "SUSPEND": `{"cmd":"SUSPEND",` + admin + `}`, "RESUME": `{"cmd":"RESUME",` + admin + `}`,
	} {
		e.local(t, `{"cmd":"WHOAMI",`+admin+`}`).expect(t, 200, whoIsAdmin)
		e.daemon.CutAfter(2, 1)
		e.local(t, body).expectFailure(t, 502, "it is not known whether "+word+" has been carried out")
	}
	for _, word := range []string{"SET", "CREATE", "DESTROY", "ADMIN SUSPEND", "ADMIN RESUME"} {
		if n := strings.Count("\n"+strings.Join(e.daemon.Lines()[from:], "\n"), "\n"+word); n != 1 {
			t.Errorf("%s was sent %d times", word, n)
		}
	}
}

func TestAFloodIsCutOff(t *testing.T) {
	e := underFire(t, "max_reply 1MiB")
	admin := e.session(t, "admin", "secret-1")
	for _, text := range []string{"104 OBJECT 1\n", "x", "102 DATA a = \"b\"\n", "102 DATA long = \"yyyy", "\n", "\x00"} {
		e.local(t, `{"cmd":"WHOAMI",`+admin+`}`).expect(t, 200, whoIsAdmin)
		e.daemon.Flood(text)
		before := allocated()
		for _, body := range []string{`{"cmd":"FINDX Vsite",` + admin + `}`, `{"cmd":"GET 1",` + admin + `}`, `{"cmd":"GETALL","oids":["1"],` + admin + `}`} {
			e.local(t, body).expectFailure(t, 502, cannotBeRead)
		}
		if took := allocated() - before; took > 16<<20 {
			t.Errorf("a flood of '%s' took %d bytes", text, took)
		}
		e.daemon.Flood("")
	}
	e.local(t, `{"cmd":"WHOAMI",`+admin+`}`).expect(t, 200, whoIsAdmin)
	e.daemon.Flood("201 OK\n")
	e.local(t, `{"cmd":"SET 3 description = x",`+admin+`}`)
	e.daemon.Flood("")
	e.local(t, `{"cmd":"WHOAMI",`+admin+`}`).expect(t, 200, whoIsAdmin)
}

// allocated is how much memory has been taken since the start, in bytes.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func TestCcedShutsDown(t *testing.T) {
	e := underFire(t, "", func(c *cced.Config) { c.Second = time.Hour })
	admin, mary, token := e.session(t, "admin", "secret-1"), e.session(t, "mary", "mary-pw 2"), e.token(t)
	// Idle connections are told, and not used any more; sessions and tokens go on.
	e.restart(t)
	e.local(t, `{"cmd":"WHOAMI",`+admin+`}`).expect(t, 200, whoIsAdmin)
	e.local(t, `{"cmd":"SET 3 description = x",`+mary+`}`).expect(t, 200, done)
	e.from(t, office, `{"cmd":"WHOAMI",`+token+`}`, "X-Client-Secret", officeSecret).expect(t, 200, whoIsAdmin)

	// A change that runs fails, and a read that waits is lost with cced.
	change := e.later(t.Context(), `{"cmd":"CREATE Probe name = p mode = slow1",`+admin+`}`)
	e.awaitLine(t, "CREATE")
	e.daemon.Stall(true)
	read := e.later(t.Context(), `{"cmd":"NAMES 1",`+mary+`}`)
	e.awaitLine(t, "NAMES 1")
	e.daemon.Stop()
	e.daemon.Stall(false)
	(<-change).expect(t, 401, notLoggedIn)
	(<-read).expectFailure(t, 502, unreachable)
	e.restart(t)
	e.local(t, `{"cmd":"FIND Probe",`+admin+`}`).expect(t, 200, done)
}

func TestTheLockOfCcedIsLost(t *testing.T) {
	e := underFire(t, "timeout 1s", func(c *cced.Config) { c.Second = time.Hour })
	admin := e.session(t, "admin", "secret-1")
	doomed := e.later(t.Context(), `{"cmd":"CREATE Probe name = p mode = slow1",`+admin+`}`)
	e.awaitLine(t, "CREATE")
	e.daemon.KillWorker()
	(<-doomed).expectFailure(t, 502, "it is not known whether CREATE has been carried out")
	e.local(t, `{"cmd":"SET 3 description = x",`+admin+`}`).expectFailure(t, 504, "it is not known whether SET has been carried out")
	e.local(t, `{"cmd":"WHOAMI",`+admin+`}`).expect(t, 200, whoIsAdmin)
	e.restart(t)
	e.local(t, `{"cmd":"SET 3 description = y",`+admin+`}`).expect(t, 200, done)
}

func TestWhileCcedIsSuspended(t *testing.T) {
	e := underFire(t, "")
	admin, mary := e.session(t, "admin", "secret-1"), e.session(t, "mary", "mary-pw 2")
	for _, c := range []struct{ suspend, resume, reason string }{
		{`{"cmd":"SUSPEND",`, `{"cmd":"RESUME",`, ``},
		{`{"cmd":"suspend","reason":"a \"backup\"\n",`, `{"cmd":"resume",`, `a \\\"backup\\\"\\n`},
		{`{"cmd":"SUSPEND \"a backup\"",`, `{"cmd":"RESUME",`, `a backup`},
		{`{"cmd":"ADMIN SUSPEND",`, `{"cmd":"ADMIN RESUME",`, ``},
		{`{"cmd":"ADMIN SUSPEND","reason":"a backup",`, `{"cmd":"admin resume",`, `a backup`},
		{`{"cmd":"admin suspend backup","reason":"not this",`, `{"cmd":"ADMIN RESUME",`, `backup`},
	} {
		e.local(t, c.suspend+mary+`}`).expect(t, 401, notLoggedIn)
		e.local(t, c.suspend+admin+`}`).expect(t, 200, done)
		e.local(t, c.suspend+admin+`}`).expect(t, 401, notLoggedIn)
		refused := `{"status":401,"message":"GOODBYE","data":{"errors":[{"code":309,"message":"SUSPENDED \"` + c.reason + `\""},{"code":401,"message":"FAIL"}]}}`
		for _, change := range []string{`{"cmd":"SET 3 description = x",`, `{"cmd":"CREATE Probe name = p",`, `{"cmd":"DESTROY 8",`} {
			r := e.local(t, change+admin+`}`)
			r.expect(t, 503, refused)
			if got := r.Header.Get("Retry-After"); got != "60" {
				t.Errorf("Retry-After: %s", got)
			}
		}
		e.local(t, `{"cmd":"SET 3 nosuch = x",`+admin+`}`).expect(t, 422,
			`{"status":401,"message":"GOODBYE","data":{"errors":[{"code":302,"message":"BAD DATA 3 nosuch \"[[base-cce.unknownAttr]]\""},{"code":401,"message":"FAIL"}]}}`)
		e.local(t, `{"cmd":"WHOAMI",`+admin+`}`).expect(t, 200, whoIsAdmin)
		e.local(t, `{"cmd":"FINDX Vsite name = site1",`+mary+`}`).expect(t, 200, `{"status":201,"message":"OK","data":{"oidlist":["6"]}}`)
		e.local(t, c.resume+mary+`}`).expect(t, 401, notLoggedIn)
		e.local(t, c.resume+admin+`}`).expect(t, 200, done)
		e.local(t, c.resume+admin+`}`).expect(t, 401, notLoggedIn)
		e.local(t, `{"cmd":"SET 3 description = x",`+admin+`}`).expect(t, 200, done)
	}
}

func TestWhileCcedIsReadOnly(t *testing.T) {
	e := underFire(t, "")
	admin := e.session(t, "admin", "secret-1")
	e.daemon.ReadOnly(true)
	e.local(t, `{"cmd":"SET 3 description = x",`+admin+`}`).expect(t, 200, done)
	e.local(t, `{"cmd":"BEGIN",`+admin+`}`).expect(t, 200, begun)
	e.local(t, `{"cmd":"DESTROY 8",`+admin+`}`).expect(t, 200, queued)
	e.local(t, `{"cmd":"COMMIT",`+admin+`}`).expect(t, 200,
		`{"status":201,"message":"COMMIT successful","data":{"results":[{"command":"DESTROY 8","index":0,"message":"OK","status":201}]}}`)
	if got := e.value(t, admin, "3", "description"); got != "" {
		t.Errorf("description is '%s'", got)
	}
}

func TestARegularExpressionThatKillsTheConnection(t *testing.T) {
	e := underFire(t, "")
	admin := e.session(t, "admin", "secret-1")
	for _, command := range []string{"FIND", "FINDX", "GETOBJECT", "GETALL"} {
		message := "OK"
		if command == "FIND" {
			message = "GOODBYE"
		}
		e.local(t, `{"cmd":"WHOAMI",`+admin+`}`).expect(t, 200, whoIsAdmin)
		accepted, from := e.daemon.Connections().Accepted, len(e.daemon.Lines())
		e.daemon.CutAfter(0, 1)
		e.local(t, `{"cmd":"`+command+`","class":"Vsite","regex_args":{"name":"^s"},`+admin+`}`).expect(t, 400,
			`{"status":403,"message":"`+message+`","data":{"errors":[{"code":403,"message":"BAD PARAMETERS"}]}}`)
		if n := len(e.daemon.Lines()) - from; n != 1 || e.daemon.Connections().Accepted != accepted {
			t.Errorf("%s was sent %d times", command, n)
		}
	}
	e.local(t, `{"cmd":"WHOAMI",`+admin+`}`).expect(t, 200, whoIsAdmin)
	// What would kill it is not sent.
	from := len(e.daemon.Lines())
	for _, pattern := range []string{`(`, `[`, `a{2,1}`, `*a`, `(a*)*`, `a{256}`, `\`} {
		e.local(t, `{"cmd":"FINDX","class":"Vsite","regex_args":`+object(t, map[string]string{"name": pattern})+`,`+admin+`}`).expect(t, 400,
			`{"status":403,"message":"OK","data":{"errors":[{"code":403,"message":"BAD PARAMETERS"}]}}`)
	}
	if n := len(e.daemon.Lines()) - from; n != 0 {
		t.Errorf("cced was sent %d lines", n)
	}
}
