// Package grammar is what the Caddyfile directives of all plugins have in
// common, so that a word means the same in each of them: blocks of options,
// durations and numbers, lifetimes, limits of failures, base paths, placeholders.
//
// A plugin's caddyfile.go says which options there are:
//
//	return grammar.Block(d, grammar.Options{
//		"header":   func() error { return grammar.Word(d, &h.Header) },
//		"failures": func() error { return grammar.Failures(d, &h.Failures) },
//		"debug":    func() error { return grammar.Flag(&h.Debug) },
//	}, h.Validate)
//
// Each function reads the arguments of the option at which the dispenser stands.
// The errors name the option, and the line.
package grammar

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/dustin/go-humanize"
)

// Options are those of a block by their names, each with what reads its
// arguments.
type Options map[string]func() error

// Block reads the options of a block, each at most once but those that are named
// as repeated. After each one the settings are checked, if check is not nil: here
// the line is known; those who write JSON hear it at the start.
func Block(d *caddyfile.Dispenser, known Options, check func() error, repeated ...string) error {
	seen := map[string]bool{}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		option := d.Val()
		read := known[option]
		if read == nil {
			return d.Errf("unrecognized option '%s'; there are %s", option, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		if seen[option] && !slices.Contains(repeated, option) {
			return d.Errf("'%s' stands here twice", option)
		}
		seen[option] = true
		if err := read(); err != nil {
			return err
		}
		if check != nil {
			if err := check(); err != nil {
				return d.WrapErr(err)
			}
		}
		if d.NextArg() {
			return d.Errf("'%s' is too much after '%s'", d.Val(), option)
		}
	}
	return nil
}

// Word reads exactly one argument that is not empty.
func Word(d *caddyfile.Dispenser, value *string) error {
	option := d.Val()
	if !d.NextArg() || d.Val() == "" {
		return d.Errf("'%s' needs a value", option)
	}
	*value = d.Val()
	return nil
}

// Words reads one or more arguments that are not empty, and appends them.
func Words(d *caddyfile.Dispenser, list *[]string) error {
	option, before := d.Val(), len(*list)
	for d.NextArg() {
		if d.Val() == "" {
			return d.Errf("'%s' has an empty value", option)
		}
		*list = append(*list, d.Val())
	}
	if len(*list) == before {
		return d.Errf("'%s' needs at least one value", option)
	}
	return nil
}

// Duration reads one duration that is longer than nothing, such as 90s or 7d.
func Duration(d *caddyfile.Dispenser, value *caddy.Duration) error {
	option := d.Val()
	if !d.NextArg() {
		return d.Errf("'%s' needs a value", option)
	}
	text := d.Val()
	if err := parseDuration(d, text, value); err != nil {
		return err
	}
	if *value <= 0 {
		return d.Errf("%s: '%s' is not longer than nothing", option, text)
	}
	return nil
}

func parseDuration(d *caddyfile.Dispenser, text string, value *caddy.Duration) error {
	parsed, err := caddy.ParseDuration(text)
	if err != nil {
		return d.Errf("'%s' is not a duration such as 90s, 24h or 7d", text)
	}
	*value = caddy.Duration(parsed)
	return nil
}

// Number reads a whole number from least to most.
func Number(d *caddyfile.Dispenser, value *int, least, most int) error {
	option := d.Val()
	if !d.NextArg() {
		return d.Errf("'%s' needs a value", option)
	}
	n, err := strconv.Atoi(d.Val())
	if err != nil || n < least || n > most {
		return d.Errf("%s: '%s' is not a number from %d to %d", option, d.Val(), least, most)
	}
	*value = n
	return nil
}

// Flag reads an option without arguments.
func Flag(value *bool) error {
	*value = true
	return nil
}

// Size reads a number of bytes, such as 1MiB or 65536.
func Size(d *caddyfile.Dispenser, value *int64) error {
	var word string
	if err := Word(d, &word); err != nil {
		return err
	}
	n, err := humanize.ParseBytes(word)
	if err != nil || n > math.MaxInt64 {
		return d.Errf("'%s' is no size; write it as 1MiB", word)
	}
	*value = int64(n)
	return nil
}
