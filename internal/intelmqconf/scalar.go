package intelmqconf

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// What words without quotes are in YAML 1.2, as ruamel.yaml has it: the table of
// the specification, and beyond it binary numbers, underscores and dates.
var (
	wholeForm = regexp.MustCompile(`^[-+]?(?:0b[01_]+|0o?[0-7_]+|[0-9][0-9_]*|0x[0-9a-fA-F_]+)$`)
	// Python would fail at a sign with nothing but underscores behind it.
	noWholeForm = regexp.MustCompile(`^[-+]_+$`)
	floatForm   = regexp.MustCompile(`^(?:[-+]?[0-9][0-9_]*(?:\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)|[-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?)$`)
	notFinite   = regexp.MustCompile(`^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)
	dateForm    = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
	timeForm    = regexp.MustCompile(`^([0-9]{4}-[0-9][0-9]?-[0-9][0-9]?)(?:[Tt]|[ \t]+)([0-9][0-9]?:[0-9]{2}:[0-9]{2})(?:\.([0-9]*))?[ \t]*(?:Z|([-+])([0-9][0-9]?)(?::([0-9]{2}))?)?$`)
)

// scalar reads a YAML scalar.
func scalar(n *yaml.Node) (value, error) {
	const quoted = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	switch {
	case n.Style&yaml.TaggedStyle != 0:
		return tagged(n.ShortTag(), n.Value)
	case n.Style&quoted != 0:
		return value{kind: text, text: n.Value}, nil
	default:
		return plain(n.Value)
	}
}

// plain reads a word without quotes.
func plain(s string) (value, error) {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return value{}, nil
	case "true", "True", "TRUE":
		return truth(true), nil
	case "false", "False", "FALSE":
		return truth(false), nil
	case "=", "<<":
		// Both are words of YAML itself, and Python has no value for them.
		return value{}, ErrScalar
	}
	switch {
	case notFinite.MatchString(s):
		return value{}, ErrNumber
	case wholeForm.MatchString(s), noWholeForm.MatchString(s):
		return yamlWhole(s)
	case floatForm.MatchString(s):
		return floating(strings.ReplaceAll(s, "_", ""))
	case dateForm.MatchString(s), timeForm.MatchString(s):
		return timestamp(s)
	default:
		return value{kind: text, text: s}, nil
	}
}

// yamlWhole reads a whole number of any base. A zero in front means nothing.
func yamlWhole(s string) (value, error) {
	s = strings.ReplaceAll(s, "_", "")
	sign, digits := "", strings.TrimPrefix(s, "+")
	if rest, negative := strings.CutPrefix(digits, "-"); negative {
		sign, digits = "-", rest
	}
	for prefix, base := range map[string]int{"0b": 2, "0o": 8, "0x": 16} {
		if rest, has := strings.CutPrefix(digits, prefix); has {
			return whole(sign+rest, base)
		}
	}
	return whole(sign+digits, 10)
}

// tagged reads a scalar with a tag in front of it. All that is not here is an
// error: a tag of Python would run code.
func tagged(tag, s string) (value, error) {
	switch tag {
	case "!!str":
		return value{kind: text, text: s}, nil
	case "!!int":
		return yamlWhole(s)
	case "!!float":
		if notFinite.MatchString(s) {
			return value{}, ErrNumber
		}
		return floating(strings.ReplaceAll(s, "_", ""))
	case "!!null":
		return value{}, nil
	case "!!bool":
		return taggedTruth(s)
	case "!!timestamp":
		return timestamp(s)
	case "!!binary":
		return binary(s)
	default:
		return value{}, ErrTag
	}
}

// taggedTruth reads what is said to be a boolean, which may be a word of YAML 1.1.
func taggedTruth(s string) (value, error) {
	switch strings.ToLower(s) {
	case "true", "yes", "on":
		return truth(true), nil
	case "false", "no", "off":
		return truth(false), nil
	default:
		return value{}, ErrScalar
	}
}

func binary(s string) (value, error) {
	content, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil || !utf8.Valid(content) {
		return value{}, ErrScalar
	}
	return value{kind: text, text: string(content)}, nil
}

// timestamp reads a date, or a date and a time, which loses its zone: it is told
// in UTC, as Python's isoformat writes it.
func timestamp(s string) (value, error) {
	if dateForm.MatchString(s) {
		if _, err := time.Parse(time.DateOnly, s); err != nil || s < "0001" {
			return value{}, ErrScalar
		}
		return value{kind: text, text: s}, nil
	}
	part := timeForm.FindStringSubmatch(s)
	if part == nil {
		return value{}, ErrScalar
	}
	at, err := time.Parse("2006-1-2 15:04:05", part[1]+" "+part[2])
	if err != nil {
		return value{}, ErrScalar
	}
	at = at.Add(fraction(part[3])).Add(-offset(part[4], part[5], part[6]))
	if at.Year() < 1 || at.Year() > 9999 {
		return value{}, ErrScalar
	}
	iso := at.Format("2006-01-02T15:04:05")
	if micro := at.Nanosecond() / 1000; micro != 0 {
		iso += fmt.Sprintf(".%06d", micro)
	}
	return value{kind: text, text: iso}, nil
}

// fraction reads the digits behind the point of a second, rounded to six.
func fraction(digits string) time.Duration {
	padded := digits + "0000000"
	micro, _ := strconv.Atoi(padded[:6])
	if padded[6] > '4' {
		micro++
	}
	return time.Duration(micro) * time.Microsecond
}

func offset(sign, hours, minutes string) time.Duration {
	h, _ := strconv.Atoi(hours)
	m, _ := strconv.Atoi(minutes)
	d := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
	if sign == "-" {
		return -d
	}
	return d
}
