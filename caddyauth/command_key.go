package caddyauth

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/plugin/command"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// keyCommand is `caddy auth key`.
func keyCommand(where *targetFlags) *cobra.Command {
	return command.Group("key", "Manages API keys",
		keyIssueCommand(where), keyListCommand(where), keyShowCommand(where),
		keyVerb(where, "disable", "key/disable", "Refuses a key until 'enable'"),
		keyVerb(where, "enable", "key/enable", "Accepts a disabled key again"),
		keyRevokeCommand(where), keyRotateCommand(where),
	)
}

const namesAKey = "\nA key is named user/name, or by its public id of 12 letters and digits."

// keyFlags are the properties of a key.
type keyFlags struct {
	scopes, networks, audience, subject, agents []string
	expires, notBefore, userAgent, apiVersion   string
}

func (k *keyFlags) register(flags *pflag.FlagSet) {
	flags.StringSliceVar(&k.scopes, "scope", []string{"read"}, "What the key may be used for: read, write, extended, separated by commas")
	flags.StringVar(&k.expires, "expires", "", "End: a duration such as 90d, or a time such as 2027-01-31T12:00:00Z; 2027-01-31 is the beginning of that day in UTC (default: never)")
	flags.StringVar(&k.notBefore, "not-before", "", "Beginning, written as the end (default: now)")
	flags.StringSliceVar(&k.networks, "network", nil, "Addresses or networks from which the key may be used, separated by commas")
	flags.StringVar(&k.userAgent, "user-agent", "", "The only User-Agent that may use the key")
	flags.StringArrayVar(&k.audience, "audience", nil, "Service for which the key is, as 'audience' of its token_auth; may be given several times")
	flags.StringArrayVar(&k.subject, "subject", nil, "Path for which the key is, or the beginning of paths and '*'; may be given several times")
	flags.StringArrayVar(&k.agents, "agent", nil, "User who may act as the key's user by it, or group:name for the members of a group; may be given several times. Such a key is good for nothing else")
	flags.StringVar(&k.apiVersion, "api-version", "", "Version of the service for which the key is, as 'api_version' of its token_auth")
}

// newKey reads the flags.
func (k *keyFlags) newKey(ref string) (n identity.NewKey, err error) {
	user, name, found := strings.Cut(ref, "/")
	if !found || user == "" || name == "" {
		return n, &command.UsageError{Text: fmt.Sprintf("'%s': name the key as user/name", ref)}
	}
	n = identity.NewKey{Username: user, Name: name}
	n.Impersonation, n.Agents = len(k.agents) > 0, k.agents
	n.UserAgent, n.APIVersion, n.Audience, n.Subject = k.userAgent, k.apiVersion, k.audience, k.subject
	if n.Scopes, err = principal.ParseScopes(k.scopes); err != nil {
		return n, &command.UsageError{Text: err.Error()}
	}
	if n.Expires, err = parseTime("expires", k.expires); err != nil {
		return n, err
	}
	if n.NotBefore, err = parseTime("not-before", k.notBefore); err != nil {
		return n, err
	}
	n.Networks, err = parseNetworks(k.networks)
	return n, err
}

// parseTime reads a moment, or a duration from now.
func parseTime(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	d, err := caddy.ParseDuration(text)
	if err != nil || d <= 0 {
		return time.Time{}, &command.UsageError{Text: fmt.Sprintf("--%s '%s': write a duration such as 90d, or a time such as 2027-01-31 or 2027-01-31T12:00:00Z", flag, text)}
	}
	return time.Now().Add(d), nil
}

func parseNetworks(texts []string) ([]netip.Prefix, error) {
	var list []netip.Prefix
	for _, text := range texts {
		network, err := caddyhttp.CIDRExpressionToPrefix(strings.TrimSpace(text))
		if err != nil || network != network.Masked() {
			return nil, &command.UsageError{Text: fmt.Sprintf("--network '%s': write an address or a network such as 192.0.2.0/24", text)}
		}
		list = append(list, network)
	}
	return list, nil
}

// refuseEmpty refuses flags that are given and empty: a script whose variable is
// not set must not get a key without the limit that it has asked for.
func refuseEmpty(flags *pflag.FlagSet) (err error) {
	flags.Visit(func(f *pflag.Flag) {
		if value := f.Value.String(); err == nil && (value == "" || value == "[]") {
			err = &command.UsageError{Text: "--" + f.Name + " is empty"}
		}
	})
	return err
}

func keyIssueCommand(where *targetFlags) *cobra.Command {
	var k keyFlags
	var c *cobra.Command
	c = verb(where, cobra.Command{
		Use:   "issue <user>/<name>",
		Short: "Issues an API key",
		Long: `Issues an API key and writes it, alone, to standard output. It is shown this once.

Whatever the key is bound to must hold on every request that uses it.`,
		Example: `  caddy auth key issue alice/ci --scope read,write --expires 90d --network 192.0.2.0/24 >ci.key
  caddy auth key issue alice/support --agent bob --agent group:support >support.key`,
		Args: cobra.ExactArgs(1),
	}, func(s *session, args []string) error {
		if err := refuseEmpty(c.Flags()); err != nil {
			return err
		}
		input, err := k.newKey(args[0])
		if err != nil {
			return err
		}
		return s.issue("key/issue", input, "issued")
	})
	k.register(c.Flags())
	return c
}

