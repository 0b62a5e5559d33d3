package caddyauth_test

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/caddyrun"
)

// TestAdapt turns each Caddyfile in testdata/adapt into JSON.
func TestAdapt(t *testing.T) { caddyrun.Golden(t) }

// TestCaddyfileErrors is about what an administrator reads after a mistake.
func TestCaddyfileErrors(t *testing.T) {
	for name, test := range map[string]struct{ global, site, want string }{
		"an argument of the app":           {"caddyauth x", "", "wrong argument count or unexpected line ending after 'x', at Testfile:2"},
		"an unknown option of the app":     {"caddyauth {\nsesion_lifetime 1h\n}", "", "unrecognized option 'sesion_lifetime'; there are common_passwords, key_prefix, login_failures, password_length, pepper_file, provider, session_lifetime, store, at Testfile:3"},
		"a second app":                     {"caddyauth\ncaddyauth", "", "there is a 'caddyauth' already; write one block, at Testfile:3"},
		"a store without a path":           {"caddyauth {\nstore sqlite\n}", "", "write 'store sqlite <path>', at Testfile:3"},
		"another engine":                   {"caddyauth {\nstore mysql x\n}", "", "store engine 'mysql' is unknown; there is sqlite, at Testfile:3"},
		"a store twice":                    {"caddyauth {\nstore sqlite a\nstore sqlite b\n}", "", "'store' stands here twice, at Testfile:4"},
		"a pepper file without a path":     {"caddyauth {\npepper_file\n}", "", "'pepper_file' needs a value, at Testfile:3"},
		"too much after a word":            {"caddyauth {\nkey_prefix a b\n}", "", "'b' is too much after 'key_prefix', at Testfile:3"},
		"a lifetime without a time":        {"caddyauth {\nsession_lifetime\n}", "", "write 'session_lifetime <lifetime> [<idle>]', such as 'session_lifetime 24h 2h', at Testfile:3"},
		"a lifetime of three times":        {"caddyauth {\nsession_lifetime 1h 1h 1h\n}", "", "write 'session_lifetime <lifetime> [<idle>]', such as 'session_lifetime 24h 2h', at Testfile:3"},
		"a lifetime that is none":          {"caddyauth {\nsession_lifetime long\n}", "", "'long' is not a duration such as 90s, 24h or 7d, at Testfile:3"},
		"a lifetime without an end":        {"caddyauth {\nsession_lifetime 0s\n}", "", "session_lifetime: a lifetime must end: give how long it lasts, or how long it may lie idle, at Testfile:3"},
		"idle for longer than it lives":    {"caddyauth {\nsession_lifetime 1h 2h\n}", "", "session_lifetime: the time that it may lie idle, 2h0m0s, is longer than the lifetime, 1h0m0s, at Testfile:3"},
		"failures without a time":          {"caddyauth {\nlogin_failures 5\n}", "", "write 'login_failures <failures> <window>', such as 'login_failures 5 60s', at Testfile:3"},
		"failures that are no number":      {"caddyauth {\nlogin_failures few 60s\n}", "", "login_failures: 'few' is not a number, at Testfile:3"},
		"no failures":                      {"caddyauth {\nlogin_failures 0 60s\n}", "", "login_failures: use 1 to 100 failures and a window of 1s to 24h, such as 'login_failures 5 60s', at Testfile:3"},
		"too many failures":                {"caddyauth {\nlogin_failures 101 60s\n}", "", "login_failures: use 1 to 100 failures and a window of 1s to 24h, such as 'login_failures 5 60s', at Testfile:3"},
		"failures within no time":          {"caddyauth {\nlogin_failures 5 0s\n}", "", "login_failures: use 1 to 100 failures and a window of 1s to 24h, such as 'login_failures 5 60s', at Testfile:3"},
		"passwords of no length":           {"caddyauth {\npassword_length 0\n}", "", "password_length: '0' is not a number from 1 to 1024, at Testfile:3"},
		"passwords of a length in words":   {"caddyauth {\npassword_length long\n}", "", "password_length: 'long' is not a number from 1 to 1024, at Testfile:3"},
		"common passwords without a file":  {"caddyauth {\ncommon_passwords\n}", "", "'common_passwords' needs a value, at Testfile:3"},
		"an argument that is no matcher":   {"", "token_auth on", "wrong argument count or unexpected line ending after 'on', at Testfile:4"},
		"an unknown option":                {"", "token_auth {\nrealm x\n}", "unrecognized option 'realm'; there are accept, api_version, audience, debug, errors, forward_credential, forward_identity, identity_headers, impersonation, insecure_plain_http, optional, require, at Testfile:5"},
		"a kind of credential to come":     {"", "token_auth {\naccept saml\n}", "accept 'saml' is unknown; there are api_key, app_token, bare_token, jwt, password, session, at Testfile:5"},
		"accept nothing":                   {"", "token_auth {\naccept\n}", "'accept' needs at least one value, at Testfile:5"},
		"an empty value":                   {"", "token_auth {\naudience \"\"\n}", "'audience' needs a value, at Testfile:5"},
		"an empty value in a list":         {"", "token_auth {\nrequire role \"\"\n}", "'role' has an empty value, at Testfile:5"},
		"require without a kind":           {"", "token_auth {\nrequire\n}", "write 'require scope', 'require role' or 'require group', and names, at Testfile:5"},
		"require of an unknown kind":       {"", "token_auth {\nrequire user alice\n}", "require 'user' is unknown; there are scope, role and group, at Testfile:5"},
		"require of a kind twice":          {"", "token_auth {\nrequire role a\nrequire role b\n}", "'require role' stands here twice; write all names on one line, of which one is enough, at Testfile:6"},
		"an unknown scope":                 {"", "token_auth {\nrequire scope admin\n}", "scope 'admin' is unknown; there are read (R), write (W) and extended (E), at Testfile:5"},
		"an argument of a flag":            {"", "token_auth {\noptional yes\n}", "'yes' is too much after 'optional', at Testfile:5"},
		"a kind of another gate":           {"", "token_auth {\naccept client_secret\n}", "accept 'client_secret' is unknown; there are api_key, app_token, bare_token, jwt, password, session, at Testfile:5"},
		"an argument of debug":             {"", "token_auth {\ndebug verbose\n}", "'verbose' is too much after 'debug', at Testfile:5"},
		"a flag twice":                     {"", "token_auth {\noptional\noptional\n}", "'optional' stands here twice, at Testfile:6"},
		"an unknown way of errors":         {"", "token_auth {\nerrors html\n}", "errors 'html' is unknown; there is caddy, at Testfile:5"},
		"a header that is none":            {"", "token_auth {\nforward_identity \"X User\"\n}", "identity header 'X User': write a header name, or the beginning of one and '*', at Testfile:5"},
		"a pattern to forward in":          {"", "token_auth {\nforward_identity X-*\n}", "identity header 'X-*' covers X-Api-Key, which requests need, at Testfile:5"},
		"all headers":                      {"", "token_auth {\nidentity_headers *\n}", "identity header '*': write a header name, or the beginning of one and '*', at Testfile:5"},
		"a header that requests need":      {"", "token_auth {\nidentity_headers content-*\n}", "identity header 'content-*' covers Content-Length, which requests need, at Testfile:5"},
		"the credential's header":          {"", "token_auth {\nforward_identity Authorization\n}", "identity header 'Authorization' covers Authorization, which requests need, at Testfile:5"},
		"a base that is a matcher":         {"", "auth_api @api", "base '@api': write a path such as /api, which is neither a matcher nor a pattern, at Testfile:4"},
		"a base that is a pattern":         {"", "auth_api /api/*", "base '/api/*': write a path such as /api, which is neither a matcher nor a pattern, at Testfile:4"},
		"a base that is not clean":         {"", "auth_api /a/../api", "base '/a/../api': write a path such as /api, which is neither a matcher nor a pattern, at Testfile:4"},
		"a base with a placeholder":        {"", "auth_api /{http.request.host}", "base '/{http.request.host}': write a path such as /api, which is neither a matcher nor a pattern, at Testfile:4"},
		"a base of two slashes":            {"", "auth_api //", "base '//': write a path such as /api, which is neither a matcher nor a pattern, at Testfile:4"},
		"two bases":                        {"", "auth_api /a /b", "wrong argument count or unexpected line ending after '/b', at Testfile:4"},
		"an unknown option of auth_api":    {"", "auth_api {\naccept password\n}", "unrecognized option 'accept'; there are app_token_lifetime, debug, insecure_key_errors, insecure_plain_http, insecure_query_credentials, max_key_lifetime, no_extended_keys, quota, session_lifetime, at Testfile:5"},
		"a token without an end":           {"", "auth_api {\napp_token_lifetime 0s\n}", "app_token_lifetime: a lifetime must end: give how long it lasts, or how long it may lie idle, at Testfile:5"},
		"a lifetime in words":              {"", "auth_api {\nsession_lifetime soon\n}", "'soon' is not a duration such as 90s, 24h or 7d, at Testfile:5"},
		"keys without a lifetime":          {"", "auth_api {\nmax_key_lifetime\n}", "'max_key_lifetime' needs a value, at Testfile:5"},
		"a quota without a number":         {"", "auth_api {\nquota\n}", "write 'quota <requests>', a number from 1 to 1000000, or 'quota off', at Testfile:5"},
		"a quota of nothing":               {"", "auth_api {\nquota 0\n}", "write 'quota <requests>', a number from 1 to 1000000, or 'quota off', at Testfile:5"},
		"two quotas":                       {"", "auth_api {\nquota off 3\n}", "'3' is too much after 'quota', at Testfile:5"},
		"keys that live for nothing":       {"", "auth_api {\nmax_key_lifetime 0s\n}", "max_key_lifetime: '0s' is not longer than nothing, at Testfile:5"},
		"a star in the middle of a header": {"", "token_auth {\nidentity_headers X-*-User\n}", "identity header 'X-*-User': write a header name, or the beginning of one and '*', at Testfile:5"},
	} {
		t.Run(name, func(t *testing.T) {
			global := test.global
			if global == "" {
				global = "debug"
			}
			text := "{\n" + global + "\n}\nhttp://:0 {\n" + test.site + "\n}\n"
			if test.global == "" {
				// The site's line is then the fourth.
				text = "{\n}\nhttp://:0 {\n" + test.site + "\n}\n"
			}
			_, err := caddyrun.Adapt(text)
			if err == nil || !strings.HasSuffix(err.Error(), test.want) {
				t.Errorf("got  %v\nwant …%s", err, test.want)
			}
		})
	}
}
