package howler

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestConfigsTellALogInPageWhatThereIs(t *testing.T) {
	auth := func(extended bool, amount, unit any) any {
		return map[string]any{"configuration": map[string]any{"auth": map[string]any{
			"allow_apikeys": true, "allow_extended_apikeys": extended,
			"max_apikey_duration_amount": amount, "max_apikey_duration_unit": unit,
			"oauth_providers": []any{}, "internal": map[string]any{"enabled": true},
		}}}
	}
	for name, test := range map[string]struct {
		configs Configs
		want    any
	}{
		"keys for ever":              {Configs{}, auth(true, nil, nil)},
		"no extended keys":           {Configs{NoExtendedKeys: true}, auth(false, nil, nil)},
		"keys for days":              {Configs{MaxKeyLifetime: 90 * 24 * time.Hour}, auth(true, 90.0, "days")},
		"keys for a day and a half":  {Configs{MaxKeyLifetime: 36 * time.Hour}, auth(true, 36.0, "hours")},
		"keys for minutes":           {Configs{MaxKeyLifetime: 90 * time.Minute}, auth(true, 90.0, "minutes")},
		"keys for seconds":           {Configs{MaxKeyLifetime: 90 * time.Second}, auth(true, 90.0, "seconds")},
		"keys for parts of a second": {Configs{MaxKeyLifetime: 1999 * time.Millisecond}, auth(true, 1.0, "seconds")},
	} {
		if diff := cmp.Diff(test.want, asJSON(t, test.configs)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
