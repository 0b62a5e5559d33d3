package cced

import (
	"errors"
	"io"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// replayer plays the client's part of dialogues.
type replayer struct {
	t      *testing.T
	daemon *Server
	clock  *clock
	file   string
	line   int
	hidden string // a command that the recorder sent and did not show

	lettered map[string]*client
	plain    []*client // connections without a letter, the last one speaks
	ids      map[string]string
	written  int64
	// hangUp says that the client closes its side before the daemon does.
	hangUp bool
	// slow is the connection whose handler takes time until it is listened to.
	slow string
}

// client is one connection of a dialogue.
type client struct {
	*talker
	greeted bool
	asked   []string // commands that are not answered yet
	lines   []string // the recorded reply so far
}

func (r *replayer) fatalf(format string, args ...any) {
	r.t.Helper()
	r.t.Fatalf("%s:%d: "+format, append([]any{r.file, r.line}, args...)...)
}

// play replays a file.
func (r *replayer) play(events []event) {
	for i := 0; i < len(events); i++ {
		e := events[i]
		r.line = e.number
		switch e.kind {
		case sent:
			last := i
			for last+1 < len(events) && events[last+1].kind == sent && events[last+1].conn == e.conn {
				last++
			}
			if last+1 < len(events) && events[last+1].kind == refused {
				i = last + 2 // and "(closed)", which it was before
				continue
			}
			bare := last+1 < len(events) && strings.HasPrefix(events[last+1].text, "# (last line sent without newline)")
			r.send(r.client(e.conn), events[i:last+1], bare)
			i = last
		case received:
			r.receive(e)
			r.abridged(e, events[i+1:])
		case closed:
			r.closed(e.conn)
		case silence:
			r.silence(r.client(e.conn))
		case remark:
			r.remark(e)
		case refused:
			r.fatalf("a refusal that follows nothing sent")
		}
	}
}

// client is the connection that a line belongs to. One that was opened without
// a letter takes the first letter that is not open.
func (r *replayer) client(letter string) *client {
	if letter != "" {
		if found := r.lettered[letter]; found != nil {
			return found
		}
	}
	if len(r.plain) == 0 {
		r.plain = append(r.plain, &client{talker: dialQuietly(r.t, r.daemon)})
	}
	last := r.plain[len(r.plain)-1]
	if letter != "" {
		r.plain = r.plain[:len(r.plain)-1]
		r.lettered[letter] = last
	}
	return last
}

var (
	manyTimes  = regexp.MustCompile(`^(.*) \((\d+) times in one write\)$`)
	byteByByte = regexp.MustCompile(`^(.*) <newline>   \(one byte a write\)$`)
)

// send sends lines in one write, but for what the recorder says otherwise.
func (r *replayer) send(c *client, events []event, bare bool) {
	text := ""
	for i, e := range events {
		line := e.text
		if parts := manyTimes.FindStringSubmatch(line); parts != nil {
			r.sendMany(c, parts[1], parts[2])
			return
		}
		if parts := byteByByte.FindStringSubmatch(line); parts != nil {
			for b := range strings.SplitSeq(parts[1], " ") {
				r.write(c, b)
			}
			line = ""
		}
		if i == len(events)-1 && strings.ContainsRune(text, 0) {
			// The daemon must have read what a NUL byte makes it forget.
			r.write(c, text)
			r.awaitRead()
			text = ""
		}
		text += r.withOwnIDs(line) + "\n"
		c.asked = append(c.asked, line)
	}
	if bare {
		text = strings.TrimSuffix(text, "\n")
		r.hangUp = true
	}
	r.write(c, text)
}

func (r *replayer) write(c *client, text string) {
	n, err := c.Write([]byte(text))
	r.written += int64(n)
	if err != nil {
		r.fatalf("%v", err)
	}
}

// awaitRead waits until the daemon has read everything.
func (r *replayer) awaitRead() {
	for r.daemon.received.Load() < r.written {
		time.Sleep(time.Millisecond)
	}
}

func (r *replayer) sendMany(c *client, line, times string) {
	count, _ := strconv.Atoi(times)
	r.write(c, strings.Repeat(line+"\n", count))
	for range count {
		if got := r.read(c); len(got) != 2 || got[1] != "201 OK" {
			r.fatalf("one of many answers was %q", got)
		}
	}
}

// withOwnIDs puts our session ids in the place of recorded ones, also where the
// last letter was cut off.
func (r *replayer) withOwnIDs(line string) string {
	for recorded, own := range r.ids {
		line = strings.ReplaceAll(line, recorded, own)
		line = strings.ReplaceAll(line, recorded[:sessionLength-1], own[:sessionLength-1])
	}
	return line
}

// receive gathers a recorded reply, and compares it when it is whole.
func (r *replayer) receive(e event) {
	if e.text == "100 CSCP/0.99" && !r.awaitsGreeting(e.conn) {
		r.open(e.conn)
	}
	if e.conn != "" && e.conn == r.slow {
		r.slow = ""
		r.awaitRead()
		r.clock.awaitSleeper()
		r.clock.advance(3 * time.Second)
	}
	c := r.client(e.conn)
	if text, bare := strings.CutSuffix(e.text, "  (no newline)"); bare {
		rest, err := io.ReadAll(c.reader)
		if err != nil || string(rest) != text {
			r.fatalf("the daemon's last words were '%s' and %v, want '%s'", rest, err, text)
		}
		return
	}
	c.lines = append(c.lines, e.text)
	if final.MatchString(e.text) {
		r.compare(c)
	}
}

func (r *replayer) awaitsGreeting(letter string) bool {
	if letter != "" {
		return r.lettered[letter] != nil && !r.lettered[letter].greeted
	}
	return len(r.plain) > 0 && !r.plain[len(r.plain)-1].greeted
}

func (r *replayer) open(letter string) {
	if c := (&client{talker: dialQuietly(r.t, r.daemon)}); letter == "" {
		r.plain = append(r.plain, c)
	} else {
		r.lettered[letter] = c
	}
}

// abridged compares what is left of a GET of which the recorder showed only one
// line, without the final one; in some files he did not show the GET either.
func (r *replayer) abridged(e event, rest []event) {
	c := r.client(e.conn)
	if len(c.lines) == 0 || !strings.HasPrefix(c.lines[0], "102 DATA") {
		return
	}
	for _, later := range rest {
		if later.conn != e.conn || later.kind == remark {
			continue
		}
		if later.kind == received {
			return // the reply goes on
		}
		break
	}
	if len(c.asked) == 0 {
		r.write(c, r.hidden+"\n")
		c.asked = append(c.asked, r.hidden)
	}
	r.compare(c)
}

// read reads a reply.
func (r *replayer) read(c *client) []string {
	var lines []string
	for {
		line, err := c.reader.ReadString('\n')
		if err != nil {
			r.fatalf("after %q: %v; the recorded reply is %q", lines, err, c.lines)
		}
		lines = append(lines, strings.TrimSuffix(line, "\n"))
		if final.MatchString(lines[len(lines)-1]) {
			return lines
		}
	}
}

// compare reads a reply and compares it with the recorded one.
func (r *replayer) compare(c *client) {
	recorded := c.lines
	got := r.read(c)
	c.lines = nil
	command := ""
	if c.greeted {
		// Blank lines are not answered, and HELP has no end of its own.
		for command == "" || command == "HELP" {
			if len(c.asked) == 0 {
				break
			}
			command = strings.TrimSpace(c.asked[0])
			c.asked = c.asked[1:]
		}
	}
	c.greeted = true
	r.learnIDs(recorded, got)
	if isAbridged(recorded) {
		for _, line := range recorded {
			if !slices.ContainsFunc(got, func(own string) bool { return sameLine(line, own) }) {
				r.fatalf("'%s': the answer has no '%s':\n%s", command, line, strings.Join(got, "\n"))
			}
		}
		return
	}
	if !hasOrder(command) {
		sortAlike(recorded)
		sortAlike(got)
	}
	if !slices.EqualFunc(recorded, got, sameLine) {
		r.fatalf("'%s': got\n%s\nrecorded\n%s", command, strings.Join(got, "\n"), strings.Join(recorded, "\n"))
	}
}

// isAbridged reports whether the recorder left lines of a GET out.
func isAbridged(lines []string) bool {
	return strings.HasPrefix(lines[0], "102 DATA") &&
		!slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, "102 DATA CLASSVER") })
}

