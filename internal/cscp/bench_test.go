package cscp

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func BenchmarkAppend(b *testing.B) {
	set := Set{6, "Email", []Pair{{"vacationOn", "1"}, {"vacationMsg", "Bin \"weg\"\nbis Montag, später mehr"}, {"aliases", "&a&b&c&"}}}
	var line []byte
	b.ReportAllocs()
	for b.Loop() {
		line, _ = Append(line[:0], set)
	}
}

func BenchmarkParseLine(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseLine(`SET 6 . Email vacationOn = "1" vacationMsg = "Bin \"weg\"\nbis Montag" aliases="&a&b&c&"`); err != nil {
			b.Fatal(err)
		}
	}
}

// anObject is the reply to a GET of an object of 30 properties.
func anObject() string {
	var text strings.Builder
	for i := range 30 {
		fmt.Fprintf(&text, "102 DATA property%d = \"a value of \\\"%d\\\" \\303\\251\"\n", i, i)
	}
	return text.String() + "201 OK\n"
}

// forever is a stream that begins again when it is over.
type forever struct {
	text []byte
	next bytes.Reader
}

func (f *forever) Read(p []byte) (int, error) {
	n, err := f.next.Read(p)
	if errors.Is(err, io.EOF) {
		f.next.Reset(f.text)
		n, err = f.next.Read(p)
	}
	return n, err
}

// BenchmarkReader reads an object of 30 properties and decodes its values.
func BenchmarkReader(b *testing.B) {
	text := []byte(anObject())
	r := reader{from: &forever{text: text}, max: DefaultMaxReply}
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	var value []byte
	for b.Loop() {
		reply, err := r.reply()
		if err != nil {
			b.Fatal(err)
		}
		for line := range reply.Lines() {
			if _, quoted, ok := line.Data(); ok {
				if value, err = AppendUnquoted(value[:0], quoted); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
}

// parrot listens on a socket, takes each AUTHKEY for good, and answers all else
// with the same reply, so that what is measured is the client.
func parrot(b *testing.B, reply string) Dial {
	b.Helper()
	path := filepath.Join(b.TempDir(), "cced.socket")
	listener, err := net.Listen("unix", path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			stream, err := listener.Accept()
			if err != nil {
				return
			}
			go repeat(stream, reply)
		}
	}()
	return func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}
}

func repeat(stream net.Conn, reply string) {
	defer func() { _ = stream.Close() }()
	in, out := bufio.NewReader(stream), bufio.NewWriterSize(stream, 16<<10)
	_, _ = out.WriteString(greeting)
	for {
		if in.Buffered() == 0 && out.Flush() != nil {
			return
		}
		line, err := in.ReadSlice('\n')
		if err != nil {
			return
		}
		answer := reply
		if bytes.HasPrefix(line, []byte("AUTH")) {
			answer = "201 OK\n"
		}
		_, _ = out.WriteString(answer)
	}
}

// aHit is the reply to the GET of a small object.
const aHit = "102 DATA name = \"site1\"\n201 OK\n"

func served(b *testing.B) (Dial, *Pool, Session) {
	b.Helper()
	dial := parrot(b, aHit)
	p := NewPool(PoolConfig{Dial: dial})
	b.Cleanup(p.Close)
	s := Session{"admin", "abc"}
	if err := p.Check(b.Context(), s); err != nil {
		b.Fatal(err)
	}
	return dial, p, s
}

func BenchmarkPoolDo(b *testing.B) {
	_, p, s := served(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Do(b.Context(), s, Get{OID: 1}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkThousandReads compares three ways to send 1,000 GETs.
func BenchmarkThousandReads(b *testing.B) {
	const reads = 1000
	get := func(i int) Command { return Get{OID: OID(i + 1)} }
	b.Run("pipeline", func(b *testing.B) {
		_, p, s := served(b)
		b.ReportAllocs()
		for b.Loop() {
			n := 0
			err := p.Pipeline(b.Context(), s, reads, get, func(_ int, r *Reply) error { n += r.Final(); return nil })
			if err != nil || n != reads*CodeOK {
				b.Fatal(n, err)
			}
		}
	})
	b.Run("one at a time", func(b *testing.B) {
		_, p, s := served(b)
		for b.Loop() {
			for i := range reads {
				if _, err := p.Do(b.Context(), s, get(i)); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("one connection each", func(b *testing.B) {
		dial, _, s := served(b)
		for b.Loop() {
			for i := range reads {
				c, err := Open(b.Context(), dial, Options{})
				if err == nil {
					err = c.Resume(b.Context(), s.User, s.ID)
				}
				if err == nil {
					_, err = c.Do(b.Context(), get(i))
				}
				if err != nil {
					b.Fatal(err)
				}
				c.Close()
			}
		}
	})
}

// TestAnIdleSessionCostsLittle holds what is promised: no more than 8 kB for
// each idle session with a connection.
func TestAnIdleSessionCostsLittle(t *testing.T) {
	const sessions, most = 500, 8 << 10
	d := newDaemon()
	dial := d.listen(t)
	p := NewPool(PoolConfig{Dial: dial, Limits: Limits{MaxConnections: sessions, MaxPerUser: sessions}})
	defer p.Close()
	all := make([]Session, sessions)
	for i := range all {
		all[i] = d.session("admin")
	}
	// The other end of the connections is in this process, too, and is taken off
	// by connections that do nothing.
	theirs := growth(t, func() {
		for range all {
			c, err := dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
			if _, err := io.ReadFull(c, make([]byte, len(greeting))); err != nil {
				t.Fatal(err)
			}
		}
	})
	ours := growth(t, func() {
		for _, s := range all {
			asks(t, p, s)
		}
	})
	if s := p.Stats(); s.Idle != sessions {
		t.Fatalf("Stats = %+v", s)
	}
	each := (ours - theirs) / sessions
	t.Logf("%d bytes each", each)
	if each > most {
		t.Errorf("an idle session costs %d bytes, more than %d", each, most)
	}
}

// growth is by how much the memory in use grows.
func growth(t *testing.T, grow func()) int64 {
	t.Helper()
	before := inUse()
	grow()
	return inUse() - before
}

func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}
