package cce_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/cce"
	"github.com/sallyport/sallyport/internal/cceapi"
	"github.com/sallyport/sallyport/internal/cscp"
	"github.com/sallyport/sallyport/internal/fake/cced"
)

const (
	begun         = `{"status":201,"message":"BEGIN OK"}`
	queued        = `{"status":100,"message":"QUEUED"}`
	noTransaction = `{"status":400,"message":"No active transaction"}`
	emptyCommit   = `{"status":201,"message":"COMMIT successful","data":{"results":[]}}`
	badCommand    = `{"status":402,"message":"GOODBYE","data":{"errors":[{"code":402,"message":"BAD COMMAND"}]}}`
)

func TestAQueueIsItsCallersAlone(t *testing.T) {
	b := startRunner(t)
	admin, again, mary := b.logIn("admin"), b.logIn("admin"), b.logIn("mary")
	shared := *admin.Caller
	shared.Queue = "a guest who shares the session"
	guest := &asker{&shared, b}
	admin.expect(`{"cmd":"BEGIN"}`, 200, begun)
	for name, other := range map[string]*asker{"another session": again, "another user": mary, "a guest": guest} {
		if answer, err := other.run(`{"cmd":"COMMIT"}`); err != nil || answer.HTTPStatus != 400 {
			t.Errorf("%s: %v %v", name, answer, err)
		}
	}
	admin.expect(`{"cmd":"BEGIN"}`, 400, `{"status":400,"message":"A transaction is already open"}`)
	admin.expect(`{"cmd":"SET 3 fullName = x"}`, 200, queued)
	again.expect(`{"cmd":"SET 3 fullName = y"}`, 200, nothing)
	admin.expect(`{"cmd":"BYE"}`, 200, nothing)
	admin.expect(`{"cmd":"COMMIT"}`, 400, noTransaction)
	mary.expect(`{"cmd":"FIND","class":"User","args":{"fullName":"y"}}`, 200, `{"status":201,"message":"GOODBYE","data":{"oidlist":["3"]}}`)
}

func TestTheEndOfASessionIsTheEndOfItsTransaction(t *testing.T) {
	b := startRunner(t)
	admin := b.logIn("admin")
	admin.expect(`{"cmd":"BEGIN"}`, 200, begun)
	admin.expect(`{"cmd":"ENDKEY"}`, 200, nothing)
	if n := b.runner.Queues.Len(); n != 0 {
		t.Errorf("%d transactions are open", n)
	}
}

// TestAnEndThatCcedDoesNotHearOfIsNone is about ENDKEY while cced is down: the
// session lives on, and so does what was queued in it.
func TestAnEndThatCcedDoesNotHearOfIsNone(t *testing.T) {
	b := startRunner(t)
	admin := b.logIn("admin")
	admin.queue(`SET 3 description = "one"`)
	b.daemon.Stop()
	if answer, err := admin.run(`{"cmd":"ENDKEY"}`); err == nil {
		t.Errorf("ENDKEY: %s", answer.Body)
	}
	if err := b.daemon.Restart(); err != nil {
		t.Fatal(err)
	}
	admin.expect(`{"cmd":"SET 3 fullName = x"}`, 200, queued)
	if answer, err := admin.run(`{"cmd":"COMMIT"}`); err != nil || answer.HTTPStatus != 200 {
		t.Errorf("%v %v", answer, err)
	}
	if got := admin.value("3", "description"); got != "one" {
		t.Errorf("description is '%s'", got)
	}
}

func TestOnlyChangesAreQueued(t *testing.T) {
	b := startRunner(t)
	admin := b.logIn("admin")
	admin.expect(`{"cmd":"BEGIN"}`, 200, begun)
	for _, body := range []string{
		`{"cmd":"SET","oid":"3","data":{"fullName":"x"}}`, `{"cmd":"SET 3 fullName = x"}`,
		`{"cmd":"CREATE","class":"Probe","data":{"name":"p"}}`, `{"cmd":"DESTROY","oid":"8"}`,
		// What is wrong shows at COMMIT.
		`{"cmd":"SET","oid":"999","data":{"nosuch":"x"}}`,
	} {
		admin.expect(body, 200, queued)
	}
	for _, body := range []string{
		`{"cmd":"GET 3"}`, `{"cmd":"NAMES 3"}`, `{"cmd":"CLASSES"}`, `{"cmd":"FIND Vsite"}`, `{"cmd":"FINDX Vsite"}`, `{"cmd":"WHOAMI"}`,
		`{"cmd":"GETOBJECT Vsite"}`, `{"cmd":"GETALL Vsite"}`,
	} {
		answer, err := admin.run(body)
		if err != nil || answer.HTTPStatus != 200 || strings.Contains(string(answer.Body), "QUEUED") {
			t.Errorf("%s: %v %v", body, answer, err)
		}
	}
	for _, body := range []string{`{"cmd":"SUSPEND"}`, `{"cmd":"ADMIN SUSPEND"}`, `{"cmd":"RESUME"}`} {
		admin.expect(body, 400, badCommand)
	}
	admin.expect(`{"cmd":"FIND","class":"Vsite","args":{"name":"site3"}}`, 200, `{"status":201,"message":"GOODBYE","data":{"oidlist":["8"]}}`)
}

