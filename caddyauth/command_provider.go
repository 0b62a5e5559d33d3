package caddyauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/sallyport/sallyport/internal/plugin/admin"
	"github.com/sallyport/sallyport/internal/plugin/command"
	"github.com/sallyport/sallyport/internal/plugin/grammar"
	"github.com/sallyport/sallyport/internal/store"
)

// providerCommand is `caddy auth provider`.
func providerCommand(where *targetFlags) *cobra.Command {
	return command.Group("provider", "Tests other providers of identity, and links their users with accounts",
		providerTestCommand(where), providerLinksCommand(where), providerLinkCommand(where), providerUnlinkCommand(where), providerRevokeCommand(where))
}

func providerTestCommand(where *targetFlags) *cobra.Command {
	var asJSON, local bool
	c := verb(where, cobra.Command{
		Use:   "test <name>",
		Short: "Asks a provider for its keys, and says what would happen to a token",
		Long: `Asks a provider anew for what it says of itself and for its keys. A token on standard
input is held against every rule, and each is told: what the token must meet, what
its groups, roles and scopes mean here, and whose account it is. Nothing is changed.

A running server is asked, with its configuration; with --local, or where none runs,
the provider of the configuration file is tried from here, without accounts.`,
		Example: "  caddy auth provider test keycloak < token",
		Args:    cobra.ExactArgs(1),
	}, func(s *session, args []string) error {
		token, err := readToken()
		if err != nil {
			return err
		}
		t, err := s.tryProvider(trialInput{args[0], token}, local)
		switch {
		case err != nil:
			return err
		case asJSON:
			err = s.Show(t)
		default:
			err = tellTrial(s.Out, t)
		}
		if err == nil && !t.Passes {
			err = &command.Exit{Code: command.ExitInvalid}
		}
		return err
	})
	c.Flags().BoolVar(&asJSON, "json", false, "Write a JSON object")
	c.Flags().BoolVar(&local, "local", false, "Try the provider of the configuration file from here")
	return withoutCreate(c)
}

// readToken reads the token on standard input; "" if there is none.
func readToken() (string, error) {
	if term.IsTerminal(int(os.Stdin.Fd())) {
		return "", nil
	}
	const most = 16 << 10
	text, err := io.ReadAll(io.LimitReader(os.Stdin, most+1))
	if err != nil {
		return "", err
	}
	if len(text) > most {
		return "", &command.UsageError{Text: "what is on standard input is longer than any token"}
	}
	return bareToken(string(text)), nil
}

// bareToken is a token without what stands before it in a request.
func bareToken(text string) string {
	text = strings.TrimSpace(text)
	for _, prefix := range []string{"authorization:", "bearer "} {
		if len(text) >= len(prefix) && strings.EqualFold(text[:len(prefix)], prefix) {
			text = strings.TrimSpace(text[len(prefix):])
		}
	}
	return text
}

// tryProvider asks the running server, or tries the provider from here.
func (s *session) tryProvider(in trialInput, local bool) (*trial, error) {
	if s.where.store != "" || s.where.create {
		return nil, &command.UsageError{Text: "providers are in the configuration, and not in a store; leave --store and --create out"}
	}
	config, file, err := s.where.Load()
	if err != nil {
		return nil, &command.UsageError{Text: err.Error()}
	}
	if !local {
		t := new(trial)
		err := s.askServer(config, file, tryProviderName, in, t)
		if _, nobody := errors.AsType[*admin.NoServerError](err); !nobody || file == "" {
			return t, err
		}
		if _, err := fmt.Fprintln(s.Talk, "no server runs; the provider is tried from here"); err != nil {
			return nil, err
		}
	}
	providers, err := providersIn(config)
	if err != nil {
		return nil, &command.UsageError{Text: err.Error()}
	}
	for i := range providers {
		if p := &providers[i]; p.Name == in.Provider {
			// Nobody logs in here.
			p.ClientSecret = ""
			settings, err := p.resolve()
			if err != nil {
				return nil, &command.UsageError{Text: err.Error()}
			}
			return settings.try(s.Ctx, in.Token, nil, notFromHere), nil
		}
	}
	return nil, &noProviderError{in.Provider}
}

// providersIn are the providers of a configuration in JSON.
func providersIn(config []byte) ([]IdentityProvider, error) {
	var c struct {
		Apps struct {
			Auth App `json:"caddyauth"`
		} `json:"apps"`
	}
	if err := json.Unmarshal(config, &c); err != nil {
		return nil, fmt.Errorf("the configuration: %w", err)
	}
	return c.Apps.Auth.Providers, nil
}

// doForIssuer is do for an operation that names the issuer of a provider. It warns where no
// provider has it: of the running server, or else of the configuration file.
func (s *session) doForIssuer(operation string, input any, issuer, format string, args ...any) error {
	var result warned
	if err := s.do(operation, input, &result, format, args...); err != nil {
		return err
	}
	if s.target.server == nil && s.where.store == "" {
		result.Warning = warnOfIssuer(issuer, s.providersOfFile)
	}
	if result.Warning == "" {
		return nil
	}
	return s.Say("warning: %s", strings.Map(shown, result.Warning))
}

