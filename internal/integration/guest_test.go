package integration_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// readers lets callers read, and those who may write as well.
const readers = "principal scope read as admin\nprincipal scope write as admin"

const (
	oidOfAdmin = `{"status":201,"message":"GOODBYE","data":{"oid":"2"}}`
	queued     = `{"status":100,"message":"QUEUED"}`
	begun      = `{"status":201,"message":"BEGIN OK"}`
	forbidden  = `Forbidden`
	noSessions = `{"status":403,"message":"AUTH, AUTHKEY, ENDKEY, LOGIN, session ids and tokens do not go with a credential of another kind"}`
)

// denied is the answer to a command beyond what a guest may do.
func denied(word string) string {
	message := "GOODBYE"
	if slices.Contains([]string{"FINDX", "GETOBJECT", "GETALL"}, word) {
		message = "OK"
	}
	return fmt.Sprintf(`{"status":401,"message":"%s","data":{"errors":[{"code":304,"message":"PERMISSION DENIED %s"},{"code":401,"message":"FAIL"}]}}`, message, word)
}

func TestAGuestWithReadScopeReads(t *testing.T) {
	b := start(t, "", readers)
	for _, fields := range []string{
		`"cmd":"PING"`, `"cmd":"WHOAMI"`, `"cmd":"GET","oid":"6"`, `"cmd":"get 6 . Disk"`, `"cmd":"FIND","class":"Vsite"`,
		`"cmd":"FINDX","class":"User","regex_args":{"name":"^a"}`, `"cmd":"NAMES 6"`, `"cmd":"CLASSES"`,
		`"cmd":"GETOBJECT","class":"System"`, `"cmd":"GETALL","class":"User"`, `"cmd":"GETALL","oids":["1","6"]`,
		`"cmd":"SUSPENDED"`, `"cmd":"BYE"`,
	} {
		if r := b.as(t, "reader", fields); r.StatusCode/100 != 2 {
			t.Errorf("%s: HTTP %d %s", fields, r.StatusCode, r.Text)
		}
	}
	expect(t, b.ask(t, `"cmd":"WHOAMI"`, "203.0.113.5", "X-Api-Key", b.keys["reader"]), 200, oidOfAdmin)
	// Without a key it is an address like any other.
	expect(t, b.ask(t, `"cmd":"PING"`, "203.0.113.5"), 403, forbidden)
}

func TestAGuestWithReadScopeChangesNothing(t *testing.T) {
	b := start(t, "", readers)
	expect(t, b.as(t, "reader", `"cmd":"BEGIN"`), 200, begun)
	lines := b.since(func() {
		for fields, word := range map[string]string{
			`"cmd":"SET","oid":"3","data":{"description":"x"}`: "SET",
			`"cmd":"set 3 description=x"`:                      "SET",
			`"cmd":"SET 3"`:                                    "SET",
			`"cmd":"CREATE","class":"Vsite"`:                   "CREATE",
			`"cmd":"CREATE Vsite name=x"`:                      "CREATE",
			`"cmd":"DESTROY","oid":"8"`:                        "DESTROY",
			`"cmd":"destroy 8"`:                                "DESTROY",
			`"cmd":"SUSPEND"`:                                  "SUSPEND",
			`"cmd":"ADMIN SUSPEND \"x\""`:                      "SUSPEND",
			`"cmd":"RESUME"`:                                   "RESUME",
			`"cmd":"admin resume"`:                             "RESUME",
		} {
			expect(t, b.as(t, "reader", fields), 403, denied(word))
		}
	})
	if len(lines) > 0 {
		t.Errorf("cced was asked %q", lines)
	}
}

