package cce_test

import (
	"slices"
	"testing"

	"github.com/sallyport/sallyport/internal/cce"
	"github.com/sallyport/sallyport/internal/cscp"
)

const (
	nothing    = `{"status":201,"message":"GOODBYE"}`
	foundNone  = `{"status":201,"message":"OK","data":{"oidlist":[]}}`
	noObjects  = `{"status":201,"message":"OK","data":{"objects":{}}}`
	notThere   = `{"status":404,"message":"Object not found"}`
	byNumber   = `{"status":201,"message":"OK","data":{"oidlist":["9","10","11"]}}`
	byCode     = `{"status":201,"message":"OK","data":{"oidlist":["10","11","9"]}}`
	listed     = `{"status":201,"message":"GOODBYE","data":{"oidlist":["9","10","11"]}}`
	listedCode = `{"status":201,"message":"GOODBYE","data":{"oidlist":["10","11","9"]}}`
)

func TestARegularExpressionTellsNothingOfWhatTheCallerMayNotRead(t *testing.T) {
	b := startRunner(t, withSafes)
	mary, admin := b.logIn("mary"), b.logIn("admin")
	for _, c := range []struct {
		body   string
		status int
		want   string
	}{
		{`{"cmd":"FIND","class":"Safe","regex_args":{"code":"^3"}}`, 200, nothing},
		{`{"cmd":"FINDX","class":"Safe","regex_args":{"code":"^3"}}`, 200, foundNone},
		{`{"cmd":"FINDX","class":"Safe","regex_args":{"code":""}}`, 200, foundNone},
		{`{"cmd":"FINDX","class":"Safe","args":{"name":"a"},"regex_args":{"name":"a","code":"^3"}}`, 200, foundNone},
		{`{"cmd":"FINDX","class":"Safe","regex_args":{"Inner.code":"^3"}}`, 200, foundNone},
		{`{"cmd":"FINDX","class":"Safe","regex_args":{"Inner.tray":"3","Inner.code":"^3"}}`, 200, foundNone},
		{`{"cmd":"FINDX","class":"System","regex_args":{"Snmp.readWriteCommunity":"^pri"}}`, 200, foundNone},
		{`{"cmd":"GETOBJECT","class":"System","namespace":"Snmp","regex_args":{"Snmp.readWriteCommunity":"^pri"}}`, 404, notThere},
		{`{"cmd":"GETOBJECT","class":"Safe","regex_args":{"code":"^3"}}`, 404, notThere},
		{`{"cmd":"GETALL","class":"Safe","regex_args":{"code":"^3"}}`, 200, noObjects},
		{`{"cmd":"FIND Safe code ~ \"^3\""}`, 200, nothing},
		{`{"cmd":"FIND Safe Inner . code ~ \"^3\""}`, 200, nothing},
		{`{"cmd":"FIND Safe \"Inner.code\" ~ \"^3\""}`, 200, nothing},
		{`{"cmd":"FINDX Safe code ~ \"^3\""}`, 200, foundNone},
		{`{"cmd":"GETOBJECT Safe code ~ \"^3\""}`, 404, notThere},
		{`{"cmd":"GETALL Safe code ~ \"^3\""}`, 200, noObjects},
		{`{"cmd":"FIND","class":"Safe","args":{"code":"300"}}`, 200, nothing},
		{`{"cmd":"FIND","class":"Safe","args":{"Inner.code":"30"}}`, 200, nothing},
		{`{"cmd":"FIND","class":"User","regex_args":{"password":""},"args":{"name":"admin"}}`, 200, nothing},
	} {
		mary.expect(c.body, c.status, c.want)
	}
	admin.expect(`{"cmd":"FINDX","class":"Safe","regex_args":{"code":"^3"}}`, 200, `{"status":201,"message":"OK","data":{"oidlist":["9"]}}`)
	admin.expect(`{"cmd":"FIND Safe Inner . code ~ \"^3\""}`, 200, `{"status":201,"message":"GOODBYE","data":{"oidlist":["9"]}}`)
	mary.expect(`{"cmd":"FINDX","class":"Safe","regex_args":{"place":"^h","Inner.tray":"3"}}`, 200, `{"status":201,"message":"OK","data":{"oidlist":["9"]}}`)
	mary.expect(`{"cmd":"FINDX","class":"System","regex_args":{"Snmp.readCommunity":"^pub"}}`, 200, `{"status":201,"message":"OK","data":{"oidlist":["1"]}}`)
	// His own password he may read, so that his own account is found by it.
	mary.expect(`{"cmd":"FINDX","class":"User","regex_args":{"password":""}}`, 200, `{"status":201,"message":"OK","data":{"oidlist":["3"]}}`)
}

