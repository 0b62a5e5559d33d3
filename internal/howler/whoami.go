package howler

import (
	"encoding/json"
	"time"

	"github.com/sallyport/sallyport/internal/principal"
)

// WhoAmI is the payload that tells of a user.
type WhoAmI struct {
	// Username is the name to log in with, Name the one to be shown.
	Username, Name string
	// Email may be empty.
	Email         string
	Groups, Roles []string
	Active, Admin bool
	Keys          []KeyTriple
	// Quota is how many requests of the user are answered at once; 0 is no limit.
	Quota int64
	// Record is what a user's record has besides; nil leaves it out.
	Record *Record
}

// Record is what the record of a user by name has, and whoami has not.
type Record struct {
	HasPassword bool
}

// refreshRate is howler's default, in seconds: how often its pages renew.
const refreshRate = 15

// MarshalJSON writes the fifteen keys that howler has, and uname and has_password of
// a record. What there is nothing of here is empty: its client and pages read some
// of them without asking.
func (w WhoAmI) MarshalJSON() ([]byte, error) {
	var email *string
	if w.Email != "" {
		email = &w.Email
	}
	none := []string{}
	var uname *string
	var hasPassword *bool
	if w.Record != nil {
		uname, hasPassword = &w.Username, &w.Record.HasPassword
	}
	return json.Marshal(struct {
		Username           string      `json:"username"`
		Name               string      `json:"name"`
		Email              *string     `json:"email"`
		Groups             []string    `json:"groups"`
		Active             bool        `json:"is_active"`
		Admin              bool        `json:"is_admin"`
		Roles              []string    `json:"roles"`
		Classification     string      `json:"classification"`
		Avatar             *string     `json:"avatar"`
		Quota              int64       `json:"api_quota"`
		Keys               []KeyTriple `json:"apikeys"`
		FavouriteViews     []string    `json:"favourite_views"`
		FavouriteAnalytics []string    `json:"favourite_analytics"`
		Dashboard          []string    `json:"dashboard"`
		RefreshRate        int         `json:"refresh_rate"`
		Uname              *string     `json:"uname,omitempty"`
		HasPassword        *bool       `json:"has_password,omitempty"`
	}{
		Username: w.Username, Name: w.Name, Email: email,
		Groups: append(none, w.Groups...), Active: w.Active, Admin: w.Admin, Roles: append(none, w.Roles...),
		Quota: w.Quota, Keys: append([]KeyTriple{}, w.Keys...),
		FavouriteViews: none, FavouriteAnalytics: none, Dashboard: none, RefreshRate: refreshRate,
		Uname: uname, HasPassword: hasPassword,
	})
}

// KeyTriple is an API key, as whoami lists it.
type KeyTriple struct {
	Name   string
	Scopes principal.Scopes
	// Impersonation adds I.
	Impersonation bool
	// Expires is zero for a key that does not.
	Expires time.Time
	// NameOnly tells nothing of what the key may do, as in the record of a user
	// by name.
	NameOnly bool
}

// MarshalJSON writes [name, [letters], expiry or null], or [name, []].
func (k KeyTriple) MarshalJSON() ([]byte, error) {
	if k.NameOnly {
		return json.Marshal([]any{k.Name, []string{}})
	}
	var expires any
	if !k.Expires.IsZero() {
		expires = k.Expires.UTC().Format("2006-01-02T15:04:05.999999Z")
	}
	return json.Marshal([]any{k.Name, KeyLetters(k.Scopes, k.Impersonation), expires})
}
