package cced

import "sync/atomic"

// PeerIsRoot says whether connections accepted from now on have the rights of a
// root peer: administrator from the first byte until the first good AUTH or
// AUTHKEY.
func (s *Server) PeerIsRoot(yes bool) { s.root.Store(yes) }

// ReadOnly answers 201 to every change, and throws it away.
func (s *Server) ReadOnly(yes bool) { s.readOnly.Store(yes) }

// FailChanges lets every change end in 401.
func (s *Server) FailChanges(yes bool) { s.failChanges.Store(yes) }

// longestReason is what the daemon keeps of the reason of a suspension.
const longestReason = 128

// Suspend refuses changes with 309 and the reason. It reports whether they were
// not refused before; then nothing changes.
func (s *Server) Suspend(reason string) bool {
	reason = reason[:min(len(reason), longestReason)]
	return s.suspended.CompareAndSwap(nil, &reason)
}

// Resume takes changes again. It reports whether they were refused.
func (s *Server) Resume() bool { return s.suspended.Swap(nil) != nil }

// Stall accepts connections and reads commands but answers nothing more, until
// it is called with false. What has come in is answered then.
func (s *Server) Stall(yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.stalled.Load()
	switch {
	case yes && before == nil:
		gate := make(chan struct{})
		s.stalled.Store(&gate)
	case !yes && before != nil:
		s.stalled.Store(nil)
		close(*before)
	}
}

// Flood answers each command with the text again and again until the client
// goes away: with "104 OBJECT 1\n" a reply without end, with "x" a line without
// end. The empty text ends it.
func (s *Server) Flood(text string) {
	if text == "" {
		s.flood.Store(nil)
		return
	}
	for len(text) < 1<<10 { // so that it comes fast
		text += text
	}
	s.flood.Store(&text)
}

// cut says which answers are cut off.
type cut struct {
	after, times atomic.Int64
}

// CutAfter closes the next so many connections that are answered, each after
// that many bytes of answers. Greetings are not counted.
func (s *Server) CutAfter(bytes, times int) {
	s.cut.after.Store(int64(bytes))
	s.cut.times.Store(int64(times))
}

// take reports whether a connection is to be cut off, and after how many bytes.
func (c *cut) take() (int, bool) {
	if c.times.Load() <= 0 || c.times.Add(-1) < 0 {
		return 0, false
	}
	return int(c.after.Load()), true
}
