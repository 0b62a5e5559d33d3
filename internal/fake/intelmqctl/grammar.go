package intelmqctl

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// grammar is what a sub-command takes, as Python's argparse understands it.
type grammar struct {
	// command is its words, such as `intelmqctl log`.
	command     string
	positionals []positional
	options     []option
}

// positional is an argument that goes by its place.
type positional struct {
	name     string
	choices  []string
	optional bool
	integer  bool
	// rest: it is a word that all that follows belongs to.
	rest bool
}

// option is an argument that goes by its name, such as --group. It takes a value, or
// else is on.
type option struct {
	name, short string
	choices     []string
	value       bool
}

// arguments are what was found, by name. An option without a value has its name.
type arguments struct {
	values map[string]string
	// rest are the words after one that has a grammar of its own.
	rest []string
}

func (a arguments) has(name string) bool { _, has := a.values[name]; return has }

// or is a value, or another one if it was not given.
func (a arguments) or(name, other string) string {
	if value, given := a.values[name]; given {
		return value
	}
	return other
}

// usageError is for stderr; the command exits with 2.
type usageError struct{ usage, text string }

func (e *usageError) Error() string { return e.usage + e.text }

// help is not an error: it is printed, and the command exits with 0.
type help struct{ text string }

func (h *help) Error() string { return h.text }

func (g grammar) wrong(format string, values ...any) error {
	return &usageError{g.usage(), g.command + ": error: " + fmt.Sprintf(format, values...) + "\n"}
}

// usage is the line that argparse prints above an error, though not broken in lines.
func (g grammar) usage() string {
	var b strings.Builder
	b.WriteString("usage: " + g.command + " [-h]")
	for _, o := range g.options {
		word := o.name
		if o.value {
			word += " " + metavar(o.choices, strings.ToUpper(strings.TrimLeft(o.name, "-")))
		}
		b.WriteString(" [" + word + "]")
	}
	for _, p := range g.positionals {
		word := metavar(p.choices, p.name)
		if p.optional {
			word = "[" + word + "]"
		}
		b.WriteString(" " + word)
		if p.rest {
			b.WriteString(" ...")
		}
	}
	return b.String() + "\n"
}

func metavar(choices []string, name string) string {
	if choices == nil {
		return name
	}
	return "{" + strings.Join(choices, ",") + "}"
}

// parse reads words. What begins with a hyphen is an option wherever it stands, but
// for a number; a beginning of an option's name will do if it is no other's.
func (g grammar) parse(words []string) (arguments, error) {
	a := arguments{values: map[string]string{}}
	left := g.positionals
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		if isOption(word) {
			n, err := g.takeOption(a, word, words)
			if err != nil {
				return a, err
			}
			words = words[n:]
			continue
		}
		if len(left) == 0 {
			return a, g.wrong("unrecognized arguments: %s", word)
		}
		if err := g.check(left[0], word); err != nil {
			return a, err
		}
		a.values[left[0].name] = word
		if left[0].rest {
			a.rest = words
			return a, nil
		}
		left = left[1:]
	}
	for _, p := range left {
		if !p.optional {
			return a, g.wrong("the following arguments are required: %s", p.name)
		}
	}
	return a, nil
}

func isOption(word string) bool {
	if len(word) < 2 || word[0] != '-' {
		return false
	}
	_, err := strconv.ParseFloat(word, 64)
	return err != nil
}

// takeOption takes an option, and its value from the words after it; n is how many of
// these it took.
func (g grammar) takeOption(a arguments, word string, after []string) (n int, err error) {
	name, value, joined := strings.Cut(word, "=")
	if name == "-h" || name == "--help" {
		return 0, &help{g.usage()}
	}
	o, err := g.find(name)
	if err != nil {
		return 0, err
	}
	if !o.value {
		a.values[o.name] = o.name
		return 0, nil
	}
	if !joined {
		if len(after) == 0 || isOption(after[0]) {
			return 0, g.wrong("argument %s: expected one argument", o.name)
		}
		value, n = after[0], 1
	}
	if o.choices != nil && !slices.Contains(o.choices, value) {
		return 0, g.badChoice(o.name, value, o.choices)
	}
	a.values[o.name] = value
	return n, nil
}

func (g grammar) find(name string) (option, error) {
	var found []option
	for _, o := range g.options {
		if o.name == name || o.short == name {
			return o, nil
		}
		if strings.HasPrefix(name, "--") && strings.HasPrefix(o.name, name) {
			found = append(found, o)
		}
	}
	if len(found) != 1 {
		return option{}, g.wrong("unrecognized arguments: %s", name)
	}
	return found[0], nil
}

func (g grammar) check(p positional, word string) error {
	if p.integer {
		if _, err := strconv.Atoi(strings.TrimSpace(word)); err != nil {
			return g.wrong("argument %s: invalid int value: '%s'", p.name, word)
		}
	}
	if p.choices != nil && !slices.Contains(p.choices, word) {
		return g.badChoice(p.name, word, p.choices)
	}
	return nil
}

func (g grammar) badChoice(name, word string, choices []string) error {
	quoted := "'" + strings.Join(choices, "', '") + "'"
	return g.wrong("argument %s: invalid choice: '%s' (choose from %s)", name, word, quoted)
}
