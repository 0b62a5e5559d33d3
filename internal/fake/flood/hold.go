package flood

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"time"
)

// Hold is a crowd of connections that are in no hurry.
type Hold struct {
	Dial Dial
	// Lines is how many connections there are.
	Lines int
	// Begin is what each of them sends at once: nothing, or the beginning of a request.
	Begin string
	// Drip is how long each then waits before it sends one byte more, again and again; 0
	// means that it sends nothing more.
	Drip time.Duration
}

// Held is a crowd that has come.
type Held struct{ lines []net.Conn }

// Open opens the connections, all of them or none.
func (h *Hold) Open(ctx context.Context) (*Held, error) {
	held := new(Held)
	for number := range h.Lines {
		conn, err := h.Dial(ctx, number)
		if err == nil {
			held.lines = append(held.lines, conn)
			_, err = io.WriteString(conn, h.Begin)
		}
		if err != nil {
			return nil, errors.Join(err, held.Close())
		}
		if h.Drip > 0 {
			go drip(conn, h.Drip)
		}
	}
	return held, nil
}

// drip ends with the connection.
func drip(conn net.Conn, every time.Duration) {
	for {
		time.Sleep(every)
		if _, err := io.WriteString(conn, "x"); err != nil {
			return
		}
	}
}

// Close ends them.
func (h *Held) Close() (err error) {
	for _, conn := range h.lines {
		err = errors.Join(err, conn.Close())
	}
	return err
}

// Wait waits until the server has closed all of them, for so long at most. It tells how
// many it has closed, and the status of what it answered before, 0 for nothing.
func (h *Held) Wait(limit time.Duration) (closed int, statuses map[int]int) {
	deadline := time.Now().Add(limit)
	statuses = map[int]int{}
	for _, conn := range h.lines {
		_ = conn.SetReadDeadline(deadline)
		in := bufio.NewReader(conn)
		status, _ := readStatus(in)
		statuses[status]++
		// A server that goes on listening sends no end.
		_, err := in.ReadByte()
		if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() {
			closed++
		}
	}
	return closed, statuses
}