func TestAGuestHasNoSessionsAndTokens(t *testing.T) {
	b := start(t, "", readers)
	lines := b.since(func() {
		for _, fields := range []string{
			`"cmd":"LOGIN"`, `"cmd":"AUTH","user":"admin","password":"secret-1"`, `"cmd":"AUTH \"admin\" \"secret-1\""`,
			`"cmd":"AUTHKEY","user":"admin","sessionid":"A1b2"`, `"cmd":"authkey admin A1b2"`, `"cmd":"ENDKEY"`,
			`"cmd":"WHOAMI","user":"admin","sessionid":"A1b2"`, `"cmd":"GET 6","token":"A1b2"`,
		} {
			expect(t, b.as(t, "writer", fields), 403, noSessions)
		}
	})
	if len(lines) > 0 {
		t.Errorf("cced was asked %q", lines)
	}
}

// community is a secret that guests must not see. It is one of System's Snmp.
const community = "hidden-community-1"

func TestSecretsAreMaskedBelowWriteScope(t *testing.T) {
	b := start(t, "", readers)
	set := `"cmd":"SET","oid":"1","namespace":"Snmp","data":{"readCommunity":"` + community + `"}`
	if r := b.as(t, "writer", set); r.StatusCode != 200 {
		t.Fatalf("HTTP %d %s", r.StatusCode, r.Text)
	}
	for _, fields := range []string{
		`"cmd":"GET","oid":"1","namespace":"Snmp"`, `"cmd":"GET 1 . Snmp"`, `"cmd":"GETOBJECT","class":"System","namespace":"Snmp"`,
		`"cmd":"GETALL","class":"System"`, `"cmd":"GETALL","oids":["1"]`, `"cmd":"GET 1 . Snmp","scalars":"arrays"`,
	} {
		for key, seen := range map[string]bool{"reader": false, "writer": true} {
			r := b.as(t, key, fields)
			if r.StatusCode != 200 || strings.Contains(r.Text, community) != seen || strings.Contains(r.Text, `"readCommunity":"********"`) == seen {
				t.Errorf("%s %s: HTTP %d %s", key, fields, r.StatusCode, r.Text)
			}
		}
	}
	if user := data(t, b.as(t, "reader", `"cmd":"GET 3"`))["DATA"].(map[string]any); user["password"] != "********" || user["name"] != "mary" {
		t.Errorf("a user is %v", user)
	}
	for fields, word := range map[string]string{
		`"cmd":"FIND","class":"User","args":{"password":"x"}`:                                  "FIND",
		`"cmd":"FIND User password=\"x\""`:                                                     "FIND",
		`"cmd":"FIND User password ~ \"^x\""`:                                                  "FIND",
		`"cmd":"FIND System Snmp.readCommunity = \"x\""`:                                       "FIND",
		`"cmd":"FIND System \"Snmp.readCommunity\" ~ \"^h\""`:                                  "FIND",
		`"cmd":"FIND System Snmp . readCommunity ~ \"^h\""`:                                    "FIND",
		`"cmd":"FIND User sorttype ascii sortprop password"`:                                   "FIND",
		`"cmd":"FIND User sort password"`:                                                      "FIND",
		`"cmd":"FIND User sortnum password"`:                                                   "FIND",
		`"cmd":"FIND System sorttype ascii sortprop \"Snmp.readCommunity\""`:                   "FIND",
		`"cmd":"FIND","class":"User","sorttype":"ascii","sortprop":"password"`:                 "FIND",
		`"cmd":"FINDX","class":"System","regex_args":{"Snmp.readCommunity":"^h"}`:              "FINDX",
		`"cmd":"FINDX","class":"User","sorttype":"ascii","sortprop":"password"`:                "FINDX",
		`"cmd":"FINDX System \"Snmp.readCommunity\" ~ \"^h\""`:                                 "FINDX",
		`"cmd":"GETOBJECT","class":"System","args":{"Snmp.readCommunity":"` + community + `"}`: "GETOBJECT",
		`"cmd":"GETALL","class":"System","regex_args":{"Snmp.readCommunity":"."}`:              "GETALL",
	} {
		lines := b.since(func() { expect(t, b.as(t, "reader", fields), 403, denied(word)) })
		if len(lines) > 0 {
			t.Errorf("%s: cced was asked %q", fields, lines)
		}
		if r := b.as(t, "writer", fields); r.StatusCode != 200 && r.StatusCode != 404 {
			t.Errorf("writer %s: HTTP %d %s", fields, r.StatusCode, r.Text)
		}
	}
	// Others come on top of these.
	b.Reload(t, b.caddyfile("", readers+"\nmasked *name"))
	if user := data(t, b.as(t, "reader", `"cmd":"GET 3"`))["DATA"].(map[string]any); user["name"] != "********" || user["fullName"] != "********" || user["password"] != "********" {
		t.Errorf("with another pattern a user is %v", user)
	}
	expect(t, b.as(t, "reader", `"cmd":"FIND User password=\"x\""`), 403, denied("FIND"))
	if r := b.as(t, "reader", `"cmd":"GET 1 . Snmp"`); strings.Contains(r.Text, community) {
		t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
	}
}

