package caddycce_test

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// badBody answers what is no request.
func badBody(message string) string { return `{"status":400,"message":"` + message + `"}` }

func TestBodiesThatAreNoRequests(t *testing.T) {
	e := underFire(t, "")
	for body, want := range map[string]string{
		``:                           "the body is not JSON",
		` `:                          "the body is not JSON",
		`{`:                          "the body is not JSON",
		`{"cmd":"PING"} x`:           "the body is not JSON",
		`{"cmd":"PING"}{}`:           "the body is not JSON",
		`null`:                       "the body is not a JSON object",
		`["PING"]`:                   "the body is not a JSON object",
		`"PING"`:                     "the body is not a JSON object",
		`{}`:                         "the body has no string 'cmd'",
		`{"cmd":1}`:                  "the body has no string 'cmd'",
		`{"cmd":["PING"]}`:           "the body has no string 'cmd'",
		`{"CMD":"PING"}`:             "the body has no string 'cmd'",
		`{"cmd":"\n"}`:               "'cmd' is empty",
		"{\"cmd\":\"PING\xff\"}":     "the body is not UTF-8",
		strings.Repeat("[", 100_000): "the body is nested too deeply",
		`{"cmd":"SET 3","data":{"a":` + strings.Repeat(`{"a":`, 100_000) + `1` + strings.Repeat(`}`, 100_001) + `}`: "the body is nested too deeply",
	} {
		e.local(t, body).expect(t, 400, badBody(want))
	}
	if n := e.daemon.Commands(); n != 0 {
		t.Errorf("cced has received %d lines", n)
	}
}

func TestHowLongABodyMayBe(t *testing.T) {
	e := underFire(t, "")
	admin := e.session(t, "admin", "secret-1")
	body := func(length int) string {
		begin, end := `{"cmd":"SET","oid":"3","data":{"description":"`, `"},`+admin+`}`
		return begin + strings.Repeat("x", length-len(begin)-len(end)) + end
	}
	e.local(t, body(1<<20)).expect(t, 200, done)
	e.local(t, body(1<<20+1)).expect(t, 413, `{"status":413,"message":"the body is too large"}`)
	e.local(t, strings.Repeat(" ", 8<<20)).expect(t, 413, `{"status":413,"message":"the body is too large"}`)
}

func TestLongValuesGoBothWays(t *testing.T) {
	e := underFire(t, "")
	admin := e.session(t, "admin", "secret-1")
	for name, unit := range map[string]string{"plain": "abcdefghij", "quotes": `"\` + "\n\t\r", "umlauts": "äöü€𝄞", "control": "\x01\x7f\x1b"} {
		value := strings.Repeat(unit, 300_000/len(unit))
		if name == "control" {
			value = value[:150_000] // each is six bytes in JSON
		}
		e.local(t, `{"cmd":"SET","oid":"3","data":`+object(t, map[string]string{"description": value})+`,`+admin+`}`).expect(t, 200, done)
		if got := e.value(t, admin, "3", "description"); got != value {
			t.Errorf("%s: %d bytes came back of %d", name, len(got), len(value))
		}
	}
	line := `SET 3 description = "` + strings.Repeat("y", 300_000) + `"`
	e.local(t, `{"cmd":`+object(t, line)+`,`+admin+`}`).expect(t, 200, done)
	if got := e.value(t, admin, "3", "description"); len(got) != 300_000 {
		t.Errorf("%d bytes came back of a short form", len(got))
	}
}

func TestHugeArraysAndManyFields(t *testing.T) {
	e := underFire(t, "")
	admin := e.session(t, "admin", "secret-1")
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"a list of 200,000 values":         {`{"cmd":"SET","oid":"3","data":{"description":[` + strings.Repeat(`"a",`, 199_999) + `"a"]},` + admin + `}`, 200},
		"a list of lists":                  {`{"cmd":"SET","oid":"3","data":{"description":[` + strings.Repeat(`[],`, 199_999) + `[]]},` + admin + `}`, 400},
		"50,000 fields of the same name":   {`{` + strings.Repeat(`"args":{},`, 50_000) + `"cmd":"FINDX","class":"Vsite",` + admin + `}`, 200},
		"50,000 unknown fields":            {`{` + strings.Repeat(`"x":[],`, 50_000) + `"cmd":"FINDX","class":"Vsite",` + admin + `}`, 200},
		"50,000 criteria of the same name": {`{"cmd":"FINDX","class":"Vsite","args":{` + strings.Repeat(`"name":"a",`, 49_999) + `"name":"site1"},` + admin + `}`, 200},
		"100,000 objects":                  {`{"cmd":"GETALL","oids":[` + strings.Repeat(`6,`, 99_999) + `6],` + admin + `}`, 200},
	} {
		start := time.Now()
		if r := e.local(t, c.body); r.StatusCode != c.status {
			t.Errorf("%s: HTTP %d %.200s", name, r.StatusCode, r.Text)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s took %s", name, took)
		}
	}
}

func TestAClientThatSendsHalfABodyAndGoes(t *testing.T) {
	e := underFire(t, "")
	address := strings.TrimPrefix(e.URL, "http://")
	for _, text := range []string{
		"POST /v2/cce HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"cmd\":\"PING\"",
		"POST /v2/cce HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"cmd",
	} {
		client, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := client.Close(); err != nil {
			t.Fatal(err)
		}
	}
	e.local(t, `{"cmd":"PING"}`).expect(t, http.StatusAccepted, `{"status":202,"message":"PONG"}`)
}
