package cceapi

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/cscp"
)

// replyOf is the reply that cced would have written so.
func replyOf(tb testing.TB, text string) *cscp.Reply {
	tb.Helper()
	reply, err := readReply(tb, text)
	if err != nil {
		tb.Fatal(err)
	}
	return reply
}

// readReply is replyOf for what may be no reply at all.
func readReply(tb testing.TB, text string) (*cscp.Reply, error) {
	tb.Helper()
	here, there := net.Pipe()
	defer there.Close()
	go func() {
		_, _ = io.WriteString(there, "100 CSCP/0.99\n200 READY\n")
		_, _ = bufio.NewReader(there).ReadString('\n')
		_, _ = io.WriteString(there, text)
		_ = there.Close()
	}()
	conn, err := cscp.Open(tb.Context(), func(context.Context) (net.Conn, error) { return here, nil }, cscp.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close()
	return conn.Do(tb.Context(), cscp.WhoAmI{})
}

// expect compares an answer with the status and body that it should have. A body
// that is JSON is compared byte for byte, but for blanks.
func expect(t *testing.T, a *Answer, status int, body string) {
	t.Helper()
	if a.HTTPStatus != status {
		t.Errorf("HTTP status %d, want %d", a.HTTPStatus, status)
	}
	want := strings.TrimSuffix(body, "\n") + "\n"
	if json.Valid([]byte(body)) {
		var compact bytes.Buffer
		_ = json.Compact(&compact, []byte(body))
		want = compact.String() + "\n"
		var object struct{ Status int }
		if err := json.Unmarshal(a.Body, &object); err != nil || object.Status != a.Status || a.ContentType != "application/json" {
			t.Errorf("the status is %d and the type '%s', but the body has %d: %v", a.Status, a.ContentType, object.Status, err)
		}
	} else if a.Status != 0 || a.ContentType != "text/plain; charset=utf-8" {
		t.Errorf("a plain text has status %d and type '%s'", a.Status, a.ContentType)
	}
	if string(a.Body) != want {
		t.Errorf("got  %swant %s", a.Body, want)
	}
}

// plainRequest is a request of a command that needs nothing else.
func plainRequest(c cscp.Command) *Request { return &Request{Word: c.Word(), Command: c} }

func TestReplied(t *testing.T) {
	get, set, create := plainRequest(cscp.Get{OID: 6}), plainRequest(cscp.Set{OID: 6}), plainRequest(cscp.Create{Class: "Vsite"})
	find, findX := plainRequest(cscp.Find{Class: "Vsite"}), &Request{Action: FindX, Word: "FINDX"}
	names := plainRequest(cscp.Names{OID: 6})
	for _, c := range []struct {
		name    string
		req     *Request
		reply   string
		status  int
		body    string
		retries bool
	}{
		{
			name: "GET gives properties sorted by name", req: get,
			reply:  "102 DATA name = \"site1\"\n102 DATA CLASS = \"Vsite\"\n201 OK\n",
			status: 200, body: `{"status":201,"message":"GOODBYE","data":{"DATA":{"CLASS":"Vsite","name":"site1"}}}`,
		},
		{
			name: "values are decoded, and HTML is not escaped", req: get,
			reply:  `102 DATA a = "caf\303\251 \"<b>\" \\ \n\t&\033\177"` + "\n102 DATA b = \"\\377\\376\"\n201 OK\n",
			status: 200, body: `{"status":201,"message":"GOODBYE","data":{"DATA":{"a":"café \"<b>\" \\ \n\t&\u001b` + "\x7f" + `","b":"\ufffd\ufffd"}}}`,
		},
		{
			name: "lists stay texts", req: get,
			reply:  "102 DATA a = \"&x%26y&z&\"\n102 DATA b = \"\"\n201 OK\n",
			status: 200, body: `{"status":201,"message":"GOODBYE","data":{"DATA":{"a":"&x%26y&z&","b":""}}}`,
		},
		{
			name: "what the open transaction has changed counts, and each property is there once", req: get,
			reply:  "103 DATA b = \"new\"\n102 DATA a = \"1\"\n102 DATA b = \"old\"\n103 DATA c = \"2\"\n103 DATA c = \"3\"\n201 OK\n",
			status: 200, body: `{"status":201,"message":"GOODBYE","data":{"DATA":{"a":"1","b":"new","c":"3"}}}`,
		},
		{
			name: "an object made in the open transaction has lines 103 only", req: get,
			reply:  "107 CREATED\n103 DATA name = \"txn1\"\n201 OK\n",
			status: 200, body: `{"status":201,"message":"GOODBYE","data":{"DATA":{"name":"txn1"}}}`,
		},
		{
			name: "an object without properties that may be read has none", req: get,
			reply: "201 OK\n", status: 200, body: `{"status":201,"message":"GOODBYE","data":{"DATA":{}}}`,
		},
		{
			name: "an object that is not there", req: get,
			reply: "300 UNKNOWN OBJECT 9999\n401 FAIL\n", status: 404,
			body: `{"status":401,"message":"GOODBYE","data":{"errors":[{"code":300,"message":"UNKNOWN OBJECT 9999"},{"code":401,"message":"FAIL"}]}}`,
		},
		{
			name: "FIND lists what it finds in cced's order", req: find,
			reply: "104 OBJECT 7\n104 OBJECT 6\n201 OK\n", status: 200,
			body: `{"status":201,"message":"GOODBYE","data":{"oidlist":["7","6"]}}`,
		},
		{
			name: "FIND that finds nothing has no data", req: find,
			reply: "201 OK\n", status: 200, body: `{"status":201,"message":"GOODBYE"}`,
		},
		{
			name: "FINDX that finds nothing has an empty list", req: findX,
			reply: "201 OK\n", status: 200, body: `{"status":201,"message":"OK","data":{"oidlist":[]}}`,
		},
		{
			name: "FINDX in a class that is not there", req: findX,
			reply: "301 UNKNOWN CLASS Nothing\n401 FAIL\n", status: 404,
			body: `{"status":401,"message":"OK","data":{"errors":[{"code":301,"message":"UNKNOWN CLASS Nothing"},{"code":401,"message":"FAIL"}]}}`,
		},
		{
			name: "CREATE has the OID where PHP looks first, and in a list", req: create,
			reply: "104 OBJECT 14\n201 OK\n", status: 200,
			body: `{"status":201,"message":"GOODBYE","data":{"oid":"14","oidlist":["14"]}}`,
		},
		{
			name: "a failed CREATE has no OID, though cced has named one", req: create,
			reply: "104 OBJECT 14\n302 BAD DATA 14 note \"[[lab.badNote]]\"\n401 FAIL\n", status: 422,
			body: `{"status":401,"message":"GOODBYE","data":{"errors":[{"code":302,"message":"BAD DATA 14 note \"[[lab.badNote]]\""},{"code":401,"message":"FAIL"}]}}`,
		},
		{
			name: "a handler's warning is an error entry of what went well, and its message an info", req: set,
			reply: "305 WARN \"[[lab.careful]]\"\n106 INFO \"[[lab.hello]]\"\n201 OK\n", status: 200,
			body: `{"status":201,"message":"GOODBYE","data":{"errors":[{"code":305,"message":"WARN \"[[lab.careful]]\""}],"infos":[{"code":106,"message":"INFO \"[[lab.hello]]\""}]}}`,
		},
		{
			name: "a handler's warning is not why a change has failed", req: set,
			reply: "305 WARN \"[[lab.broken]]\"\n401 FAIL\n", status: 401,
			body: `{"status":401,"message":"GOODBYE","data":{"errors":[{"code":305,"message":"WARN \"[[lab.broken]]\""},{"code":401,"message":"FAIL"}]}}`,
		},
		{
			name: "what may not be changed", req: set,
			reply: "304 PERMISSION DENIED maxusers\n401 FAIL\n", status: 403,
			body: `{"status":401,"message":"GOODBYE","data":{"errors":[{"code":304,"message":"PERMISSION DENIED maxusers"},{"code":401,"message":"FAIL"}]}}`,
		},
		{
			name: "a suspended cced may be asked again later", req: set, retries: true,
			reply: "309 SUSPENDED \"backup\"\n401 FAIL\n", status: 503,
			body: `{"status":401,"message":"GOODBYE","data":{"errors":[{"code":309,"message":"SUSPENDED \"backup\""},{"code":401,"message":"FAIL"}]}}`,
		},
		{
			name: "cced does not know the word", req: set,
			reply: "402 BAD COMMAND\n", status: 400,
			body: `{"status":402,"message":"GOODBYE","data":{"errors":[{"code":402,"message":"BAD COMMAND"}]}}`,
		},
		{
			name: "a code of a newer cced", req: set,
			reply: "310 SOMETHING NEW\n401 FAIL\n", status: 502,
			body: `{"status":401,"message":"GOODBYE","data":{"errors":[{"code":310,"message":"SOMETHING NEW"},{"code":401,"message":"FAIL"}]}}`,
		},
		{
			name: "SET has no data", req: set,
			reply: "201 OK\n", status: 200, body: `{"status":201,"message":"GOODBYE"}`,
		},
		{
			name: "NAMES", req: names,
			reply: "105 NAMESPACE Shell\n105 NAMESPACE Disk\n201 OK\n", status: 200,
			body: `{"status":201,"message":"GOODBYE","data":{"namespaces":["Shell","Disk"]}}`,
		},
		{
			name: "NAMES of an object without namespaces", req: names,
			reply: "201 OK\n", status: 200, body: `{"status":201,"message":"GOODBYE","data":{"namespaces":[]}}`,
		},
		{
			name: "CLASSES", req: plainRequest(cscp.Classes{}),
			reply: "110 CLASS System\n110 CLASS Vsite\n201 OK\n", status: 200,
			body: `{"status":201,"message":"GOODBYE","data":{"classes":["System","Vsite"]}}`,
		},
		{
			name: "WHOAMI", req: &Request{Action: WhoAmI, Word: "WHOAMI"},
			reply: "104 OBJECT 2\n201 OK\n", status: 200, body: `{"status":201,"message":"GOODBYE","data":{"oid":"2"}}`,
		},
		{
			name: "ENDKEY", req: &Request{Action: EndKey, Word: "ENDKEY"},
			reply: "201 OK\n", status: 200, body: `{"status":201,"message":"GOODBYE"}`,
		},
		{
			name: "BYE is well done with 202", req: &Request{Action: Bye, Word: "BYE"},
			reply: "202 GOODBYE\n", status: 200, body: `{"status":201,"message":"GOODBYE"}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := Replied(c.req, replyOf(t, c.reply), Options{})
			if err != nil {
				t.Fatal(err)
			}
			expect(t, a, c.status, c.body)
			if (a.RetryAfter > 0) != c.retries {
				t.Errorf("retry after %v", a.RetryAfter)
			}
		})
	}
}

func TestListsAreArraysIfAskedFor(t *testing.T) {
	for value, want := range map[string]string{
		``:                `""`,
		`text`:            `"text"`,
		`&`:               `"&"`,
		`&&`:              `[""]`,
		`&a&b&`:           `["a","b"]`,
		`&a&&b&`:          `["a","","b"]`,
		`&x%26y&50%25&`:   `["x&y","50%"]`,
		`&one+two&%2B&`:   `["one two","+"]`,
		`&100%&%zz&%2&`:   `["100%","%zz","%2"]`,
		`&caf%C3%A9&%ff&`: `["café","\ufffd"]`,
		`&open`:           `"&open"`,
		`closed&`:         `"closed&"`,
	} {
		reply := replyOf(t, "102 DATA a = \""+value+"\"\n201 OK\n")
		a, err := Replied(plainRequest(cscp.Get{OID: 1}), reply, Options{ScalarArrays: true})
		if err != nil {
			t.Fatal(err)
		}
		expect(t, a, 200, `{"status":201,"message":"GOODBYE","data":{"DATA":{"a":`+want+`}}}`)
	}
}

func TestHiddenValuesAreMasked(t *testing.T) {
	reply := replyOf(t, "102 DATA crypt = \"&a&b&\"\n102 DATA name = \"mary\"\n103 DATA crypt = \"new\"\n201 OK\n")
	hide := func(name []byte) bool { return string(name) == "crypt" }
	a, err := Replied(plainRequest(cscp.Get{OID: 3}), reply, Options{ScalarArrays: true, Hide: hide})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, a, 200, `{"status":201,"message":"GOODBYE","data":{"DATA":{"crypt":"********","name":"mary"}}}`)
}

func TestClassesAreListedThatAreShown(t *testing.T) {
	reply := replyOf(t, "110 CLASS System\n110 CLASS User\n110 CLASS Vsite\n201 OK\n")
	shows := func(class string) bool { return class != "User" }
	a, err := Replied(plainRequest(cscp.Classes{}), reply, Options{Shows: shows})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, a, 200, `{"status":201,"message":"GOODBYE","data":{"classes":["System","Vsite"]}}`)
}

func TestAReplyThatCannotBeReadIsAnError(t *testing.T) {
	for _, value := range []string{`no quotes`, `"open`, `"`, ``, `"a"b"`, `"a\"`, `"a\\"b"`} {
		reply := replyOf(t, "102 DATA a = "+value+"\n201 OK\n")
		if a, err := Replied(plainRequest(cscp.Get{OID: 1}), reply, Options{}); err == nil {
			t.Errorf("'%s' became %s", value, a.Body)
		}
		if a, err := Object(reply, Options{}); err == nil {
			t.Errorf("'%s' became %s", value, a.Body)
		}
		objects := NewObjects(Options{})
		objects.Start(1)
		if err := objects.Add("", reply); err == nil {
			t.Errorf("'%s' became %s", value, objects.Answer().Body)
		}
	}
}

func TestObject(t *testing.T) {
	for _, c := range []struct {
		name, reply string
		status      int
		body        string
	}{
		{
			"names stay in cced's case", "102 DATA fullName = \"Mary\"\n201 OK\n", 200,
			`{"status":201,"message":"OK","data":{"DATA":{"fullName":"Mary"}}}`,
		},
		{
			"an object that has gone meanwhile is not found", "300 UNKNOWN OBJECT 6\n401 FAIL\n", 404,
			`{"status":404,"message":"Object not found"}`,
		},
		{
			"a namespace that is not there is an error", "303 UNKNOWN NAMESPACE Nothing\n401 FAIL\n", 404,
			`{"status":401,"message":"OK","data":{"errors":[{"code":303,"message":"UNKNOWN NAMESPACE Nothing"},{"code":401,"message":"FAIL"}]}}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := Object(replyOf(t, c.reply), Options{})
			if err != nil {
				t.Fatal(err)
			}
			expect(t, a, c.status, c.body)
		})
	}
}

