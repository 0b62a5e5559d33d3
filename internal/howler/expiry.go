package howler

import (
	"strings"
	"time"
)

// ParseExpiry reads an ISO 8601 time as Python's datetime.fromisoformat does,
// which is what howler uses:
//
//	2026-11-22  20261122  2026-W47-7  2026W477  2026-W47
//	2026-11-22T10  …T10:30  …T10:30:15  …T103015  …T10:30:15.123456  …T10:30:15,5
//	…T10:30Z  …T10:30+01  …T10:30-0530  …T10:30+05:30
//
// A time without an offset is UTC. Digits after the sixth are dropped. Howler
// removes the Z, so one may follow a date alone as well; it crashes on offsets
// when keys have a longest life.
//
// Python takes more than ISO 8601 has: anything between date and time, where T
// or a blank must stand here, and parts of a minute, which it reads as parts of
// a second. What means something else to Python than to the user is refused.
func ParseExpiry(text string) (time.Time, bool) {
	text, zulu := strings.CutSuffix(text, "Z")
	day, clock, offset := text, "", ""
	at := strings.IndexAny(text, "Tt ")
	if at >= 0 {
		day, clock = text[:at], text[at+1:]
		if sign := strings.IndexAny(clock, "+-"); sign >= 0 {
			clock, offset = clock[:sign], clock[sign:]
		}
		if clock == "" {
			return time.Time{}, false
		}
	}
	date, dateOK := parseDate(day)
	since, clockOK := parseClock(clock)
	east, offsetOK := parseOffset(offset)
	if !dateOK || !clockOK || !offsetOK || zulu && offset != "" {
		return time.Time{}, false
	}
	return date.Add(since - east), true
}

func parseDate(text string) (time.Time, bool) {
	s := &scanner{rest: text}
	year := s.digits(4, 1, 9999)
	extended := s.skip('-')
	if s.skip('W') {
		return parseWeek(s, year, extended)
	}
	month := s.digits(2, 1, 12)
	s.demand(s.skip('-') == extended)
	day := s.digits(2, 1, 31)
	date := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	// 31 April would be 1 May.
	return date, s.end() && date.Day() == day
}

// parseWeek reads what follows the W of a week date. Without a day it is the
// Monday.
func parseWeek(s *scanner, year int, extended bool) (time.Time, bool) {
	week, day := s.digits(2, 1, 53), 1
	if s.rest != "" {
		s.demand(s.skip('-') == extended)
		day = s.digits(1, 1, 7)
	}
	// 4 January is always in the first week.
	fourth := time.Date(year, time.January, 4, 0, 0, 0, 0, time.UTC)
	sinceMonday := (int(fourth.Weekday()) + 6) % 7
	date := fourth.AddDate(0, 0, (week-1)*7+day-1-sinceMonday)
	isoYear, isoWeek := date.ISOWeek()
	return date, s.end() && isoYear == year && isoWeek == week && date.Year() <= 9999
}

func parseClock(text string) (time.Duration, bool) {
	if text == "" {
		return 0, true
	}
	s := &scanner{rest: text}
	since, seconds := s.clock()
	if seconds && (s.skip('.') || s.skip(',')) {
		since += s.fraction()
	}
	return since, s.end()
}

func parseOffset(text string) (time.Duration, bool) {
	if text == "" {
		return 0, true
	}
	s := &scanner{rest: text[1:]}
	east, _ := s.clock()
	if text[0] == '-' {
		east = -east
	}
	return east, s.end()
}

// scanner reads a text from the left. After the first thing that does not fit,
// nothing does.
type scanner struct {
	rest   string
	failed bool
}

func (s *scanner) demand(ok bool) { s.failed = s.failed || !ok }

func (s *scanner) end() bool { return !s.failed && s.rest == "" }

func (s *scanner) skip(c byte) bool {
	if s.failed || s.rest == "" || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// digits reads exactly n digits.
func (s *scanner) digits(n, least, most int) int {
	s.demand(len(s.rest) >= n)
	value := 0
	for i := 0; i < n && !s.failed; i++ {
		c := s.rest[i]
		s.demand('0' <= c && c <= '9')
		value = value*10 + int(c-'0')
	}
	s.demand(least <= value && value <= most)
	if !s.failed {
		s.rest = s.rest[n:]
	}
	return value
}

// clock reads hours, hours and minutes, or all three, with colons or without.
func (s *scanner) clock() (since time.Duration, seconds bool) {
	since = time.Duration(s.digits(2, 0, 23)) * time.Hour
	if s.rest == "" {
		return since, false
	}
	extended := s.skip(':')
	since += time.Duration(s.digits(2, 0, 59)) * time.Minute
	if s.rest == "" {
		return since, false
	}
	s.demand(s.skip(':') == extended)
	return since + time.Duration(s.digits(2, 0, 59))*time.Second, true
}

// fraction reads the digits of a part of a second, down to microseconds.
func (s *scanner) fraction() time.Duration {
	s.demand(s.rest != "")
	micros := 0
	for scale := 100_000; s.rest != "" && !s.failed; scale /= 10 {
		micros += s.digits(1, 0, 9) * scale
	}
	return time.Duration(micros) * time.Microsecond
}
