package cscp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheGreeting(t *testing.T) {
	for text, want := range map[string]struct {
		err       error
		suspended bool
		reason    string
	}{
		greeting: {},
		"100 CSCP/0.99\n309 SUSPENDED \"down for \\\"repair\\\"\"\n200 READY\n": {nil, true, `down for "repair"`},
		"100 CSCP/0.99\n309 SUSPENDED \"\"\n200 READY\n":                        {nil, true, ""},
		"100 CSCP/0.99\n309 SUSPENDED never\n200 READY\n":                       {err: ErrProtocol},
		"Maximum number of connections reached\ndisconnecting...":               {err: ErrTooManyConnections},
		"998 SHUTTING DOWN":                        {err: ErrShutdown},
		"999 ENGINE ON FIRE":                       {err: ErrShutdown},
		"":                                         {err: ErrClosed},
		"100 CSCP/0.99\n":                          {err: ErrClosed},
		"100 CSCP/0.99\n401 FAIL\n":                {err: ErrProtocol},
		"200 READY\n":                              {err: ErrProtocol},
		"200 CSCP/0.99\n":                          {err: ErrProtocol},
		"SSH-2.0-OpenSSH_10.0\r\n":                 {err: ErrProtocol},
		"HTTP/1.1 400 Bad Request\r\n\r\n":         {err: ErrProtocol},
		"100 CSCP/0.99\n200 READY\n201 OK\n":       {err: ErrProtocol},
		"100 CSCP/0.99\n101 EVENT 13.x\n200 READY": {err: ErrClosed},
	} {
		c, err := Open(t.Context(), scripted(text, func(player) {}), Options{})
		if !errors.Is(err, want.err) {
			t.Errorf("%q: %v, want %v", text, err, want.err)
		}
		if err != nil {
			continue
		}
		if suspended, reason := c.Suspended(); suspended != want.suspended || reason != want.reason {
			t.Errorf("%q: suspended %v, '%s'", text, suspended, reason)
		}
		c.Close()
	}
}

// replying answers each line with what it says, and closes if that has no line
// end.
func replying(reply string) Dial {
	return scripted(greeting, func(p player) {
		for {
			if _, err := p.lines.ReadString('\n'); err != nil {
				return
			}
			if _, err := p.stream.Write([]byte(reply)); err != nil || !strings.HasSuffix(reply, "\n") {
				return
			}
		}
	})
}

func TestWhatCanBecomeOfAReply(t *testing.T) {
	for name, c := range map[string]struct {
		reply string
		want  error
	}{
		"closed without a word":      {" ", ErrClosed},
		"cut in mid-line":            {"102 DATA name = \"si", ErrClosed},
		"cut behind a line":          {"102 DATA name = \"site1\"\n1", ErrClosed},
		"cut before the line end":    {"201 OK", ErrClosed},
		"shutting down when idle":    {"998 SHUTTING DOWN", ErrShutdown},
		"shutting down in mid-reply": {"104 OBJECT 7\n998 SHUTTING DOWN", ErrShutdown},
		"on fire":                    {"999 ENGINE ON FIRE", ErrShutdown},
		"shutting down with newline": {"998 SHUTTING DOWN\n", ErrShutdown},
		"a line without a code":      {"hello\n", ErrProtocol},
		"a line with a short code":   {"20 OK\n", ErrProtocol},
		"a code without a blank":     {"201OK\n", ErrProtocol},
		"a code that is none":        {"501 WHAT\n", ErrProtocol},
		"an empty line":              {"\n", ErrProtocol},
		"more than one reply":        {"201 OK\n201 OK\n", ErrProtocol},
		"half a reply more":          {"201 OK\n104", ErrProtocol},
		"too many connections":       {"Maximum number of connections reached\n", ErrTooManyConnections},
		"garbage without an end":     {strings.Repeat("\x00", 1<<20), ErrProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			for _, command := range []Command{Get{OID: 1}, Set{OID: 1}} {
				conn, err := Open(t.Context(), replying(c.reply), Options{})
				if err != nil {
					t.Fatal(err)
				}
				_, err = conn.Do(t.Context(), command)
				if _, unknown := errors.AsType[*UnknownOutcomeError](err); !errors.Is(err, c.want) || unknown != command.Changes() {
					t.Errorf("%s: %v, want %v", command.Word(), err, c.want)
				}
				if conn.Usable() {
					t.Error("the connection can still be used")
				}
				if _, err := conn.Do(t.Context(), command); !errors.Is(err, ErrBroken) {
					t.Errorf("after that: %v", err)
				}
			}
		})
	}
}

