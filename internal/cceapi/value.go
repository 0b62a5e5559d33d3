package cceapi

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/internal/cscp"
)

var (
	errNoText   = errors.New("has to be a string or a number")
	errNoValue  = errors.New("has to be a string, number, boolean, null or a list of them")
	errNoObject = errors.New("has to be an object")
	errNoList   = errors.New("has to be an array")
	errNumber   = errors.New("is a number too large to write out")
)

// isMissing reports whether a field is not given: null and "" are the same, and
// PHP leaves them out.
func isMissing(text json.RawMessage) bool {
	return len(text) == 0 || string(text) == "null" || string(text) == `""`
}

// textOf is a field that is a text; numbers are texts as well, but booleans are
// not: true would be object 1.
func textOf(text json.RawMessage) (string, error) {
	if isMissing(text) {
		return "", nil
	}
	if c := text[0]; c != '"' && c != '-' && (c < '0' || c > '9') {
		return "", errNoText
	}
	return scalarOf(text)
}

// scalarOf is a value of CCE: true is 1, as PHP writes it, and false 0; null is
// the empty text.
func scalarOf(text json.RawMessage) (string, error) {
	switch text[0] {
	case '"':
		return unquote(text)
	case 't':
		return "1", nil
	case 'f':
		return "0", nil
	case 'n':
		return "", nil
	case '{', '[':
		return "", errNoValue
	}
	return plainNumber(string(text))
}

// valueOf is a value of CCE, where an array is a list of it.
func valueOf(text json.RawMessage) (string, error) {
	if text[0] != '[' {
		return scalarOf(text)
	}
	var list []string
	for one := range elements(text) {
		s, err := scalarOf(one)
		if err != nil {
			return "", err
		}
		list = append(list, s)
	}
	return joinArray(list), nil
}

// maxDigits bounds what an exponent may add to a number: a body must not become
// many times as long by being read. CCE has no numbers of this length.
const maxDigits = 40

// plainNumber writes a JSON number without an exponent, and otherwise as it is:
// 1e6 is 1000000. Nothing is rounded.
func plainNumber(number string) (string, error) {
	mantissa, exponent, found := strings.Cut(strings.ToLower(number), "e")
	if !found {
		return number, nil
	}
	shift, err := strconv.Atoi(exponent)
	if err != nil || shift > maxDigits || shift < -maxDigits {
		return "", errNumber
	}
	digits, negative := strings.CutPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	digits = whole + fraction
	point := len(whole) + shift
	switch {
	case point <= 0:
		digits = "0." + strings.Repeat("0", -point) + digits
	case point < len(digits):
		digits = digits[:point] + "." + digits[point:]
	default:
		digits += strings.Repeat("0", point-len(digits))
	}
	digits = trimZeros(digits)
	if negative {
		digits = "-" + digits
	}
	return digits, nil
}

// trimZeros takes away zeros that moving the point has left at either end.
func trimZeros(digits string) string {
	whole, fraction, _ := strings.Cut(digits, ".")
	whole = strings.TrimLeft(whole, "0")
	if whole == "" {
		whole = "0"
	}
	if fraction = strings.TrimRight(fraction, "0"); fraction == "" {
		return whole
	}
	return whole + "." + fraction
}

// addPairs adds the members of an object to a list. One whose name is there
// already takes its place.
func addPairs(list []cscp.Pair, text json.RawMessage) ([]cscp.Pair, error) {
	// PHP writes an empty object as [].
	if isMissing(text) || isEmptyArray(text) {
		return list, nil
	}
	if text[0] != '{' {
		return nil, errNoObject
	}
	at := make(map[string]int, len(list))
	for i, p := range list {
		at[p.Name] = i
	}
	for name, raw := range members(text) {
		value, err := valueOf(raw)
		if err != nil {
			return nil, err
		}
		if i, there := at[name]; there {
			list[i].Value = value
			continue
		}
		at[name] = len(list)
		list = append(list, cscp.Pair{Name: name, Value: value})
	}
	return list, nil
}

func isEmptyArray(text json.RawMessage) bool {
	return text[0] == '[' && len(trimBlanks(text[1:])) == 1
}

// oidsOf are the OIDs of an array, each once.
func oidsOf(text json.RawMessage) ([]cscp.OID, error) {
	if isMissing(text) {
		return nil, nil
	}
	if text[0] != '[' {
		return nil, errNoList
	}
	var oids []cscp.OID
	seen := map[cscp.OID]bool{}
	for one := range elements(text) {
		digits, err := textOf(one)
		if err != nil {
			return nil, err
		}
		oid, err := cscp.ParseOID(digits)
		if err != nil {
			return nil, err
		}
		if !seen[oid] {
			seen[oid] = true
			oids = append(oids, oid)
		}
	}
	return oids, nil
}
