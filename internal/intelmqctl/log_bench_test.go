package intelmqctl

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// printer is an Executor that prints the same each time, at once.
type printer string

func (p printer) Execute(context.Context, []string) (Output, error) {
	return Output{Stdout: []byte(p)}, nil
}

func (printer) Line(arguments []string) string { return "intelmqctl " + strings.Join(arguments, " ") }

// BenchmarkReadAnew is a read that has been asked by nobody yet, without the process:
// the queue, the call and its memory.
func BenchmarkReadAnew(b *testing.B) {
	c := NewClient(Config{Executor: printer("[]\n"), Life: time.Millisecond})
	defer c.Close(b.Context())
	id, err := ParseID("file-output")
	if err != nil {
		b.Fatal(err)
	}
	lines := 0
	b.ReportAllocs()
	for b.Loop() {
		lines++
		if _, err := c.Read(b.Context(), "user:alice", Log{ID: id, Lines: lines, Level: LevelDebug}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLog picks the 30 lines that the manager's monitor shows out of 300.
func BenchmarkLog(b *testing.B) {
	var text strings.Builder
	separator := "["
	for i := range 300 {
		level := LevelDebug
		if i%3 == 0 {
			level = LevelInfo
		}
		fmt.Fprintf(&text, "%s\n    {\n        \"date\": \"2026-01-02T03:04:05.%06d\",\n        \"bot_id\": \"file-output\",\n"+
			"        \"thread_id\": null,\n        \"log_level\": \"%s\",\n        \"message\": \"Line %d of the log.\"\n    }", separator, i, level, i)
		separator = ","
	}
	text.WriteString("\n]\n")
	c := NewClient(Config{Executor: printer(text.String()), Life: time.Hour})
	defer c.Close(b.Context())
	id, err := ParseID("file-output")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if o := c.pick(b.Context(), c.configuration(), Log{ID: id, Lines: 30, Level: LevelInfo}); o.err != nil {
			b.Fatal(o.err)
		}
	}
}
