package cscp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// chunks is a stream that comes in pieces of the sizes given, again and again.
type chunks struct {
	rest  []byte
	sizes []byte
	next  int
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	size := 1
	if len(c.sizes) > 0 {
		size += int(c.sizes[c.next%len(c.sizes)])
		c.next++
	}
	n := copy(p, c.rest[:min(size, len(c.rest))])
	c.rest = c.rest[n:]
	return n, nil
}

var recordedReply = regexp.MustCompile(`(?m)^(?:[A-Z] )?< (.*)$`)

// FuzzReader: whatever comes, in whatever pieces, becomes replies that together
// are what came, and an error in the end.
func FuzzReader(f *testing.F) {
	for _, file := range append(recordings(f), forgeries) {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		var said bytes.Buffer
		for _, line := range recordedReply.FindAllSubmatch(text, -1) {
			said.WriteString(recordedBytes(string(line[1])) + "\n")
		}
		f.Add(said.Bytes(), []byte{0, 3, 255})
	}
	f.Add([]byte("102 DATA a = \"b\"\n998 SHUTTING DOWN"), []byte{1})
	const limit = 64 << 10
	f.Fuzz(func(t *testing.T, text, sizes []byte) {
		r := reader{from: &chunks{rest: text, sizes: sizes}, max: limit}
		var read []byte
		for {
			reply, err := r.reply()
			if err != nil {
				checkReaderError(t, err)
				break
			}
			for line := range reply.Lines() {
				if line.Code != reply.Final() && (line.Code/100 == 2 || line.Code/100 == 4) {
					t.Fatalf("a reply goes on behind %d", line.Code)
				}
				if _, quoted, ok := line.Data(); ok {
					_, _ = AppendUnquoted(nil, quoted)
				}
			}
			_, _ = reply.Values()
			read = append(read, reply.lines...)
		}
		if !bytes.HasPrefix(text, read) {
			t.Fatalf("%q was read as %q", text, read)
		}
		if size := len(*r.buffer); size > max(limit, keepSize) {
			t.Fatalf("a buffer of %d bytes", size)
		}
	})
}

func checkReaderError(t *testing.T, err error) {
	t.Helper()
	for _, known := range []error{ErrClosed, ErrProtocol, ErrShutdown, ErrTooLong, ErrTooManyConnections} {
		if errors.Is(err, known) {
			return
		}
	}
	t.Fatalf("an unknown error: %v", err)
}

// FuzzQuote: what is quoted is one quoted word of printable ASCII, to cced and
// to ours, and stands for what was quoted.
func FuzzQuote(f *testing.F) {
	for _, value := range []string{"", `"`, `\`, "a\\", "\n\r\t\a\b\f\v", "é", "\xff\xfe", "\\n\\012", "$5 & more", "\x7f\x01", "a\x00b"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		quoted := AppendQuoted([]byte("x"), value)[1:]
		if !all(string(quoted), func(c byte) bool { return c >= 0x20 && c < 0x7f }) {
			t.Fatalf("%q is quoted as %q", value, quoted)
		}
		if back, err := AppendUnquoted(nil, quoted); err != nil || string(back) != value {
			t.Fatalf("%q is quoted as %s, which is %q, %v", value, quoted, back, err)
		}
		if words := lex(string(quoted)); len(words) != 1 || words[0].bad || words[0].text != value {
			t.Fatalf("%q is quoted as %s, which is %v", value, quoted, words)
		}
		line, err := Append(nil, Set{OID: 1, Values: []Pair{{"a", value}}})
		if hasNUL := strings.Contains(value, "\x00"); (err != nil) != hasNUL {
			t.Fatalf("%q: %v", value, err)
		}
		if n := bytes.Count(line, []byte("\n")); err == nil && n != 1 {
			t.Fatalf("%q is written in %d lines", value, n)
		}
	})
}

func TestWhatIsNotQuoted(t *testing.T) {
	for _, text := range []string{``, `"`, `a`, `"a`, `a"`, `"a"b"`, `"a\"`, `""a`, `"\"`} {
		if value, err := AppendUnquoted(nil, []byte(text)); !errors.Is(err, ErrNotQuoted) {
			t.Errorf("'%s' is said to be %q, %v", text, value, err)
		}
	}
}