func TestAReplyIsBounded(t *testing.T) {
	const limit = 1 << 20
	line := "102 DATA notes = \"" + strings.Repeat("x", limit/4-20) + "\"\n"
	for lines, want := range map[int]error{3: nil, 5: ErrTooLong} {
		dial := replying(strings.Repeat(line, lines) + "201 OK\n")
		c, err := Open(t.Context(), dial, Options{MaxReply: limit})
		if err != nil {
			t.Fatal(err)
		}
		reply, err := c.Do(t.Context(), Get{OID: 1})
		if !errors.Is(err, want) {
			t.Errorf("%d lines: %v, want %v", lines, err, want)
		}
		if err == nil && reply.Size() != lines*len(line)+7 {
			t.Errorf("%d lines: a reply of %d bytes", lines, reply.Size())
		}
		c.Close()
	}
	flood := replying(strings.Repeat("102 DATA a = \"b\"\n", 1<<20))
	c, err := Open(t.Context(), flood, Options{MaxReply: limit})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Do(t.Context(), Get{OID: 1}); !errors.Is(err, ErrTooLong) || c.Usable() {
		t.Errorf("a flood: %v", err)
	}
}

func TestALongValueIsReadBack(t *testing.T) {
	value := strings.Repeat("é\"\\\n\x00"[:5], 60_000)
	quoted := string(AppendQuoted(nil, value))
	c, err := Open(t.Context(), replying("102 DATA notes = "+quoted+"\n201 OK\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	reply, err := c.Do(t.Context(), Set{OID: 1, Values: []Pair{{"notes", value}}})
	if err != nil {
		t.Fatal(err)
	}
	if values, err := reply.Values(); err != nil || values["notes"] != value {
		t.Errorf("%d bytes were read back (%v)", len(values["notes"]), err)
	}
	if cap(c.line) > keepLine || c.reader.buffer != nil {
		t.Errorf("an idle connection keeps %d bytes", cap(c.line))
	}
}

func TestACommandTakesNoLongerThanItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := scripted(greeting, func(p player) { _, _ = p.lines.ReadString(0) })
		for _, command := range []Command{Get{OID: 1}, Set{OID: 1}} {
			c, err := Open(t.Context(), silent, Options{})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			start := time.Now()
			_, err = c.Do(ctx, command)
			_, unknown := errors.AsType[*UnknownOutcomeError](err)
			if !errors.Is(err, context.DeadlineExceeded) || unknown != command.Changes() || time.Since(start) != time.Minute {
				t.Errorf("%s after %v: %v", command.Word(), time.Since(start), err)
			}
			cancel()
			if c.Usable() {
				t.Error("a late reply would be taken for the next command's")
			}
		}
	})
}

