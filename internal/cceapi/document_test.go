package cceapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/cscp"
)

// The examples of the API document are in testdata/document, one a file:
//
//	# a remark
//	request
//	{"cmd":"GET","oid":"6","user":"admin","sessionid":"…"}
//	cced
//	> GET 6
//	< 102 DATA name = "site1"
//	< 201 OK
//	answer 200
//	{"status":201, …}
//
// What passes between here and cced was recorded, but for the greeting and BYE. A
// file of several requests is one session.

// TestDocument answers each example's request as the endpoint does, with cced's
// recorded replies, and compares all bytes but blanks.
func TestDocument(t *testing.T) {
	files, err := filepath.Glob("testdata/document/*.txt")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d examples: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			var e endpoint
			for _, x := range readExamples(t, file) {
				e.T, e.said = t, x.said
				expect(t, e.answer(x.request), x.status, x.answer)
				if len(e.said) > 0 {
					t.Errorf("cced was not told '%s'", e.said[0].line)
				}
			}
		})
	}
}

// TestDifferences holds that testdata/differences names examples of the document
// that are here, that each is answered otherwise than there, and says why.
func TestDifferences(t *testing.T) {
	text, err := os.ReadFile("testdata/differences")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(text), "\n\n")
	for entry := range strings.SplitSeq(strings.TrimSpace(list), "\n\n") {
		name, rest, _ := strings.Cut(entry, "\n")
		documented, why, _ := strings.Cut(rest, "\n")
		examples := readExamples(t, filepath.Join("testdata/document", name+".txt"))
		ours := examples[len(examples)-1].answer
		if !json.Valid([]byte(documented)) || len(why) < 20 {
			t.Errorf("%s: the second line has to be the document's answer, and the third the reason", name)
		}
		var compact bytes.Buffer
		_ = json.Compact(&compact, []byte(ours))
		if documented == compact.String() {
			t.Errorf("%s: ours is the same", name)
		}
	}
}

type example struct {
	request string
	said    []exchange
	status  int
	answer  string
}

// exchange is a line to cced, and what it replies.
type exchange struct{ line, reply string }

func readExamples(t *testing.T, file string) (list []*example) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var x *example
	part := ""
	for line := range strings.Lines(string(text)) {
		word, number, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case strings.HasPrefix(line, "#"):
		case word == "request":
			x, part = new(example), word
			list = append(list, x)
		case word == "cced":
			part = word
		case word == "answer":
			if x.status, err = strconv.Atoi(number); err != nil {
				t.Fatal(err)
			}
			part = word
		case part == "request":
			x.request += line
		case part == "answer":
			x.answer += line
		case strings.HasPrefix(line, "> "):
			x.said = append(x.said, exchange{line: strings.TrimSpace(line[2:])})
		case strings.HasPrefix(line, "< "):
			x.said[len(x.said)-1].reply += line[2:]
		case word != "":
			t.Fatalf("%s: '%s' is out of place", file, line)
		}
	}
	return list
}

// endpoint answers requests as the handler does, in short.
type endpoint struct {
	*testing.T
	said    []exchange
	known   map[Credentials]bool
	open    bool
	pending []cscp.Command
}

// do tells cced a command, which has to be the next that was recorded.
func (e *endpoint) do(c cscp.Command) *cscp.Reply {
	e.Helper()
	if len(e.said) == 0 {
		e.Fatalf("cced is told more than was recorded: %s", c.Word())
	}
	next := e.said[0]
	e.said = e.said[1:]
	recorded, err := cscp.ParseLine(next.line)
	if err != nil {
		e.Fatal(err)
	}
	if diff := cmp.Diff(recorded, c); diff != "" {
		e.Fatalf("cced is told something else than '%s':\n%s", next.line, diff)
	}
	return replyOf(e, next.reply)
}

