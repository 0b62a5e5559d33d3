package intelmqapi

import (
	"errors"
	"strconv"
	"strings"
)

// parseInteger reads a whole number as Python's int() does, in ASCII: blanks
// around it, a sign, leading zeros, and single underscores between digits. One
// that has no room in an int becomes the greatest or the least there is.
func parseInteger(text string) (int, bool) {
	text = strings.TrimSpace(text)
	if !isInteger(text) {
		return 0, false
	}
	// Atoi gives the nearest value together with that error.
	number, err := strconv.Atoi(strings.ReplaceAll(text, "_", ""))
	return number, err == nil || errors.Is(err, strconv.ErrRange)
}

func isInteger(text string) bool {
	digits := text
	if text != "" && (text[0] == '+' || text[0] == '-') {
		digits = text[1:]
	}
	for part := range strings.SplitSeq(digits, "_") {
		if part == "" || strings.Trim(part, "0123456789") != "" {
			return false
		}
	}
	return true
}