func TestAContextThatIsOverSendsNothing(t *testing.T) {
	d := newDaemon()
	c, err := Open(t.Context(), d.dial, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Do(ctx, Set{OID: 1})
	if _, unknown := errors.AsType[*UnknownOutcomeError](err); !errors.Is(err, context.Canceled) || unknown {
		t.Errorf("Do: %v", err)
	}
	if err := c.Pipeline(ctx, 1, func(int) Command { return WhoAmI{} }, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Pipeline: %v", err)
	}
	if _, err := c.Do(t.Context(), Get{OID: 1}); err != nil || len(d.received("")) != 1 {
		t.Errorf("cced got %q, %v", d.received(""), err)
	}
	if _, err := Open(ctx, d.listen(t), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Open: %v", err)
	}
}

func TestARefusedLogInClosesTheConnection(t *testing.T) {
	d := newDaemon()
	for name, logIn := range map[string]func(*Conn) error{
		"password": func(c *Conn) error { return second(c.LogIn(t.Context(), "admin", "wrong")) },
		"session":  func(c *Conn) error { return c.Resume(t.Context(), "admin", "nosuch") },
	} {
		c, err := Open(t.Context(), d.dial, Options{})
		if err != nil {
			t.Fatal(err)
		}
		// It would keep these rights.
		if _, err := c.LogIn(t.Context(), "mary", "mary-pw 2"); err != nil {
			t.Fatal(err)
		}
		if err := logIn(c); !errors.Is(err, ErrRefused) || c.Usable() {
			t.Errorf("%s: %v", name, err)
		}
	}
	c, err := Open(t.Context(), d.dial, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var bad *ParameterError
	if err := c.Resume(t.Context(), "admin", ""); !errors.As(err, &bad) || len(d.received("AUTHKEY \"admin\" \"\"")) != 0 {
		t.Errorf("an empty session id: %v", err)
	}
	if _, err := c.LogIn(t.Context(), "", "anything"); !errors.Is(err, ErrRefused) {
		t.Errorf("an empty user name, which cced says OK to: %v", err)
	}
}

func TestAnAnswerToALogInThatIsNone(t *testing.T) {
	for _, reply := range []string{
		"201 OK\n", "109 SESSIONID \n201 OK\n", "109 SESSIONID a b\n201 OK\n", "202 GOODBYE\n", "402 BAD COMMAND\n",
		"307 OUT OF MEMORYSESSIONID\n201 OK\n",
	} {
		c, err := Open(t.Context(), replying(reply), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.LogIn(t.Context(), "admin", "secret-1"); !errors.Is(err, ErrProtocol) || c.Usable() {
			t.Errorf("%q: %v", reply, err)
		}
	}
}

func TestTheGoodByeHasAnEmptyLine(t *testing.T) {
	for _, reply := range []string{"202 GOODBYE\n\n", "202 GOODBYE\n"} {
		c, err := Open(t.Context(), replying(reply), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if reply, err := c.Do(t.Context(), Bye{}); err != nil || reply.Final() != CodeGoodbye || c.Usable() {
			t.Errorf("BYE: %v", err)
		}
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	s := Session{"admin", "hunter2"}
	text := fmt.Sprintf("%v %+v %#v %s %q %x %v", s, s, s, s.ID, s.ID, s.ID, Auth{"admin", "hunter2"})
	if strings.Contains(text, "hunter2") || strings.Contains(text, "68756e746572") {
		t.Error(text)
	}
	if b, err := s.ID.MarshalText(); err != nil || string(b) != redacted {
		t.Errorf("%s, %v", b, err)
	}
	for _, c := range []Command{Auth{"a\x00b", "hunter2"}, AuthKey{"admin", "hunter2!"}, Set{OID: 1, Values: []Pair{{"password", "hunter2\x00"}}}} {
		if _, err := Append(nil, c); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", c.Word(), err)
		}
	}
}

func TestADeadPeerIsClosed(t *testing.T) {
	ours, theirs := net.Pipe()
	c := &Conn{stream: ours, quiet: quietOf(ours), reader: reader{from: ours, max: DefaultMaxReply}}
	_ = theirs.Close()
	_, err := c.Do(t.Context(), Set{OID: 1})
	if !errors.Is(err, ErrClosed) || !IsUnsent(err) {
		t.Errorf("nothing of it was sent: %v", err)
	}
}

func TestAReplyCountsThatIsFollowedByTheEndOfCced(t *testing.T) {
	talkingTo := func(reply string) *Conn {
		c, err := Open(t.Context(), replying(reply), Options{})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	const last = "304 PERMISSION DENIED name\n401 FAIL\n998 SHUTTING DOWN"
	c := talkingTo(last)
	reply, err := c.Do(t.Context(), Set{OID: 1})
	if err != nil || reply.Final() != CodeFail {
		t.Errorf("SET: %v, %v", reply, err)
	}
	if c.Usable() {
		t.Error("the connection can be used again")
	}
	c = talkingTo(last)
	n := 0
	err = c.Pipeline(t.Context(), 1, func(int) Command { return Get{OID: 1} }, func(int, *Reply) error { n++; return nil })
	if err != nil || n != 1 || c.Usable() {
		t.Errorf("a pipeline: %v after %d replies, usable: %v", err, n, c.Usable())
	}
	if _, err := talkingTo("401 FAIL\n201 OK\n").Do(t.Context(), Set{OID: 1}); !errors.Is(err, ErrProtocol) {
		t.Errorf("two replies: %v", err)
	}
}