func TestObjects(t *testing.T) {
	data := func(name string) *cscp.Reply { return replyOf(t, "102 DATA "+name+" = \"1\"\n201 OK\n") }
	gone := replyOf(t, "300 UNKNOWN OBJECT 9\n401 FAIL\n")
	objects := NewObjects(Options{})
	expect(t, NewObjects(Options{}).Answer(), 200, `{"status":201,"message":"OK","data":{"objects":{}}}`)
	for _, add := range []struct {
		oid       cscp.OID
		namespace string
		reply     *cscp.Reply
	}{
		{6, "", data("a")},
		{6, "Email", data("b")},
		{6, "Gone", gone},
		{9, "", gone},
		{2, "", data("c")},
	} {
		if add.namespace == "" {
			objects.Start(add.oid)
		}
		before := objects.Size()
		if err := objects.Add(add.namespace, add.reply); err != nil {
			t.Fatal(err)
		}
		if (objects.Size() > before) != add.reply.OK() {
			t.Errorf("the size went from %d to %d", before, objects.Size())
		}
	}
	expect(t, objects.Answer(), 200, `{"status":201,"message":"OK","data":{"objects":{"6":{"OBJECT":{"a":"1"},"Email":{"b":"1"}},"2":{"OBJECT":{"c":"1"}}}}}`)
}

