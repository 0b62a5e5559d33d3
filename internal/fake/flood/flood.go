package flood

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Dial opens the connection of a number, from 0 on.
type Dial func(ctx context.Context, number int) (net.Conn, error)

// dialLimit is how long opening a connection may take, and answerLimit the answers to
// what was sent at once.
const (
	dialLimit   = 20 * time.Second
	answerLimit = 2 * time.Minute
)

// From dials an address over TCP, each time from the same address of this machine.
func From(source, address string) Dial {
	return func(ctx context.Context, _ int) (net.Conn, error) { return dial(ctx, net.ParseIP(source), address) }
}

// FromNetworks dials an address of the loopback, each time from another /24 of it; there
// are 65,024.
func FromNetworks(address string) Dial {
	return func(ctx context.Context, number int) (net.Conn, error) {
		return dial(ctx, net.IPv4(127, byte(1+number>>8%254), byte(number), 1), address)
	}
}

func dial(ctx context.Context, source net.IP, address string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: source}, Timeout: dialLimit}
	return d.DialContext(ctx, "tcp", address)
}

// Flood is a flood of requests.
type Flood struct {
	Dial Dial
	// Lines is how many connections it has, Deep how many requests each of them sends
	// without waiting for an answer; at least 1 both.
	Lines, Deep int
	// PerSecond is how many requests it makes in a second at most, 0 as many as it can.
	PerSecond int
	// Request makes the text of the request of a number, from 0 on.
	Request func(number int) string
}

// Answers are what came to it.
type Answers struct {
	// Statuses has the number of answers of each status.
	Statuses map[int]int
	Took     time.Duration
}

// Count is how many there are.
func (a Answers) Count() (n int) {
	for _, one := range a.Statuses {
		n += one
	}
	return n
}

// PerSecond is how many came in a second.
func (a Answers) PerSecond() float64 { return float64(a.Count()) / a.Took.Seconds() }

// String is such as "12 of 200, 30 of 401; 21 a second".
func (a Answers) String() string {
	var list []string
	for _, status := range slices.Sorted(maps.Keys(a.Statuses)) {
		list = append(list, fmt.Sprintf("%d of %d", a.Statuses[status], status))
	}
	return fmt.Sprintf("%s; %.0f a second", strings.Join(list, ", "), a.PerSecond())
}

// run is a flood while it lasts.
type run struct {
	*Flood
	began time.Time
	// most is how many requests there are, in whole batches.
	most int64
	next atomic.Int64
}

// Run makes so many requests, in whole batches of Deep, or goes on until ctx ends if
// most is 0. That ctx ends is no error.
func (f *Flood) Run(ctx context.Context, most int) (Answers, error) {
	r := &run{Flood: f, began: time.Now(), most: int64(most)}
	ends := make(chan lineEnd, f.Lines)
	for number := range f.Lines {
		go func() { ends <- r.line(ctx, number) }()
	}
	all := Answers{Statuses: map[int]int{}}
	var failed error
	for range f.Lines {
		end := <-ends
		for status, n := range end.statuses {
			all.Statuses[status] += n
		}
		failed = errors.Join(failed, end.err)
	}
	all.Took = time.Since(r.began)
	return all, failed
}

// lineEnd is what a connection comes back with.
type lineEnd struct {
	statuses map[int]int
	err      error
}

func (r *run) line(ctx context.Context, number int) lineEnd {
	end := lineEnd{statuses: map[int]int{}}
	conn, err := r.Dial(ctx, number)
	if err == nil {
		defer conn.Close()
		defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
		in := bufio.NewReaderSize(conn, 16<<10)
		for err == nil {
			first, more := r.take(ctx)
			if !more {
				return end
			}
			err = r.batch(conn, in, first, end.statuses)
		}
	}
	if ctx.Err() == nil {
		end.err = fmt.Errorf("connection %d of the flood: %w", number, err)
	}
	return end
}

// take waits for the turn of the next batch, whose first number it gives.
func (r *run) take(ctx context.Context) (first int, more bool) {
	n := r.next.Add(int64(r.Deep)) - int64(r.Deep)
	if r.most > 0 && n >= r.most {
		return 0, false
	}
	var wait time.Duration
	if r.PerSecond > 0 {
		wait = time.Until(r.began.Add(time.Duration(n) * time.Second / time.Duration(r.PerSecond)))
	}
	select {
	case <-time.After(wait):
		return int(n), ctx.Err() == nil
	case <-ctx.Done():
		return 0, false
	}
}

func (r *run) batch(conn net.Conn, in *bufio.Reader, first int, statuses map[int]int) error {
	var text strings.Builder
	for n := range r.Deep {
		text.WriteString(r.Request(first + n))
	}
	if err := conn.SetDeadline(time.Now().Add(answerLimit)); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, text.String()); err != nil {
		return err
	}
	for range r.Deep {
		status, err := readStatus(in)
		if err != nil {
			return err
		}
		statuses[status]++
	}
	return nil
}

// readStatus reads an answer and throws away all but its status.
func readStatus(in *bufio.Reader) (int, error) {
	response, err := http.ReadResponse(in, nil)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}
