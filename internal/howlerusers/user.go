package howlerusers

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/internal/howler"
	"github.com/sallyport/sallyport/internal/principal"
)

// User is a user of howler. Only the forms of keys were looked at: whether there can be
// such names, and whether the hashes are some, is for the caller to say.
type User struct {
	Name, DisplayName, Email string
	// Roles are the user types.
	Roles, Groups []string
	// Disabled users are those that howler calls inactive.
	Disabled bool
	// Quota is how many requests are answered at once; 0 is not said.
	Quota int64
	// PasswordHash is a text of bcrypt; empty is that there is no password.
	PasswordHash string
	// Keys are sorted by name.
	Keys []Key
}

// Key is an API key.
type Key struct {
	Name string
	// Hash is a text of bcrypt.
	Hash   string
	Scopes principal.Scopes
	// Impersonation keys are for the Agents, who are user names.
	Impersonation bool
	Agents        []string
	// Expires is in UTC; zero is never.
	Expires time.Time
}

// noPassword is what howler writes where there is none.
const noPassword = "__NO_PASSWORD__"

// document is what is read of one in the database.
type document struct {
	Name        string          `json:"uname"`
	DisplayName string          `json:"name"`
	Email       string          `json:"email"`
	Types       texts           `json:"type"`
	Groups      texts           `json:"groups"`
	Active      *bool           `json:"is_active"`
	Quota       json.Number     `json:"api_quota"`
	Password    string          `json:"password"`
	Keys        map[string]*key `json:"apikeys"`
}

type key struct {
	Letters  texts  `json:"acl"`
	Password string `json:"password"`
	Agents   texts  `json:"agents"`
	Expires  string `json:"expiry_date"`
}

// texts are several, or one without a list around it, which is the same to
// Elasticsearch.
type texts []string

func (t *texts) UnmarshalJSON(data []byte) error {
	var one string
	if len(data) > 0 && data[0] == '"' {
		err := json.Unmarshal(data, &one)
		*t = texts{one}
		return err
	}
	return json.Unmarshal(data, (*[]string)(t))
}

// reader reads a document, and notes what is left out.
type reader struct {
	now  time.Time
	left []string
}

var errNoUser = errors.New("it is no document of a user, which has at least a 'uname'")

func (r *reader) user(text json.RawMessage) (User, error) {
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		wrong, isType := errors.AsType[*json.UnmarshalTypeError](err)
		if isType && wrong.Field != "" && d.Name != "" {
			return User{}, fmt.Errorf("'%s': the field '%s' has another form", printable(d.Name), printable(wrong.Field))
		}
		return User{}, errNoUser
	}
	if d.Name == "" {
		return User{}, errNoUser
	}
	u := User{
		Name: d.Name, DisplayName: d.DisplayName, Email: d.Email, Roles: d.Types, Groups: d.Groups,
		Disabled: d.Active != nil && !*d.Active, PasswordHash: d.Password,
	}
	if u.PasswordHash == noPassword {
		u.PasswordHash = ""
	}
	if d.Quota != "" {
		quota, err := d.Quota.Int64()
		if err != nil {
			return User{}, fmt.Errorf("'%s': the field 'api_quota' is no whole number", printable(d.Name))
		}
		u.Quota = quota
	}
	for _, name := range slices.Sorted(maps.Keys(d.Keys)) {
		if k, taken := r.key(d.Name, name, d.Keys[name]); taken {
			u.Keys = append(u.Keys, k)
		}
	}
	return u, nil
}

// key reads a key. One that could not be used is left out.
func (r *reader) key(user, name string, in *key) (k Key, taken bool) {
	leave := func(why string) (Key, bool) {
		r.left = append(r.left, fmt.Sprintf("key %s/%s: %s", printable(user), printable(name), why))
		return Key{}, false
	}
	switch {
	case !howler.IsKeyName(name):
		return leave("its name cannot be used here: 1 to 64 letters, digits and . _ - with a letter or digit first")
	case in == nil || in.Password == "" || in.Password == noPassword:
		return leave("it has no secret")
	}
	k = Key{Name: name, Hash: in.Password}
	for _, letter := range in.Letters {
		if letter == "I" {
			k.Impersonation = true
			continue
		}
		scope, err := principal.ParseScopes([]string{letter})
		if err != nil || len(letter) != 1 {
			return leave("it has the privilege '" + printable(letter) + "', which is none of R, W, E and I")
		}
		k.Scopes |= scope
	}
	if k.Impersonation && k.Scopes.Any(principal.Extended) {
		return leave("it has E and I, which no key can have together")
	}
	if in.Expires != "" {
		expires, ok := howler.ParseExpiry(in.Expires)
		switch {
		case !ok:
			return leave("its end '" + printable(in.Expires) + "' is no date")
		case !expires.After(r.now):
			return leave("it has expired " + expires.Format(time.RFC3339))
		}
		k.Expires = expires
	}
	if k.Impersonation {
		k.Agents = r.agents(user, name, in.Agents)
	}
	return k, true
}

// agents are user names. A colon would make a group of one.
func (r *reader) agents(user, name string, agents []string) (kept []string) {
	for _, agent := range agents {
		if agent == "" || strings.Contains(agent, ":") {
			r.left = append(r.left, fmt.Sprintf("agent '%s' of key %s/%s: no user can have that name", printable(agent), printable(user), printable(name)))
			continue
		}
		kept = append(kept, agent)
	}
	return kept
}

// Shown is the name for a message, whatever is in it.
func (u *User) Shown() string { return printable(u.Name) }
