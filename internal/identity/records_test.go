package identity

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/credential"
)

// crowded is a world with a record of every kind, closed.
func crowded(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.setPassword("alice", right)
	w.issue("bound", func(n *NewKey) {
		n.Networks, n.UserAgent = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, "curl/8"
		n.Audience, n.Subject, n.APIVersion = []string{`"a"`}, []string{"/only/*"}, "2"
	})
	ci := w.issue("ci")
	if err := w.try(alice(wrong)); err == nil {
		t.Fatal("a wrong password is right")
	}
	w.later(0)
	w.logIn(alice(right), hour(credential.AppToken))
	w.logInByKey(ci, hour(credential.AppToken))
	w.must(nil, w.LinkIdentity(t.Context(), "test", "alice", "corp", issuer, "1"))
	_, _, err := w.LogInByProvider(t.Context(), w.byJWT(w.external("1")), []string{"auditor"}, nil, NewSession{Tokens: []NewToken{hour(credential.AppToken)}})
	w.must(nil, err)
	w.must(nil, w.SpendToken(t.Context(), w.external("1")))
	w.must(w.RotatePepper(t.Context(), "test"))
	w.must(w.RevokeKey(t.Context(), "test", ref("bound"), "lost"))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestAStoreThatThisProgramHasWrittenIsSound(t *testing.T) {
	w := crowded(t)
	i, err := Inspect(t.Context(), w.config, func(string) {})
	if err != nil || len(i.Structure)+len(i.Damage)+len(i.Refused) != 0 {
		t.Errorf("%+v, %v", i, err)
	}
}

// Text that lies there as bytes reads the same, and no query for it finds it: a session
// of such an id could not be ended.
func TestValuesOfAnotherTypeAreFound(t *testing.T) {
	for _, column := range []string{
		"api_keys.name", "api_keys.user_agent", "api_keys.api_version", "api_keys.revoked_reason", "tokens.kind", "tokens.former_id", "sessions.method",
		"users.username_fold", "users.state", "users.email", "passwords.phc", "external_identities.subject", "refused_tokens.id", "login_failures.name", "changes.id", "audit_events.kind",
	} {
		table, name, _ := strings.Cut(column, ".")
		finds(t, fmt.Sprintf(`UPDATE %s SET %s = CAST(COALESCE(%[2]s, 'x') AS BLOB) WHERE rowid = (SELECT MIN(rowid) FROM %[1]s)`, table, name),
			fmt.Sprintf("the value of column '%s' is not of the type text", name))
	}
	for statement, want := range map[string]string{
		`PRAGMA foreign_keys = OFF; UPDATE sessions SET id = CAST(id AS BLOB); UPDATE tokens SET session_id = CAST(session_id AS BLOB)`: "table 'sessions', row 1: the value of column 'id' is not of the type text",
		`PRAGMA foreign_keys = OFF; UPDATE users SET id = CAST(id AS BLOB); UPDATE api_keys SET user_id = CAST(user_id AS BLOB);
			UPDATE sessions SET user_id = CAST(user_id AS BLOB); UPDATE passwords SET user_id = CAST(user_id AS BLOB);
			UPDATE external_identities SET user_id = CAST(user_id AS BLOB)`: "table 'users', row 1: the value of column 'id' is not of the type text",
		`UPDATE users SET email_verified = 'x'`: "the value of column 'email_verified' is not of the type integer",
		`UPDATE users SET auth_epoch = 1.5`:     "the value of column 'auth_epoch' is not of the type integer",
	} {
		finds(t, statement, want)
	}
}

func TestFailedLogInsThatCannotBeCountedUpAreFound(t *testing.T) {
	finds(t, `UPDATE login_failures SET failures = 9223372036854775807`, "table 'login_failures', record 1: 9223372036854775807 failed log-ins are none that can be counted up")
	finds(t, `UPDATE login_failures SET failures = 0`, "0 failed log-ins are none that can be counted up")
	finds(t, `UPDATE login_failures SET failures = 1.5`, "table 'login_failures', record 1: ")
	finds(t, `UPDATE login_failures SET last = 9000000000000000000`, "table 'login_failures', record 1: a time in the database is damaged")
}

func TestNamesAndLimitsThatNobodyCouldGiveAreFound(t *testing.T) {
	finds(t, `UPDATE users SET roles = '["a b"]'`, "user 'alice': role 'a b': use 1 to 64 letters")
	finds(t, `UPDATE users SET groups = '["ä"]'`, "user 'alice': group 'ä': use 1 to 64 letters")
	finds(t, `UPDATE api_keys SET name = 'a/b' WHERE name = 'ci'`, "key name 'a/b': use 1 to 64 letters")
	finds(t, `UPDATE api_keys SET networks = '["10.0.0.1/8"]'`, "is bound to networks that are not in their usual form")
	finds(t, `UPDATE api_keys SET subject = '["*"]'`, "subject '*': write a path")
}

// finds spoils a crowded store, and looks whether the inspection says so.
func finds(t *testing.T, statement, want string) {
	t.Helper()
	w := crowded(t)
	spoil(t, w.config.Location.Path, statement)
	i, err := Inspect(t.Context(), w.config, func(string) {})
	if says := func(problem string) bool { return strings.Contains(problem, want) }; err != nil || !slices.ContainsFunc(i.Refused, says) {
		t.Errorf("%s: the inspection has %q, %q, %q, %v, want %s", statement, i.Structure, i.Damage, i.Refused, err, want)
	}
}

// What says less than it did must not be read as if it never had said it.
func TestWhatWouldWidenRightsIsNotLoaded(t *testing.T) {
	for statement, want := range map[string]string{
		`UPDATE api_keys SET revoked = -62135596800000000 WHERE name = 'bound'`: "it is of the year 1",
		`UPDATE api_keys SET disabled = -62135596800000000 WHERE name = 'ci'`:   "it is of the year 1",
		`UPDATE api_keys SET expires = -62135596800000000 WHERE name = 'ci'`:    "it is of the year 1",
		`UPDATE api_keys SET subject = '[ ]' WHERE name = 'bound'`:              "a list in the database is damaged",
		`UPDATE api_keys SET networks = '[null]' WHERE name = 'bound'`:          "a list in the database is damaged",
		`UPDATE api_keys SET audience = '[""]' WHERE name = 'bound'`:            "a list in the database is damaged",
		`UPDATE tokens SET idle = 500000`:                                       "a duration in the database is damaged",
		`UPDATE users SET roles = '["a,admin"]'`:                                "a role or group in the database is damaged",
		`UPDATE users SET tokens_after = -62135596800000000`:                    "it is of the year 1",
		`UPDATE external_identities SET id = 'x'`:                               "its id is no digest",
		`UPDATE refused_tokens SET id = 'x'`:                                    "its id is no digest",
		`UPDATE sessions SET groups = '["a,admin"]' WHERE method = 'jwt'`:       "a role or group in the database is damaged",
		`UPDATE users SET groups = '["x\nX-Evil: y"]'`:                          "a role or group in the database is damaged",
	} {
		finds(t, statement, want)
		w := crowded(t)
		spoil(t, w.config.Location.Path, statement)
		w.open()
		if err := w.poll(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: loading says %v", statement, err)
		}
	}
}
