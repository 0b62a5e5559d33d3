package cscp

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// dyingAt makes the daemon close the connection at the first n lines with a
// prefix, after what is said of it.
func (d *daemon) dyingAt(prefix string, n int, lastWords string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answer = func(line string) string {
		d.mu.Lock()
		defer d.mu.Unlock()
		if n == 0 || !strings.HasPrefix(line, prefix) {
			return ""
		}
		n--
		return lastWords
	}
}

// cut is a reply that ends in the middle.
const cut = "102 DATA na"

func TestAReadIsSentAgainOnceOnAFreshConnection(t *testing.T) {
	for name, lastWords := range map[string]string{
		"cut off": cut, "cut off behind a line": "102 DATA OID = \"1\"\n998 SHUTTING DOWN", "shutting down": "998 SHUTTING DOWN",
	} {
		t.Run(name, func(t *testing.T) {
			pooling(t, Limits{}, func(t *testing.T, d *daemon, p *Pool) {
				s := d.session("admin")
				asks(t, p, s)
				d.dyingAt("GET", 1, lastWords)
				asks(t, p, s)
				if got := len(d.received("GET")); got != 3 || p.Stats().Retried != 1 || p.Stats().Dialled != 2 {
					t.Errorf("GET was sent %d times, not 3, %+v", got, p.Stats())
				}
				d.dyingAt("GET", 2, lastWords)
				if _, err := p.Do(t.Context(), s, Get{OID: 1}); !isLost(err) {
					t.Errorf("lost twice: %v", err)
				}
				if got := len(d.received("GET")); got != 5 {
					t.Errorf("GET was sent %d times, not 5", got)
				}
			})
		})
	}
}

func TestAChangeIsNeverSentAgain(t *testing.T) {
	for _, c := range []Command{Set{OID: 1}, Create{Class: "User"}, Destroy{1}, Suspend{}, Resume{}, EndKey{}, Commit{}} {
		t.Run(c.Word(), func(t *testing.T) {
			pooling(t, Limits{}, func(t *testing.T, d *daemon, p *Pool) {
				s := d.session("admin")
				asks(t, p, s)
				d.dyingAt(c.Word(), 1, "302 BAD")
				_, err := p.Do(t.Context(), s, c)
				unknown, ok := errors.AsType[*UnknownOutcomeError](err)
				if !ok || unknown.Word != c.Word() || !errors.Is(err, ErrClosed) {
					t.Errorf("the error is: %v", err)
				}
				if n := len(d.received(c.Word())); n != 1 {
					t.Errorf("it was sent %d times", n)
				}
			})
		})
	}
}

func TestACommandThatCcedDiesOfIsNotSentAgain(t *testing.T) {
	find := Find{Class: "Vsite", Criteria: []Criterion{{"fqdn", "a{1,255}", true}}}
	pooling(t, Limits{}, func(t *testing.T, d *daemon, p *Pool) {
		s := d.session("admin")
		d.dyingAt("FIND", 9, " ")
		if _, err := p.Do(t.Context(), s, find); !errors.Is(err, ErrClosed) {
			t.Errorf("Do: %v", err)
		}
		err := p.Pipeline(t.Context(), s, 1, func(int) Command { return find }, func(int, *Reply) error { return nil })
		if !errors.Is(err, ErrClosed) {
			t.Errorf("Pipeline: %v", err)
		}
		if n := len(d.received("FIND")); n != 2 {
			t.Errorf("it was sent %d times, not 2", n)
		}
	})
}

func TestACancelledCommandIsNotSentAgain(t *testing.T) {
	pooling(t, Limits{}, func(t *testing.T, d *daemon, p *Pool) {
		s := d.session("admin")
		d.answer = func(line string) string {
			if strings.HasPrefix(line, "AUTH") {
				return ""
			}
			time.Sleep(time.Minute)
			return cut
		}
		for _, c := range []Command{Get{OID: 1}, Set{OID: 1}} {
			gone := errors.New("the client has gone")
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Second, func() { cancel(gone) })
			_, err := p.Do(ctx, s, c)
			_, unknown := errors.AsType[*UnknownOutcomeError](err)
			if !errors.Is(err, gone) || unknown != c.Changes() {
				t.Errorf("%s: %v", c.Word(), err)
			}
			if n := len(d.received(c.Word())); n != 1 || p.Stats().Open != 0 {
				t.Errorf("%s was sent %d times, %+v", c.Word(), n, p.Stats())
			}
		}
		synctest.Wait()
		time.Sleep(2 * time.Minute)
	})
}

func TestAPipelineStartsAgainBeforeItsFirstReply(t *testing.T) {
	pooling(t, Limits{}, func(t *testing.T, d *daemon, p *Pool) {
		s := d.session("admin")
		var got []int
		read := func() error {
			got = nil
			return p.Pipeline(t.Context(), s, 3, func(i int) Command { return Get{OID: OID(i + 1)} }, func(i int, r *Reply) error {
				values, err := r.Values()
				if values["OID"] != strconv.Itoa(i+1) || values["user"] != "admin" {
					t.Errorf("reply %d is %v (%v)", i, values, err)
				}
				got = append(got, i)
				return nil
			})
		}
		d.dyingAt("GET 1", 1, cut)
		if err := read(); err != nil || !slices.Equal(got, []int{0, 1, 2}) {
			t.Errorf("lost before the first reply: %v, %v", got, err)
		}
		d.dyingAt("GET 2", 1, cut)
		if err := read(); !errors.Is(err, ErrClosed) || !slices.Equal(got, []int{0}) {
			t.Errorf("lost after the first reply: %v, %v", got, err)
		}
		d.dyingAt("GET 1", 2, cut)
		if err := read(); !errors.Is(err, ErrClosed) || len(got) != 0 {
			t.Errorf("lost twice: %v, %v", got, err)
		}
	})
}

