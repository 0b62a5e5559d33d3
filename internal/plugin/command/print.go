package command

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"
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
// before, or nil, and says whether its page is the last one.
func List[T any](r *Run, asJSON bool, header string, row func(T) string, page func(last *T) (items []T, end bool, err error)) error {
	table := tabwriter.NewWriter(r.Out, 0, 0, 2, ' ', 0)
	if !asJSON {
		fmt.Fprintln(table, header)
	}
	separator := "["
	var last *T
	for {
		items, end, err := page(last)
		if err != nil {
			return err
		}
		for i := range items {
			if asJSON {
				text, err := json.Marshal(items[i])
				if err != nil {
					return err
				}
				fmt.Fprintf(r.Out, "%s\n%s", separator, text)
				separator = ","
			} else {
				fmt.Fprintln(table, row(items[i]))
			}
			last = &items[i]
		}
		if end {
			break
		}
	}
	if !asJSON {
		return table.Flush()
	}
	if separator == "[" {
		_, err := fmt.Fprintln(r.Out, "[]")
		return err
	}
	_, err := fmt.Fprintln(r.Out, "\n]")
	return err
}