func TestManyObjectsAreAllThere(t *testing.T) {
	const many = 1000
	reply := userReply(t)
	objects := NewObjects(Options{})
	for oid := range cscp.OID(many) {
		objects.Start(oid + 1)
		if err := objects.Add("", reply); err != nil {
			t.Fatal(err)
		}
	}
	var body struct {
		Data struct {
			Objects map[cscp.OID]map[string]map[string]string
		}
	}
	if err := json.Unmarshal(objects.Answer().Body, &body); err != nil {
		t.Fatal(err)
	}
	if n := len(body.Data.Objects); n != many {
		t.Errorf("%d objects", n)
	}
	for oid, namespaces := range body.Data.Objects {
		if got := namespaces["OBJECT"]; len(got) != 30 || got["fullName"] != "Jos\u00e9 Mar\u00eda" {
			t.Fatalf("object %d is %v", oid, got)
		}
	}
}

// userReply is a reply of 30 properties in no order, one of them escaped and one
// a list.
func userReply(tb testing.TB) *cscp.Reply {
	var text strings.Builder
	for name := range strings.FieldsSeq(`enabled password CLASS OID systemAdministrator name description sortName
		site volume localePreference CLASSVER NAMESPACE ipaddr suspend domain webAliases hostname fqdn maxusers
		stylePreference uiRights createdUser emailDisabled ftpDisabled mailAliases quota userPrefix`) {
		text.WriteString("102 DATA " + name + " = \"some value of usual length\"\n")
	}
	text.WriteString("102 DATA fullName = \"Jos\\303\\251 Mar\\303\\255a\"\n102 DATA capabilities = \"&manageSite&x%26y&\"\n201 OK\n")
	return replyOf(tb, text.String())
}

// TestAnObjectCostsFewAllocations holds what an answer of 30 properties may cost:
// the answer, its text, the list that is sorted, and what escapes resolve to.
func TestAnObjectCostsFewAllocations(t *testing.T) {
	req, reply := plainRequest(cscp.Get{OID: 6}), userReply(t)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := Replied(req, reply, Options{}); err != nil {
			t.Fatal(err)
		}
	}); n > 4 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkReplied(b *testing.B) {
	req, reply := plainRequest(cscp.Get{OID: 6}), userReply(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Replied(req, reply, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkObjects(b *testing.B) {
	reply := userReply(b)
	objects := NewObjects(Options{})
	b.ReportAllocs()
	for i := range b.N {
		if i%1000 == 0 {
			objects = NewObjects(Options{})
		}
		objects.Start(cscp.OID(i + 1))
		if err := objects.Add("", reply); err != nil {
			b.Fatal(err)
		}
	}
}
