package cscp

import (
	"context"
	"errors"
)

// batch is how many commands are written at once. Two batches may be on their
// way, so that cced is busy while the next one is written.
const batch = 250

// errNotARead: a pipeline is for reads, since a change must see what came of the
// one before it.
var errNotARead = errors.New("only reads can be sent together")

// isRead reports whether a command changes neither what cced holds nor what the
// connection is.
func isRead(command Command) bool {
	switch command.(type) {
	case AuthKey, Bye:
		return false
	}
	return !command.Changes()
}

// Pipeline carries out n reads without waiting for one reply before the next
// command, and hands the replies over in order. A reply is valid during the call
// only. If handle returns an error the pipeline ends, and with it the
// connection.
func (c *Conn) Pipeline(ctx context.Context, n int, command func(i int) Command, handle func(i int, reply *Reply) error) error {
	if err := c.ready(ctx); err != nil {
		return err
	}
	defer c.limit(ctx)()
	// The writer ends with the reading: a closed connection ends its write, and
	// done its wait for a slot.
	slots, done, written := make(chan struct{}, 2), make(chan struct{}), make(chan error, 1)
	finished := false
	defer func() {
		// A handle that panics leaves replies on their way.
		if !finished {
			c.Close()
			close(done)
		}
	}()
	go func() { written <- c.writeAll(n, command, slots, done) }()
	err := c.readAll(n, slots, handle)
	if err == nil {
		err = c.endExchange(CodeOK)
	}
	if err != nil {
		c.Close()
	}
	finished = true
	close(done)
	if unsaid := <-written; unsaid != nil {
		return unsaid
	}
	return c.cause(ctx, err)
}

// readAll reads n replies, and makes a slot free after each batch of them.
func (c *Conn) readAll(n int, slots <-chan struct{}, handle func(int, *Reply) error) error {
	var reply Reply
	for i := range n {
		var err error
		if reply, err = c.reader.reply(); err == nil {
			err = handle(i, &reply)
		}
		if err != nil {
			return err
		}
		if (i+1)%batch == 0 {
			<-slots
		}
	}
	return nil
}

// writeAll writes n commands. It returns why a command could not be said, and has
// then closed the stream; where writing fails the reader finds out why.
func (c *Conn) writeAll(n int, command func(int) Command, slots chan<- struct{}, done <-chan struct{}) error {
	var line []byte
	for i := 0; i < n; {
		select {
		case slots <- struct{}{}:
		case <-done:
			return nil
		}
		line = line[:0]
		var err error
		for end := min(n, i+batch); i < end; i++ {
			one := command(i)
			if !isRead(one) {
				err = errNotARead
			} else {
				line, err = Append(line, one)
			}
			if err != nil {
				_ = c.stream.Close()
				return err
			}
		}
		if _, err := c.stream.Write(line); err != nil {
			return nil
		}
	}
	return nil
}
