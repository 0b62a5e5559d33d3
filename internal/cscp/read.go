package cscp

import (
	"bytes"
	"errors"
	"io"
	"sync"
)

// DefaultMaxReply is how long a reply may be, in bytes.
const DefaultMaxReply = 64 << 20

// readSize is the size of a buffer at first; those that have grown beyond
// keepSize are not kept.
const readSize, keepSize = 16 << 10, 256 << 10

// longestWithoutCode is longer than the one line that cced sends without a code.
const longestWithoutCode = 64

var buffers = sync.Pool{New: func() any { b := make([]byte, readSize); return &b }}

// reader cuts what comes from cced into replies. Between replies it has no
// buffer, so that idle connections cost little.
type reader struct {
	from io.Reader
	max  int
	// buffer holds what has been read and not been given out at [start:end].
	buffer     *[]byte
	start, end int
}

// reply reads one reply. It is valid until the next call, or release.
func (r *reader) reply() (Reply, error) {
	line, scanned := r.start, r.start
	for {
		for text := r.unread(scanned); ; {
			i := bytes.IndexByte(text, '\n')
			if i < 0 {
				break
			}
			end := scanned + i
			code := codeOf((*r.buffer)[line:end])
			switch code / 100 {
			case 1, 3:
				line, scanned, text = end+1, end+1, text[i+1:]
				continue
			case 2, 4:
				reply := Reply{(*r.buffer)[r.start : end+1], code}
				r.start = end + 1
				return reply, nil
			}
			if code >= 998 {
				return Reply{}, ErrShutdown
			}
			return Reply{}, notALine((*r.buffer)[line:end])
		}
		scanned = r.end
		moved, err := r.fill(line)
		if err != nil {
			return Reply{}, err
		}
		line, scanned = line-moved, scanned-moved
	}
}

// saysEnd reports whether what has not been given out yet is what cced says when
// it ends.
func (r *reader) saysEnd() bool { return codeOf(r.unread(r.start)) >= 998 }

func (r *reader) unread(from int) []byte {
	if r.buffer == nil {
		return nil
	}
	return (*r.buffer)[from:r.end]
}

// fill reads more behind a line that is not complete, and says by how much what
// is there has been moved.
func (r *reader) fill(line int) (moved int, err error) {
	switch {
	case r.buffer == nil:
		r.buffer = buffers.Get().(*[]byte)
	case r.end < len(*r.buffer):
	case r.start > 0:
		moved = r.start
		copy(*r.buffer, (*r.buffer)[r.start:r.end])
		r.start, r.end, line = 0, r.end-moved, line-moved
	case r.end >= r.max:
		return 0, ErrTooLong
	default:
		larger := make([]byte, min(2*len(*r.buffer), r.max))
		copy(larger, (*r.buffer)[:r.end])
		r.buffer = &larger
	}
	n, err := r.from.Read((*r.buffer)[r.end:])
	r.end += n
	partial := (*r.buffer)[line:r.end]
	code := codeOf(partial)
	switch {
	case code >= 998:
		// This one has no line end.
		return moved, ErrShutdown
	case code == 0 && len(partial) > longestWithoutCode:
		// Whatever it is, it need not be read to its end.
		return moved, notALine(partial)
	}
	switch {
	case n > 0:
		return moved, nil
	case errors.Is(err, io.EOF):
		return moved, ErrClosed
	case err == nil:
		err = io.ErrNoProgress
	}
	return moved, err
}

// notALine says what a line is that has no code.
func notALine(line []byte) error {
	if bytes.HasPrefix(line, []byte("Maximum number of connections")) {
		return ErrTooManyConnections
	}
	return ErrProtocol
}

// release gives the buffer back. It reports false if there is something in it
// that nobody has asked for.
func (r *reader) release() bool {
	empty := r.start == r.end
	if r.buffer != nil && len(*r.buffer) <= keepSize {
		buffers.Put(r.buffer)
	}
	r.buffer, r.start, r.end = nil, 0, 0
	return empty
}
