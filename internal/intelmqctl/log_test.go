package intelmqctl

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// logbook prints the log of a bot as some version of intelmqctl does.
type logbook struct {
	// upsideDown: a level is the most that is printed, as it is since 3.1.
	upsideDown bool
	// threadless: entries do not tell the thread.
	threadless bool
	// written are the levels of the lines, the oldest one first.
	written []Level
}

// line is the text of a line, which tells its place.
func (b logbook) line(i int) string {
	thread := `"thread_id": null, `
	if b.threadless {
		thread = ""
	}
	return fmt.Sprintf(`{"date": "2026-11-22T01:%02d:%02d.%06d", "bot_id": "a", %s"log_level": "%s", "message": "%d gr\u00fc\u00dfe <&>"}`,
		i/60000%60, i/1000%60, i%1000, thread, b.written[i], i)
}

// answer prints what the arguments of Log ask for.
func (b logbook) answer(arguments string) string {
	var id, level string
	var lines int
	if n, _ := fmt.Sscanf(arguments, "--type json log %s %d %s", &id, &lines, &level); n != 3 {
		return "no log was asked for"
	}
	asked := slices.Index(levels, Level(level))
	var list []string
	for i := len(b.written) - 1; i >= 0 && (lines == -1 || len(list) < max(1, lines)); i-- {
		if rank := slices.Index(levels, b.written[i]); b.upsideDown && rank <= asked || !b.upsideDown && rank >= asked {
			list = append(list, b.line(i))
		}
	}
	slices.Reverse(list)
	return string(printed(json.RawMessage("[" + strings.Join(list, ",") + "]")))
}

// picked is what a client is to get: the lines of these places.
func (b logbook) picked(places ...int) string {
	list := make([]string, len(places))
	for i, place := range places {
		list[i] = b.line(place)
	}
	return string(printed(json.RawMessage("[" + strings.Join(list, ",") + "]")))
}

// versions are the ways of intelmqctl with levels.
var versions = map[string]logbook{
	"old":     {threadless: true},
	"present": {upsideDown: true},
	"mended":  {},
}

