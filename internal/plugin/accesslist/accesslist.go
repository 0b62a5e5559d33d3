// Package accesslist is the list of addresses that may come in, each with a
// secret of its own, as users of Caddy have it: addresses and networks among the
// options of a directive, and a file of secrets that lives through reloads.
//
//	list, err := settings.Provision(ctx)
//	…
//	if entry, listed := list.Find(caller.Address(r)); listed {
//		secret, err := accesslist.OneSecret(r.Header, "X-Client-Secret")
//		verdict, wait := list.Admit(r.Context(), entry, caller.Address(r), secret)
//	}
//
// What an entry and a file of secrets are says internal/allowlist.
package accesslist

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/allowlist"
	"github.com/sallyport/sallyport/internal/plugin/grammar"
)

// Settings are what a directive says of its list.
type Settings struct {
	// Addresses are addresses and networks, such as 192.0.2.7 or 2001:db8::/64;
	// private_ranges stands for all private ones. Placeholders may stand for
	// several, separated by blanks, commas or line ends.
	Addresses []string
	// SecretsFile holds a line `entry:secret` for each entry. Placeholders work.
	SecretsFile string
	// Failures says how many wrong secrets may come from an address, in IPv6
	// from a /64. Nil means DefaultFailures.
	Failures *grammar.FailureLimit
	// Options are the names that the settings have in the directive, for errors.
	Options OptionNames
}

// OptionNames are the names of options, such as allow, secrets_file and failures.
type OptionNames struct{ Addresses, SecretsFile, Failures string }

// DefaultFailures are the CCE endpoint's: five failures in a minute.
var DefaultFailures = grammar.FailureLimit{Failures: 5, Window: caddy.Duration(time.Minute)}

// Check refuses what cannot be meant, of what is there. What placeholders stand
// for is not looked at.
func (s *Settings) Check() error {
	for _, word := range s.Addresses {
		if strings.ContainsRune(word, '{') {
			continue
		}
		if _, err := parseAddresses(word); err != nil {
			return s.about(err)
		}
	}
	return s.Failures.Check(s.Options.Failures)
}

// about names the option of the addresses.
func (s *Settings) about(err error) error { return fmt.Errorf("%s: %w", s.Options.Addresses, err) }

// Provision reads the addresses and takes a share of the file of secrets. The
// file is not opened before the start of the configuration, which makes it, and
// the secrets that are missing in it.
func (s *Settings) Provision(ctx caddy.Context) (*List, error) {
	if err := s.Failures.Check(s.Options.Failures); err != nil {
		return nil, err
	}
	entries, err := s.entries()
	if err != nil {
		return nil, err
	}
	path, err := grammar.Resolve(s.Options.SecretsFile, s.SecretsFile)
	if err != nil {
		return nil, err
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Options.SecretsFile, err)
	}
	limit := s.Failures.OrElse(DefaultFailures)
	l := &List{
		list:  allowlist.NewList(entries),
		limit: allowlist.Limit{Count: limit.Failures, Period: time.Duration(limit.Window)},
	}
	l.file, err = shareSecrets(ctx, path, s.Options.SecretsFile, l.list.Entries())
	return l, err
}

// List finds the entry of a caller and judges what he presents.
type List struct {
	list  *allowlist.List
	file  *sharedSecrets
	limit allowlist.Limit
}

// Find returns the entry of the smallest network that has the address. Its
// Prefix is what tells entries apart, through reloads as well.
func (l *List) Find(address netip.Addr) (entry *allowlist.Entry, listed bool) {
	i, listed := l.list.Find(address)
	if !listed {
		return nil, false
	}
	return &l.list.Entries()[i], true
}

// Admit judges a secret that a caller with this address presents for an entry,
// which Find has found, "" if he presents none. Whoever has failed too often has
// to wait, even with the right secret. After a start it waits up to five seconds
// for the file to be read. Each call with a wrong secret counts as a failure.
func (l *List) Admit(ctx context.Context, entry *allowlist.Entry, caller netip.Addr, presented string) (v allowlist.Verdict, wait time.Duration) {
	v, wait = l.file.Admit(entry.Prefix, caller, presented, l.limit)
	if v == allowlist.NotLoaded && l.file.wait(ctx) {
		v, wait = l.file.Admit(entry.Prefix, caller, presented, l.limit)
	}
	return v, wait
}

// Problem says what is wrong with the file of secrets, or is "".
func (l *List) Problem() string { return l.file.health() }
