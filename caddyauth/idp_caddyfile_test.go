package caddyauth_test

import (
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/caddyrun"
)

// TestCaddyfileErrorsOfProviders is what an administrator reads after a mistake that is
// one of writing.
func TestCaddyfileErrorsOfProviders(t *testing.T) {
	for name, test := range map[string]struct{ provider, want string }{
		"without a name":            {"provider", "'provider' needs a value, at Testfile:3"},
		"two names":                 {"provider a b", "'b' is too much after 'provider a', at Testfile:3"},
		"an unknown option":         {"provider a {\nissuers x\n}", "unrecognized option 'issuers'; there are addresses, algorithms, audience, auto_create, claims, client_id, client_secret, discovery, group, groups_claim, issuer, jwks, leeway, max_age, one_time, redirect_uri, required_groups, required_scopes, role, roles_claim, scope, scopes, scopes_claim, secret, trust_email, username_claim, at Testfile:4"},
		"an issuer without a value": {"provider a {\nissuer\n}", "'issuer' needs a value, at Testfile:4"},
		"an issuer twice":           {"provider a {\nissuer x\nissuer y\n}", "'issuer' stands here twice, at Testfile:5"},
		"an audience of none":       {"provider a {\naudience\n}", "'audience' needs at least one value, at Testfile:4"},
		"a scope without a meaning": {"provider a {\nscope api\n}", "write 'scope <theirs> <ours...>', at Testfile:4"},
		"a role without a name":     {"provider a {\nrole \"\" admin\n}", "write 'role <theirs> <ours...>', at Testfile:4"},
		"a group twice":             {"provider a {\ngroup x a\ngroup y b\ngroup x c\n}", "'group x' stands here twice; write all of ours on one line, at Testfile:6"},
		"a leeway in words":         {"provider a {\nleeway little\n}", "'little' is not a duration such as 90s, 24h or 7d, at Testfile:4"},
		"an argument of a flag":     {"provider a {\ntrust_email yes\n}", "'yes' is too much after 'trust_email', at Testfile:4"},
		"an argument of one_time":   {"provider a {\none_time 1\n}", "'1' is too much after 'one_time', at Testfile:4"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := caddyrun.Adapt("{\ncaddyauth {\n" + test.provider + "\n}\n}\nhttp://:0\n")
			if err == nil || !strings.HasSuffix(err.Error(), test.want) {
				t.Errorf("got  %v\nwant …%s", err, test.want)
			}
		})
	}
}

// validate holds a Caddyfile against all that can be known without a start.
func validate(t *testing.T, text string) error {
	t.Helper()
	text = strings.ReplaceAll(text, "{$DIR}", t.TempDir())
	config, err := caddyrun.Adapt(text)
	if err != nil {
		t.Fatal(err)
	}
	var c caddy.Config
	if err := caddy.StrictUnmarshalJSON(config, &c); err != nil {
		t.Fatal(err)
	}
	return caddy.Validate(&c)
}