func TestALogHasWhatTheLevelAsksFor(t *testing.T) {
	const d, i, w, e, f = LevelDebug, LevelInfo, LevelWarning, LevelError, LevelCritical
	mixed := []Level{i, w, d, e, i, f, i, i, d, w, i}
	tests := []struct {
		name    string
		written []Level
		level   Level
		lines   int
		want    []int
	}{
		{"debug is everything", mixed, LevelDebug, 30, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
		{"of which the last lines are shown", mixed, LevelDebug, 3, []int{8, 9, 10}},
		{"or all", mixed, LevelDebug, -1, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
		{"or one where none or less are asked for", mixed, LevelDebug, 0, []int{10}},
		{"and so with minus five", mixed, LevelDebug, -5, []int{10}},
		{"info leaves out debug", mixed, LevelInfo, 30, []int{0, 1, 3, 4, 5, 6, 7, 9, 10}},
		{"warning and more", mixed, LevelWarning, 30, []int{1, 3, 5, 9}},
		{"the last two of them", mixed, LevelWarning, 2, []int{5, 9}},
		{"error and more", mixed, LevelError, 30, []int{3, 5}},
		{"critical alone", mixed, LevelCritical, -1, []int{5}},
		{"an unknown level is everything", mixed, "ALL", 2, []int{9, 10}},
		{"a usual log has no debug", []Level{i, i, e, i}, LevelDebug, 30, []int{0, 1, 2, 3}},
		{"a log of a single level", []Level{i, i}, LevelInfo, 30, []int{0, 1}},
		{"that has nothing grave", []Level{i, i}, LevelCritical, 30, nil},
		{"a log of debug alone", []Level{d, d, d}, LevelDebug, 2, []int{1, 2}},
		{"a log of critical alone", []Level{f, f, f}, LevelError, 2, []int{1, 2}},
		{"a log of both ends", []Level{d, f, d, f, d}, LevelDebug, 3, []int{2, 3, 4}},
		{"of which the grave one is asked for", []Level{d, f, d, f, d}, LevelCritical, 30, []int{1, 3}},
		{"whose last lines are grave", []Level{d, d, d, f, f, f}, LevelDebug, 2, []int{4, 5}},
		{"whose last lines are not", []Level{f, f, f, d, d, d}, LevelDebug, 2, []int{4, 5}},
		{"an empty log", nil, LevelDebug, 30, nil},
	}
	for version, book := range versions {
		for _, test := range tests {
			t.Run(version+"/"+test.name, func(t *testing.T) {
				book := book
				book.written = test.written
				synctest.Test(t, func(t *testing.T) {
					c := newTestClient(t, &script{answer: book.answer}, Config{})
					// What was learnt from another log must not matter.
					for _, end := range []Level{LevelCritical, LevelDebug} {
						c.everything = end
						a, err := c.Log(t.Context(), "alice", Log{mustID("a"), test.lines, test.level})
						wantAnswer(t, a, err, book.picked(test.want...))
						c.spoil(perishable)
					}
				})
			})
		}
	}
}

func TestGraveLinesAreLookedForFurtherBack(t *testing.T) {
	chatter := func(n, grave int) []Level {
		log := slices.Repeat([]Level{LevelInfo}, n)
		log[grave] = LevelError
		return log
	}
	tests := []struct {
		name    string
		written []Level
		want    []int
		// calls is how many it takes.
		calls int
	}{
		{"in ten times as many", chatter(1000, 900), []int{900}, 2},
		{"in a hundred times as many", chatter(3000, 1500), []int{1500}, 2},
		{"and no further", chatter(3000, 100), nil, 2},
		{"not if that is the whole log", chatter(100, 50), []int{50}, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				book := logbook{upsideDown: true, written: test.written}
				s := &script{answer: book.answer}
				c := newTestClient(t, s, Config{})
				a, err := c.Log(t.Context(), "alice", Log{mustID("a"), 20, LevelError})
				wantAnswer(t, a, err, book.picked(test.want...))
				wantCalls(t, s, test.calls)
			})
		})
	}
}

func TestHowManyLinesAreLookedThrough(t *testing.T) {
	tests := []struct {
		log  Log
		want []int
	}{
		{Log{Lines: 30, Level: LevelDebug}, []int{30}},
		{Log{Lines: 1, Level: LevelInfo}, []int{200}},
		{Log{Lines: 3, Level: LevelInfo}, []int{200, 300}},
		{Log{Lines: 30, Level: LevelError}, []int{300, 3000}},
		{Log{Lines: 1000, Level: LevelError}, []int{10_000, 50_000}},
		{Log{Lines: 6000, Level: LevelError}, []int{50_000}},
		{Log{Lines: 60_000, Level: LevelError}, []int{60_000}},
		{Log{Lines: -1, Level: LevelError}, []int{-1}},
	}
	for _, test := range tests {
		if got := lookThrough(test.log); !slices.Equal(got, test.want) {
			t.Errorf("%+v: got %v, want %v", test.log, got, test.want)
		}
	}
}

func TestALogCostsOneCallOnceTheEndIsKnown(t *testing.T) {
	for version, book := range versions {
		t.Run(version, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				book.written = []Level{LevelInfo, LevelError, LevelInfo}
				s := &script{answer: book.answer}
				c := newTestClient(t, s, Config{})
				for _, bot := range []string{"a", "b", "c", "d"} {
					if _, err := c.Log(t.Context(), "alice", Log{mustID(bot), 30, LevelDebug}); err != nil {
						t.Error(err)
					}
				}
				// One of the levels did not show everything; that is asked once.
				want := 4
				if !book.upsideDown {
					want = 5
				}
				wantCalls(t, s, want)
			})
		})
	}
}

func TestLogsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := logbook{written: []Level{LevelInfo}}
		s := &script{answer: book.answer}
		c := newTestClient(t, s, Config{})
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				a, err := c.Log(t.Context(), "alice", Log{mustID("a"), 30, LevelDebug})
				wantAnswer(t, a, err, book.picked(0))
			})
		}
		all.Wait()
		if a, _ := c.Log(t.Context(), "bob", Log{mustID("a"), 30, LevelDebug}); !a.Cached {
			t.Error("the answer does not live")
		}
		wantCalls(t, s, 2)
		if s.crowd != 1 {
			t.Error("the two calls for a log ran at once")
		}
	})
}

func TestWhatIsNotPickedFromPassesByteForByte(t *testing.T) {
	text, err := os.ReadFile("testdata/log.json")
	if err != nil {
		t.Fatal(err)
	}
	var recorded map[string]string
	if err := json.Unmarshal(text, &recorded); err != nil {
		t.Fatal(err)
	}
	// Other programs' spellings.
	recorded["not a list"] = "{\"a\":  1}\n"
	recorded["a string"] = "\"x\""
	recorded["null"] = "null"
	recorded["entries that are none"] = "[1,  \"x\", {\"log_level\": 7}, {}]"
	recorded["a level nobody knows"] = "[{\"log_level\":\"TRACE\",  \"thread_id\": 3}]"
	for name, printed := range recorded {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newTestClient(t, &script{answer: func(string) string { return printed }}, Config{})
				for _, level := range []Level{LevelDebug, LevelInfo, LevelCritical} {
					if level == LevelCritical && strings.Contains(name, "running") {
						continue
					}
					a, err := c.Log(t.Context(), "alice", Log{mustID("csv-parser"), 30, level})
					wantAnswer(t, a, err, printed)
				}
			})
		})
	}
}

func TestPickedEntriesLookAsTheyWerePrinted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		grave := "    {\n        \"date\": \"1\",\n        \"thread_id\": 7,\n        \"log_level\": \"ERROR\",\n" +
			"        \"message\": \"\\u00fc <&> \\/\",\n        \"extended_message\": \"a\\nb\"\n    }"
		printed := "[\n    {\n        \"date\": \"0\",\n        \"thread_id\": null,\n        \"log_level\": \"INFO\"\n    },\n" + grave + "\n]\n"
		c := newTestClient(t, &script{answer: func(string) string { return printed }}, Config{})
		a, err := c.Log(t.Context(), "alice", Log{mustID("a"), 30, LevelError})
		wantAnswer(t, a, err, "[\n"+grave+"\n]\n")
		a, err = c.Log(t.Context(), "alice", Log{mustID("a"), 30, LevelCritical})
		wantAnswer(t, a, err, "[]\n")
	})
}

func TestALogThatCannotBeReadIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{fails: map[string]string{"--type json log a 30 CRITICAL": "no such bot"}}
		c := newTestClient(t, s, Config{})
		_, err := c.Log(t.Context(), "alice", Log{mustID("a"), 30, LevelDebug})
		wantCause(t, err, Failed)
	})
}

func TestWhatWasFoundIsShownIfMoreIsTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := logbook{upsideDown: true, written: slices.Repeat([]Level{LevelInfo}, 1000)}
		book.written[999] = LevelError
		s := &script{answer: book.answer, cut: map[string]bool{"--type json log a 400 CRITICAL": true}}
		c := newTestClient(t, s, Config{})
		a, err := c.Log(t.Context(), "alice", Log{mustID("a"), 4, LevelError})
		wantAnswer(t, a, err, book.picked(999))
		wantCalls(t, s, 2)

		s.cut["--type json log a 200 CRITICAL"] = true
		c.spoil(perishable)
		_, err = c.Log(t.Context(), "alice", Log{mustID("a"), 4, LevelError})
		wantCause(t, err, TooLong)
	})
}
