package cced

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Server is a daemon: its data, which outlive a restart, and the run of it that
// there is at the moment.
type Server struct {
	config   Config
	schema   *schema
	store    *store
	sessions *sessions

	passwordsMu sync.Mutex // guards config.Passwords

	mu   sync.Mutex
	run  *run // nil while stopped
	seen Connections

	root        atomic.Bool
	readOnly    atomic.Bool
	failChanges atomic.Bool
	suspended   atomic.Pointer[string] // the reason
	stalled     atomic.Pointer[chan struct{}]
	flood       atomic.Pointer[string]
	cut         cut

	received atomic.Int64 // bytes
	commands atomic.Int64
	linesMu  sync.Mutex
	lines    []string
}

// run is the daemon from a start to a stop.
type run struct {
	listener net.Listener
	conns    map[*conn]struct{} // guarded by Server.mu
	done     sync.WaitGroup
	stopping chan struct{}
	// changing holds one value while a change runs: the daemon's write lock.
	changing chan struct{}
	killed   chan struct{}
	killOnce sync.Once
}

func newRun(listener net.Listener) *run {
	return &run{
		listener: listener,
		conns:    map[*conn]struct{}{},
		stopping: make(chan struct{}),
		changing: make(chan struct{}, 1),
		killed:   make(chan struct{}),
	}
}

func (r *run) isStopping() bool {
	select {
	case <-r.stopping:
		return true
	default:
		return false
	}
}

// New makes a daemon that is not running yet. It reports schemas it cannot
// read, and commands of the setup that fail.
func New(config Config) (*Server, error) {
	config = config.complete()
	parsed, err := parseSchemas(config.Schemas)
	if err != nil {
		return nil, err
	}
	s := &Server{
		config:   config,
		schema:   parsed,
		store:    newStore(),
		sessions: &sessions{byID: map[string]session{}, life: config.SessionLife, now: config.Now, random: config.Random},
	}
	if err := s.setUp(config.Setup); err != nil {
		return nil, err
	}
	s.lines = nil // the setup is not a client's
	s.commands.Store(0)
	s.root.Store(config.PeerIsRoot)
	return s, nil
}

// setUp carries out commands as a root peer.
func (s *Server) setUp(lines []string) error {
	c := &conn{server: s, run: newRun(nil), caller: caller{admin: true}}
	for _, line := range lines {
		c.out = c.out[:0]
		c.execute([]byte(line))
		if reply := string(c.out); !endsWell(reply) {
			return fmt.Errorf("setup '%s': the answer was '%s'", line, reply)
		}
	}
	return nil
}

// Serve runs the daemon until the context ends, and stops it as Stop does.
func (s *Server) Serve(ctx context.Context) error {
	if err := s.Restart(); err != nil {
		return err
	}
	<-ctx.Done()
	s.Stop()
	return nil
}

// Socket is the path of the unix socket.
func (s *Server) Socket() string { return s.config.Socket }

// Restart starts the daemon on the same socket with the same data and
// sessions, after a stop if it is running.
func (s *Server) Restart() error {
	s.Stop()
	if err := removeStale(s.config.Socket); err != nil {
		return err
	}
	listener, err := net.Listen("unix", s.config.Socket)
	if err != nil {
		return err
	}
	if err := os.Chmod(s.config.Socket, 0o666); err != nil {
		return errors.Join(err, listener.Close())
	}
	r := newRun(listener)
	s.mu.Lock()
	s.run = r
	s.mu.Unlock()
	r.done.Go(func() { s.accept(r) })
	return nil
}

// removeStale removes a socket that nobody listens on.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode().Type() != fs.ModeSocket {
		return nil // Listen says what is wrong with other files
	}
	if err != nil {
		return err
	}
	if peer, err := net.DialTimeout("unix", path, time.Second); err == nil {
		return errors.Join(fmt.Errorf("socket '%s' is in use by another program", path), peer.Close())
	}
	return os.Remove(path)
}

// Stop is what the daemon does on SIGTERM: idle connections are told
// `998 SHUTTING DOWN`, those inside a transaction are closed without a word, a
// running change fails. It returns when all are closed.
func (s *Server) Stop() {
	s.mu.Lock()
	r := s.run
	s.run = nil
	if r == nil {
		s.mu.Unlock()
		return
	}
	close(r.stopping)
	for c := range r.conns {
		c.interrupt()
	}
	s.mu.Unlock()
	_ = r.listener.Close() // accept ends at once, whatever this says
	r.done.Wait()
}

// KillWorker is a worker process that is killed while it holds the write lock:
// the connection of the slow change that runs is closed, and all changes from
// then on wait for ever, until a restart. Reads go on.
func (s *Server) KillWorker() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run != nil {
		s.run.killOnce.Do(func() { close(s.run.killed) })
	}
}

// Connections counts the connections of clients.
type Connections struct {
	Open     int // now
	Peak     int // the most that were open at once
	Accepted int // since New, refused ones not among them
}

// Connections counts connections over all restarts.
func (s *Server) Connections() Connections {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

// Commands is the number of command lines that were received.
func (s *Server) Commands() int64 { return s.commands.Load() }

// Lines are the command lines that were received, in order, if Config.Record is
// set. There may be passwords in them.
func (s *Server) Lines() []string {
	s.linesMu.Lock()
	defer s.linesMu.Unlock()
	return append([]string(nil), s.lines...)
}

// accept takes connections until the listener is closed.
func (s *Server) accept(r *run) {
	for {
		peer, err := r.listener.Accept()
		if err != nil {
			return
		}
		c := &conn{server: s, run: r, peer: peer, caller: caller{admin: s.root.Load()}}
		if !s.enter(c) {
			_ = peer.SetWriteDeadline(time.Now().Add(lastWords))
			_, _ = peer.Write([]byte("Maximum number of connections reached\ndisconnecting..."))
			_ = peer.Close()
			continue
		}
		r.done.Go(func() {
			defer s.leave(c)
			c.serve()
		})
	}
}

// enter counts a connection, if there is room for it.
func (s *Server) enter(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.run.isStopping() || len(c.run.conns) >= s.config.MaxConnections {
		return false
	}
	c.run.conns[c] = struct{}{}
	s.seen.Accepted++
	s.seen.Open++
	s.seen.Peak = max(s.seen.Peak, s.seen.Open)
	return true
}

func (s *Server) leave(c *conn) {
	_ = c.peer.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(c.run.conns, c)
	s.seen.Open--
}

// record remembers a command line.
func (s *Server) record(line []byte) {
	s.commands.Add(1)
	if s.config.Record {
		s.linesMu.Lock()
		s.lines = append(s.lines, string(line))
		s.linesMu.Unlock()
	}
}