func TestTheTextOfATransactionShowsNoSecret(t *testing.T) {
	b := start(t, "", readers)
	expect(t, b.as(t, "writer", `"cmd":"BEGIN"`), 200, begun)
	expect(t, b.as(t, "writer", `"cmd":"SET","oid":"1","namespace":"Snmp","data":{"readCommunity":"`+community+`"}`), 200, queued)
	expect(t, b.as(t, "writer", `"cmd":"CREATE","class":"User","data":{"name":"eve","password":"`+community+`"}`), 200, queued)
	r := b.as(t, "writer", `"cmd":"COMMIT"`)
	if r.StatusCode != 200 || strings.Contains(r.Text, community) || strings.Count(r.Text, "********") != 2 {
		t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
	}
}

// TestClasses: whatever is not of a listed class is as if it were not there.
func TestClasses(t *testing.T) {
	b := start(t, "", readers+"\nclasses Vsite")
	for fields, want := range map[string]string{
		`"cmd":"CLASSES"`: `{"status":201,"message":"GOODBYE","data":{"classes":["Vsite"]}}`,
		`"cmd":"FIND","class":"Vsite","args":{"name":"site1"}`: `{"status":201,"message":"GOODBYE","data":{"oidlist":["6"]}}`,
		`"cmd":"NAMES 6"`:     `{"status":201,"message":"GOODBYE","data":{"namespaces":["Disk","PHP"]}}`,
		`"cmd":"NAMES Vsite"`: `{"status":201,"message":"GOODBYE","data":{"namespaces":["Disk","PHP"]}}`,
	} {
		expect(t, b.as(t, "reader", fields), 200, want)
	}
	if r := b.as(t, "reader", `"cmd":"GET 6 . Disk"`); r.StatusCode != 200 || !strings.Contains(r.Text, `"quota":"500"`) {
		t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
	}
	objects := data(t, b.as(t, "reader", `"cmd":"GETALL","oids":["1","2","6","99"]`))["objects"].(map[string]any)
	if len(objects) != 1 || objects["6"] == nil {
		t.Errorf("GETALL answers %v", objects)
	}
	for _, word := range []string{"FIND", "FINDX", "GETOBJECT", "GETALL", "NAMES", "CREATE"} {
		for _, class := range []string{"User", "Nosuch"} {
			expect(t, b.as(t, "writer", `"cmd":"`+word+`","class":"`+class+`"`), 403, denied(word))
			expect(t, b.as(t, "writer", `"cmd":"`+word+` `+class+`"`), 403, denied(word))
		}
	}
	// An object of another class cannot be told from one that is not there, not
	// within a transaction either.
	expectUnknown(t, b)
	expect(t, b.as(t, "writer", `"cmd":"BEGIN"`), 200, begun)
	expect(t, b.as(t, "writer", `"cmd":"SET 6 maxusers=10"`), 200, queued)
	expectUnknown(t, b)
}

