package credential

import "strings"

// FindKey finds the first text at or behind from that has the form of an API
// key, and returns where it begins and ends: letters and digits that can be a
// prefix, `_`, and 61 or more letters and digits. If there is none both are -1.
//
// The checksum is not looked at, since a mistyped key gives most of the right
// one away. What has no other digits than hexadecimal ones is no key: in a
// random key this does not happen, and file names often end in a hash.
func FindKey(text string, from int) (start, end int) {
	for at := from; ; at++ {
		next := strings.IndexByte(text[at:], '_')
		if next < 0 {
			return -1, -1
		}
		at += next
		if end = bodyEnd(text, at+1); end < 0 {
			continue
		}
		if start = prefixStart(text, at); start >= 0 {
			return start, end
		}
	}
}

// bodyEnd is where the letters and digits end that begin at the given place, -1
// if they cannot be those of a key.
func bodyEnd(text string, at int) int {
	end, hexadecimal := at, true
	for ; end < len(text) && digitValues[text[end]] != notBase62; end++ {
		b := text[end]
		hexadecimal = hexadecimal && ('0' <= b && b <= '9' || 'a' <= b && b <= 'f')
	}
	if end-at < keyBodyLength || hexadecimal {
		return -1
	}
	return end
}

// prefixStart is where the longest prefix begins that ends at the given place,
// -1 if there is none.
func prefixStart(text string, end int) int {
	start := -1
	for at := end - 1; at >= 0 && at >= end-maxPrefixLength; at-- {
		b := text[at]
		letter := 'a' <= b && b <= 'z'
		if !letter && (b < '0' || b > '9') {
			break
		}
		if letter && end-at >= 2 {
			start = at
		}
	}
	return start
}