// TestSettingsOfProvidersAreCheckedBeforeTheStart is about those that cannot be meant.
func TestSettingsOfProvidersAreCheckedBeforeTheStart(t *testing.T) {
	t.Setenv("CLIENT_SECRET", clientSecretAtProvider)
	t.Setenv("SHARED_SECRET", sharedSecret)
	t.Setenv("SHORT_SECRET", "31 bytes are not enough for us.\n")
	t.Setenv("EMPTY", "")
	const (
		issuer = "issuer https://id.example.org"
		ops    = "\naudience ops"
		hidden = "\nsecret {env.SHARED_SECRET}"
	)
	for name, test := range map[string]struct{ options, want string }{
		"no issuer":                            {"audience ops", "'issuer' is missing: the iss of its tokens"},
		"an issuer that is not set":            {"issuer {env.EMPTY}" + ops, "issuer: evaluated placeholder {env.EMPTY} is empty"},
		"an issuer in plain text":              {"issuer http://id.example.org" + ops, "'http://id.example.org' is not https; http is for this machine only"},
		"an issuer that is no URL":             {"issuer staff" + ops, "that is no absolute URL; write it like https://id.example.org/realm"},
		"an issuer with a password":            {"issuer https://a:swordfish@id.example.org" + ops, "the URL for 'id.example.org' has a user or a password in it; write it without"},
		"keys in plain text":                   {issuer + ops + "\njwks http://id.example.org/keys", "'http://id.example.org/keys' is not https; http is for this machine only"},
		"a discovery that is no URL":           {issuer + ops + "\ndiscovery x", "that is no absolute URL"},
		"an address that is none":              {issuer + ops + "\naddresses 10.0.0.0/8 here", "addresses: 'here' is neither an address nor a network such as 10.0.0.0/8"},
		"no audience":                          {issuer, "'audience' is missing: whom its tokens are for, as their aud has it"},
		"an audience that is not set":          {issuer + "\naudience {env.EMPTY}", "audience: evaluated placeholder {env.EMPTY} is empty"},
		"an unknown algorithm":                 {issuer + ops + "\nalgorithms RS257", "algorithm 'RS257' is not known: use some of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA"},
		"no algorithm at all":                  {issuer + ops + "\nalgorithms none", "algorithm 'none' is not known"},
		"an unknown one with a secret":         {issuer + ops + hidden + "\nalgorithms HS257", "algorithm 'HS257' is not known: use some of HS256, HS384, HS512"},
		"an algorithm twice":                   {issuer + ops + "\nalgorithms RS256 RS256", "algorithm 'RS256' is listed twice"},
		"a shared secret's algorithm and keys": {issuer + ops + "\nalgorithms RS256 HS256", "algorithms: 'HS256' does not go with what tokens are checked by; HS256, HS384 and HS512 need 'secret', all others keys"},
		"a public key's algorithm and secret":  {issuer + ops + hidden + "\nalgorithms RS256", "algorithms: 'RS256' does not go with what tokens are checked by"},
		"a secret in the clear":                {issuer + ops + "\nsecret " + strings.Repeat("swordfish", 4), "secret: write {env.NAME} or {file./path}; in the Caddyfile it would stand in the running configuration"},
		"a secret that is partly in the clear": {issuer + ops + "\nsecret swordfish{env.SHARED_SECRET}", "secret: write {env.NAME} or {file./path}"},
		"a short secret":                       {issuer + ops + "\nsecret {env.SHORT_SECRET}", "the secret has less than 32 bytes, and could be guessed"},
		"a secret that is not set":             {issuer + ops + "\nsecret {env.EMPTY}", "secret: evaluated placeholder {env.EMPTY} is empty"},
		"a secret and keys":                    {issuer + ops + hidden + "\njwks https://id.example.org/keys", "with 'secret' there are no keys and there is no log-in; take discovery, jwks and client_id away"},
		"a secret and discovery":               {issuer + ops + hidden + "\ndiscovery https://id.example.org/d", "with 'secret' there are no keys and there is no log-in; take discovery, jwks and client_id away"},
		"a secret and a log-in":                {issuer + ops + hidden + client, "with 'secret' there are no keys and there is no log-in; take discovery, jwks and client_id away"},
		"a client secret in the clear":         {issuer + client + "\nclient_secret swordfish", "client_secret: write {env.NAME} or {file./path}; in the Caddyfile it would stand in the running configuration"},
		"a client secret that is not set":      {issuer + client + "\nclient_secret {env.EMPTY}", "client_secret: evaluated placeholder {env.EMPTY} is empty"},
		"a client secret without a client":     {issuer + ops + "\nclient_secret {env.CLIENT_SECRET}", "client_secret, redirect_uri and scopes are for log-ins; 'client_id' is missing"},
		"scopes without a client":              {issuer + ops + "\nscopes openid", "client_secret, redirect_uri and scopes are for log-ins; 'client_id' is missing"},
		"a client without a redirect URI":      {issuer + "\nclient_id ops", "'redirect_uri' is missing; write it like https://ops.example.org/login?provider=staff"},
		"a redirect URI with a fragment":       {issuer + "\nclient_id ops\nredirect_uri https://ops.example.org/#login", "redirect_uri: 'https://ops.example.org/#login' has a fragment; write it like https://ops.example.org/login?provider=staff"},
		"a log-in without discovery":           {issuer + client + "\njwks https://id.example.org/keys", "for log-ins the provider must describe itself: take 'jwks' away, or 'client_id'"},
		"a log-in for tokens of one use":       {issuer + client + "\none_time", "one_time: a log-in gives a token for many requests; take 'client_id' away"},
		"meanings of scopes that count not":    {issuer + ops + "\nscope api read", "'scope' says what scopes mean, and without 'scopes_claim' none count"},
		"a scope that is not ours":             {issuer + ops + "\nscopes_claim scope\nscope api admin", "scope 'api': scope 'admin' is unknown; there are read (R), write (W) and extended (E)"},
		"a required scope with a quote":        {issuer + ops + "\nrequired_scopes `a\"b`", "cannot be a scope: one is of printable ASCII characters, without blanks"},
		"a role that cannot be one":            {issuer + ops + "\nrole ops a,b", "role 'ops': 'a,b' cannot be one; use 1 to 64 letters, digits and . _ - with a letter or digit first"},
		"a group that cannot be one":           {issuer + ops + "\ngroup ops -x", "group 'ops': '-x' cannot be one; use 1 to 64 letters, digits and . _ - with a letter or digit first"},
		"a role for new ones that is none":     {issuer + ops + "\nauto_create a,b", "auto_create: 'a,b' cannot be a role; use 1 to 64 letters"},
		"too many claims":                      {issuer + ops + "\nclaims" + strings.Repeat(" c", 17), "claims: at most 16 can be shown"},
		"a leeway of an hour":                  {issuer + ops + "\nleeway 1h", "the leeway is 1h0m0s: it can be up to 10m0s"},
		"tokens for twenty years":              {issuer + ops + "\nmax_age 200000h", "it must be more than zero and at most ten years"},
	} {
		t.Run(name, func(t *testing.T) {
			err := validate(t, providerSite("provider staff {\n"+test.options+"\n}"))
			if err == nil || !strings.Contains(err.Error(), "provider staff: ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant …provider staff: …%s…", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "swordfish") {
				t.Error("a secret is in the error")
			}
		})
	}
}