func expectUnknown(t *testing.T, b *bench) {
	t.Helper()
	for _, fields := range []string{
		`"cmd":"GET","oid":"%s"`, `"cmd":"GET %s"`, `"cmd":"GET %s . Email"`, `"cmd":"GET","oid":"%s","namespace":"Nosuch"`,
		`"cmd":"NAMES %s"`, `"cmd":"NAMES","oid":"%s"`,
		`"cmd":"SET %s description=x"`, `"cmd":"SET","oid":"%s","data":{"nosuch":"x"}`, `"cmd":"DESTROY %s"`,
	} {
		for _, oid := range []string{"2", "99"} {
			expect(t, b.as(t, "writer", fmt.Sprintf(fields, oid)), 404,
				`{"status":401,"message":"GOODBYE","data":{"errors":[{"code":300,"message":"UNKNOWN OBJECT `+oid+`"},{"code":401,"message":"FAIL"}]}}`)
		}
	}
}

func TestACredentialThatIsNotGoodIsNotJudgedByTheAddress(t *testing.T) {
	b := start(t, "", readers)
	forged := b.keys["reader"][:30] + strings.Repeat("Z", 10) + b.keys["reader"][40:]
	word := strings.Repeat("a", 64)
	lines := b.since(func() {
		for name, test := range map[string]struct {
			headers []string
			status  int
		}{
			"a forged key":             {[]string{"Authorization", "Bearer " + forged}, 401},
			"a forged key by itself":   {[]string{"X-Api-Key", forged}, 401},
			"nonsense":                 {[]string{"Authorization", "Bearer x"}, 401},
			"two keys":                 {[]string{"Authorization", "Bearer " + b.keys["reader"], "X-Api-Key", b.keys["reader"]}, 400},
			"a forged key and a token": {[]string{"Authorization", "Bearer " + word, "X-Api-Key", forged}, 400},
			"a key from elsewhere":     {[]string{"Authorization", "Bearer " + b.keys["remote"]}, 401},
			"a key without a rule":     {[]string{"Authorization", "Bearer " + b.keys["none"]}, 403},
		} {
			// The office would be asked for its secret, which is there.
			r := b.ask(t, `"cmd":"LOGIN"`, "198.51.100.7", append(test.headers, "X-Client-Secret", "an-office-secret-of-the-tests-000")...)
			if r.StatusCode != test.status {
				t.Errorf("%s: HTTP %d %s, want %d", name, r.StatusCode, r.Text, test.status)
			}
			if challenge := r.Header.Get("WWW-Authenticate"); (challenge == "") != (test.status == 403) {
				t.Errorf("%s: WWW-Authenticate is '%s'", name, challenge)
			}
		}
	})
	if len(lines) > 0 {
		t.Errorf("cced was asked %q", lines)
	}
	// What looks like a token of LOGIN is one, of a caller at that address.
	expect(t, b.ask(t, `"cmd":"WHOAMI"`, "203.0.113.5", "Authorization", "Bearer "+word), 403, forbidden)
}

func TestTheNetworksOfAKeyCountInsteadOfTheList(t *testing.T) {
	b := start(t, "", readers)
	remote := []string{"Authorization", "Bearer " + b.keys["remote"]}
	expect(t, b.ask(t, `"cmd":"WHOAMI"`, "203.0.113.5", remote...), 200, oidOfAdmin)
	if r := b.ask(t, `"cmd":"WHOAMI"`, "198.51.100.7", remote...); r.StatusCode != 401 {
		t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
	}
}