func TestATransactionHasBounds(t *testing.T) {
	b := startRunner(t)
	// The number of changes.
	admin := b.logIn("admin")
	admin.expect(`{"cmd":"BEGIN"}`, 200, begun)
	for range 10_000 {
		if answer, err := admin.run(`{"cmd":"SET 3 fullName = x"}`); err != nil || answer.Status != 100 {
			t.Fatalf("%v %v", answer, err)
		}
	}
	const full = `{"status":413,"message":"the transaction has too many changes; BYE gives it up"}`
	admin.expect(`{"cmd":"SET 3 fullName = x"}`, 413, full)
	admin.expect(`{"cmd":"BYE"}`, 200, nothing)
	admin.expect(`{"cmd":"SET 3 fullName = x"}`, 200, nothing)
	// Their length.
	admin.expect(`{"cmd":"BEGIN"}`, 200, begun)
	long := `{"cmd":"SET","oid":"3","data":{"fullName":"` + strings.Repeat("x", 1_000_000) + `"}}`
	for range 8 {
		if answer, err := admin.run(long); err != nil || answer.Status != 100 {
			t.Fatalf("%v %v", answer, err)
		}
	}
	if answer, err := admin.run(long); err != nil || answer.Status != 413 {
		t.Errorf("%v %v", answer, err)
	}
	admin.expect(`{"cmd":"BYE"}`, 200, nothing)
}

func TestThereAreNoMoreThanSoManyTransactions(t *testing.T) {
	b := startRunner(t)
	admin := b.logIn("admin")
	for i := range 1_000 {
		admin.Queue, admin.Owner = fmt.Sprint(i), fmt.Sprint(i%4)
		admin.expect(`{"cmd":"BEGIN"}`, 200, begun)
	}
	admin.Queue = "one more"
	admin.expect(`{"cmd":"BEGIN"}`, 503, `{"status":503,"message":"too many transactions are open"}`)
	// Those that nobody has touched for an hour make room.
	b.pass(time.Hour + time.Second)
	admin.expect(`{"cmd":"BEGIN"}`, 200, begun)
	if n := b.runner.Queues.Len(); n != 1 {
		t.Errorf("%d transactions are open", n)
	}
}

func TestAllTransactionsTogetherAreBounded(t *testing.T) {
	b := startRunner(t)
	admin := b.logIn("admin")
	long := `{"cmd":"SET","oid":"3","data":{"fullName":"` + strings.Repeat("x", 1_000_000) + `"}}`
	n := 0
	for i := range 12 {
		admin.Queue, admin.Owner = fmt.Sprint(i), fmt.Sprint(i)
		admin.expect(`{"cmd":"BEGIN"}`, 200, begun)
		for range 8 {
			if answer, err := admin.run(long); err == nil && answer.Status == 100 {
				n++
			}
		}
	}
	if n != 67 {
		t.Errorf("%d changes of 1 MB are queued, want 67", n)
	}
	admin.expect(long, 503, `{"status":503,"message":"too many transactions are open"}`)
	// What is over makes room: by BYE, by COMMIT, and by lying too long.
	admin.Queue = "0"
	admin.expect(`{"cmd":"BYE"}`, 200, nothing)
	admin.Queue = "11"
	admin.expect(long, 200, queued)
	admin.Queue = "1"
	if answer, err := admin.run(`{"cmd":"COMMIT"}`); err != nil || answer.HTTPStatus != 200 {
		t.Errorf("%v %v", answer, err)
	}
	b.pass(2 * time.Hour)
	for _, queue := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		admin.Queue, admin.Owner = queue, queue
		admin.expect(`{"cmd":"BEGIN"}`, 200, begun)
		for range 8 {
			admin.expect(long, 200, queued)
		}
	}
}