// issue runs an operation that gives a secret, and writes it.
func (s *session) issue(operation string, input any, done string) error {
	var k issued
	if err := s.perform(operation, input, &k); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(s.Out, k.Word); err != nil {
		return fmt.Errorf("key %s was %s, but could not be written; rotate or revoke it: %w", k.ID, done, err)
	}
	until := "never expires"
	if !k.Expires.IsZero() {
		until = "expires " + k.Expires.Format(time.RFC3339)
	}
	if !k.PreviousExpires.IsZero() {
		until += "; the old secret is accepted until " + k.PreviousExpires.Format(time.RFC3339)
	}
	if err := s.Say("key %s/%s %s: id %s, scopes %s, %s", k.Username, k.Name, done, k.ID, k.Scopes, until); err != nil || k.UserState != store.Disabled {
		return err
	}
	return s.Say("user '%s' is disabled: the key is refused until `caddy auth user enable %s`", k.Username, k.Username)
}

func keyListCommand(where *targetFlags) *cobra.Command {
	var asJSON, revoked bool
	var user string
	c := verb(where, cobra.Command{
		Use:     "list",
		Short:   "Lists API keys",
		Long:    "Lists API keys by id, without their secrets. When a key was last used is written once a minute.",
		Example: "  caddy auth key list --user alice --json",
	}, func(s *session, _ []string) error {
		return command.List(s.Run, asJSON, "ID\tUSER/NAME\tSCOPES\tSTATE\tEXPIRES\tLAST USED", keyRow, func(last *store.Key) (page []store.Key, end bool, err error) {
			input := listKeysInput{User: user, Revoked: revoked}
			if last != nil {
				input.After = last.ID
			}
			err = s.perform("key/list", input, &page)
			return page, len(page) < pageSize, err
		})
	})
	c.Flags().BoolVar(&asJSON, "json", false, "Write a JSON array")
	c.Flags().StringVar(&user, "user", "", "Only the keys of this user")
	c.Flags().BoolVar(&revoked, "revoked", false, "Revoked keys too")
	return c
}

func keyRow(k store.Key) string {
	day := func(t time.Time) string {
		if t.IsZero() {
			return "never"
		}
		return t.Format(time.DateOnly)
	}
	return strings.Join([]string{k.ID, k.Username + "/" + k.Name, k.Scopes.String(), keyState(&k, time.Now()), day(k.Expires), day(k.LastUsed)}, "\t")
}

// keyState says in a word whether a key can be used.
func keyState(k *store.Key, now time.Time) string {
	switch {
	case !k.Revoked.IsZero():
		return "revoked"
	case !k.Disabled.IsZero():
		return "disabled"
	case k.UserState == store.Disabled:
		return "user disabled"
	case !k.Expires.IsZero() && !now.Before(k.Expires):
		return "expired"
	case now.Before(k.NotBefore):
		return "not yet valid"
	}
	return "active"
}

func keyShowCommand(where *targetFlags) *cobra.Command {
	return verb(where, cobra.Command{
		Use:     "show <key>",
		Short:   "Shows a key as JSON",
		Long:    "Shows all that is known of a key but its secret, as JSON." + namesAKey,
		Example: "  caddy auth key show alice/ci",
		Args:    cobra.ExactArgs(1),
	}, func(s *session, args []string) error {
		var k store.Key
		if err := s.perform("key/show", keyInput{args[0]}, &k); err != nil {
			return err
		}
		return s.Show(k)
	})
}

// keyVerb makes a command that only needs a key.
func keyVerb(where *targetFlags, name, operation, short string) *cobra.Command {
	return verb(where, cobra.Command{
		Use:     name + " <key>",
		Short:   short,
		Long:    short + "." + namesAKey,
		Example: "  caddy auth key " + name + " alice/ci",
		Args:    cobra.ExactArgs(1),
	}, func(s *session, args []string) error {
		return s.do(operation, keyInput{args[0]}, new(store.Key), "key %s %sd", args[0], name)
	})
}

func keyRevokeCommand(where *targetFlags) *cobra.Command {
	var reason string
	c := verb(where, cobra.Command{
		Use:   "revoke <key>",
		Short: "Refuses a key for ever",
		Long: `Refuses a key for ever and makes its name free. It is in force when the command
has ended; for a server that was not asked, within half a second.
` + namesAKey,
		Example: `  caddy auth key revoke alice/ci --reason "laptop lost"`,
		Args:    cobra.ExactArgs(1),
	}, func(s *session, args []string) error {
		return s.do("key/revoke", revokeInput{keyInput{args[0]}, reason}, new(store.Key), "key %s revoked", args[0])
	})
	c.Flags().StringVar(&reason, "reason", "", "Why, for the record")
	return c
}

func keyRotateCommand(where *targetFlags) *cobra.Command {
	var overlap string
	c := verb(where, cobra.Command{
		Use:   "rotate <key>",
		Short: "Gives a key a new secret",
		Long: `Gives a key a new secret under the same id, name and limits, and writes the new
key, alone, to standard output. The old one stays valid for the overlap; one that
an earlier rotation left ends at once.
` + namesAKey,
		Example: "  caddy auth key rotate alice/ci --overlap 24h >ci.key",
		Args:    cobra.ExactArgs(1),
	}, func(s *session, args []string) error {
		d, err := caddy.ParseDuration(overlap)
		if err != nil {
			return &command.UsageError{Text: fmt.Sprintf("--overlap '%s': write a duration such as 24h or 7d", overlap)}
		}
		return s.issue("key/rotate", rotateInput{keyInput{args[0]}, d}, "rotated")
	})
	c.Flags().StringVar(&overlap, "overlap", "0s", "How long the old secret stays valid")
	return c
}