func TestTheFirstRuleThatFitsCounts(t *testing.T) {
	b := start(t, "", "account mary {$DIR}/mary\nprincipal role ops as mary\nprincipal scope write as admin")
	writeFile(t, b.Dir+"/mary", "mary-pw 2\n")
	for key, want := range map[string]string{
		"reader": `{"status":201,"message":"GOODBYE","data":{"oid":"3"}}`,
		"writer": `{"status":201,"message":"GOODBYE","data":{"oid":"3"}}`,
		"bob":    oidOfAdmin,
	} {
		expect(t, b.as(t, key, `"cmd":"WHOAMI"`), 200, want)
	}
	expect(t, b.as(t, "none", `"cmd":"WHOAMI"`), 403, forbidden)
	// The scope of the key limits him, and the rights of the account do.
	expect(t, b.as(t, "reader", `"cmd":"SET 3 fullName=x"`), 403, denied("SET"))
	expect(t, b.as(t, "writer", `"cmd":"SET 3 fullName=x"`), 200, `{"status":201,"message":"GOODBYE"}`)
	if r := b.as(t, "writer", `"cmd":"SET 1 hostname=x"`); r.StatusCode != 403 || !strings.Contains(r.Text, "PERMISSION DENIED hostname") {
		t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
	}
}

func TestAnEarlierGateSaysWhoItIs(t *testing.T) {
	b := start(t, "token_auth /v2/* {\noptional\n}", readers)
	expect(t, b.as(t, "reader", `"cmd":"WHOAMI"`), 200, oidOfAdmin)
	expect(t, b.as(t, "reader", `"cmd":"SET 3 fullName=x"`), 403, denied("SET"))
	expect(t, b.ask(t, `"cmd":"PING"`, "203.0.113.5"), 403, forbidden)
	// Whom the gate knows and no rule is for is judged by his address.
	expect(t, b.as(t, "none", `"cmd":"WHOAMI"`), 403, forbidden)
	expect(t, b.ask(t, `"cmd":"PING"`, "198.51.100.7", "Authorization", "Bearer "+b.keys["none"]), 202, `{"status":202,"message":"PONG"}`)
	if r := b.ask(t, `"cmd":"WHOAMI"`, "198.51.100.7", "Authorization", "Bearer "+b.keys["none"]); r.StatusCode != 401 {
		t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
	}
}

func TestGuestsOfOneAccountHaveTransactionsOfTheirOwn(t *testing.T) {
	b := start(t, "", readers)
	for _, key := range []string{"writer", "writer2", "bob"} {
		expect(t, b.as(t, key, `"cmd":"BEGIN"`), 200, begun)
		expect(t, b.as(t, key, `"cmd":"SET 3 description=\"`+key+`\""`), 200, queued)
	}
	expect(t, b.as(t, "writer2", `"cmd":"BYE"`), 200, `{"status":201,"message":"GOODBYE"}`)
	for key, status := range map[string]int{"writer": 200, "writer2": 400, "bob": 200, "reader": 400} {
		r := b.as(t, key, `"cmd":"COMMIT"`)
		if r.StatusCode != status || status == 200 && (!strings.Contains(r.Text, key+`\"`) || strings.Count(r.Text, `"index"`) != 1) {
			t.Errorf("%s: HTTP %d %s", key, r.StatusCode, r.Text)
		}
	}
}

var authKey = regexp.MustCompile(`^AUTHKEY "?admin"? "?([0-9A-Za-z]{63})"?$`)

