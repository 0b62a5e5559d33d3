package caddycce_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/fake/cced"
)

// probe is what a client of the tests asks for and is answered, over and over.
type probe struct {
	session, oid string
	// name is the client's own.
	name string
}

// round is a step of a client's work: what to ask for, and what must be in the
// answer.
func (p probe) round(i int) (body, want string) {
	value := p.name + "n" + strconv.Itoa(i/5)
	switch i % 5 {
	case 0:
		return `{"cmd":"SET","oid":"` + p.oid + `","data":{"note":"` + value + `"},` + p.session + `}`, done
	case 1:
		return `{"cmd":"GET ` + p.oid + `",` + p.session + `}`, `"OID":"` + p.oid + `","mode":"","name":"` + p.name + `","note":"` + value + `"}`
	case 2:
		return `{"cmd":"FINDX","class":"Probe","regex_args":{"note":"^` + value + `$"},` + p.session + `}`, `{"status":201,"message":"OK","data":{"oidlist":["` + p.oid + `"]}}`
	case 3:
		return `{"cmd":"GETALL","oids":["` + p.oid + `"],` + p.session + `}`, `"` + p.oid + `":{"OBJECT":{`
	}
	return `{"cmd":"GET 9` + p.oid + `",` + p.session + `}`, `"message":"UNKNOWN OBJECT 9` + p.oid + `"`
}

func TestThirtyTwoClientsGetTheirOwnAnswers(t *testing.T) {
	e := underFire(t, "max_connections 16")
	admin := e.session(t, "admin", "secret-1")
	var all sync.WaitGroup
	for n := range 32 {
		p := probe{session: admin, name: fmt.Sprintf("client%02d", n)}
		if n%2 == 0 {
			p.session = e.session(t, "admin", "secret-1")
		}
		created := e.local(t, `{"cmd":"CREATE","class":"Probe","data":{"name":"`+p.name+`"},`+p.session+`}`)
		p.oid, _ = created.Object["oid"].(string)
		all.Go(func() {
			for i := range 2_000 / 32 {
				body, want := p.round(i)
				if r := e.attempt(t.Context(), body); !strings.Contains(r.Text, want) {
					t.Errorf("%s: %s\nwant %s", body, r.Text, want)
					return
				}
			}
		})
	}
	all.Wait()
}

func TestAClientThatGoesInMidCommandLeavesNothing(t *testing.T) {
	e := underFire(t, "max_connections 2")
	admin, mary := e.session(t, "admin", "secret-1"), e.session(t, "mary", "mary-pw 2")
	for i, body := range []string{
		`{"cmd":"GET 1",`, `{"cmd":"GETALL Vsite",`, `{"cmd":"FINDX","class":"Vsite","regex_args":{"name":"^s"},`,
		`{"cmd":"SET 3 description = x",`, `{"cmd":"AUTHKEY",`, `{"cmd":"BEGIN",`,
	} {
		e.daemon.Stall(true)
		ctx, leave := context.WithCancel(t.Context())
		before := e.daemon.Commands()
		answer := e.later(ctx, body+admin+`}`)
		eventually(t, func() string {
			if e.daemon.Commands() > before {
				return ""
			}
			return "cced has not received " + body
		})
		leave()
		if r := <-answer; r.StatusCode != 0 {
			t.Errorf("it was answered: %s", r.Text)
		}
		e.daemon.Stall(false)
		// Whoever comes next gets his own answer.
		e.local(t, `{"cmd":"WHOAMI",`+mary+`}`).expect(t, 200, `{"status":201,"message":"GOODBYE","data":{"oid":"3"}}`)
		e.local(t, fmt.Sprintf(`{"cmd":"GET 99%d",%s}`, i, admin)).expect(t, 404,
			fmt.Sprintf(`{"status":401,"message":"GOODBYE","data":{"errors":[{"code":300,"message":"UNKNOWN OBJECT 99%d"},{"code":401,"message":"FAIL"}]}}`, i))
	}
}