func TestAPipelineEndsWithItsHandle(t *testing.T) {
	pooling(t, Limits{}, func(t *testing.T, d *daemon, p *Pool) {
		s := d.session("admin")
		enough := errors.New("enough")
		get := func(int) Command { return Get{OID: 1} }
		err := p.Pipeline(t.Context(), s, 2000, get, func(i int, _ *Reply) error {
			if i == 700 {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) || p.Stats().Open != 0 {
			t.Errorf("%v, %+v", err, p.Stats())
		}
		err = p.Pipeline(t.Context(), s, 2000, func(i int) Command { return Get{OID: OID(1999 - i)} }, func(int, *Reply) error { return nil })
		if _, ok := errors.AsType[*ParameterError](err); !ok {
			t.Errorf("the last one cannot be said: %v", err)
		}
		func() {
			defer func() { _ = recover() }()
			_ = p.Pipeline(t.Context(), s, 10, get, func(int, *Reply) error { panic("a bug") })
		}()
		if p.Stats().Open != 0 {
			t.Errorf("a connection with replies on their way was kept: %+v", p.Stats())
		}
		if err := p.Pipeline(t.Context(), s, 0, get, nil); err != nil {
			t.Errorf("nothing to read: %v", err)
		}
		asks(t, p, s)
	})
}

// TestARestartOfCcedIsNotNoticed is about real sockets: what is dead is noticed
// before it is used, so that a change gets through, too.
func TestARestartOfCcedIsNotNoticed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cced.socket")
	d := newDaemon()
	p := NewPool(PoolConfig{Dial: d.listenAt(t, path), Limits: Limits{MaxPerSession: 3}})
	defer p.Close()
	s := d.session("admin")
	var leases []*Lease
	for range 3 {
		leases = append(leases, lease(t, p, s))
	}
	for _, l := range leases {
		l.Release()
	}
	d.hangUp()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Do(t.Context(), s, Set{OID: 1}); err == nil {
		t.Error("a change was made by a daemon that does not run")
	} else if _, unknown := errors.AsType[*UnknownOutcomeError](err); unknown {
		t.Errorf("nothing can have left, and the outcome is said to be unknown: %v", err)
	}
	d.listenAt(t, path)
	if _, err := p.Do(t.Context(), s, Set{OID: 1}); err != nil {
		t.Errorf("a change after the restart: %v", err)
	}
	if n := len(d.received("SET")); n != 1 {
		t.Errorf("SET was sent %d times", n)
	}
	asks(t, p, s)
}

func TestAnIdleConnectionThatSaysSomethingIsNotUsed(t *testing.T) {
	for _, words := range []string{"998 SHUTTING DOWN", "201 OK\n"} {
		d := newDaemon()
		p := NewPool(PoolConfig{Dial: d.listen(t)})
		s := d.session("admin")
		asks(t, p, s)
		d.mu.Lock()
		for peer := range d.peers {
			if _, err := peer.Write([]byte(words)); err != nil {
				t.Error(err)
			}
		}
		d.mu.Unlock()
		if _, err := p.Do(t.Context(), s, Set{OID: 1}); err != nil {
			t.Errorf("'%s': %v", words, err)
		}
		if dialled, _, _, _ := d.counts(); dialled != 2 {
			t.Errorf("'%s': %d connections were opened, not 2", words, dialled)
		}
		p.Close()
	}
}

func TestADeadlineThatIsOverDoesNotSpoilTheConnection(t *testing.T) {
	d := newDaemon()
	p := NewPool(PoolConfig{Dial: d.listen(t)})
	defer p.Close()
	s := d.session("admin")
	deadline := time.Now().Add(300 * time.Millisecond)
	ctx, cancel := context.WithDeadline(t.Context(), deadline)
	defer cancel()
	if _, err := p.Do(ctx, s, Get{OID: 1}); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	asks(t, p, s)
	if dialled, _, _, _ := d.counts(); dialled != 1 {
		t.Errorf("%d connections were opened, not 1", dialled)
	}
}

func TestADaemonWithoutSocket(t *testing.T) {
	p := NewPool(PoolConfig{Dial: func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(t.TempDir(), "none.socket"))
	}})
	defer p.Close()
	if _, err := p.Do(t.Context(), Session{"admin", "abc"}, WhoAmI{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Do: %v", err)
	}
	if _, err := p.LogIn(t.Context(), "admin", "secret-1"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("LogIn: %v", err)
	}
	if s := p.Stats(); s.Open != 0 || s.Sessions != 0 {
		t.Errorf("Stats = %+v", s)
	}
}