func TestSortingTellsNothingOfWhatTheCallerMayNotRead(t *testing.T) {
	b := startRunner(t, withSafes)
	mary, admin := b.logIn("mary"), b.logIn("admin")
	for _, body := range []string{
		`{"cmd":"FINDX","class":"Safe","sorttype":"ascii","sortprop":"code"}`,
		`{"cmd":"FINDX","class":"Safe","sorttype":"old_numeric","sortprop":"code"}`,
		`{"cmd":"FINDX","class":"Safe","sorttype":"ascii","sortprop":"Inner.code"}`,
		`{"cmd":"FINDX Safe sorttype ascii sortprop code"}`,
		`{"cmd":"FINDX Safe sort code"}`,
		`{"cmd":"FINDX Safe sortnum code"}`,
		`{"cmd":"FINDX Safe sort \"Inner.code\""}`,
	} {
		mary.expect(body, 200, byNumber)
		admin.expect(body, 200, byCode)
	}
	mary.expect(`{"cmd":"FIND Safe sort code"}`, 200, listed)
	admin.expect(`{"cmd":"FIND Safe sort code"}`, 200, listedCode)
	admin.expect(`{"cmd":"GETOBJECT Safe sort code"}`, 200,
		`{"status":201,"message":"OK","data":{"DATA":{"CLASS":"Safe","CLASSVER":"1.0","NAMESPACE":"","OID":"10","code":"100","name":"b","place":"attic"}}}`)
	mary.expect(`{"cmd":"GETOBJECT Safe sort code"}`, 200,
		`{"status":201,"message":"OK","data":{"DATA":{"CLASS":"Safe","CLASSVER":"1.0","NAMESPACE":"","OID":"9","name":"a","place":"hall"}}}`)
	// What he may read sorts.
	mary.expect(`{"cmd":"FINDX Safe sort place"}`, 200, `{"status":201,"message":"OK","data":{"oidlist":["10","11","9"]}}`)
	mary.expect(`{"cmd":"FINDX Safe sort \"Inner.tray\""}`, 200, byCode)
}

func TestASortThatIsNotThereLeavesAllHits(t *testing.T) {
	b := startRunner(t, withSafes)
	for _, user := range []string{"mary", "admin"} {
		a := b.logIn(user)
		a.expect(`{"cmd":"FINDX Safe sort nosuch"}`, 200, byNumber)
		a.expect(`{"cmd":"FINDX Safe sort \"Nosuch.code\""}`, 200, byNumber)
		a.expect(`{"cmd":"FINDX","class":"Safe","sorttype":"numeric","sortprop":"name"}`, 400,
			`{"status":403,"message":"OK","data":{"errors":[{"code":403,"message":"BAD PARAMETERS"}]}}`)
	}
}

func TestASearchIsOneLineAndReadsWhatItHasToCheckOnly(t *testing.T) {
	b := startRunner(t, withSafes)
	mary := b.logIn("mary")
	for _, c := range []struct {
		body string
		want []string
	}{
		{`{"cmd":"FINDX","class":"Safe","args":{"name":"a"}}`, []string{`FIND Safe name = "a"`}},
		{
			`{"cmd":"FINDX","class":"Safe","args":{"place":"hall"},"regex_args":{"name":"^a"},"sorttype":"ascii","sortprop":"Inner.tray"}`,
			[]string{`FIND Safe place = "hall" name ~ "^a" sorttype ascii sortprop "Inner.tray"`, `GET 9`, `GET 9 . Inner`},
		},
		{`{"cmd":"FINDX","class":"Safe","regex_args":{"name":"^nobody"}}`, []string{`FIND Safe name ~ "^nobody"`}},
	} {
		from := len(b.daemon.Lines())
		if _, err := mary.run(c.body); err != nil {
			t.Fatal(err)
		}
		if got := b.sent(from); !slices.Equal(got, c.want) {
			t.Errorf("%s:\nsent %q\nwant %q", c.body, got, c.want)
		}
	}
}

