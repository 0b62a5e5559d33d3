package command

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"text/tabwriter"
)

// pages gives so many pages of numbers, each number a line of two columns.
func pages(many, size int, before func(page int)) func(last *int) ([]int, bool, error) {
	page := 0
	return func(last *int) ([]int, bool, error) {
		before(page)
		page++
		items := make([]int, size)
		for i := range items {
			items[i] = i
			if last != nil {
				items[i] += *last + 1
			}
		}
		return items, page == many, nil
	}
}

func numbered(n int) string { return fmt.Sprintf("%d\tnumber %d", n, n) }

func TestAPageIsWrittenBeforeTheNextOneIsAskedFor(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		var out bytes.Buffer
		asked := 0
		before := func(page int) {
			asked++
			if last := fmt.Sprintf("%d", page*10-1); page > 0 && !strings.Contains(out.String(), last) {
				t.Errorf("as JSON %t: page %d is asked for before %s is written", asJSON, page, last)
			}
		}
		if err := List(&Run{Out: &out}, asJSON, "N\tTEXT", numbered, pages(5, 10, before)); err != nil {
			t.Fatal(err)
		}
		if asked != 5 || strings.Count(out.String(), "49") == 0 {
			t.Errorf("as JSON %t: after %d pages:\n%s", asJSON, asked, out.String())
		}
	}
}

// TestALongListNeedsNoMoreMemoryThanAShortOne looks at what is alive at each page.
func TestALongListNeedsNoMoreMemoryThanAShortOne(t *testing.T) {
	const size, many = 500, 400
	for _, asJSON := range []bool{false, true} {
		var early, late uint64
		before := func(page int) {
			switch page {
			case 20:
				early = alive()
			case many - 1:
				late = alive()
			}
		}
		if err := List(&Run{Out: io.Discard}, asJSON, "N\tTEXT", numbered, pages(many, size, before)); err != nil {
			t.Fatal(err)
		}
		// Each of the 190,000 rows between has at least eight bytes.
		if limit := early + 256<<10; late > limit {
			t.Errorf("as JSON %t: %d bytes are alive at the last page, %d at the twentieth", asJSON, late, early)
		}
	}
}

func alive() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// closed is a pipe that nobody reads any more, after so many bytes.
type closed struct{ left int }

func (c *closed) Write(p []byte) (int, error) {
	if c.left -= len(p); c.left < 0 {
		return 0, fmt.Errorf("write: %w", syscall.EPIPE)
	}
	return len(p), nil
}

func TestAListEndsQuietlyWhenNobodyReads(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		asked := 0
		err := List(&Run{Out: &closed{left: 100}}, asJSON, "N\tTEXT", numbered, pages(1000, 10, func(int) { asked++ }))
		if err != nil || asked > 10 {
			t.Errorf("as JSON %t: after %d pages: %v", asJSON, asked, err)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestAListThatCannotBeWrittenIsAnError(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		err := List(&Run{Out: full{}}, asJSON, "N\tTEXT", numbered, pages(1000, 10, func(int) {}))
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("as JSON %t: %v", asJSON, err)
		}
	}
}

func TestATableOfOnePageIsAlignedAsATableIs(t *testing.T) {
	rows := []string{"a\tlonger\tc", "über\t\tend", "b\tx\t"}
	var got, want bytes.Buffer
	w := tabwriter.NewWriter(&want, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "H\tI\tJ")
	for _, row := range rows {
		fmt.Fprintln(w, row)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	err := List(&Run{Out: &got}, false, "H\tI\tJ", func(s string) string { return s }, func(*string) ([]string, bool, error) { return rows, true, nil })
	if err != nil || got.String() != want.String() {
		t.Errorf("%v\n%swant:\n%s", err, got.String(), want.String())
	}
}

func TestAWiderPageShiftsWhatFollows(t *testing.T) {
	page := 0
	var out bytes.Buffer
	err := List(&Run{Out: &out}, false, "A\tB", func(s string) string { return s }, func(*string) ([]string, bool, error) {
		page++
		return []string{[]string{"1\tx", "12345\ty", "2\tz"}[page-1]}, page == 3, nil
	})
	if want := "A  B\n1  x\n12345  y\n2      z\n"; err != nil || out.String() != want {
		t.Errorf("%v\n%swant:\n%s", err, out.String(), want)
	}
}

func TestAnEmptyListIsAHeaderOrAnEmptyArray(t *testing.T) {
	for asJSON, want := range map[bool]string{false: "A  B\n", true: "[]\n"} {
		var out bytes.Buffer
		err := List(&Run{Out: &out}, asJSON, "A\tB", numbered, func(*int) ([]int, bool, error) { return nil, true, nil })
		if err != nil || out.String() != want {
			t.Errorf("%v: '%s', want '%s'", err, out.String(), want)
		}
	}
}
