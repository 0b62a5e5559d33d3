package integration_test

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/cscp"
)

const (
	writers   = "principal scope write as admin"
	onlySites = writers + "\nclasses Vsite"
)

// unknown is the answer to a command about an object that is not there.
func unknown(oid string) string {
	return `{"status":401,"message":"GOODBYE","data":{"errors":[{"code":300,"message":"UNKNOWN OBJECT ` + oid + `"},{"code":401,"message":"FAIL"}]}}`
}

// rolledBack is the answer to a COMMIT whose changes, without the braces, have all
// failed.
func rolledBack(stays string, results ...string) string {
	list := "[{" + strings.Join(results, "},{") + "}]"
	return `{"status":409,"message":"One or more commands in the transaction failed.","data":{"errors":` + list + `,"results":` + list + `,"rolled_back":` + stays + `}}`
}

func missed(command, oid string) string {
	return `"applied":false,"command":"` + command + `","error":"Error: 300 UNKNOWN OBJECT ` + oid + `","index":0,"message":"UNKNOWN OBJECT","status":300`
}

func TestAChangeOfAnObjectThatIsNotThereIsNotQueued(t *testing.T) {
	b := start(t, "", onlySites)
	expect(t, b.as(t, "writer", `"cmd":"BEGIN"`), 200, begun)
	// Number 9 is the next that cced gives away, perhaps to a user.
	for _, fields := range []string{`"cmd":"SET","oid":"9","data":{"fullName":"x"}`, `"cmd":"DESTROY 9"`} {
		expect(t, b.as(t, "writer", fields), 404, unknown("9"))
	}
	directly(t, b.daemon.Socket(), cscp.Auth{User: "admin", Password: "secret-1"},
		cscp.Create{Class: "User", Values: []cscp.Pair{{Name: "name", Value: "ninth"}}})
	expect(t, b.as(t, "writer", `"cmd":"COMMIT"`), 200, `{"status":201,"message":"COMMIT successful","data":{"results":[]}}`)
	directly(t, b.daemon.Socket(), cscp.Auth{User: "admin", Password: "secret-1"}, cscp.Get{OID: 9})
}

// TestANumberThatIsUsedAgainLeadsToNoOtherClass: cced gives the numbers of objects
// that are gone to new ones.
func TestANumberThatIsUsedAgainLeadsToNoOtherClass(t *testing.T) {
	for option, rolled := range map[string]string{"": "true", "\ntransactions independent": "false"} {
		b := start(t, "", onlySites+option)
		expect(t, b.as(t, "writer", `"cmd":"BEGIN"`), 200, begun)
		expect(t, b.as(t, "writer", `"cmd":"DESTROY 8"`), 200, queued)
		directly(t, b.daemon.Socket(), cscp.Auth{User: "admin", Password: "secret-1"}, cscp.Destroy{OID: 8},
			cscp.Create{Class: "User", Values: []cscp.Pair{{Name: "name", Value: "eighth"}}})
		lines := b.since(func() {
			expect(t, b.as(t, "writer", `"cmd":"COMMIT"`), 409, rolledBack(rolled, missed("DESTROY 8", "8")))
		})
		for _, line := range lines {
			if strings.HasPrefix(line, "DESTROY") {
				t.Errorf("cced was asked %q", lines)
			}
		}
		b.Reload(t, b.caddyfile("", writers))
		if user := data(t, b.as(t, "writer", `"cmd":"GET 8"`))["DATA"].(map[string]any); user["CLASS"] != "User" || user["name"] != "eighth" {
			t.Errorf("object 8 is %v", user)
		}
	}
}

// TestWhatALaterConfigurationForbidsIsNotCommitted: a transaction lives through
// reloads, the rights of its caller do not.
func TestWhatALaterConfigurationForbidsIsNotCommitted(t *testing.T) {
	for _, test := range []struct{ change, command, result string }{
		{`"cmd":"SET 3 description=x"`, "SET", missed(`SET 3 description = \"x\"`, "3")},
		{
			`"cmd":"CREATE User name=eve"`, "CREATE",
			`"applied":false,"command":"CREATE User name = \"eve\"","error":"Error: 304 PERMISSION DENIED CREATE","index":0,"message":"PERMISSION DENIED","status":304`,
		},
	} {
		b := start(t, "", writers)
		expect(t, b.as(t, "writer", `"cmd":"BEGIN"`), 200, begun)
		expect(t, b.as(t, "writer", test.change), 200, queued)
		b.Reload(t, b.caddyfile("", onlySites))
		lines := b.since(func() { expect(t, b.as(t, "writer", `"cmd":"COMMIT"`), 409, rolledBack("true", test.result)) })
		for _, line := range lines {
			if strings.HasPrefix(line, test.command) || line == "COMMIT" {
				t.Errorf("cced was asked %q", lines)
			}
		}
	}
}