// withoutOrder are sorted FINDs whose order means nothing: the values are all
// the same, or there are none.
var withoutOrder = []string{
	`FIND Vsite sorttype ascii sortprop nosuch`,
	`FIND User sorttype ascii sortprop "Email.vacationOn"`,
}

func hasOrder(command string) bool {
	return strings.HasPrefix(command, "FIND ") && strings.Contains(command, " sort") && !slices.Contains(withoutOrder, command)
}

// sortAlike sorts lines of the same code that stand together: their order means
// nothing, that of the codes does.
func sortAlike(lines []string) {
	for start := 0; start < len(lines); {
		end := start + 1
		for end < len(lines) && len(lines[end]) > 3 && strings.HasPrefix(lines[start], lines[end][:4]) {
			end++
		}
		slices.Sort(lines[start:end])
		start = end
	}
}

var sessionLine = regexp.MustCompile(`^109 SESSIONID ([A-Za-z0-9]{63})$`)

// learnIDs remembers which of our session ids stands for a recorded one.
func (r *replayer) learnIDs(recorded, got []string) {
	for i := range min(len(recorded), len(got)) {
		theirs, ours := sessionLine.FindStringSubmatch(recorded[i]), sessionLine.FindStringSubmatch(got[i])
		if theirs != nil && ours != nil && theirs[1] != anonymous {
			r.ids[theirs[1]] = ours[1]
			got[i] = recorded[i]
		}
	}
}

// closed expects the end of a connection, and the recorded lines before it.
func (r *replayer) closed(letter string) {
	c := r.client(letter)
	if r.hangUp {
		r.hangUp = false
		if err := c.Conn.(*net.UnixConn).CloseWrite(); err != nil {
			r.fatalf("%v", err)
		}
	}
	rest, err := io.ReadAll(c.reader)
	// What the daemon did not read makes the end of a socket a reset.
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		r.fatalf("waiting for the end of the connection: %v", err)
	}
	want := ""
	for _, line := range c.lines {
		want += line + "\n"
	}
	if string(rest) != want {
		r.fatalf("before the connection was closed: got '%s', recorded '%s'", rest, want)
	}
	r.forget(letter)
}

func (r *replayer) forget(letter string) {
	_ = r.client(letter).Close()
	if letter == "" {
		r.plain = r.plain[:len(r.plain)-1]
	}
	delete(r.lettered, letter)
}

// silence expects that no answer comes. That it came later cannot be shown, so
// that a short time does.
func (r *replayer) silence(c *client) {
	_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if got, err := c.reader.ReadString('\n'); err == nil {
		r.fatalf("an answer came: '%s'", got)
	}
}
