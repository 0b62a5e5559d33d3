package cced

import (
	"bytes"
	"net"
	"time"
)

// conn is the connection of a client.
type conn struct {
	server *Server
	run    *run
	peer   net.Conn // nil for the setup

	lexer lexer
	begun []byte // a line whose end has not come yet
	reply        // answers that are not written yet
	// closing ends the connection after what is in out.
	closing bool
	// cutting says that only allowed bytes more are written.
	cutting bool
	allowed int

	caller      caller
	session     string
	lastUser    string // of the last session, even if it is over
	transaction *transaction
}

// flushSize is how much may gather before it is written.
const flushSize = 64 << 10

// serve is the connection from the greeting to the end.
func (c *conn) serve() {
	defer c.forgetTransaction()
	if !c.unstalled() || !c.greet() {
		c.sayGoodbye()
		return
	}
	buffer := make([]byte, 16<<10)
	for {
		n, err := c.peer.Read(buffer)
		c.server.received.Add(int64(n))
		c.take(buffer[:n])
		c.flush()
		if c.closing {
			return
		}
		if c.run.isStopping() {
			c.sayGoodbye()
			return
		}
		if err != nil {
			return // a last line without newline is not carried out
		}
	}
}

func (c *conn) greet() bool {
	c.line("100 CSCP/0.99")
	c.tellSuspended()
	c.line("200 READY")
	_, err := c.peer.Write(c.out)
	c.out = c.out[:0]
	return err == nil
}

// lastWords is how long a client has for what the daemon says when it stops.
const lastWords = 200 * time.Millisecond

// interrupt ends reading, and soon writing, since the daemon stops.
func (c *conn) interrupt() {
	_ = c.peer.SetReadDeadline(time.Unix(1, 0))
	_ = c.peer.SetWriteDeadline(time.Now().Add(lastWords))
}

// sayGoodbye is said when the daemon stops, but not inside a transaction.
func (c *conn) sayGoodbye() {
	if c.transaction == nil && c.run.isStopping() {
		_, _ = c.peer.Write([]byte("998 SHUTTING DOWN"))
	}
}

// take carries out the lines that have come in. The daemon reads C strings:
// after a NUL byte the rest of what came with it is lost, line ends as well.
func (c *conn) take(input []byte) {
	if end := bytes.IndexByte(input, 0); end >= 0 {
		input = input[:end]
	}
	for !c.closing && !c.run.isStopping() {
		line, rest, whole := bytes.Cut(input, []byte("\n"))
		if !whole {
			c.begun = append(c.begun, input...)
			return
		}
		input = rest
		if len(c.begun) > 0 {
			c.begun = append(c.begun, line...)
			line = c.begun
			c.begun = c.begun[:0]
		}
		c.execute(line)
		if len(c.out) > flushSize {
			c.flush()
		}
	}
}

// flush writes the answers. A client that has gone away changes nothing: what it
// sent is carried out.
func (c *conn) flush() {
	if c.peer == nil || len(c.out) == 0 {
		return
	}
	if !c.cutting {
		c.allowed, c.cutting = c.server.cut.take()
	}
	if c.cutting {
		if c.closing = c.closing || len(c.out) >= c.allowed; len(c.out) > c.allowed {
			c.out = c.out[:c.allowed]
		}
		c.allowed -= len(c.out)
	}
	_, _ = c.peer.Write(c.out)
	c.out = c.out[:0]
}

// unstalled waits while the daemon is stalled. It is false if it stops.
func (c *conn) unstalled() bool {
	for gate := c.server.stalled.Load(); gate != nil; gate = c.server.stalled.Load() {
		c.flush()
		select {
		case <-*gate:
		case <-c.run.stopping:
			return false
		}
	}
	return true
}

// wait lets time pass. It is false if the daemon stops first.
func (c *conn) wait(d time.Duration) bool {
	if d <= 0 || c.peer == nil {
		return true
	}
	c.flush()
	select {
	case <-c.server.config.After(d):
		return true
	case <-c.run.stopping:
		return false
	}
}

// drown answers with a flood until the client or the daemon ends.
func (c *conn) drown(text string) {
	c.closing = true
	for !c.run.isStopping() {
		if _, err := c.peer.Write([]byte(text)); err != nil {
			return
		}
	}
}