func TestProvidersMustBeToldApart(t *testing.T) {
	one := "provider one {\nissuer https://one.example.org\nclient_id ops\nredirect_uri " + callback + "\n}\n"
	for name, test := range map[string]struct{ providers, want string }{
		"a name twice":         {one + "provider one {\nissuer https://two.example.org\naudience ops\n}", "provider one: there is another one of this name; give each its own"},
		"an issuer twice":      {one + "provider two {\nissuer https://one.example.org\naudience ops\n}", "provider two: its issuer 'https://one.example.org' is that of provider one; write one provider for both"},
		"a redirect URI twice": {one + "provider two {\nissuer https://two.example.org\nclient_id ops\nredirect_uri " + callback + "\n}", "provider two: redirect_uri is that of provider one; each needs its own, such as one with ?provider=two"},
		"a name with a blank":  {`provider "a b" {` + "\nissuer https://one.example.org\naudience ops\n}", "provider 'a b': use 1 to 64 letters, digits and . _ - with a letter or digit first"},
		"a long name":          {"provider " + strings.Repeat("a", 65) + " {\nissuer https://one.example.org\naudience ops\n}", "use 1 to 64 letters, digits and . _ - with a letter or digit first"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := validate(t, providerSite(test.providers)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant …%s", err, test.want)
			}
		})
	}
}

// countConnections listens at an address. The function ends that, and counts who has come.
func countConnections(t *testing.T) (address string, count func() int64) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var connections atomic.Int64
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			_ = c.Close()
		}
	}()
	return listener.Addr().String(), func() int64 {
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
		<-ended
		return connections.Load()
	}
}

// TestValidatingAsksNoProvider: `caddy validate` on a machine without a network.
func TestValidatingAsksNoProvider(t *testing.T) {
	here, connections := countConnections(t)
	t.Setenv("CLIENT_SECRET", clientSecretAtProvider)
	dir := t.TempDir()
	text := strings.ReplaceAll(providerSite("provider keycloak {\nissuer http://"+here+client+"\nclient_secret {env.CLIENT_SECRET}\n}"), "{$DIR}", dir)
	if err := validate(t, text); err != nil {
		t.Fatal(err)
	}
	if got := connections(); got != 0 {
		t.Errorf("%d connections were made", got)
	}
	if made, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(made) > 0 {
		t.Errorf("%v was made, %v", made, err)
	}
}

// client are the options of a log-in.
const client = "\nclient_id sallyport\nredirect_uri " + callback
