package cscp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// daemon is as much of cced as the tests of connections need: log-ins, sessions,
// and GET, which answers with the user of the connection.
type daemon struct {
	mu sync.Mutex
	// users are the passwords by name, sessions the users by id.
	users, sessions map[string]string
	// lines are all lines that were received, in order.
	lines []string
	// dialled counts connections; open those that are, and most how many there
	// were at once.
	dialled, open, most int
	// proofs are the AUTHKEYs that are being worked on, each for proofTime.
	proofs, mostProofs int
	proofTime          time.Duration
	// answer, if set and not empty for a line, is what is sent instead of the
	// reply. The connection is closed after an answer without a line end.
	answer func(line string) string
	peers  map[net.Conn]bool
}

func newDaemon() *daemon {
	return &daemon{
		users:    map[string]string{"admin": "secret-1", "mary": "mary-pw 2", strings.Repeat("u", MaxUser+1): "long-1"},
		sessions: map[string]string{},
		peers:    map[net.Conn]bool{},
	}
}

// dial connects through memory.
func (d *daemon) dial(context.Context) (net.Conn, error) {
	ours, theirs := net.Pipe()
	go d.serve(theirs)
	return ours, nil
}

// listen serves on a socket in a folder of the test, and returns how to connect.
func (d *daemon) listen(t testing.TB) Dial {
	t.Helper()
	return d.listenAt(t, filepath.Join(t.TempDir(), "cced.socket"))
}

func (d *daemon) listenAt(t testing.TB, path string) Dial {
	t.Helper()
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			stream, err := listener.Accept()
			if err != nil {
				return
			}
			go d.serve(stream)
		}
	}()
	return func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}
}

// session makes a session as AUTH would.
func (d *daemon) session(user string) Session {
	d.mu.Lock()
	defer d.mu.Unlock()
	return Session{user, Secret(d.newSession(user))}
}

func (d *daemon) newSession(user string) string {
	id := fmt.Sprintf("%0*d", SessionIDLength, len(d.sessions)+1)
	d.sessions[id] = user
	return id
}

// endSession ends a session as another process would.
func (d *daemon) endSession(s Session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.sessions, string(s.ID))
}

// received lists the lines that were received and have a prefix.
func (d *daemon) received(prefix string) (lines []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, line := range d.lines {
		if strings.HasPrefix(line, prefix) {
			lines = append(lines, line)
		}
	}
	return lines
}

// counts returns dialled, open, most and mostProofs.
func (d *daemon) counts() (dialled, open, most, mostProofs int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dialled, d.open, d.most, d.mostProofs
}

// hangUp closes all connections, as a daemon that stops does.
func (d *daemon) hangUp() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for peer := range d.peers {
		_ = peer.Close()
	}
}

func (d *daemon) serve(stream net.Conn) {
	d.mu.Lock()
	d.peers[stream] = true
	d.dialled++
	d.open++
	d.most = max(d.most, d.open)
	d.mu.Unlock()
	defer func() {
		_ = stream.Close()
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.peers, stream)
		d.open--
	}()
	out := bufio.NewWriter(stream)
	in := bufio.NewReader(stream)
	_, _ = out.WriteString("100 CSCP/0.99\n200 READY\n")
	user := ""
	for {
		// Like cced it answers together what it got together.
		if in.Buffered() == 0 && out.Flush() != nil {
			return
		}
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		reply := d.reply(&user, strings.TrimSuffix(line, "\n"))
		if _, err := out.WriteString(reply); err != nil {
			return
		}
		if !strings.HasSuffix(reply, "\n") {
			_ = out.Flush()
			return
		}
	}
}

func (d *daemon) reply(user *string, line string) string {
	d.mu.Lock()
	d.lines = append(d.lines, line)
	answer := d.answer
	d.mu.Unlock()
	if answer != nil {
		if reply := answer(line); reply != "" {
			return reply
		}
	}
	command, err := ParseLine(line)
	if bad, ok := errors.AsType[*SyntaxError](err); ok {
		return fmt.Sprintf("%d BAD\n", bad.Code)
	}
	switch c := command.(type) {
	case Auth:
		return d.authenticate(user, c)
	case AuthKey:
		return d.resume(user, c)
	case EndKey:
		d.mu.Lock()
		defer d.mu.Unlock()
		d.sessions = map[string]string{}
	case Get:
		return fmt.Sprintf("102 DATA OID = \"%s\"\n102 DATA user = \"%s\"\n201 OK\n", c.OID, *user)
	case Bye:
		return "202 GOODBYE\n\n"
	}
	return "201 OK\n"
}

func (d *daemon) authenticate(user *string, c Auth) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch password, known := d.users[c.User]; {
	case c.User == "":
		*user = ""
		return "109 SESSIONID " + strings.Repeat("0", SessionIDLength) + "\n201 OK\n"
	case !known || password != string(c.Password):
		return "401 FAIL\n"
	}
	*user = c.User
	return "109 SESSIONID " + d.newSession(c.User) + "\n201 OK\n"
}

func (d *daemon) resume(user *string, c AuthKey) string {
	d.mu.Lock()
	d.proofs++
	d.mostProofs = max(d.mostProofs, d.proofs)
	d.mu.Unlock()
	if d.proofTime > 0 {
		time.Sleep(d.proofTime)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.proofs--
	if owner, known := d.sessions[string(c.SessionID)]; !known || owner != c.User {
		return "401 FAIL\n"
	}
	*user = c.User
	return "201 OK\n"
}