func TestRightsDoNotOutliveEndKey(t *testing.T) {
	e := underFire(t, "", func(c *cced.Config) { c.Latency = time.Millisecond })
	for range 5 {
		admin := e.session(t, "admin", "secret-1")
		var all sync.WaitGroup
		var mu sync.Mutex
		ended := false
		for range 8 {
			all.Go(func() {
				for {
					mu.Lock()
					late := ended
					mu.Unlock()
					r := e.attempt(t.Context(), `{"cmd":"GET 1",`+admin+`}`)
					if late && r.StatusCode != 401 {
						t.Errorf("after ENDKEY: HTTP %d %s", r.StatusCode, r.Text)
					}
					if late || r.StatusCode != 200 && r.StatusCode != 401 {
						return
					}
				}
			})
		}
		// Until all connections are in use.
		eventually(t, func() string {
			if e.daemon.Connections().Open >= 4 {
				return ""
			}
			return fmt.Sprintf("%d connections are open", e.daemon.Connections().Open)
		})
		r := e.attempt(t.Context(), `{"cmd":"ENDKEY",`+admin+`}`)
		mu.Lock()
		ended = true
		mu.Unlock()
		r.expect(t, 200, done)
		all.Wait()
		eventually(t, func() string { return different(strconv.Itoa(e.daemon.Connections().Open), "0") })
	}
}

func TestThePoolIsBoundedAndTheRestWait(t *testing.T) {
	e := underFire(t, "max_connections 2")
	admin := e.session(t, "admin", "secret-1")
	var answers []<-chan reply
	for i := range 40 {
		answers = append(answers, e.later(t.Context(), `{"cmd":"CREATE","class":"Probe","data":{"name":"p`+strconv.Itoa(i)+`","mode":"slow1"},`+admin+`}`))
	}
	for _, answer := range answers {
		if r := <-answer; r.StatusCode != 200 {
			t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
		}
	}
	if peak := e.daemon.Connections().Peak; peak > 2 {
		t.Errorf("there were %d connections, 2 are allowed", peak)
	}
}

func TestTwoClientsShareATransactionOfOneSession(t *testing.T) {
	e := underFire(t, "")
	admin := e.session(t, "admin", "secret-1")
	var open, refused int
	for _, answer := range []<-chan reply{
		e.later(t.Context(), `{"cmd":"BEGIN",`+admin+`}`), e.later(t.Context(), `{"cmd":"BEGIN",`+admin+`}`), e.later(t.Context(), `{"cmd":"BEGIN",`+admin+`}`),
	} {
		switch r := <-answer; {
		case r.StatusCode == 200 && strings.TrimSpace(r.Text) == begun:
			open++
		case r.StatusCode == 400 && strings.Contains(r.Text, "A transaction is already open"):
			refused++
		}
	}
	if open != 1 || refused != 2 {
		t.Errorf("%d clients have opened it, and %d were told that it is open", open, refused)
	}
	e.local(t, `{"cmd":"CREATE Probe name = p mode = slow3",`+admin+`}`).expect(t, 200, queued)
	good, none := 0, 0
	commit := `{"cmd":"COMMIT",` + admin + `}`
	for _, answer := range []<-chan reply{e.later(t.Context(), commit), e.later(t.Context(), commit), e.later(t.Context(), commit)} {
		switch r := <-answer; {
		case r.StatusCode == 200 && strings.Contains(r.Text, `"oid":"9"`):
			good++
		case r.StatusCode == 400 && strings.Contains(r.Text, "No active transaction"):
			none++
		}
	}
	if good != 1 || none != 2 {
		t.Errorf("%d COMMITs have stored it, and %d were told that there is none", good, none)
	}
	e.local(t, `{"cmd":"FIND Probe",`+admin+`}`).expect(t, 200, `{"status":201,"message":"GOODBYE","data":{"oidlist":["9"]}}`)
}
