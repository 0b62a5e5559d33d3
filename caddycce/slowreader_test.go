package caddycce_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestClientsThatDoNotReadHoldFewAnswers is about answers of many bytes, which are
// in memory until their client has read them.
func TestClientsThatDoNotReadHoldFewAnswers(t *testing.T) {
	const places = 16
	e := startEndpoint(t, "timeout 20s")
	admin := e.session(t, "admin", "secret-1")
	// More than the system's own buffers take.
	for range 9 {
		e.local(t, `{"cmd":"CREATE","class":"System","data":{"hostname":"x","notes":"`+strings.Repeat("x", 900_000)+`"},`+admin+`}`)
	}
	list := `{"cmd":"GETALL","class":"System",` + admin + `}`
	if r := e.local(t, list); r.StatusCode != 200 || len(r.Text) < 8_000_000 {
		t.Fatalf("HTTP %d with %d bytes", r.StatusCode, len(r.Text))
	}
	var slow []net.Conn
	defer func() {
		for _, c := range slow {
			c.Close()
		}
	}()
	// Each takes a place: the system's buffers between take a part of the answer
	// only.
	for range places {
		slow = append(slow, e.ask(t, list))
	}
	within(t, 10*time.Second, func() bool { return e.local(t, list).StatusCode == http.StatusServiceUnavailable })
	e.local(t, `{"cmd":"GET","oid":"1","namespace":"Time",`+admin+`}`).expect(t, 200,
		`{"status":201,"message":"GOODBYE","data":{"DATA":{"CLASSVER":"1.0","NAMESPACE":"Time","epochTime":"","timeZone":"US/Eastern"}}}`)
	// One that goes away gives its place to the next.
	slow[0].Close()
	within(t, 10*time.Second, func() bool { return e.local(t, list).StatusCode == 200 })
}

// ask sends a request on a connection of its own, reads the first line of the
// answer, and then no more.
func (e *endpoint) ask(t *testing.T, body string) net.Conn {
	t.Helper()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(e.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(c, "POST /v2/cce HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReaderSize(c, 16).ReadSlice('\n'); err == nil || !strings.HasPrefix(string(line), "HTTP/1.1 200") {
		t.Fatalf("%q, %v", line, err)
	}
	return c
}
