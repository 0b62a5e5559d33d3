package ccedapi

import (
	"errors"
	"fmt"
	"strings"
)

var (
	errTooLarge = fmt.Errorf("it has more than %d bytes", maxFile)
	errMark     = errors.New("it begins with a byte order mark; save the file as UTF-8 without one")
	errNoKey    = errors.New("write 'key = value', a comment that begins with '#', or nothing")
)

// byteOrderMark is what some editors put, unseen, before the first line.
const byteOrderMark = "\ufeff"

// Parse reads the content of a file. A line that cannot be understood, or that
// repeats a key, is a LineError.
func Parse(content []byte) (*Config, error) {
	if len(content) > maxFile {
		return nil, errTooLarge
	}
	c := &Config{}
	lines := map[string]int{}
	number := 0
	for text := range strings.Lines(string(content)) {
		number++
		text = strings.TrimSpace(text)
		if text == "" || text[0] == '#' {
			continue
		}
		if strings.HasPrefix(text, byteOrderMark) {
			return nil, &LineError{Number: number, Err: errMark}
		}
		key, value, found := strings.Cut(text, "=")
		key = strings.TrimSpace(key)
		if !found || !isKey(key) {
			return nil, &LineError{Number: number, Err: errNoKey}
		}
		if first, twice := lines[key]; twice {
			return nil, &LineError{number, key, fmt.Errorf("line %d has it, too; delete one of them", first)}
		}
		lines[key] = number
		set, known := keys[key]
		if !known {
			c.Unknown = append(c.Unknown, UnknownKey{number, key})
		} else if value = strings.TrimSpace(value); value != "" {
			if err := set(c, value); err != nil {
				return nil, &LineError{number, key, err}
			}
		}
	}
	return c, nil
}

// isKey reports whether text can be a key. What is longer, or has other
// characters, may be a secret that has lost its place, and is not shown.
func isKey(text string) bool {
	const longest = 32
	return text != "" && len(text) <= longest && strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == ""
}
