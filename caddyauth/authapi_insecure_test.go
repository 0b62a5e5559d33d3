package caddyauth_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/identity"
)

func TestCredentialsInTheQueryWhereThatIsWanted(t *testing.T) {
	a := startAPI(t, "insecure_query_credentials")
	key := a.issue(a.Server, "ci")
	for _, query := range []string{"user=bob&password=marble+otter+sunday+94", "user=alice&apikey=ci:" + key} {
		expectStatus(t, a.Get(t, loginPath+"?"+query), 200, "")
	}
	expectFailure(t, a.Get(t, loginPath+"?user=bob&password=x"), 401, "invalid_login", "Invalid login information")
	expectFailure(t, a.Get(t, loginPath+"?user=bob&password=x", "Sec-Fetch-Site", "cross-site"), 403, "cross_origin", "Pages of another site cannot log in here.")
	if log := a.Log(t); !strings.Contains(log, "insecure_query_credentials: log-ins take") {
		t.Error("the start has not warned")
	}
}

func TestWhatIsToldOfAKeyWithoutItsSecret(t *testing.T) {
	prepare := func(options string) *api {
		a := startAPI(t, options)
		a.issue(a.Server, "ci")
		a.issue(a.Server, "over", func(n *identity.NewKey) { n.Expires = time.Now().Add(time.Second) })
		a.issue(a.Server, "deputy", func(n *identity.NewKey) { n.Impersonation = true })
		time.Sleep(time.Second)
		return a
	}
	const (
		nothing = "Invalid login information"
		unknown = "API Key does not exist"
		expired = "Key is expired"
		imp     = "Cannot use impersonation key in normal Authorization Header! Provide your credentials and supply it in the X-Impersonating header instead."
	)
	for options, want := range map[string]map[string]string{
		"": {"alice:ci:x": nothing, "alice:none:x": nothing, "alice:over:x": nothing, "alice:deputy:x": nothing, "zoe:ci:x": nothing, "alice:x": nothing},
		"insecure_key_errors": {
			"alice:ci:x": nothing, "ALICE:none:x": unknown, "alice:over:x": expired, "alice:deputy:x": imp, "zoe:ci:x": nothing, "alice:x": nothing,
		},
	} {
		a := prepare(options)
		for credential, text := range want {
			if _, err := a.Unlock(t.Context(), "test", "alice"); err != nil {
				t.Fatal(err)
			}
			user, key, _ := strings.Cut(credential, ":")
			for way, r := range map[string]caddyrun.Response{
				"Basic":    a.whoami(t, basic(credential)...),
				"a log-in": postJSON(t, a.Server, loginPath, `{"user":"`+user+`","apikey":"`+key+`"}`),
			} {
				if got := *readEnvelope(t, r).Message; got != text {
					t.Errorf("'%s', %s by %s: got '%s', want '%s'", options, credential, way, got, text)
				}
			}
		}
	}
}
