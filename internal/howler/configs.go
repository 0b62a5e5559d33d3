package howler

import (
	"encoding/json"
	"time"
)

// Configs is the payload that tells a log-in page what there is. Only what is about
// authentication is told.
type Configs struct {
	// NoExtendedKeys: no keys with E are made.
	NoExtendedKeys bool
	// MaxKeyLifetime is how long a key may live; zero is for ever.
	MaxKeyLifetime time.Duration
	// Providers are the names of those by which users can log in.
	Providers []string
}

// MarshalJSON writes what howler has below configuration.auth.
func (c Configs) MarshalJSON() ([]byte, error) {
	auth := authConfig{APIKeys: true, ExtendedKeys: !c.NoExtendedKeys, Providers: append([]string{}, c.Providers...), Internal: internalConfig{true}}
	if c.MaxKeyLifetime > 0 {
		amount, unit := inUnits(c.MaxKeyLifetime)
		auth.Amount, auth.Unit = &amount, &unit
	}
	return json.Marshal(map[string]map[string]authConfig{"configuration": {"auth": auth}})
}

type authConfig struct {
	APIKeys      bool           `json:"allow_apikeys"`
	ExtendedKeys bool           `json:"allow_extended_apikeys"`
	Amount       *int64         `json:"max_apikey_duration_amount"`
	Unit         *string        `json:"max_apikey_duration_unit"`
	Providers    []string       `json:"oauth_providers"`
	Internal     internalConfig `json:"internal"`
}

type internalConfig struct {
	Enabled bool `json:"enabled"`
}

// inUnits writes a time in the largest unit of which it is a whole number. Parts of
// a second are dropped: who keeps to what is told is within the limit.
func inUnits(d time.Duration) (amount int64, unit string) {
	for _, u := range []struct {
		length time.Duration
		name   string
	}{{24 * time.Hour, "days"}, {time.Hour, "hours"}, {time.Minute, "minutes"}} {
		if d%u.length == 0 {
			return int64(d / u.length), u.name
		}
	}
	return int64(d / time.Second), "seconds"
}
