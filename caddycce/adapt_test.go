package caddycce_test

import (
	"os"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/caddyrun"
)

// TestAdapt turns each Caddyfile in testdata/adapt into JSON.
func TestAdapt(t *testing.T) { caddyrun.Golden(t) }

func readFile(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestCaddyfileErrors is about what an administrator reads after a mistake.
func TestCaddyfileErrors(t *testing.T) {
	for name, test := range map[string]struct{ lines, want string }{
		"an unknown option":           {"api_acess ::1", "unrecognized option 'api_acess'; there are access_file, account, api_access, api_password_file, api_user, auth_failures, classes, import_conf, insecure_plain_http, masked, master_key_file, max_body, max_connections, max_reply, principal, scalars, socket, timeout, token_lifetime, tokens_per_entry, transactions, at Testfile:3"},
		"a name for an address":       {"api_access office", "api_access: entry 'office': write an address or a network, such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/64, at Testfile:3"},
		"no address":                  {"api_access", "'api_access' needs at least one value, at Testfile:3"},
		"no socket":                   {"socket", "'socket' needs a value, at Testfile:3"},
		"a socket twice":              {"socket a\nsocket b", "'socket' stands here twice, at Testfile:4"},
		"a principal of nothing":      {"principal", "write 'principal scope <scope> as <account>' or 'principal role <role> as <account>', at Testfile:3"},
		"a principal as nobody":       {"principal scope read to admin", "write 'principal scope <scope> as <account>' or 'principal role <role> as <account>', at Testfile:3"},
		"a principal of a group":      {"principal group ops as admin", "principal 'group' is unknown; there are scope and role, at Testfile:3"},
		"an unknown scope":            {"principal scope admin as admin", "principal: scope 'admin' is unknown; there are read (R), write (W) and extended (E), at Testfile:3"},
		"an account without a file":   {"account monitor", "write 'account <account> <password file> [<master key file>]', at Testfile:3"},
		"an account of a long name":   {"account " + strings.Repeat("x", 32) + " file", "account: write a name of 1 to 31 bytes and a password file, at Testfile:3"},
		"an api_user of a long name":  {"api_user " + strings.Repeat("x", 32), "api_user: cced gives no session to names of more than 31 bytes, at Testfile:3"},
		"a class that is none":        {"classes a-b", "class 'a-b': write the name of a class, such as Vsite, at Testfile:3"},
		"a pattern that is none":      {"masked pass*!", "pattern 'pass*!': write the name of a property, with * for any characters and ? for one, at Testfile:3"},
		"a token of no time":          {"token_lifetime 10ms", "token_lifetime: it is 1s to 24h0m0s, at Testfile:3"},
		"a token of too long a time":  {"token_lifetime 25h", "token_lifetime: it is 1s to 24h0m0s, at Testfile:3"},
		"no tokens":                   {"tokens_per_entry 0", "tokens_per_entry: '0' is not a number from 1 to 10000, at Testfile:3"},
		"too many connections":        {"max_connections 1001", "max_connections: '1001' is not a number from 1 to 1000, at Testfile:3"},
		"a body of nothing":           {"max_body 10B", "max_body: it is 1024 to 1073741824, at Testfile:3"},
		"failures without a time":     {"auth_failures 5", "write 'auth_failures <failures> <window>', such as 'auth_failures 5 60s', at Testfile:3"},
		"transactions of another way": {"transactions atomic", "transactions 'atomic' is unknown; there is independent, at Testfile:3"},
		"scalars of another way":      {"scalars lists", "scalars 'lists' is unknown; there is arrays, at Testfile:3"},
		"an argument of a flag":       {"insecure_plain_http yes", "'yes' is too much after 'insecure_plain_http', at Testfile:3"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := caddyrun.Adapt("http://:0 {\ncce /v2/cce {\n" + test.lines + "\n}\n}\n")
			if err == nil || !strings.HasSuffix(err.Error(), test.want) {
				t.Errorf("got  %v\nwant …%s", err, test.want)
			}
		})
	}
}

// TestSettingsThatDoNotGoTogether is about what only the whole block shows.
func TestSettingsThatDoNotGoTogether(t *testing.T) {
	e := startEndpoint(t, "")
	dir := t.TempDir()
	for name, test := range map[string]struct{ lines, want string }{
		"a master key without a password":   {"master_key_file key", "master_key_file: there is no 'api_password_file' that it could open"},
		"a file of secrets for nobody":      {"access_file access", "access_file: there is no 'api_access' that it could be for"},
		"classes for nobody":                {"classes Vsite", "'account', 'classes' and 'masked' are for those of 'principal', of which there is none"},
		"an account for nobody":             {"account monitor file", "'account', 'classes' and 'masked' are for those of 'principal', of which there is none"},
		"guests without who knows them":     {"api_password_file p\nprincipal scope read as api-admin", "principal: nobody could log in: write 'caddyauth' into the global options, or a token_auth before this"},
		"an account twice":                  {"api_password_file p\naccount api-admin q\nprincipal scope read as api-admin", "account 'api-admin' stands here twice"},
		"a socket that is none":             {"socket {env.NO_SUCH_SOCKET}", "socket: "},
		"a folder that is not there":        {"api_access ::1\naccess_file " + dir + "/none/access", "access_file: the directory '" + dir + "/none' is missing; make it, so that Caddy may write there: "},
		"a configuration that is not there": {"import_conf " + dir + "/none", "import_conf: configuration of cced-api: open " + dir + "/none: no such file or directory"},
	} {
		t.Run(name, func(t *testing.T) {
			err := e.Load(t, "http://:0 {\ncce /v2/cce {\n"+test.lines+"\n}\n}\n")
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant …%s", err, test.want)
			}
		})
	}
}
