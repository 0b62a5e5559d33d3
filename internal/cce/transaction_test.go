package cce_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/cce"
	"github.com/sallyport/sallyport/internal/fake/cced"
)

// queue opens a transaction and puts changes into it.
func (a *asker) queue(lines ...string) {
	a.bench.t.Helper()
	a.expect(`{"cmd":"BEGIN"}`, 200, begun)
	for _, line := range lines {
		a.expect(`{"cmd":"`+strings.ReplaceAll(line, `"`, `\"`)+`"}`, 200, queued)
	}
}

// value is a property of an object of the main namespace.
func (a *asker) value(oid, property string) string {
	a.bench.t.Helper()
	answer, err := a.run(`{"cmd":"GET ` + oid + `"}`)
	if err != nil {
		a.bench.t.Fatal(err)
	}
	_, after, found := strings.Cut(string(answer.Body), `"`+property+`":"`)
	if !found {
		return "no such property"
	}
	value, _, _ := strings.Cut(after, `"`)
	return value
}

const good = `"message":"OK","status":201}`

func TestATransactionIsStoredAsAWhole(t *testing.T) {
	b := startRunner(t)
	admin, mary := b.logIn("admin"), b.logIn("mary")
	admin.queue(`SET 3 description = "one"`, `CREATE Vsite name = "new" fqdn = "new.example"`, `DESTROY 8`, `SET 6 . Disk quota=7`)
	if got := mary.value("3", "description"); got != "" {
		t.Errorf("description is '%s' before COMMIT", got)
	}
	from := len(b.daemon.Lines())
	admin.expect(`{"cmd":"COMMIT"}`, 200, `{"status":201,"message":"COMMIT successful","data":{"results":[`+
		`{"command":"SET 3 description = \"one\"","index":0,`+good+`,`+
		`{"command":"CREATE Vsite name = \"new\" fqdn = \"new.example\"","index":1,"message":"OK","oid":"9","status":201},`+
		`{"command":"DESTROY 8","index":2,`+good+`,`+
		`{"command":"SET 6 . Disk quota = \"7\"","index":3,`+good+`]}}`)
	want := "BEGIN\nSET 3 description = \"one\"\nCREATE Vsite name = \"new\" fqdn = \"new.example\"\nDESTROY 8\nSET 6 . Disk quota = \"7\"\nCOMMIT"
	if got := strings.Join(b.sent(from), "\n"); got != want {
		t.Errorf("sent\n%s\nwant\n%s", got, want)
	}
	if got := mary.value("9", "name"); got != "new" {
		t.Errorf("object 9 is called '%s'", got)
	}
	admin.expect(`{"cmd":"COMMIT"}`, 400, noTransaction)
}

func TestNothingIsStoredIfAChangeFails(t *testing.T) {
	b := startRunner(t)
	admin := b.logIn("admin")
	admin.queue(`SET 3 description = "one"`, `SET 3 nosuch = "x" enabled = "maybe"`, `CREATE Vsite name = "new"`, `DESTROY 999`)
	from := len(b.daemon.Lines())
	const bad1 = `{"applied":false,"command":"SET 3 nosuch = \"x\" enabled = \"maybe\"","error":"Error: 302 BAD DATA 3 nosuch \"[[base-cce.unknownAttr]]\"; 302 BAD DATA 3 enabled \"[[base-cce.invalidData]]\"","index":1,"message":"BAD DATA","status":302}`
	const bad2 = `{"applied":false,"command":"DESTROY 999","error":"Error: 300 UNKNOWN OBJECT 999","index":3,"message":"UNKNOWN OBJECT","status":300}`
	admin.expect(`{"cmd":"COMMIT"}`, 409, `{"status":409,"message":"One or more commands in the transaction failed.","data":{"errors":[`+bad1+`,`+bad2+`],"results":[`+
		`{"applied":false,"command":"SET 3 description = \"one\"","index":0,`+good+`,`+bad1+`,`+
		`{"applied":false,"command":"CREATE Vsite name = \"new\"","index":2,`+good+`,`+bad2+`],"rolled_back":true}}`)
	if sent := b.sent(from); sent[len(sent)-1] != "DESTROY 999" {
		t.Errorf("after the changes was sent '%s'", sent[len(sent)-1])
	}
	if got := admin.value("3", "description"); got != "" {
		t.Errorf("description is '%s'", got)
	}
	admin.expect(`{"cmd":"FIND","class":"Vsite","args":{"name":"new"}}`, 200, nothing)
	admin.expect(`{"cmd":"COMMIT"}`, 400, noTransaction)
}

