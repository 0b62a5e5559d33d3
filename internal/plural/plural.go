// Package plural counts things in English, for people.
package plural

import "fmt"

// Of gives a number with its noun: `1 key`, `2 keys`, `0 keys`. The plural of the noun
// is made by an s.
func Of[N int | int64](n N, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
