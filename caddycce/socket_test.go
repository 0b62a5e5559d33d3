package caddycce_test

import (
	"cmp"
	"encoding/json"
	"os"
	"testing"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/fake/cced"
)

// TestADaemon runs an endpoint in front of the stand-in, or of the real daemon at
// CCED_SOCKET, with the account CCED_USER and CCED_PASSWORD, which has to be an
// administrator's. It changes nothing there.
func TestADaemon(t *testing.T) {
	socket, _ := cced.SocketForTests(t)
	e := &endpoint{Server: caddyrun.Start(t, `http://:0 {
	cce /v2/cce {
		socket unix/`+socket+`
	}
}`)}
	user := cmp.Or(os.Getenv("CCED_USER"), "admin")
	who := e.session(t, user, cmp.Or(os.Getenv("CCED_PASSWORD"), "secret-1"))
	self, _ := e.local(t, `{"cmd":"WHOAMI",`+who+`}`).Object["oid"].(string)
	name, err := json.Marshal(user)
	if err != nil {
		t.Fatal(err)
	}
	found := `{"status":201,"message":"OK","data":{"oidlist":["` + self + `"]}}`
	e.local(t, `{"cmd":"FINDX","class":"User","args":{"name":`+string(name)+`},`+who+`}`).expect(t, 200, found)
	e.local(t, `{"cmd":"FINDX","class":"User","regex_args":{"name":"^`+user+`$"},`+who+`}`).expect(t, 200, found)
	for _, body := range []string{
		`{"cmd":"GET","oid":"` + self + `",` + who + `}`,
		`{"cmd":"GETOBJECT","class":"User","args":{"name":` + string(name) + `},` + who + `}`,
	} {
		r := e.local(t, body)
		if data, _ := r.Object["DATA"].(map[string]any); r.StatusCode != 200 || data["name"] != user || data["OID"] != self {
			t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
		}
	}
	r := e.local(t, `{"cmd":"GETALL","oids":["`+self+`"],`+who+`}`)
	objects, _ := r.Object["objects"].(map[string]any)
	if object, _ := objects[self].(map[string]any); object["OBJECT"] == nil || len(object) < 2 {
		t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
	}
	e.local(t, `{"cmd":"BEGIN",`+who+`}`).expect(t, 200, `{"status":201,"message":"BEGIN OK"}`)
	e.local(t, `{"cmd":"SET","oid":"`+self+`","data":{"fullName":"must not be stored"},`+who+`}`).expect(t, 200, `{"status":100,"message":"QUEUED"}`)
	e.local(t, `{"cmd":"SET","oid":"`+self+`","data":{"no_such_property":"x"},`+who+`}`).expect(t, 200, `{"status":100,"message":"QUEUED"}`)
	if r := e.local(t, `{"cmd":"COMMIT",`+who+`}`); r.StatusCode != 409 || r.Object["rolled_back"] != true {
		t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
	}
	r = e.local(t, `{"cmd":"GET","oid":"`+self+`",`+who+`}`)
	if data, _ := r.Object["DATA"].(map[string]any); data == nil || data["fullName"] == "must not be stored" {
		t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
	}
	e.local(t, `{"cmd":"ENDKEY",`+who+`}`).expect(t, 200, `{"status":201,"message":"GOODBYE"}`)
	if r := e.local(t, `{"cmd":"GET","oid":"`+self+`",`+who+`}`); r.StatusCode != 401 {
		t.Errorf("after ENDKEY: HTTP %d %s", r.StatusCode, r.Text)
	}
}
