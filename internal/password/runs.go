package password

import (
	"slices"
	"strings"
)

// rows are the sequences along which fingers and heads go, lower case: digits,
// the alphabet, and the keys of the three common Latin keyboards (QWERTY,
// QWERTZ, AZERTY) along and, for the first, down. Digits go round.
var rows = withReversed(
	"01234567890", "abcdefghijklmnopqrstuvwxyz",
	"qwertyuiop", "asdfghjkl", "zxcvbnm", "!@#$%^&*()",
	"1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm",
	"qwertzuiop", "yxcvbnm",
	"azertyuiop", "qsdfghjklm", "wxcvbn",
)

func withReversed(list ...string) []string {
	for _, row := range list {
		letters := []byte(row)
		slices.Reverse(letters)
		list = append(list, string(letters))
	}
	return list
}

// onlyRuns reports whether s is made of runs of three characters or more, and of
// nothing else.
func onlyRuns(s []rune) bool {
	for len(s) > 0 {
		n := longestRun(s)
		if n < 3 {
			return false
		}
		s = s[n:]
	}
	return true
}

// longestRun is the number of characters at the beginning of s that are the same
// or follow one another in one row.
func longestRun(s []rune) int {
	longest := runLength(s, func(a, b rune) bool { return a == b })
	for _, row := range rows {
		longest = max(longest, runLength(s, func(a, b rune) bool { return strings.Contains(row, string([]rune{a, b})) }))
	}
	return longest
}

func runLength(s []rune, follows func(a, b rune) bool) int {
	n := 1
	for n < len(s) && follows(s[n-1], s[n]) {
		n++
	}
	return n
}
