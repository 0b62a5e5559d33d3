package caddycce_test

import (
	"runtime"
	"strconv"
	"testing"

	"github.com/sallyport/sallyport/internal/fake/cced"
)

// TestAThousandIdleSessionsCostLittle holds two promises: the connections to cced
// stay within the configured number, however many sessions there are; and an idle
// session costs at most 8 kB, of which the stand-in's own part is not taken off.
func TestAThousandIdleSessionsCostLittle(t *testing.T) {
	const sessions, connections, most = 1000, 40, 8 << 10
	e := startEndpoint(t, "max_connections "+strconv.Itoa(connections), func(c *cced.Config) { c.Record = false })
	// What a first session needs is there for all.
	e.local(t, `{"cmd":"WHOAMI",`+e.session(t, "mary", "mary-pw 2")+`}`).expect(t, 200,
		`{"status":201,"message":"GOODBYE","data":{"oid":"3"}}`)
	before := inUse()
	fields := make([]string, sessions)
	for i := range fields {
		fields[i] = e.session(t, "admin", "secret-1")
	}
	runtime.KeepAlive(fields)
	each := (inUse() - before) / sessions
	t.Logf("%d bytes for each session", each)
	if each > most {
		t.Errorf("an idle session costs %d bytes, more than %d", each, most)
	}
	// All are used once more, and not only the last ones.
	for _, one := range fields {
		e.local(t, `{"cmd":"WHOAMI",`+one+`}`).expect(t, 200, `{"status":201,"message":"GOODBYE","data":{"oid":"2"}}`)
	}
	// The daemon learns a moment later that a connection has been closed for
	// another one.
	const late = connections / 4
	if seen := e.daemon.Connections(); seen.Peak > connections+late || seen.Accepted < sessions {
		t.Errorf("%d connections at once of %d, want at most %d", seen.Peak, seen.Accepted, connections)
	}
}

// inUse is the memory of the heap after a collection.
func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
