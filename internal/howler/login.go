package howler

import (
	"cmp"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
)

// Login is a request to log in by a password, an API key, or another provider.
type Login struct {
	// Provider is the name of the provider by which somebody wants to log in; then
	// User and what follows it are empty, but for RefreshToken.
	Provider string
	// Return is with what the provider has sent the browser back.
	Return ProviderReturn
	// User is the user name. Without a provider it is not empty, nor is what follows.
	User string
	// ByKey says that KeyName and Key are set, and not Password.
	ByKey    bool
	Password credential.Secret
	// KeyName is what stands before the first colon of `keyname:secret`. It is
	// empty if there is none, as in one of our keys that came alone.
	KeyName string
	// Key is what follows the colon. It may be empty.
	Key credential.Secret
	// RefreshToken is the provider's. Without a provider it goes back to the client as
	// it came, and means nothing here.
	RefreshToken credential.Secret
}

// ProviderReturn is what a provider answers through the browser (RFC 6749 section
// 4.1.2, RFC 9207 section 2). Nothing of it has been looked at.
type ProviderReturn struct {
	State, Code credential.Secret
	// Issuer is iss. Error is the code of a refusal.
	Issuer, Error string
}

// Empty reports whether nobody has come back: the way to the provider begins.
func (r *ProviderReturn) Empty() bool {
	return r.State.Reveal() == "" && r.Code.Reveal() == "" && r.Error == ""
}

var (
	loginFields = append([]string{"user", "password", "apikey", "refresh_token"}, providerFields...)
	// providerFields may stand in the query as well, where providers put them: a code
	// is worth nothing without what this server and the browser know of it.
	providerFields = []string{"provider", "oauth_provider", "code", "state", "iss", "error"}
)

// ParseLogin reads a log-in from a JSON or form body. Fields that are not texts,
// repeated fields and malformed bodies are refused, and so are credentials in
// the query, whatever the body holds. A provider may be named in the query, with
// what it sends back, as browsers do. Fields that nobody here knows are ignored.
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
	asked := url.Values{}
	for _, name := range providerFields {
		if values, there := query[name]; there {
			asked[name] = values
		}
	}
	return mergedLogin(fields, asked)
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
	return mergedLogin(fields, query)
}

// mergedLogin takes fields from the query besides those of the body.
func mergedLogin(fields map[string]string, query url.Values) (Login, *Failure) {
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
	if provider := cmp.Or(fields["provider"], fields["oauth_provider"]); provider != "" {
		return newProviderLogin(provider, fields), nil
	}
	user, password, key := fields["user"], fields["password"], fields["apikey"]
	switch {
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

func newProviderLogin(provider string, fields map[string]string) Login {
	return Login{
		Provider: provider, RefreshToken: credential.NewSecret(fields["refresh_token"]),
		Return: ProviderReturn{
			State: credential.NewSecret(fields["state"]), Code: credential.NewSecret(fields["code"]),
			Issuer: fields["iss"], Error: fields["error"],
		},
	}
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
	// AppToken is `username:token`, or the access token of the provider.
	AppToken credential.Secret
	// Provider is its name, "" if there is none.
	Provider string
	// RefreshToken is the one that the client sent, or the provider's new one.
	RefreshToken credential.Secret
	// Privileges are those of the token.
	Privileges principal.Scopes
}

// MarshalJSON writes the keys that howler has, the token in the clear: this is
// the one time that it is told. What there is not is null.
func (a LoginAnswer) MarshalJSON() ([]byte, error) {
	orNull := func(text string) *string {
		if text == "" {
			return nil
		}
		return &text
	}
	return json.Marshal(struct {
		AppToken     string   `json:"app_token"`
		Provider     *string  `json:"provider"`
		RefreshToken *string  `json:"refresh_token"`
		Privileges   []string `json:"privileges"`
	}{a.AppToken.Reveal(), orNull(a.Provider), orNull(a.RefreshToken.Reveal()), Letters(a.Privileges)})
}
