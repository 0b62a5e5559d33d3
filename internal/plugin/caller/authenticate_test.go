package caller

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/principal"
)

// stranger is an app under our name that cannot authenticate anybody.
type stranger struct{}

func (stranger) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddyauth", New: func() caddy.Module { return new(stranger) }}
}

func (*stranger) Start() error { return nil }
func (*stranger) Stop() error  { return nil }

func load(t *testing.T, apps string) caddy.Context {
	t.Helper()
	if err := caddy.Load([]byte(`{"admin":{"disabled":true,"config":{"persist":false}},"apps":{`+apps+`}}`), true); err != nil {
		t.Fatal(err)
	}
	return caddy.ActiveContext()
}

func TestAnAppThatKnowsNobodyIsNone(t *testing.T) {
	caddy.RegisterModule(stranger{})
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
	ctx := load(t, "")
	if app, err := Authenticator(ctx); app != nil || !errors.Is(err, ErrNoApp) {
		t.Errorf("without an app: %v, %v", app, err)
	}
	ctx = load(t, `"caddyauth":{}`)
	if app, err := Authenticator(ctx); app != nil || err == nil || errors.Is(err, ErrNoApp) {
		t.Errorf("with another app: %v, %v", app, err)
	}
	if app, err := Login(ctx); app != nil || err == nil || !strings.Contains(err.Error(), "'caddyauth'") {
		t.Errorf("with another app: %v, %v", app, err)
	}
}

func TestWithoutAnAppOnlyAnEarlierGateCounts(t *testing.T) {
	for name, test := range map[string]struct {
		method string
		accept []string
		passes bool
	}{
		"nobody":                                 {"", nil, false},
		"somebody":                               {principal.MethodAPIKey, nil, true},
		"somebody whose method is listed":        {principal.MethodAPIKey, []string{principal.MethodAPIKey}, true},
		"somebody whose method is not listed":    {principal.MethodPassword, []string{principal.MethodAPIKey}, false},
		"a listed address":                       {principal.MethodClientSecret, nil, false},
		"a listed address where it is asked for": {principal.MethodClientSecret, []string{principal.MethodClientSecret}, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := request(t, "192.0.2.1:1234", "192.0.2.1", false, "")
			var earlier *principal.Principal
			if test.method != "" {
				earlier = &principal.Principal{User: &principal.User{Name: "alice"}, Method: test.method}
				caddyhttp.SetVar(r.Context(), principal.Variable, earlier)
			}
			p, refused := Authenticate(r, nil, &principal.Service{Accept: test.accept})
			if test.passes && (p != earlier || refused != nil) {
				t.Errorf("%v, %v", p, refused)
			}
			if !test.passes && (p != nil || refused == nil || refused.Status != http.StatusUnauthorized || refused.Error() != "credential_missing: none") {
				t.Errorf("%v, %v", p, refused)
			}
		})
	}
}

func TestHeadersOfARefusal(t *testing.T) {
	for name, test := range map[string]struct {
		refusal principal.Refusal
		want    http.Header
	}{
		"neither":           {principal.Refusal{Status: 403}, http.Header{}},
		"when to try again": {principal.Refusal{Status: 429, Wait: 1500 * time.Millisecond}, http.Header{"Retry-After": {"2"}}},
		"what to send":      {principal.Refusal{Status: 401, Challenge: []string{"Bearer", "Basic"}}, http.Header{"Www-Authenticate": {"Bearer", "Basic"}}},
	} {
		h := http.Header{}
		SetHeaders(h, &test.refusal)
		if diff := cmp.Diff(test.want, h); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