func TestWhatIsNotFoundIsSaidAsEachCommandDoes(t *testing.T) {
	b := startRunner(t)
	mary := b.logIn("mary")
	mary.expect(`{"cmd":"FIND","class":"Vsite","args":{"name":"nobody"}}`, 200, nothing)
	mary.expect(`{"cmd":"FINDX","class":"Vsite","args":{"name":"nobody"}}`, 200, foundNone)
	mary.expect(`{"cmd":"GETOBJECT","class":"Vsite","args":{"name":"nobody"}}`, 404, notThere)
	mary.expect(`{"cmd":"GETALL","class":"Vsite","args":{"name":"nobody"}}`, 200, noObjects)
	const unknown = `"data":{"errors":[{"code":301,"message":"UNKNOWN CLASS vsite"},{"code":401,"message":"FAIL"}]}}`
	mary.expect(`{"cmd":"FIND","class":"vsite"}`, 404, `{"status":401,"message":"GOODBYE",`+unknown)
	for _, command := range []string{"FINDX", "GETOBJECT", "GETALL"} {
		mary.expect(`{"cmd":"`+command+`","class":"vsite"}`, 404, `{"status":401,"message":"OK",`+unknown)
	}
}

func TestGetObjectReadsTheNamespaceThatIsAskedFor(t *testing.T) {
	b := startRunner(t)
	mary := b.logIn("mary")
	mary.expect(`{"cmd":"GETOBJECT","class":"Vsite","args":{"name":"site2"},"namespace":"Disk"}`, 200,
		`{"status":201,"message":"OK","data":{"DATA":{"CLASSVER":"1.0","NAMESPACE":"Disk","quota":"500"}}}`)
	mary.expect(`{"cmd":"GETOBJECT","class":"Vsite","args":{"name":"site2"},"namespace":"Nosuch"}`, 404,
		`{"status":401,"message":"OK","data":{"errors":[{"code":303,"message":"UNKNOWN NAMESPACE Nosuch"},{"code":401,"message":"FAIL"}]}}`)
}

func TestAnObjectThatIsGoneWhenItIsReadIsNotFound(t *testing.T) {
	b := startRunner(t, withSafes)
	admin, mary := b.logIn("admin"), b.logIn("mary")
	b.onSend("GET 10", func() { admin.expect(`{"cmd":"DESTROY 10"}`, 200, nothing) })
	mary.expect(`{"cmd":"GETOBJECT","class":"Safe","args":{"name":"b"}}`, 404, notThere)
	b.onSend("GET 9", func() { admin.expect(`{"cmd":"DESTROY 9"}`, 200, nothing) })
	mary.expect(`{"cmd":"FINDX","class":"Safe","regex_args":{"name":"^[ac]"}}`, 200, `{"status":201,"message":"OK","data":{"oidlist":["11"]}}`)
}

func TestAFindThatCcedDiesOfIsABadRegularExpression(t *testing.T) {
	b := startRunner(t)
	mary := b.logIn("mary")
	b.daemon.CutAfter(0, 1)
	mary.fails(`{"cmd":"FINDX","class":"Vsite","regex_args":{"name":"^site"}}`, cce.BadRegexp)
	if s := b.runner.Pool.Stats(); s.Open != 0 || s.Retried != 0 {
		t.Errorf("%d connections are open, %d commands were sent again", s.Open, s.Retried)
	}
	mary.expect(`{"cmd":"FINDX","class":"Vsite","regex_args":{"name":"^site[12]"},"sorttype":"ascii","sortprop":"name"}`, 200,
		`{"status":201,"message":"OK","data":{"oidlist":["6","7"]}}`)
	b.daemon.CutAfter(0, 1)
	mary.expect(`{"cmd":"FINDX","class":"Vsite","args":{"name":"site1"}}`, 200, `{"status":201,"message":"OK","data":{"oidlist":["6"]}}`)
	if s := b.runner.Pool.Stats(); s.Retried != 1 {
		t.Errorf("%d commands were sent again, want 1", s.Retried)
	}
}