// TestAKeyThatMayNeitherReadNorWriteIsNoGuest: its owner has the role.
func TestAKeyThatMayNeitherReadNorWriteIsNoGuest(t *testing.T) {
	for _, rule := range []string{"principal role ops as admin", "principal scope extended as admin"} {
		b := start(t, "", rule)
		lines := b.since(func() {
			for _, fields := range []string{`"cmd":"PING"`, `"cmd":"WHOAMI"`, `"cmd":"GET 6"`, `"cmd":"SET 3 description=x"`, `"cmd":"BEGIN"`} {
				expect(t, b.as(t, "extended", fields), 403, forbidden)
			}
		})
		if len(lines) > 0 {
			t.Errorf("%s: cced was asked %q", rule, lines)
		}
	}
}

func TestAKeyThatMayOnlyWriteDoesNotRead(t *testing.T) {
	b := start(t, "", "principal role ops as admin")
	// With the first request the account logs in.
	expect(t, b.as(t, "changer", `"cmd":"BYE"`), 200, `{"status":201,"message":"GOODBYE"}`)
	for fields, word := range map[string]string{
		`"cmd":"GET 3"`: "GET", `"cmd":"FIND User"`: "FIND", `"cmd":"NAMES 6"`: "NAMES", `"cmd":"CLASSES"`: "CLASSES",
		`"cmd":"FINDX","class":"User","regex_args":{"name":"^a"}`: "FINDX", `"cmd":"GETOBJECT","class":"System"`: "GETOBJECT",
		`"cmd":"GETALL","class":"User"`: "GETALL", `"cmd":"GETALL","oids":["1","3"]`: "GETALL",
	} {
		lines := b.since(func() { expect(t, b.as(t, "changer", fields), 403, denied(word)) })
		if len(lines) > 0 {
			t.Errorf("%s: cced was asked %q", fields, lines)
		}
	}
	expect(t, b.as(t, "changer", `"cmd":"SET 3 description=\"by a changer\""`), 200, `{"status":201,"message":"GOODBYE"}`)
	if user := data(t, b.as(t, "reader", `"cmd":"GET 3"`))["DATA"].(map[string]any); user["description"] != "by a changer" {
		t.Errorf("a user is %v", user)
	}
}

// TestClassesAreNoReasonToStopAllOthers: SUSPEND concerns those that a guest does
// not see.
func TestClassesAreNoReasonToStopAllOthers(t *testing.T) {
	b := start(t, "", onlySites)
	expect(t, b.as(t, "writer", `"cmd":"BYE"`), 200, `{"status":201,"message":"GOODBYE"}`)
	for fields, word := range map[string]string{
		`"cmd":"SUSPEND"`: "SUSPEND", `"cmd":"ADMIN SUSPEND \"x\""`: "SUSPEND", `"cmd":"RESUME"`: "RESUME", `"cmd":"admin resume"`: "RESUME",
	} {
		lines := b.since(func() { expect(t, b.as(t, "writer", fields), 403, denied(word)) })
		if len(lines) > 0 {
			t.Errorf("%s: cced was asked %q", fields, lines)
		}
	}
	b.Reload(t, b.caddyfile("", writers))
	expect(t, b.as(t, "writer", `"cmd":"SUSPEND"`), 200, `{"status":201,"message":"GOODBYE"}`)
}

// TestALineForReadingAllowsReadingOnly is about credentials that are good for
// more, such as passwords, which are good for everything.
func TestALineForReadingAllowsReadingOnly(t *testing.T) {
	b := start(t, "", "principal scope read as admin")
	for _, key := range []string{"reader", "writer"} {
		expect(t, b.as(t, key, `"cmd":"WHOAMI"`), 200, oidOfAdmin)
		expect(t, b.as(t, key, `"cmd":"SET 3 fullName=x"`), 403, denied("SET"))
		if r := b.as(t, key, `"cmd":"GET 1 . Snmp"`); !strings.Contains(r.Text, `"readCommunity":"********"`) {
			t.Errorf("%s: %s", key, r.Text)
		}
	}
	// One for writing goes before it, wherever it stands.
	b = start(t, "", "account mary {$DIR}/mary\nprincipal scope read as mary\nprincipal scope write as admin")
	writeFile(t, b.Dir+"/mary", "mary-pw 2\n")
	expect(t, b.as(t, "writer", `"cmd":"WHOAMI"`), 200, oidOfAdmin)
	expect(t, b.as(t, "writer", `"cmd":"SET 3 fullName=x"`), 200, `{"status":201,"message":"GOODBYE"}`)
	expect(t, b.as(t, "reader", `"cmd":"WHOAMI"`), 200, `{"status":201,"message":"GOODBYE","data":{"oid":"3"}}`)
}