func TestAHandlerThatFailsAtCommitIsAnEntryOfItsOwn(t *testing.T) {
	b := startRunner(t)
	admin := b.logIn("admin")
	for mode, message := range map[string]string{
		"fail":    `"error":"Error: 401 FAIL","index":2,"message":"FAIL","status":401`,
		"baddata": `"error":"Error: 302 BAD DATA 9 note \"[[lab.badNote]]\"","index":2,"message":"BAD DATA","status":302`,
	} {
		admin.queue(`SET 3 description = "one"`, `CREATE Probe name = p mode = `+mode)
		entry := `{"applied":false,"command":"COMMIT",` + message + `}`
		admin.expect(`{"cmd":"COMMIT"}`, 409, `{"status":409,"message":"One or more commands in the transaction failed.","data":{"errors":[`+entry+`],"results":[`+
			`{"applied":false,"command":"SET 3 description = \"one\"","index":0,`+good+`,`+
			`{"applied":false,"command":"CREATE Probe name = \"p\" mode = \"`+mode+`\"","index":1,`+good+`,`+entry+`],"rolled_back":true}}`)
	}
	if got := admin.value("3", "description"); got != "" {
		t.Errorf("description is '%s'", got)
	}
}

func TestWhatHandlersSayAtCommitIsPassedOn(t *testing.T) {
	b := startRunner(t)
	admin := b.logIn("admin")
	admin.queue(`CREATE Probe name = p mode = warn`, `CREATE Probe name = q mode = info`)
	admin.expect(`{"cmd":"COMMIT"}`, 200, `{"status":201,"message":"COMMIT successful","data":{"errors":[{"code":305,"message":"WARN \"[[lab.careful]]\""}],`+
		`"infos":[{"code":106,"message":"INFO \"[[lab.hello,name=\\\"x\\\"]]\""}],"results":[`+
		`{"command":"CREATE Probe name = \"p\" mode = \"warn\"","index":0,"message":"OK","oid":"9","status":201},`+
		`{"command":"CREATE Probe name = \"q\" mode = \"info\"","index":1,"message":"OK","oid":"10","status":201}]}}`)
}

func TestEachChangeStandsForItselfWhereTransactionsAreIndependent(t *testing.T) {
	b := startRunner(t)
	b.runner.Independent = true
	admin := b.logIn("admin")
	admin.queue(`SET 3 description = "one"`, `SET 3 nosuch = "x"`, `CREATE Probe name = p`)
	const bad = `{"applied":false,"command":"SET 3 nosuch = \"x\"","error":"Error: 302 BAD DATA 3 nosuch \"[[base-cce.unknownAttr]]\"","index":1,"message":"BAD DATA","status":302}`
	admin.expect(`{"cmd":"COMMIT"}`, 409, `{"status":409,"message":"One or more commands in the transaction failed.","data":{"errors":[`+bad+`],"results":[`+
		`{"applied":true,"command":"SET 3 description = \"one\"","index":0,`+good+`,`+bad+`,`+
		`{"applied":true,"command":"CREATE Probe name = \"p\"","index":2,"message":"OK","oid":"9","status":201}],"rolled_back":false}}`)
	if got := admin.value("3", "description"); got != "one" {
		t.Errorf("description is '%s'", got)
	}
}

func TestAnEmptyTransactionIsGood(t *testing.T) {
	admin := startRunner(t).logIn("admin")
	admin.queue()
	admin.expect(`{"cmd":"COMMIT"}`, 200, emptyCommit)
}

func TestSecretsInATransactionAreNotShown(t *testing.T) {
	admin := startRunner(t).logIn("admin")
	admin.queue(`SET 3 password = "do not tell"`)
	admin.expect(`{"cmd":"COMMIT"}`, 200, `{"status":201,"message":"COMMIT successful","data":{"results":[{"command":"SET 3 password = \"********\"","index":0,`+good+`]}}`)
}

