package advice

import (
	"strings"
	"testing"
)

func TestAdvice(t *testing.T) {
	const (
		tokenAuth    = "http.handlers.token_auth"
		authEndpoint = "http.handlers.auth_api"
		cceEndpoint  = "http.handlers.cce"
	)
	for _, c := range []struct {
		name, module  string
		status        int
		cause         string
		means, change string
	}{
		{"a gate has its own rows", tokenAuth, 403, "scope", "none of the scopes", "--scope"},
		{"the provider is a gate", "http.authentication.providers.token", 401, "revoked", "The key was revoked.", "key issue"},
		{"the status decides between two rows", tokenAuth, 401, "malformed", "Not the form of a key", "rotate"},
		{"and the other one", tokenAuth, 400, "malformed", "Two credentials", "Send one"},
		{"another status does not hide the cause", authEndpoint, 401, "locked", "wrong passwords", "user unlock"},
		{"an endpoint has what gates have", authEndpoint, 401, "wrong_password", "no such password", "passwd"},
		{"and before it what only it has", authEndpoint, 400, "no_session", "A log-out with a key", "cookie"},
		{"the same word of another module is another thing", cceEndpoint, 403, "plain_http", "LOGIN without TLS", "HTTPS for LOGIN"},
		{"a cause behind another one", tokenAuth, 401, "impersonation_expired", "The key in `X-Impersonating` is not accepted. The key or token has expired", "Mend the key in `X-Impersonating`, as follows. Give"},
		{"one whose whole word has a row", cceEndpoint, 503, "account_not_logged_in", "does not accept the password of the account", "account rotate"},
		{"one that has none", cceEndpoint, 502, "account_unreachable", "could not log in. cced does not listen", "`socket`"},
		{"of a gate, told by an endpoint", cceEndpoint, 401, "impersonation_unknown_key", "no key has that id", "key list"},
		{"a sentence", authEndpoint, 503, "store 'x' is locked by another program", "as the sentence says", "doctor"},
	} {
		row, ok := For(c.module, c.status, c.cause)
		if !ok || !strings.Contains(row.Means, c.means) || !strings.Contains(row.Change, c.change) {
			t.Errorf("%s: %v\n%s\n%s", c.name, ok, row.Means, row.Change)
		}
	}
}

func TestNoAdvice(t *testing.T) {
	for name, c := range map[string]struct {
		module, cause string
	}{
		"another module":                  {"http.handlers.other", "none"},
		"another cause":                   {"http.handlers.token_auth", "nonsense"},
		"nothing behind the beginning":    {"http.handlers.token_auth", "impersonation_"},
		"a beginning of another module":   {"http.handlers.token_auth", "account_busy"},
		"an endpoint's own, asked a gate": {"http.handlers.token_auth", "quota"},
	} {
		if row, ok := For(c.module, 401, c.cause); ok {
			t.Errorf("%s: %+v", name, row)
		}
	}
}

func TestRowsAreWhole(t *testing.T) {
	for _, table := range Tables() {
		seen := map[string]bool{}
		for _, row := range table.Rows {
			if key := row.Cause + " " + row.Status; seen[key] {
				t.Errorf("%s: '%s' stands there twice", table.Name, key)
			} else {
				seen[key] = true
			}
			for _, text := range []string{row.Means, row.Change} {
				if !strings.HasSuffix(text, ".") || strings.Contains(text, "|") || strings.Count(text, "`")%2 != 0 {
					t.Errorf("%s: '%s': '%s' is no sentence for a table", table.Name, row.Cause, text)
				}
			}
		}
	}
}
