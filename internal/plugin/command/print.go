package command

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"unicode/utf8"
)

// Say tells something that is no result.
func (r *Run) Say(format string, args ...any) error {
	_, err := fmt.Fprintf(r.Talk, format+"\n", args...)
	return err
}

// Show prints one record as indented JSON.
func (r *Run) Show(record any) error {
	encoder := json.NewEncoder(r.Out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(record)
}

// List prints page after page, either as a JSON array or as a table, whose
// header and rows are columns between tabs. page gets the last item of the page
// before, or nil, and says whether its page is the last one. Each page is written
// before the next one is asked for, and none is kept. Whoever reads may stop, as
// `head` does: that is no error.
func List[T any](r *Run, asJSON bool, header string, row func(T) string, page func(last *T) (items []T, end bool, err error)) error {
	out := bufio.NewWriter(r.Out)
	write := tableWriter(out, header, row)
	if asJSON {
		write = arrayWriter[T](out)
	}
	var last *T
	for {
		items, end, err := page(last)
		if err != nil {
			return err
		}
		if err = write(items, end); err == nil {
			err = out.Flush()
		}
		switch {
		case errors.Is(err, syscall.EPIPE):
			return nil
		case end || err != nil:
			return err
		}
		if len(items) > 0 {
			last = &items[len(items)-1]
		}
	}
}

// arrayWriter writes pages of one JSON array, an item in a line.
func arrayWriter[T any](out io.Writer) func(items []T, end bool) error {
	separator := "["
	return func(items []T, end bool) error {
		for i := range items {
			text, err := json.Marshal(items[i])
			if err == nil {
				_, err = fmt.Fprintf(out, "%s\n%s", separator, text)
			}
			if err != nil {
				return err
			}
			separator = ","
		}
		tail := ""
		switch {
		case end && separator == "[":
			tail = "[]\n"
		case end:
			tail = "\n]\n"
		}
		_, err := io.WriteString(out, tail)
		return err
	}
}

// tableWriter writes pages of one table. Its columns are as wide as what has come
// so far, so that only a wider page can shift them.
func tableWriter[T any](out io.Writer, header string, row func(T) string) func(items []T, end bool) error {
	const between = 2
	var widths []int
	waiting := []string{header}
	return func(items []T, _ bool) error {
		for i := range items {
			waiting = append(waiting, row(items[i]))
		}
		for _, line := range waiting {
			for i, cell := range strings.Split(line, "\t") {
				if i == len(widths) {
					widths = append(widths, 0)
				}
				widths[i] = max(widths[i], utf8.RuneCountInString(cell))
			}
		}
		for _, line := range waiting {
			cells := strings.Split(line, "\t")
			last := len(cells) - 1
			for i, cell := range cells[:last] {
				cells[i] = cell + strings.Repeat(" ", widths[i]+between-utf8.RuneCountInString(cell))
			}
			if _, err := fmt.Fprintln(out, strings.Join(cells, "")); err != nil {
				return err
			}
		}
		waiting = waiting[:0]
		return nil
	}
}