// TestNobodyKeepsOthersOut is about the shares of owners, who may have many
// sessions.
func TestNobodyKeepsOthersOut(t *testing.T) {
	b := startRunner(t)
	admin, mary := b.logIn("admin"), b.logIn("mary")
	const full = `{"status":503,"message":"too many transactions are open"}`
	for i := range 250 {
		mary.Queue = fmt.Sprint("mary ", i)
		mary.expect(`{"cmd":"BEGIN"}`, 200, begun)
	}
	mary.Queue = "one more"
	mary.expect(`{"cmd":"BEGIN"}`, 503, full)
	// Whoever does not look at the answer finds nothing carried out.
	mary.expect(`{"cmd":"SET 3 fullName = x"}`, 400, noTransaction)
	admin.expect(`{"cmd":"BEGIN"}`, 200, begun)
	admin.expect(`{"cmd":"BYE"}`, 200, nothing)
	// Her own that are over make room.
	b.pass(time.Hour + time.Second)
	mary.Queue = "later"
	mary.expect(`{"cmd":"BEGIN"}`, 200, begun)
}

// TestATransactionWithoutOneOfItsChangesIsNotCarriedOut is about COMMIT after a
// change that was not taken.
func TestATransactionWithoutOneOfItsChangesIsNotCarriedOut(t *testing.T) {
	b := startRunner(t)
	admin := b.logIn("admin")
	admin.queue(`SET 3 description = "one"`)
	long := `{"cmd":"SET","oid":"3","data":{"fullName":"` + strings.Repeat("x", 1_000_000) + `"}}`
	for range 8 {
		if _, err := admin.run(long); err != nil {
			t.Fatal(err)
		}
	}
	if answer, err := admin.run(long); err != nil || answer.Status != 413 {
		t.Fatalf("%v %v", answer, err)
	}
	admin.expect(`{"cmd":"COMMIT"}`, 409, `{"status":409,"message":"a change was not taken into the transaction; nothing is stored"}`)
	if got := admin.value("3", "description"); got != "" {
		t.Errorf("description is '%s'", got)
	}
	admin.expect(`{"cmd":"COMMIT"}`, 400, noTransaction)
}

// TestAQueuedChangeHoldsNoMoreThanItself is about names that are parts of long
// lines.
func TestAQueuedChangeHoldsNoMoreThanItself(t *testing.T) {
	b := startRunner(t)
	admin := b.logIn("admin")
	admin.expect(`{"cmd":"BEGIN"}`, 200, begun)
	before := heap()
	for range 50 {
		admin.expect(`{"cmd":"SET 3 `+strings.Repeat(" ", 1_000_000)+` fullName = x"}`, 200, queued)
	}
	if grown := int64(heap()) - int64(before); grown > 10<<20 {
		t.Errorf("50 changes of some bytes hold %d", grown)
	}
	admin.expect(`{"cmd":"BYE"}`, 200, nothing)
}

func TestATransactionThatNobodyTouchesForAnHourIsOver(t *testing.T) {
	b := startRunner(t)
	admin := b.logIn("admin")
	admin.expect(`{"cmd":"BEGIN"}`, 200, begun)
	b.pass(59 * time.Minute)
	admin.expect(`{"cmd":"DESTROY 8"}`, 200, queued)
	b.pass(59 * time.Minute)
	admin.expect(`{"cmd":"DESTROY 7"}`, 200, queued)
	b.pass(61 * time.Minute)
	admin.expect(`{"cmd":"COMMIT"}`, 400, noTransaction)
	admin.expect(`{"cmd":"FIND","class":"Vsite","sorttype":"ascii","sortprop":"name"}`, 200, `{"status":201,"message":"GOODBYE","data":{"oidlist":["6","7","8"]}}`)
}

// Whoever queues changes must not find them carried out one by one.
func TestTheFirstChangeAfterATransactionThatIsOverIsNotCarriedOut(t *testing.T) {
	for _, change := range []string{"SET 3 description = later", "CREATE Vsite name = later", "DESTROY 8", "SUSPEND"} {
		b := startRunner(t)
		admin, mary := b.logIn("admin"), b.logIn("mary")
		admin.queue(`SET 3 description = "one"`)
		b.pass(61 * time.Minute)
		from := len(b.daemon.Lines())
		admin.expect(`{"cmd":"`+change+`"}`, 400, noTransaction)
		if sent := b.sent(from); len(sent) > 0 {
			t.Errorf("%s: cced was asked %q", change, sent)
		}
		mary.expect(`{"cmd":"SET 3 fullName = x"}`, 200, nothing)
		// Now he knows.
		admin.expect(`{"cmd":"SET 3 description = \"two\""}`, 200, nothing)
		if got := admin.value("3", "description"); got != "two" {
			t.Errorf("%s: description is '%s'", change, got)
		}
	}
}