// providersOfFile are the issuers of the configuration file. They are not known without
// one, nor where a placeholder has a value only for the server.
func (s *session) providersOfFile() (issuers []string, known bool) {
	config, _, err := s.where.Load()
	if err != nil || config == nil {
		return nil, false
	}
	providers, err := providersIn(config)
	if err != nil {
		return nil, false
	}
	for _, p := range providers {
		issuer, err := grammar.Resolve("issuer", p.Issuer)
		if err != nil {
			return nil, false
		}
		issuers = append(issuers, issuer)
	}
	return issuers, true
}

func tellTrial(out io.Writer, t *trial) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, step := range t.Steps {
		// The table keeps what is wrong with the output, and says so in the end.
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\n", step.Result, step.Rule, strings.Map(shown, step.Text))
	}
	return table.Flush()
}

func providerLinksCommand(where *targetFlags) *cobra.Command {
	var asJSON bool
	var user string
	c := verb(where, cobra.Command{
		Use:     "links",
		Short:   "Lists the users of providers who are linked with accounts",
		Example: "  caddy auth provider links --user alice",
	}, func(s *session, _ []string) error {
		page := func(last *store.Identity) (page []store.Identity, end bool, err error) {
			input := listIdentitiesInput{User: user}
			if last != nil {
				input.After = last.ID
			}
			err = s.perform("provider/links", input, &page)
			return page, len(page) < pageSize, err
		}
		return command.List(s.Run, asJSON, "USER\tISSUER\tSUBJECT\tPROVIDER\tLINKED", identityRow, page)
	})
	c.Flags().BoolVar(&asJSON, "json", false, "Write a JSON array")
	c.Flags().StringVar(&user, "user", "", "Only those of this user")
	return c
}

func identityRow(i store.Identity) string {
	clean := func(text string) string { return strings.Map(shown, text) }
	return strings.Join([]string{i.Username, clean(i.Issuer), clean(i.Subject), i.Provider, i.Created.Format(time.RFC3339)}, "\t")
}

func providerLinkCommand(where *targetFlags) *cobra.Command {
	return verb(where, cobra.Command{
		Use:   "link <user> <issuer> <subject>",
		Short: "Links a user of a provider with an account",
		Long: `Links a user of a provider with an account: whoever presents a token of that issuer
with that subject (iss and sub) is that user. 'caddy auth provider test' tells both of
a token.`,
		Example: "  caddy auth provider link alice https://idp.example.org/realms/staff 6f1c0a5e-2f6b-4d0e-9c1f-0d3c1f4b7a10",
		Args:    cobra.ExactArgs(3),
	}, func(s *session, args []string) error {
		return s.doForIssuer("provider/link", linkInput{args[0], args[1], args[2]}, args[1], "user '%s' is linked", args[0])
	})
}

func providerUnlinkCommand(where *targetFlags) *cobra.Command {
	return verb(where, cobra.Command{
		Use:   "unlink <issuer> <subject>",
		Short: "Takes the link of a user of a provider away",
		Long: `Takes the link of a user of a provider away, at once: his tokens are not accepted any
more, and the sessions end that he has begun by a provider. The account stays. With
auto_create he gets a new account when he comes again, and with trust_email the same one
if it has his address; API keys that he has made stay. Disable the user to keep him out.`,
		Example: "  caddy auth provider unlink https://idp.example.org/realms/staff 6f1c0a5e-2f6b-4d0e-9c1f-0d3c1f4b7a10",
		Args:    cobra.ExactArgs(2),
	}, func(s *session, args []string) error {
		return s.do("provider/unlink", unlinkInput{args[0], args[1]}, new(struct{}), "unlinked")
	})
}

func providerRevokeCommand(where *targetFlags) *cobra.Command {
	var lasting string
	c := verb(where, cobra.Command{
		Use:   "revoke <issuer> <token id>",
		Short: "Refuses a token of a provider, by its jti",
		Long: `Refuses a token of a provider from now on, by its jti. To refuse all tokens that a user
has so far, end his sessions: 'caddy auth session revoke --user <user>'.`,
		Example: "  caddy auth provider revoke https://idp.example.org/realms/staff 0b8e2c1f-7d7e-4ab6-8f0c-6d5d5f2f8f3e",
		Args:    cobra.ExactArgs(2),
	}, func(s *session, args []string) error {
		d, err := caddy.ParseDuration(lasting)
		if err != nil {
			return &command.UsageError{Text: fmt.Sprintf("--for '%s': write a duration such as 24h or 90d", lasting)}
		}
		return s.doForIssuer("provider/revoke", revokeTokenInput{args[0], args[1], d}, args[0], "refused from now on")
	})
	// The default is longer than any provider's tokens should last.
	c.Flags().StringVar(&lasting, "for", "31d", "How long to remember it, such as 24h or 90d: at least until the token expires")
	return c
}
