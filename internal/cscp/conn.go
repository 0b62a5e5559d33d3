package cscp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// Dial opens a stream to cced.
type Dial func(context.Context) (net.Conn, error)

// Options are what a connection needs to know. The zero value is good for a
// process that is not root.
type Options struct {
	// MaxReply is how long a reply may be, in bytes. Default: DefaultMaxReply.
	MaxReply int
	// DropRights drops the rights that cced gives to a peer which runs as root,
	// before anything else is sent. It must be set in such a process.
	DropRights bool
}

// Conn is a connection to cced. One goroutine may use it at a time. After an
// error it is closed, except after a ParameterError, or if the context was over
// before anything was sent.
type Conn struct {
	stream net.Conn
	// quiet reports whether cced has said nothing unasked.
	quiet  func() bool
	reader reader
	// line is the buffer of what is written.
	line []byte
	// suspended and reason are what the greeting has said.
	suspended bool
	reason    string
	// inTransaction says that BEGIN was sent, and no COMMIT since.
	inTransaction bool
	broken        bool
}

// Open connects, reads the greeting, and drops root's rights if told to. The
// connection then has nobody's rights.
func Open(ctx context.Context, dial Dial, o Options) (*Conn, error) {
	stream, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	if o.MaxReply == 0 {
		o.MaxReply = DefaultMaxReply
	}
	c := &Conn{stream: stream, quiet: quietOf(stream), reader: reader{from: stream, max: o.MaxReply}}
	if err := c.greet(ctx); err != nil {
		c.Close()
		return nil, err
	}
	if o.DropRights {
		if err := c.dropRights(ctx); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// dropRights makes the connection nobody's. Any other command would run as
// administrator, whatever comes of a log-in.
func (c *Conn) dropRights(ctx context.Context) error {
	reply, err := c.Do(ctx, Auth{})
	if unknown, ok := errors.AsType[*UnknownOutcomeError](err); ok {
		// Nothing that the caller has asked for was sent.
		return unknown.Err
	}
	if err == nil && !reply.OK() {
		return ErrProtocol
	}
	return err
}

func (c *Conn) greet(ctx context.Context) error {
	defer c.limit(ctx)()
	greeting, err := c.reader.reply()
	if err != nil {
		return c.cause(ctx, err)
	}
	first := true
	for line := range greeting.Lines() {
		if first && (line.Code != 100 || !bytes.HasPrefix(line.Text, []byte("CSCP/"))) {
			return ErrProtocol
		}
		first = false
		if quoted, ok := bytes.CutPrefix(line.Text, []byte("SUSPENDED ")); ok && line.Code == CodeSuspended {
			text, err := AppendUnquoted(nil, quoted)
			if err != nil {
				return ErrProtocol
			}
			c.suspended, c.reason = true, string(text)
		}
	}
	if greeting.Final() != CodeReady || !c.reader.release() {
		return ErrProtocol
	}
	return nil
}

// Suspended reports whether cced refused changes when the connection was opened,
// and the reason that was given.
func (c *Conn) Suspended() (suspended bool, reason string) { return c.suspended, c.reason }

// LogIn logs a user in by password and returns the id of the new session. If it
// is refused the connection is closed: it would keep the rights it had, and
// cced makes it wait.
func (c *Conn) LogIn(ctx context.Context, user string, password Secret) (Secret, error) {
	// Without a name cced would make the connection nobody's, and say OK.
	if user == "" {
		return "", ErrRefused
	}
	reply, err := c.authenticate(ctx, Auth{user, password})
	if err != nil {
		return "", err
	}
	id := reply.SessionID()
	if (AuthKey{user[:min(len(user), MaxUser)], id}).check() != nil {
		c.Close()
		return "", ErrProtocol
	}
	return id, nil
}

// Resume takes a session up again.
func (c *Conn) Resume(ctx context.Context, user string, session Secret) error {
	_, err := c.authenticate(ctx, AuthKey{user, session})
	return err
}

func (c *Conn) authenticate(ctx context.Context, command Command) (*Reply, error) {
	reply, err := c.Do(ctx, command)
	switch {
	case err != nil:
		return nil, err
	case reply.Final() == CodeOK:
		return reply, nil
	}
	c.Close()
	if reply.Final() == CodeFail {
		return nil, ErrRefused
	}
	return nil, ErrProtocol
}

// Do carries a command out and returns the reply. A command that cannot be said
// is a ParameterError, and nothing is sent. If a change was sent and the reply
// is missing, the error is an UnknownOutcomeError.
func (c *Conn) Do(ctx context.Context, command Command) (*Reply, error) {
	if err := c.ready(ctx); err != nil {
		return nil, err
	}
	var err error
	if c.line, err = Append(c.line[:0], command); err != nil {
		return nil, err
	}
	defer c.limit(ctx)()
	size := len(c.line)
	written, err := c.write()
	var reply *Reply
	if err == nil {
		reply, err = c.read()
	}
	if err != nil {
		err = c.cause(ctx, err)
		c.Close()
		switch {
		case written == 0:
			err = &unsentError{err}
		case written == size && command.Changes():
			// A line without its end is not carried out.
			err = &UnknownOutcomeError{command.Word(), err}
		}
		return nil, err
	}
	c.follow(command, reply)
	return reply, nil
}

// ready says why nothing can be sent. The connection stays as it is.
func (c *Conn) ready(ctx context.Context) error {
	if c.broken {
		return ErrBroken
	}
	return context.Cause(ctx)
}

// keepLine is how large a buffer for lines may be to be kept.
const keepLine = 2 << 10

// write writes the line and clears it, since it may hold a password.
func (c *Conn) write() (written int, err error) {
	written, err = c.stream.Write(c.line)
	clear(c.line)
	if cap(c.line) > keepLine {
		c.line = nil
	}
	return written, err
}

// read reads the reply to the only command on its way.
func (c *Conn) read() (*Reply, error) {
	r, err := c.reader.reply()
	if err != nil {
		return nil, err
	}
	// A large buffer is not kept, so the reply can have it.
	if len(*c.reader.buffer) <= keepSize {
		r.lines = bytes.Clone(r.lines)
	}
	return &r, c.endExchange(r.final)
}

// endExchange makes sure that cced has said no more than was asked for. An empty
// line follows the good-bye, and 998 may follow anything: the connection is over
// then, but the reply before it counts.
func (c *Conn) endExchange(final int) error {
	over := c.reader.saysEnd()
	switch {
	case c.reader.release() || final == CodeGoodbye:
		return nil
	case over:
		c.Close()
		return nil
	}
	return ErrProtocol
}

// follow notes what a command has made of the connection's state.
func (c *Conn) follow(command Command, reply *Reply) {
	switch command.(type) {
	case Begin:
		// Refused in a transaction, it does not end that one.
		c.inTransaction = c.inTransaction || reply.OK()
	case Commit:
		// Good or bad, cced is back in the state of commands.
		c.inTransaction = false
	case Bye:
		c.Close()
	}
}

// limit ends reading and writing when the context does. The function it returns
// must be called afterwards.
func (c *Conn) limit(ctx context.Context) (done func()) {
	stop := context.AfterFunc(ctx, func() { _ = c.stream.SetDeadline(time.Unix(1, 0)) })
	return func() {
		if !stop() {
			// The deadline of a context that has ended must not meet the next user.
			c.Close()
		}
	}
}

// cause is the error of the context where that is what ended an exchange, and
// ErrClosed for all the ways in which a closed stream shows.
func (c *Conn) cause(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return context.DeadlineExceeded
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.ErrClosedPipe):
		return ErrClosed
	}
	return err
}

// Close closes the connection without BYE, which would make cced's session last
// longer. cced gives an open transaction up.
func (c *Conn) Close() {
	if !c.broken {
		c.broken = true
		c.reader.release()
		_ = c.stream.Close()
	}
}

// Usable reports whether the connection can be used again: it is open, in no
// transaction, and cced has said nothing unasked.
func (c *Conn) Usable() bool {
	return !c.broken && !c.inTransaction && c.quiet()
}