// transactionKept expects that COMMIT can be repeated, and is good then.
func transactionKept(t *testing.T, b *bench, admin *asker) {
	t.Helper()
	if got := admin.value("3", "description"); got != "" {
		t.Errorf("description is '%s' after a COMMIT that did not come through", got)
	}
	admin.expect(`{"cmd":"COMMIT"}`, 200, `{"status":201,"message":"COMMIT successful","data":{"results":[{"command":"SET 3 description = \"one\"","index":0,`+good+`]}}`)
	if got := admin.value("3", "description"); got != "one" {
		t.Errorf("description is '%s' after COMMIT", got)
	}
}

func TestATransactionIsKeptIfCcedDiesBeforeCommitIsSent(t *testing.T) {
	for _, word := range []string{"AUTHKEY", "BEGIN", "SET 3", "COMMIT"} {
		t.Run("before "+word, func(t *testing.T) {
			b := startRunner(t)
			admin := b.logIn("admin")
			admin.queue(`SET 3 description = "one"`)
			b.onSend(word, b.daemon.Stop)
			admin.fails(`{"cmd":"COMMIT"}`, cce.Unreachable)
			admin.fails(`{"cmd":"COMMIT"}`, cce.Unreachable)
			if err := b.daemon.Restart(); err != nil {
				t.Fatal(err)
			}
			transactionKept(t, b, admin)
		})
	}
}

func TestATransactionIsKeptIfCcedIsTooSlowBeforeCommitIsSent(t *testing.T) {
	b := startRunner(t)
	admin := b.logIn("admin")
	admin.queue(`SET 3 description = "one"`)
	b.daemon.Stall(true)
	before := b.runner.Pool.Stats().Dialled
	admin.failsWithin(50*time.Millisecond, `{"cmd":"COMMIT"}`, cce.Deadline)
	b.daemon.Stall(false)
	transactionKept(t, b, admin)
	if b.runner.Pool.Stats().Dialled == before {
		t.Error("the connection was used again")
	}
}

func TestTheOutcomeIsUnknownIfCcedDiesAfterCommitWasSent(t *testing.T) {
	b := startRunner(t, func(c *cced.Config) { c.Second = time.Hour })
	admin := b.logIn("admin")
	admin.queue(`SET 3 description = "one"`, `CREATE Probe name = p mode = slow1`)
	b.onSend("COMMIT", func() {
		time.AfterFunc(20*time.Millisecond, b.daemon.KillWorker)
	})
	admin.fails(`{"cmd":"COMMIT"}`, cce.UnknownOutcome)
	// To repeat it could do it twice.
	admin.expect(`{"cmd":"COMMIT"}`, 400, noTransaction)
}

func TestTheOutcomeIsUnknownIfCommitTakesTooLong(t *testing.T) {
	b := startRunner(t, func(c *cced.Config) { c.Second = time.Hour })
	admin := b.logIn("admin")
	admin.queue(`CREATE Probe name = p mode = slow1`)
	admin.failsWithin(100*time.Millisecond, `{"cmd":"COMMIT"}`, cce.UnknownOutcome)
	admin.expect(`{"cmd":"COMMIT"}`, 400, noTransaction)
	if s := b.runner.Pool.Stats(); s.Open != s.Idle {
		t.Errorf("%+v: the connection is still in use", s)
	}
}

func TestIndependentChangesAreNotRepeatedOnceOneWasSent(t *testing.T) {
	b := startRunner(t)
	b.runner.Independent = true
	admin := b.logIn("admin")
	admin.queue(`SET 3 description = "one"`)
	b.onSend("SET 3", b.daemon.Stop)
	admin.fails(`{"cmd":"COMMIT"}`, cce.Unreachable)
	if err := b.daemon.Restart(); err != nil {
		t.Fatal(err)
	}
	transactionKept(t, b, admin)
	admin.queue(`SET 3 description = "two"`, `DESTROY 8`)
	b.onSend("DESTROY", b.daemon.Stop)
	admin.fails(`{"cmd":"COMMIT"}`, cce.UnknownOutcome)
	if err := b.daemon.Restart(); err != nil {
		t.Fatal(err)
	}
	admin.expect(`{"cmd":"COMMIT"}`, 400, noTransaction)
	if got := admin.value("3", "description"); got != "two" {
		t.Errorf("description is '%s'", got)
	}
}