func TestADaemonThatIsDownIsNotTakenForABadRegularExpression(t *testing.T) {
	b := startRunner(t)
	mary := b.logIn("mary")
	b.daemon.Stop()
	mary.fails(`{"cmd":"FINDX","class":"Vsite","regex_args":{"name":"^site"}}`, cce.Unreachable)
	// It greets and then hangs up on AUTHKEY.
	if err := b.daemon.Restart(); err != nil {
		t.Fatal(err)
	}
	b.daemon.CutAfter(0, 10)
	mary.fails(`{"cmd":"FINDX","class":"Vsite","regex_args":{"name":"^site"}}`, cce.Unreachable)
	b.daemon.CutAfter(0, 0)
}

func TestACallerWithLimitsFindsWithinThem(t *testing.T) {
	b := startRunner(t, withSafes)
	guest := b.logIn("admin")
	guest.Limits = &cce.Limits{ReadOnly: true, Hide: []string{"code"}, Classes: []string{"Safe"}}
	for _, body := range []string{
		`{"cmd":"FINDX","class":"Safe","args":{"code":"300"}}`,
		`{"cmd":"FINDX","class":"Safe","regex_args":{"Inner.code":"^3"}}`,
		`{"cmd":"FINDX","class":"Safe","sorttype":"ascii","sortprop":"code"}`,
		`{"cmd":"FINDX","class":"Vsite"}`,
	} {
		guest.expect(body, 403, `{"status":401,"message":"OK","data":{"errors":[{"code":304,"message":"PERMISSION DENIED FINDX"},{"code":401,"message":"FAIL"}]}}`)
	}
	guest.expect(`{"cmd":"GET 9 . Inner"}`, 200,
		`{"status":201,"message":"GOODBYE","data":{"DATA":{"CLASSVER":"1.0","NAMESPACE":"Inner","code":"********","tray":"3"}}}`)
	guest.expect(`{"cmd":"GETALL","oids":["6","9"]}`, 200,
		`{"status":201,"message":"OK","data":{"objects":{"9":{"OBJECT":{"CLASS":"Safe","CLASSVER":"1.0","NAMESPACE":"","OID":"9","code":"********","name":"a","place":"hall"},`+
			`"Inner":{"CLASSVER":"1.0","NAMESPACE":"Inner","code":"********","tray":"3"}}}}}`)
	for _, body := range []string{`{"cmd":"NAMES Vsite"}`, `{"cmd":"SET 9 name = x"}`, `{"cmd":"DESTROY 9"}`, `{"cmd":"CREATE Safe"}`} {
		answer, err := guest.run(body)
		if err != nil || answer.HTTPStatus != 403 {
			t.Errorf("%s: %v %v", body, answer, err)
		}
	}
	guest.expect(`{"cmd":"CLASSES"}`, 200, `{"status":201,"message":"GOODBYE","data":{"classes":["Safe"]}}`)
}

func TestASessionThatCannotBeIsRefusedWithoutAskingCced(t *testing.T) {
	b := startRunner(t)
	for _, s := range []cscp.Session{{}, {User: "admin"}, {ID: "abc"}, {User: "admin", ID: "not-an-id"}, {User: "a-name-of-more-than-thirty-one-bytes", ID: "abc"}} {
		a := &asker{&cce.Caller{Session: s}, b}
		for _, body := range []string{`{"cmd":"GET 1"}`, `{"cmd":"FINDX Vsite"}`, `{"cmd":"BEGIN"}`, `{"cmd":"COMMIT"}`, `{"cmd":"BYE"}`, `{"cmd":"ENDKEY"}`, `{"cmd":"GETALL","oids":["1"]}`} {
			a.fails(body, cce.NotLoggedIn)
		}
	}
	if n := b.daemon.Connections().Accepted; n != 0 {
		t.Errorf("cced was asked %d times", n)
	}
}
