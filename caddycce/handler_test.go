package caddycce_test

import "testing"

func TestAProgramOnThisMachineWorksInASessionOfItsOwn(t *testing.T) {
	e := startEndpoint(t, "")
	e.local(t, `{"cmd":"PING"}`).expect(t, 202, `{"status":202,"message":"PONG"}`)
	e.local(t, `{"cmd":"AUTH","user":"admin","password":"wrong"}`).expect(t, 401,
		`{"status":401,"message":"GOODBYE","data":{"errors":[{"code":401,"message":"FAIL"}]}}`)
	admin := e.session(t, "admin", "secret-1")
	e.local(t, `{"cmd":"WHOAMI",`+admin+`}`).expect(t, 200, `{"status":201,"message":"GOODBYE","data":{"oid":"2"}}`)
	e.local(t, `{"cmd":"GET","oid":"1","namespace":"Time",`+admin+`}`).expect(t, 200,
		`{"status":201,"message":"GOODBYE","data":{"DATA":{"CLASSVER":"1.0","NAMESPACE":"Time","epochTime":"","timeZone":"US/Eastern"}}}`)
	e.local(t, `{"cmd":"ENDKEY",`+admin+`}`).expect(t, 200, `{"status":201,"message":"GOODBYE"}`)
	e.local(t, `{"cmd":"GET","oid":"1",`+admin+`}`).expect(t, 401,
		`{"status":401,"message":"GOODBYE","data":{"errors":[{"code":401,"message":"FAIL"}]}}`)
}

func TestAListedProgramWorksWithSecretAndToken(t *testing.T) {
	e := startEndpoint(t, "")
	e.from(t, office, `{"cmd":"LOGIN"}`).expect(t, 401, `Unauthorized: invalid client secret`)
	token := e.token(t)
	e.from(t, office, `{"cmd":"WHOAMI",`+token+`}`, "X-Client-Secret", officeSecret).expect(t, 200,
		`{"status":201,"message":"GOODBYE","data":{"oid":"2"}}`)
	e.from(t, office, `{"cmd":"WHOAMI",`+token+`}`).expect(t, 401, `Unauthorized: invalid client secret`)
	e.from(t, office, `{"cmd":"BYE",`+token+`}`, "X-Client-Secret", officeSecret).expect(t, 200, `{"status":201,"message":"GOODBYE"}`)
	e.from(t, office, `{"cmd":"CLASSES",`+token+`}`, "X-Client-Secret", officeSecret).expect(t, 401,
		`{"status":401,"message":"GOODBYE","data":{"errors":[{"code":401,"message":"FAIL"}]}}`)
	e.from(t, stranger, `{"cmd":"PING"}`).expect(t, 403, `Forbidden`)
}

func TestATransactionIsStoredAsAWholeOrNotAtAll(t *testing.T) {
	e := startEndpoint(t, "")
	admin := e.session(t, "admin", "secret-1")
	e.local(t, `{"cmd":"BEGIN",`+admin+`}`).expect(t, 200, `{"status":201,"message":"BEGIN OK"}`)
	e.local(t, `{"cmd":"SET","oid":"3","data":{"description":"Testing"},`+admin+`}`).expect(t, 200, `{"status":100,"message":"QUEUED"}`)
	e.local(t, `{"cmd":"SET","oid":"3","data":{"nosuch":"x"},`+admin+`}`).expect(t, 200, `{"status":100,"message":"QUEUED"}`)
	r := e.local(t, `{"cmd":"COMMIT",`+admin+`}`)
	if r.StatusCode != 409 {
		t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
	}
	r = e.local(t, `{"cmd":"GET","oid":"3",`+admin+`}`)
	if data, _ := r.Object["DATA"].(map[string]any); data["description"] != "" {
		t.Errorf("description is '%v', want ''", data["description"])
	}
}