func TestASuspensionAtCommitRollsBack(t *testing.T) {
	b := startRunner(t)
	admin := b.logIn("admin")
	admin.queue(`SET 3 description = "one"`)
	b.daemon.Suspend("backup")
	const entry = `{"applied":false,"command":"COMMIT","error":"Error: 309 SUSPENDED \"backup\"","index":1,"message":"SUSPENDED","status":309}`
	admin.expect(`{"cmd":"COMMIT"}`, 409, `{"status":409,"message":"One or more commands in the transaction failed.","data":{"errors":[`+entry+`],"results":[`+
		`{"applied":false,"command":"SET 3 description = \"one\"","index":0,`+good+`,`+entry+`],"rolled_back":true}}`)
	b.daemon.Resume()
	if got := admin.value("3", "description"); got != "" {
		t.Errorf("description is '%s'", got)
	}
}

func TestOfTwoCommitsAtOnceOneStores(t *testing.T) {
	b := startRunner(t)
	admin := b.logIn("admin")
	admin.queue(`CREATE Probe name = p mode = slow5`)
	second := make(chan string, 1)
	b.onSend("COMMIT", func() {
		go func() {
			answer, err := admin.run(`{"cmd":"COMMIT"}`)
			if err != nil {
				second <- err.Error()
				return
			}
			second <- strings.TrimSpace(string(answer.Body))
		}()
	})
	admin.expect(`{"cmd":"COMMIT"}`, 200,
		`{"status":201,"message":"COMMIT successful","data":{"results":[{"command":"CREATE Probe name = \"p\" mode = \"slow5\"","index":0,"message":"OK","oid":"9","status":201}]}}`)
	if got := <-second; got != noTransaction {
		t.Errorf("the second COMMIT: %s", got)
	}
	admin.expect(`{"cmd":"FIND Probe"}`, 200, `{"status":201,"message":"GOODBYE","data":{"oidlist":["9"]}}`)
}

func TestWhatComesWhileCommitRunsIsNotPartOfIt(t *testing.T) {
	b := startRunner(t)
	admin := b.logIn("admin")
	admin.queue(`SET 3 description = "one"`)
	b.onSend("COMMIT", func() {
		admin.expect(`{"cmd":"SET 3 description = \"late\""}`, 400, noTransaction)
		admin.expect(`{"cmd":"BEGIN"}`, 400, `{"status":400,"message":"A transaction is already open"}`)
		admin.expect(`{"cmd":"BYE"}`, 200, nothing)
	})
	transactionKept(t, b, admin)
}

// TestTheLimitsAtCommitCount: a caller may have lost a right since he queued.
func TestTheLimitsAtCommitCount(t *testing.T) {
	for independent, rolled := range map[bool]string{false: "true", true: "false"} {
		b := startRunner(t)
		b.runner.Independent = independent
		admin := b.logIn("admin")
		admin.Limits = &cce.Limits{}
		admin.queue(`SET 3 description = "one"`, `DESTROY 8`)
		admin.Limits = &cce.Limits{ReadOnly: true}
		from := len(b.daemon.Lines())
		denied := func(command, word string, index int) string {
			return fmt.Sprintf(`{"applied":false,"command":"%s","error":"Error: 304 PERMISSION DENIED %s","index":%d,"message":"PERMISSION DENIED","status":304}`, command, word, index)
		}
		both := "[" + denied(`SET 3 description = \"one\"`, "SET", 0) + "," + denied("DESTROY 8", "DESTROY", 1) + "]"
		admin.expect(`{"cmd":"COMMIT"}`, 409, `{"status":409,"message":"One or more commands in the transaction failed.","data":{"errors":`+both+`,"results":`+both+`,"rolled_back":`+rolled+`}}`)
		for _, line := range b.sent(from) {
			if line != "BEGIN" {
				t.Errorf("sent '%s'", line)
			}
		}
		if got := admin.value("8", "name"); got != "site3" {
			t.Errorf("object 8 is called '%s'", got)
		}
	}
}