// FuzzParseOID: a number is one for strconv as well, and is written without zeros in
// front.
func FuzzParseOID(f *testing.F) {
	for _, text := range []string{"1", "007", "0", "-1", "+1", "999999999999999999", "1000000000000000000", "1_0", "", "١"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		oid, err := ParseOID(text)
		want, other := strconv.ParseUint(text, 10, 64)
		if good := other == nil && want > 0 && len(text) <= maxOIDDigits; good != (err == nil) {
			t.Fatalf("%q: %v", text, err)
		}
		if err == nil && (uint64(oid) != want || oid.check() != nil || oid.String() != strings.TrimLeft(text, "0")) {
			t.Fatalf("%q is %s", text, oid)
		}
	})
}

// FuzzParseFind: the words of a search say the same when it is written, and are
// those that follow the word FIND in a line.
func FuzzParseFind(f *testing.F) {
	for _, words := range []string{
		` Vsite name = "site1" sort fqdn`, "User", `User name ~ "^a" . Email aliases = x sorttype ascii sortprop name`, "User sortnum", "", "User name = a\nBYE", `User a."b" = #1#YQ==`,
	} {
		f.Add(words)
	}
	f.Fuzz(func(t *testing.T, words string) {
		find, err := ParseFind(words)
		if err != nil {
			return
		}
		written, err := Append(nil, find)
		if err != nil {
			t.Fatalf("%q was read as %#v, which cannot be said: %v", words, find, err)
		}
		if bytes.IndexByte(written, '\n') != len(written)-1 || bytes.IndexByte(written, 0) >= 0 {
			t.Fatalf("%q is written as %q", words, written)
		}
		if again, err := ParseFind(strings.TrimPrefix(string(written[:len(written)-1]), "FIND ")); err != nil || !reflect.DeepEqual(again, find) {
			t.Fatalf("%q was read as %#v, and what it is written as as %#v, %v", words, find, again, err)
		}
		if command, err := ParseLine("FIND " + words); err != nil || !reflect.DeepEqual(command, Command(find)) {
			t.Fatalf("%q is %#v, and in a line %#v, %v", words, find, command, err)
		}
	})
}

// FuzzGreeting: whatever greets, it is CSCP that is ready, or an error; a connection
// that cannot be had is not left open.
func FuzzGreeting(f *testing.F) {
	for _, text := range []string{
		"100 CSCP/0.99\n200 READY\n", "100 CSCP/0.99\n309 SUSPENDED \"a \\\"reason\\\"\"\n200 READY\n", "100 CSCP/0.99\n309 SUSPENDED \"\\\n200 READY\n",
		"100 CSCP/0.99\n200 READY\n104 OBJECT 1\n", "200 READY\n", "Maximum number of connections reached\n", "998 SHUTTING DOWN", "220 mail ESMTP\n", "",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		here, there := net.Pipe()
		go func() {
			if len(text) > 0 { // or a Read would end with nothing, as those of sockets do not
				_, _ = there.Write(text)
			}
			_ = there.Close()
		}()
		c, err := Open(t.Context(), func(context.Context) (net.Conn, error) { return here, nil }, Options{MaxReply: 64 << 10})
		if err != nil {
			checkReaderError(t, err)
			if _, err := here.Write(nil); !errors.Is(err, io.ErrClosedPipe) {
				t.Fatal("the connection is left open")
			}
			return
		}
		defer c.Close()
		if !bytes.HasPrefix(text, []byte("100 CSCP/")) || !bytes.Contains(text, []byte("\n200 ")) {
			t.Fatalf("%q is taken for a greeting", text)
		}
		if suspended, reason := c.Suspended(); suspended != bytes.Contains(text, []byte("\n309 SUSPENDED ")) || !suspended && reason != "" {
			t.Fatalf("%q: %t, %q", text, suspended, reason)
		}
	})
}
