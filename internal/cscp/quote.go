package cscp

import "errors"

// AppendQuoted appends a value in double quotes, as cced reads it: escaped are
// '"', '\' and every byte that is not printable ASCII, so that a line is ASCII
// and ends where it should. A NUL cannot be said; commands with one are refused
// before.
func AppendQuoted(dst []byte, value string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := range len(value) {
		c := value[i]
		if c >= 0x20 && c < 0x7f && c != '"' && c != '\\' {
			continue
		}
		dst = append(append(dst, value[from:i]...), '\\')
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, c)
		case '\n':
			dst = append(dst, 'n')
		default:
			dst = append(dst, '0'+c>>6, '0'+c>>3&7, '0'+c&7)
		}
	}
	return append(append(dst, value[from:]...), '"')
}

// ErrNotQuoted says that a reply's value is not one quoted text.
var ErrNotQuoted = errors.New("a value of cced's reply is not in quotes")

// AppendUnquoted appends the bytes that a quoted value stands for. They need not
// be UTF-8.
func AppendUnquoted(dst, quoted []byte) ([]byte, error) {
	last := len(quoted) - 1
	if last < 1 || quoted[0] != '"' || quoted[last] != '"' {
		return dst, ErrNotQuoted
	}
	for i := 1; i < last; {
		c, n := unescape(quoted[i:last])
		if n == 0 {
			return dst, ErrNotQuoted
		}
		dst = append(dst, c)
		i += n
	}
	return dst, nil
}

// unescape returns the first byte that text stands for, and how long it is
// there; 0 if it is a bare quote or a backslash with nothing behind it.
func unescape(text []byte) (c byte, n int) {
	switch {
	case text[0] == '"':
		return 0, 0
	case text[0] != '\\':
		return text[0], 1
	case len(text) < 2:
		return 0, 0
	case len(text) >= 4 && isOctal(text[1]) && isOctal(text[2]) && isOctal(text[3]):
		// Over 377 the low eight bits count.
		return (text[1]-'0')<<6 | (text[2]-'0')<<3 | (text[3] - '0'), 4
	}
	return escapes[text[1]], 2
}

func isOctal(c byte) bool { return '0' <= c && c <= '7' }

// escapes is what a byte after a backslash stands for.
var escapes = func() (table [256]byte) {
	for i := range table {
		table[i] = byte(i)
	}
	for c, b := range map[byte]byte{'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'} {
		table[c] = b
	}
	return table
}()