// logIn reports whether the credentials are accepted. A token is.
func (e *endpoint) logIn(c Credentials) bool {
	if c.Token != "" || e.known[c] {
		return true
	}
	var log cscp.Command = cscp.AuthKey{User: c.User, SessionID: c.SessionID}
	if c.Password != "" {
		log = cscp.Auth{User: c.User, Password: c.Password}
	}
	if _, err := cscp.Append(nil, log); err != nil || !e.do(log).OK() {
		return false
	}
	e.known = map[Credentials]bool{c: true}
	return true
}

func (e *endpoint) answer(body string) *Answer {
	req, err := Parse([]byte(body))
	if refused, ok := errors.AsType[*Refused](err); ok {
		return refused.Answer()
	} else if err != nil {
		e.Fatal(err)
	}
	switch req.Action {
	case Ping:
		return Pong()
	case LogIn:
		return TokenIssued("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZab", time.Date(2025, 8, 6, 12, 0, 0, 0, time.UTC))
	case Auth:
		if reply := e.do(req.Command); reply.OK() {
			return SessionIssued(reply.SessionID())
		}
		return LoginFailed(false)
	case AuthKey:
		if e.do(req.Command).OK() {
			return Done()
		}
		return LoginFailed(false)
	default:
	}
	if !e.logIn(req.Credentials) {
		if req.Action == WhoAmI {
			return WhoAmIRefused()
		}
		return LoginFailed(req.BuiltIn())
	}
	a, err := e.run(req)
	if err != nil {
		e.Fatal(err)
	}
	return a
}

func (e *endpoint) run(req *Request) (*Answer, error) {
	o := Options{ScalarArrays: req.ScalarArrays}
	switch req.Action {
	case WhoAmI:
		return Replied(req, e.do(cscp.WhoAmI{}), o)
	case EndKey:
		return Replied(req, e.do(cscp.EndKey{}), o)
	case Bye:
		return Done(), nil
	case Begin:
		e.open = true
		return Begun(), nil
	case Commit:
		return e.commit(), nil
	case FindX:
		return Replied(req, e.do(req.Search), o)
	case GetObject:
		return e.getObject(req, o)
	case GetAll:
		return e.getAll(req, o)
	default:
	}
	if e.open && req.Command.Changes() {
		e.pending = append(e.pending, req.Command)
		return Queued(), nil
	}
	return Replied(req, e.do(req.Command), o)
}

func (e *endpoint) commit() *Answer {
	if !e.open {
		return NoTransaction()
	}
	e.do(cscp.Begin{})
	var results Results
	for _, c := range e.pending {
		results.Add(c, e.do(c))
	}
	if results.Failed() {
		e.do(cscp.Bye{})
	} else {
		results.Commit(e.do(cscp.Commit{}))
	}
	e.open, e.pending = false, nil
	return results.Answer(false)
}

func (e *endpoint) getObject(req *Request, o Options) (*Answer, error) {
	found := e.do(req.Search)
	if !found.OK() {
		return Replied(req, found, o)
	}
	oids := e.oids(found)
	if len(oids) == 0 {
		return ObjectNotFound(), nil
	}
	return Object(e.do(cscp.Get{OID: oids[0], Namespace: req.Namespace}), o)
}

func (e *endpoint) getAll(req *Request, o Options) (*Answer, error) {
	oids := req.OIDs
	if len(oids) == 0 {
		found := e.do(req.Search)
		if !found.OK() {
			return Replied(req, found, o)
		}
		oids = e.oids(found)
	}
	objects := NewObjects(o)
	for _, oid := range oids {
		objects.Start(oid)
		main := e.do(cscp.Get{OID: oid})
		namespaces := e.do(cscp.Names{OID: oid}).Namespaces()
		if err := objects.Add("", main); err != nil {
			return nil, err
		}
		for _, n := range namespaces {
			if err := objects.Add(n, e.do(cscp.Get{OID: oid, Namespace: n})); err != nil {
				return nil, err
			}
		}
	}
	return objects.Answer(), nil
}

func (e *endpoint) oids(reply *cscp.Reply) (list []cscp.OID) {
	for _, digits := range reply.Objects() {
		oid, err := cscp.ParseOID(digits)
		if err != nil {
			e.Fatal(err)
		}
		list = append(list, oid)
	}
	return list
}
