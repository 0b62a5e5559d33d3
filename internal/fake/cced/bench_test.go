package cced

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// BenchmarkPipelined shows that the stand-in is faster than what is measured
// with it: the real daemon answers 400 commands in one write in 8 ms.
func BenchmarkPipelined(b *testing.B) {
	for _, line := range []string{"WHOAMI", "GET 2", "GET 2 . Email", `FIND Vsite name = "site1"`} {
		b.Run(strings.ReplaceAll(line, " ", "_"), func(b *testing.B) {
			s := Start(b, asAdmin, func(c *Config) { c.Record = false })
			c := dial(b, s)
			const batch = 400
			size := 0
			for _, one := range c.ask(line) {
				size += len(one) + 1
			}
			text := strings.Repeat(line+"\n", batch)
			replies := make([]byte, size*batch)
			b.ReportAllocs()
			for b.Loop() {
				c.send(text)
				if _, err := io.ReadFull(c.reader, replies); err != nil {
					b.Fatal(err)
				}
			}
			if !bytes.HasSuffix(replies, []byte("\n201 OK\n")) {
				b.Fatal("the answers were cut wrongly")
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/command")
		})
	}
}
