package howler

import (
	"encoding/json"
	"net/url"
	"strings"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
)

// Login is a request to log in by either a password or an API key.
type Login struct {
	// User is the user name. It is not empty, nor is what follows.
	User string
	// ByKey says that KeyName and Key are set, and not Password.
	ByKey    bool
	Password credential.Secret
	// KeyName is what stands before the first colon of `keyname:secret`. It is
	// empty if there is none, as in one of our keys that came alone.
	KeyName string
	// Key is what follows the colon. It may be empty.
	Key credential.Secret
	// RefreshToken goes back to the client as it came. It means nothing here.
	RefreshToken credential.Secret
}

var loginFields = []string{"user", "password", "apikey", "provider", "oauth_provider", "refresh_token"}

// ParseLogin reads a log-in from a JSON or form body. Fields that are not texts,
// repeated fields and malformed bodies are refused, and so are credentials in
// the query, whatever the body holds. A provider may be named in the query, as
// a browser does. Fields that nobody here knows are ignored.
//
// The checks come in howler's order: a provider, then a user with a credential,
// then that it is one credential and not two.
func ParseLogin(contentType string, body []byte, query url.Values) (Login, *Failure) {
	if hasCredentials(query) {
		return Login{}, QueryCredentials
	}
	fields, failure := readFields(contentType, body, loginFields)
	if failure != nil {
		return Login{}, failure
	}
	if query.Get("provider")+query.Get("oauth_provider") != "" {
		return Login{}, OAuthDisabled
	}
	return newLogin(fields)
}

// ParseLoginWithQuery is ParseLogin as howler does it: what is not JSON is read from
// a form and the query together. A field that stands in both is refused.
func ParseLoginWithQuery(contentType string, body []byte, query url.Values) (Login, *Failure) {
	fields, failure := readFields(contentType, body, loginFields)
	if failure != nil {
		return Login{}, failure
	}
	if len(body) > 0 && isJSON(parseMediaType(contentType)) {
		return newLogin(fields)
	}
	asked, failure := readForm([]byte(query.Encode()), loginFields)
	if failure != nil {
		return Login{}, failure
	}
	for name, value := range fields {
		if _, twice := asked[name]; twice {
			return Login{}, InvalidData
		}
		asked[name] = value
	}
	return newLogin(asked)
}

func newLogin(fields map[string]string) (Login, *Failure) {
	user, password, key := fields["user"], fields["password"], fields["apikey"]
	switch {
	case fields["provider"]+fields["oauth_provider"] != "":
		return Login{}, OAuthDisabled
	case user == "" || password == "" && key == "":
		return Login{}, NotEnough
	case password != "" && key != "":
		return Login{}, BothCredentials
	}
	login := Login{User: user, RefreshToken: credential.NewSecret(fields["refresh_token"])}
	if key != "" {
		login.ByKey = true
		login.KeyName, login.Key = SplitAPIKey(key)
	} else {
		login.Password = credential.NewSecret(password)
	}
	return login, nil
}

// SplitAPIKey splits `keyname:secret` at the first colon, since no name has
// one. Without a colon, all of it is the secret.
func SplitAPIKey(text string) (name string, secret credential.Secret) {
	name, rest, found := strings.Cut(text, ":")
	if !found {
		name, rest = "", text
	}
	return name, credential.NewSecret(rest)
}

// LoginAnswer is the payload that answers a log-in.
type LoginAnswer struct {
	// AppToken is `username:token`.
	AppToken credential.Secret
	// RefreshToken is the one that the client sent.
	RefreshToken credential.Secret
	// Privileges are those of the token.
	Privileges principal.Scopes
}

// MarshalJSON writes the keys that howler has, the token in the clear: this is
// the one time that it is told. No provider is involved, so that is null.
func (a LoginAnswer) MarshalJSON() ([]byte, error) {
	var refresh *string
	if text := a.RefreshToken.Reveal(); text != "" {
		refresh = &text
	}
	return json.Marshal(struct {
		AppToken     string   `json:"app_token"`
		Provider     *string  `json:"provider"`
		RefreshToken *string  `json:"refresh_token"`
		Privileges   []string `json:"privileges"`
	}{a.AppToken.Reveal(), nil, refresh, Letters(a.Privileges)})
}
