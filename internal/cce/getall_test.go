package cce_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/cce"
)

// site is an object of GETALL as a user without rights sees it.
func site(oid, name, fqdn, ip, users string) string {
	hostname, domain, _ := strings.Cut(fqdn, ".")
	return fmt.Sprintf(`"%s":{"OBJECT":{"CLASS":"Vsite","CLASSVER":"1.0","NAMESPACE":"","OID":"%s","domain":"%s","fqdn":"%s","hostname":"%s","ipaddr":"%s",`+
		`"maxusers":"%s","name":"%s","suspend":"0","volume":"/home","webAliases":""},`+
		`"Disk":{"CLASSVER":"1.0","NAMESPACE":"Disk","quota":"500"},"PHP":{"CLASSVER":"1.0","NAMESPACE":"PHP","enabled":"0","version":""}}`,
		oid, oid, domain, fqdn, hostname, ip, users, name)
}

var (
	site1 = site("6", "site1", "t1.smd.example", "192.0.2.10", "9")
	site2 = site("7", "site2", "a2.smd.example", "192.0.2.9", "100")
	site3 = site("8", "site3", "z.other.example", "192.0.2.100", "25")
)

func objects(all ...string) string {
	return `{"status":201,"message":"OK","data":{"objects":{` + strings.Join(all, ",") + `}}}`
}

func TestGetAllAnswersTheObjectsThatAreFound(t *testing.T) {
	mary := startRunner(t).logIn("mary")
	mary.expect(`{"cmd":"GETALL","class":"Vsite","args":{"name":"site2"}}`, 200, objects(site2))
	mary.expect(`{"cmd":"GETALL","class":"Vsite","sorttype":"old_numeric","sortprop":"maxusers"}`, 200, objects(site1, site3, site2))
	mary.expect(`{"cmd":"GETALL Vsite domain = \"smd.example\" sort fqdn"}`, 200, objects(site2, site1))
	mary.expect(`{"cmd":"GETALL","class":"Vsite","regex_args":{"fqdn":"^z"}}`, 200, objects(site3))
}

func TestGetAllAnswersTheObjectsThatAreNamed(t *testing.T) {
	b := startRunner(t)
	mary := b.logIn("mary")
	mary.expect(`{"cmd":"GETALL","oids":["8","6"]}`, 200, objects(site3, site1))
	mary.expect(`{"cmd":"GETALL","oids":["6",6,"06"]}`, 200, objects(site1))
	mary.expect(`{"cmd":"GETALL","oids":["999","6"]}`, 200, objects(site1))
	mary.expect(`{"cmd":"GETALL","oids":["999"]}`, 200, objects())
	// Objects of several classes have their own namespaces.
	answer, err := mary.run(`{"cmd":"GETALL","oids":["6","3","1"]}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"6":{"OBJECT"`, `"3":{"OBJECT"`, `"Shell":{`, `"Email":{`, `"1":{"OBJECT"`, `"Snmp":{"CLASSVER":"1.0","NAMESPACE":"Snmp","enabled":"0","readCommunity":"public"}`} {
		if !strings.Contains(string(answer.Body), want) {
			t.Errorf("%s is not in %s", want, answer.Body)
		}
	}
}

func TestGetAllNeedsFewLines(t *testing.T) {
	b := startRunner(t)
	mary := b.logIn("mary")
	for _, c := range []struct {
		body string
		want []string
	}{
		{`{"cmd":"GETALL","class":"Vsite","args":{"name":"site1"}}`, []string{`FIND Vsite name = "site1"`, `NAMES Vsite`, `GET 6`, `GET 6 . Disk`, `GET 6 . PHP`}},
		{`{"cmd":"GETALL","oids":["6"]}`, []string{`NAMES 6`, `GET 6`, `GET 6 . Disk`, `GET 6 . PHP`}},
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

func TestObjectsThatAreGoneMeanwhileAreLeftOut(t *testing.T) {
	b := startRunner(t)
	admin, mary := b.logIn("admin"), b.logIn("mary")
	b.onSend("GET 6", func() { admin.expect(`{"cmd":"DESTROY 7"}`, 200, nothing) })
	mary.expect(`{"cmd":"GETALL","class":"Vsite","sorttype":"ascii","sortprop":"name"}`, 200, objects(site1, site3))
	b.onSend("GET 6", func() { admin.expect(`{"cmd":"DESTROY 8"}`, 200, nothing) })
	mary.expect(`{"cmd":"GETALL","oids":["6","8"]}`, 200, objects(site1))
}

func TestAnAnswerThatIsTooLongIsNotGiven(t *testing.T) {
	b := startRunner(t)
	mary := b.logIn("mary")
	b.runner.MaxAnswer = 600
	mary.fails(`{"cmd":"GETALL","class":"Vsite"}`, cce.Nonsense)
	mary.expect(`{"cmd":"GETALL","class":"Vsite","args":{"name":"site2"}}`, 200, objects(site2))
	if s := b.runner.Pool.Stats(); s.Open != s.Idle {
		t.Errorf("%d connections are open, %d idle", s.Open, s.Idle)
	}
}

func TestAHundredThousandObjectsThatAreNotThere(t *testing.T) {
	mary := startRunner(t).logIn("mary")
	oids := make([]string, 100_000)
	for i := range oids {
		oids[i] = fmt.Sprint(100_000 + i)
	}
	mary.expect(`{"cmd":"GETALL","oids":[`+strings.Join(oids, ",")+`]}`, 200, objects())
}
