package caddycce_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/fake/cced"
)

func TestAReloadEndsNothing(t *testing.T) {
	e := underFire(t, "")
	admin, token := e.session(t, "admin", "secret-1"), e.token(t)
	e.local(t, `{"cmd":"BEGIN",`+admin+`}`).expect(t, 200, begun)
	e.local(t, `{"cmd":"SET 3 description = before",`+admin+`}`).expect(t, 200, queued)
	accepted := e.daemon.Connections().Accepted
	e.Reload(t, e.text)
	e.local(t, `{"cmd":"SET 3 fullName = after",`+admin+`}`).expect(t, 200, queued)
	e.from(t, office, `{"cmd":"WHOAMI",`+token+`}`, "X-Client-Secret", officeSecret).expect(t, 200, whoIsAdmin)
	e.Reload(t, e.text)
	e.local(t, `{"cmd":"COMMIT",`+admin+`}`).expect(t, 200, `{"status":201,"message":"COMMIT successful","data":{"results":[`+
		`{"command":"SET 3 description = \"before\"","index":0,"message":"OK","status":201},`+
		`{"command":"SET 3 fullName = \"after\"","index":1,"message":"OK","status":201}]}}`)
	e.from(t, office, `{"cmd":"BYE",`+token+`}`, "X-Client-Secret", officeSecret).expect(t, 200, done)
	if n := e.daemon.Connections().Accepted; n != accepted {
		t.Errorf("%d connections were opened anew", n-accepted)
	}
}

func TestAReloadWhileCommandsRun(t *testing.T) {
	e := underFire(t, "", func(c *cced.Config) { c.Second = 200 * time.Millisecond })
	admin := e.session(t, "admin", "secret-1")
	var answers []<-chan reply
	for i := range 3 {
		answers = append(answers, e.later(t.Context(), `{"cmd":"CREATE","class":"Probe","data":{"name":"p`+strconv.Itoa(i)+`","mode":"slow1"},`+admin+`}`))
	}
	e.awaitLine(t, "CREATE")
	e.Reload(t, e.text)
	for _, answer := range answers {
		if r := <-answer; r.StatusCode != 200 {
			t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
		}
	}
	r := e.local(t, `{"cmd":"FINDX","class":"Probe",`+admin+`}`)
	if found, _ := r.Object["oidlist"].([]any); len(found) != 3 {
		t.Errorf("after three CREATEs: HTTP %d %s", r.StatusCode, r.Text)
	}
}

func TestTheEndOfTheLastConfigurationEndsAllAtCced(t *testing.T) {
	e := startEndpoint(t, "")
	e.token(t)
	e.Reload(t, "http://:0 {\n\trespond hello\n}")
	e.awaitLine(t, "ENDKEY")
	eventually(t, func() string { return different(strconv.Itoa(e.daemon.Connections().Open), "0") })
}