// TestASessionThatIsForgottenIsMadeAgain: the account logs in once more, and the
// guest's transaction is still his.
func TestASessionThatIsForgottenIsMadeAgain(t *testing.T) {
	b := start(t, "", readers)
	expect(t, b.as(t, "writer", `"cmd":"BEGIN"`), 200, begun)
	// The session is seen when a connection is opened with it.
	b.daemon.Stop()
	if err := b.daemon.Restart(); err != nil {
		t.Fatal(err)
	}
	id := ""
	for _, line := range b.since(func() { expect(t, b.as(t, "writer", `"cmd":"WHOAMI"`), 200, oidOfAdmin) }) {
		if found := authKey.FindStringSubmatch(line); found != nil {
			id = found[1]
		}
	}
	if id == "" {
		t.Fatal("no session was seen")
	}
	endSession(t, b.daemon.Socket(), id)
	b.daemon.Stop()
	if err := b.daemon.Restart(); err != nil {
		t.Fatal(err)
	}
	lines := b.since(func() {
		expect(t, b.as(t, "writer", `"cmd":"SET 3 description=\"kept\""`), 200, queued)
		expect(t, b.as(t, "reader", `"cmd":"WHOAMI"`), 200, oidOfAdmin)
	})
	again := 0
	for _, line := range lines {
		if strings.HasPrefix(line, `AUTH "admin" `) || strings.HasPrefix(line, `AUTH admin `) {
			again++
		}
	}
	if again != 1 {
		t.Errorf("the account logged in %d times: %q", again, lines)
	}
	if r := b.as(t, "writer", `"cmd":"COMMIT"`); r.StatusCode != 200 || !strings.Contains(r.Text, `\"kept\"`) {
		t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
	}
}

// TestAGuestWhoGoesAwayHoldsUpNoOther: the first one logs the account in.
func TestAGuestWhoGoesAwayHoldsUpNoOther(t *testing.T) {
	b := start(t, "", readers)
	b.daemon.Stall(true)
	defer b.daemon.Stall(false)
	before := b.daemon.Connections().Accepted
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.URL+"/v2/cce", strings.NewReader(`{"cmd":"WHOAMI"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Api-Key", b.keys["reader"])
	gone := make(chan error, 1)
	go func() {
		response, err := b.Client.Do(r)
		if err == nil {
			response.Body.Close()
		}
		gone <- err
	}()
	for b.daemon.Connections().Accepted == before {
		if len(gone) > 0 {
			t.Fatalf("it was answered: %v", <-gone)
		}
		runtime.Gosched()
	}
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	var others sync.WaitGroup
	for _, key := range []string{"reader", "reader2", "writer", "bob"} {
		others.Go(func() {
			if r := b.as(t, key, `"cmd":"WHOAMI"`); r.StatusCode != 200 {
				t.Errorf("%s: HTTP %d %s", key, r.StatusCode, r.Text)
			}
		})
	}
	b.daemon.Stall(false)
	others.Wait()
	asked := 0
	for _, line := range b.daemon.Lines() {
		if strings.HasPrefix(line, `AUTH "admin" `) {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("the account logged in %d times", asked)
	}
}

func TestAnAccountThatDoesNotLogInIsNoFaultOfTheGuest(t *testing.T) {
	b := start(t, "", readers)
	writeFile(t, b.Dir+"/password", "wrong")
	lines := b.since(func() {
		for range 5 {
			r := b.as(t, "reader", `"cmd":"WHOAMI"`)
			if r.StatusCode != 503 || !strings.Contains(r.Text, `"message":"the account behind this endpoint does not log in","error_id":"`) {
				t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
			}
		}
	})
	// cced may lock an account that fails often.
	asked := 0
	for _, line := range lines {
		if strings.HasPrefix(line, "AUTH ") && strings.Contains(line, "wrong") {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("cced was asked %d times: %q", asked, lines)
	}
}

func TestErrorsSayWhatToWriteForGuests(t *testing.T) {
	b := start(t, "", "")
	for name, test := range map[string]struct{ from, to, want string }{
		"no app":                        {"\tcaddyauth {\n\t\tstore sqlite {$DIR}/auth.db\n\t}\n", "", "principal: nobody could log in: write 'caddyauth' into the global options, or a token_auth before this"},
		"an account without a password": {"as admin", "as mary", "principal: the account 'mary' has no password here; write 'account mary <password file>'"},
	} {
		err := b.Load(t, strings.Replace(b.caddyfile("", readers), test.from, test.to, 1))
		if err == nil || !strings.HasSuffix(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
