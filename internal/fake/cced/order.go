package cced

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// order compares two values of the property that a FIND is sorted by.
type order func(a, b string) int

var orders = map[string]order{
	"ascii_compare":       strings.Compare,
	"old_numeric_compare": compareNumbers,
	"locale_compare":      compareWords,
	"ip_compare":          compareAddresses,
	"hostname_compare":    compareHostnames,
}

// order finds a sort type. That of a locale has its name in brackets, as in
// locale(en_US); all locales sort alike here.
func (s *schema) order(name string) (order, bool) {
	name, _, _ = strings.Cut(name, "(")
	found, known := s.orders[name]
	return found, known
}

func compareNumbers(a, b string) int { return cmp.Compare(leadingNumber(a), leadingNumber(b)) }

// leadingNumber is the number that a text begins with, as atoi has it.
func leadingNumber(text string) int64 {
	end := 0
	for end < len(text) && (isDigit(text[end]) || end == 0 && text[0] == '-') {
		end++
	}
	n, err := strconv.ParseInt(text[:end], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func compareWords(a, b string) int {
	return cmp.Or(strings.Compare(strings.ToLower(a), strings.ToLower(b)), strings.Compare(a, b))
}

func compareAddresses(a, b string) int {
	x, errX := netip.ParseAddr(a)
	y, errY := netip.ParseAddr(b)
	if errX != nil || errY != nil {
		return strings.Compare(a, b)
	}
	return x.Compare(y)
}

// compareHostnames compares the labels from the right.
func compareHostnames(a, b string) int {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	slices.Reverse(x)
	slices.Reverse(y)
	return slices.Compare(x, y)
}