func TestWhatTellsThatATransactionIsOver(t *testing.T) {
	for name, test := range map[string]struct {
		body, want string
		status     int
	}{
		"COMMIT": {`{"cmd":"COMMIT"}`, noTransaction, 400},
		"BYE":    {`{"cmd":"BYE"}`, nothing, 200},
	} {
		t.Run(name, func(t *testing.T) {
			b := startRunner(t)
			admin := b.logIn("admin")
			admin.queue()
			b.pass(61 * time.Minute)
			admin.expect(test.body, test.status, test.want)
			admin.expect(`{"cmd":"SET 3 fullName = x"}`, 200, nothing)
		})
	}
	t.Run("another BEGIN", func(t *testing.T) {
		b := startRunner(t)
		admin := b.logIn("admin")
		admin.queue()
		b.pass(61 * time.Minute)
		admin.queue(`SET 3 fullName = "x"`)
		admin.expect(`{"cmd":"BYE"}`, 200, nothing)
		admin.expect(`{"cmd":"SET 3 fullName = x"}`, 200, nothing)
	})
}

func TestReadingDoesNotTellThatATransactionIsOver(t *testing.T) {
	b := startRunner(t)
	admin := b.logIn("admin")
	admin.queue()
	b.pass(61 * time.Minute)
	for _, body := range []string{`{"cmd":"GET 3"}`, `{"cmd":"WHOAMI"}`} {
		if answer, err := admin.run(body); err != nil || answer.HTTPStatus != 200 {
			t.Errorf("%s: %v %v", body, answer, err)
		}
	}
	admin.expect(`{"cmd":"SET 3 fullName = x"}`, 400, noTransaction)
}

// The one who has cleaned up is another one.
func TestAThousandTransactionsThatAreOverAreTold(t *testing.T) {
	b := startRunner(t)
	admin := b.logIn("admin")
	for i := range 1_000 {
		admin.Queue, admin.Owner = fmt.Sprint(i), fmt.Sprint(i%4)
		admin.expect(`{"cmd":"BEGIN"}`, 200, begun)
	}
	b.pass(61 * time.Minute)
	admin.Queue = "one more"
	admin.expect(`{"cmd":"BEGIN"}`, 200, begun)
	b.pass(23 * time.Hour)
	for _, queue := range []string{"0", "999"} {
		admin.Queue = queue
		admin.expect(`{"cmd":"SET 3 fullName = x"}`, 400, noTransaction)
		admin.expect(`{"cmd":"SET 3 fullName = x"}`, 200, nothing)
	}
	b.pass(time.Hour)
	admin.Queue = "1"
	admin.expect(`{"cmd":"SET 3 fullName = x"}`, 200, nothing)
}

func TestBeginsOfSessionsThatCcedDoesNotKnowKeepNothing(t *testing.T) {
	n := 100_000
	if testing.Short() {
		n = 5_000
	}
	b := startRunner(t, func(c *cced.Config) { c.Record, c.Pause = false, func() time.Duration { return 0 } })
	request, err := cceapi.Parse([]byte(`{"cmd":"BEGIN"}`))
	if err != nil {
		t.Fatal(err)
	}
	begin := func(from, to int) {
		for i := from; i < to; i++ {
			session := cscp.Session{User: "admin", ID: cscp.Secret(fmt.Sprintf("%063d", i))}
			if _, err := b.runner.Run(t.Context(), &cce.Caller{Session: session}, request); !errors.Is(err, cscp.ErrRefused) {
				t.Errorf("BEGIN %d: %v", i, err)
				return
			}
		}
	}
	begin(0, 100)
	before := heap()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() { begin(100+i*n/8, 100+(i+1)*n/8) })
	}
	all.Wait()
	if grown := int64(heap()) - int64(before); grown > 2<<20 {
		t.Errorf("%d bytes are kept of %d refused sessions", grown, n)
	}
	if s := b.runner.Pool.Stats(); b.runner.Queues.Len() != 0 || s.Open != 0 || s.Sessions != 0 {
		t.Errorf("%d transactions are open; %+v", b.runner.Queues.Len(), s)
	}
}

// heap is how much is in use, in bytes.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
