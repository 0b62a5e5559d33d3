package provider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/sallyport/sallyport/internal/credential"
)

// What must be nowhere but where it belongs.
const (
	clientSecret = "the-client-secret"
	theCode      = "the-code"
	accessToken  = "the-access-token"
	idToken      = "the-id-token"
	refreshToken = "the-refresh-token"
	redirectURI  = "https://us.example.org/callback/idp"
)

var errNotVerified = errors.New("the ID token is not good")

// tokens is a good answer of a token endpoint.
func tokens(changes ...any) map[string]any {
	answer := map[string]any{"access_token": accessToken, "token_type": "Bearer", "expires_in": 60, "id_token": idToken, "refresh_token": refreshToken}
	for i := 0; i < len(changes); i += 2 {
		answer[changes[i].(string)] = changes[i+1]
	}
	return answer
}

// loginConfig is a client of ours.
func loginConfig() ClientConfig {
	return ClientConfig{
		Name: "idp", ClientID: "us", ClientSecret: credential.NewSecret(clientSecret), RedirectURI: redirectURI,
		Scopes: []string{"profile"},
		VerifyID: func(_ context.Context, token, nonce string) (string, error) {
			if token != idToken || len(nonce) != 43 {
				return "", errNotVerified
			}
			return "them", nil
		},
	}
}

func newLogin(t testing.TB, c *Connection, config ClientConfig) *Client {
	t.Helper()
	client, err := NewClient(c, config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// begin begins a log-in, and says what the provider is told.
func begin(t testing.TB, client *Client) (Departure, url.Values) {
	t.Helper()
	departure, err := client.Begin(t.Context(), netip.MustParseAddr("192.0.2.1"))
	if err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(departure.URL)
	if err != nil {
		t.Fatal(err)
	}
	return departure, to.Query()
}

// back is a good return.
func back(departure Departure, told url.Values) Return {
	return Return{State: told.Get("state"), Code: theCode, Binding: departure.Binding}
}

func TestALogIn(t *testing.T) {
	for name, c := range map[string]struct {
		methods []string
		secret  string
		// inHeader says where the secret was seen.
		inHeader bool
	}{
		"with the secret in the header, unless the provider says otherwise": {nil, clientSecret, true},
		"with the secret in the header, where the provider takes both":      {[]string{"client_secret_post", "client_secret_basic"}, clientSecret, true},
		"with the secret in the body, where the provider wants that":        {[]string{"private_key_jwt", "client_secret_post"}, clientSecret, false},
		"without a secret": {[]string{"none"}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScripted(t)
			if c.methods != nil {
				s.announces("token_endpoint_auth_methods_supported", c.methods)
			}
			config := loginConfig()
			config.ClientSecret = credential.NewSecret(c.secret)
			client := newLogin(t, s.connect(t, Options{}), config)
			departure, told := begin(t, client)
			for parameter, want := range map[string]string{
				"response_type": "code", "client_id": "us", "redirect_uri": redirectURI, "scope": "openid profile", "code_challenge_method": "S256",
			} {
				if got := told.Get(parameter); got != want {
					t.Errorf("%s is '%s', want '%s'", parameter, got, want)
				}
			}
			if strings.Contains(departure.URL, departure.Binding.Reveal()) {
				t.Error("the provider is told the binding")
			}
			var asked url.Values
			var user, password string
			s.at(tokenPath, func(w http.ResponseWriter, r *http.Request) {
				_ = r.ParseForm()
				asked = r.PostForm
				user, password, _ = r.BasicAuth()
				says(http.StatusOK, tokens())(w, r)
			})
			grant, err := client.Finish(t.Context(), back(departure, told))
			if err != nil {
				t.Fatal(err)
			}
			if grant.Subject != "them" || grant.AccessToken.Reveal() != accessToken || grant.RefreshToken.Reveal() != refreshToken {
				t.Errorf("%+v", grant)
			}
			if asked.Get("code") != theCode || asked.Get("redirect_uri") != redirectURI || asked.Get("grant_type") != "authorization_code" ||
				oauth2.S256ChallengeFromVerifier(asked.Get("code_verifier")) != told.Get("code_challenge") {
				t.Errorf("asked: %v", asked)
			}
			if c.inHeader && (user != "us" || password != c.secret || asked.Has("client_secret")) ||
				!c.inHeader && (user != "" || asked.Get("client_secret") != c.secret || asked.Get("client_id") != "us") {
				t.Errorf("'%s', '%s', %v", user, password, asked)
			}
		})
	}
}

func TestReturnsThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(s *scripted, r *Return)
		want    error
		problem string
	}{
		"a state of nobody":           {func(_ *scripted, r *Return) { r.State = newSecret() }, ErrReturn, "its state is not known"},
		"a short state":               {func(_ *scripted, r *Return) { r.State = r.State[1:] }, ErrReturn, "not the form"},
		"a long state":                {func(_ *scripted, r *Return) { r.State += "A" }, ErrReturn, "not the form"},
		"a state with a line break":   {func(_ *scripted, r *Return) { r.State = r.State[:21] + "\n" + r.State[21:] }, ErrReturn, "not the form"},
		"no state":                    {func(_ *scripted, r *Return) { r.State = "" }, ErrReturn, "not the form"},
		"the cookie of another":       {func(_ *scripted, r *Return) { r.Binding = credential.NewSecret(newSecret()) }, ErrReturn, "another browser has begun it"},
		"no cookie":                   {func(_ *scripted, r *Return) { r.Binding = credential.Secret{} }, ErrReturn, "another browser has begun it"},
		"a long cookie":               {func(_ *scripted, r *Return) { r.Binding = credential.NewSecret(strings.Repeat("a", maxURL+1)) }, ErrReturn, "its cookie is longer"},
		"no code":                     {func(_ *scripted, r *Return) { r.Code = "" }, ErrReturn, "neither a code nor an error"},
		"a long code":                 {func(_ *scripted, r *Return) { r.Code = strings.Repeat("a", maxCode+1) }, ErrReturn, "its code is not printable, or longer"},
		"a code with a line break":    {func(_ *scripted, r *Return) { r.Code += "\n" }, ErrReturn, "its code is not printable"},
		"the iss of another":          {func(_ *scripted, r *Return) { r.Issuer = "https://other.example.org" }, ErrReturn, "its iss is another provider's"},
		"an iss that is nearly right": {func(s *scripted, r *Return) { r.Issuer = s.URL + "/" }, ErrReturn, "its iss is another provider's"},
		"a long iss":                  {func(_ *scripted, r *Return) { r.Issuer = strings.Repeat("a", maxURL+1) }, ErrReturn, "its iss is longer"},
		"a long error":                {func(_ *scripted, r *Return) { r.Error = strings.Repeat("a", maxError+1) }, ErrReturn, "its error is longer"},
		"a refusal":                   {func(_ *scripted, r *Return) { r.Error, r.Code = "access_denied", "" }, &RefusedError{"access_denied"}, "refuses: access_denied"},
		"a refusal with a code":       {func(_ *scripted, r *Return) { r.Error = "login_required" }, &RefusedError{"login_required"}, "refuses: login_required"},
		"a refusal in strange words":  {func(_ *scripted, r *Return) { r.Error = "<script>" }, &RefusedError{""}, "with a code that no standard has"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScripted(t)
			s.at(tokenPath, says(http.StatusOK, tokens()))
			client := newLogin(t, s.connect(t, Options{}), loginConfig())
			departure, told := begin(t, client)
			r := back(departure, told)
			c.change(s, &r)
			_, err := client.Finish(t.Context(), r)
			wantRefusal(t, err, c.want)
			wantText(t, err, c.problem)
			if n := s.count(tokenPath); n != 0 {
				t.Errorf("the provider was asked %d times", n)
			}
		})
	}
}

// wantRefusal is errors.Is, with the codes of refusals.
func wantRefusal(t *testing.T, err, want error) {
	t.Helper()
	if refusal, ok := want.(*RefusedError); ok { //nolint:errorlint // it is what the table says
		if got, ok := errors.AsType[*RefusedError](err); !ok || got.Code != refusal.Code {
			t.Errorf("%v, want %v", err, want)
		}
	} else if !errors.Is(err, want) {
		t.Errorf("%v, want %v", err, want)
	}
}

func TestAReturnIsGoodOnce(t *testing.T) {
	for name, c := range map[string]struct {
		first func(r *Return)
		want  error
	}{
		"after a success":                     {func(*Return) {}, nil},
		"after the cookie of another browser": {func(r *Return) { r.Binding = credential.NewSecret("other") }, ErrReturn},
		"after an iss of another provider":    {func(r *Return) { r.Issuer = "https://other.example.org" }, ErrReturn},
		"after a refusal":                     {func(r *Return) { r.Error = "access_denied" }, &RefusedError{"access_denied"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScripted(t)
			s.at(tokenPath, says(http.StatusOK, tokens()))
			client := newLogin(t, s.connect(t, Options{}), loginConfig())
			departure, told := begin(t, client)
			first := back(departure, told)
			c.first(&first)
			_, err := client.Finish(t.Context(), first)
			if c.want == nil {
				if err != nil {
					t.Error(err)
				}
			} else {
				wantRefusal(t, err, c.want)
			}
			asked := s.count(tokenPath)
			_, err = client.Finish(t.Context(), back(departure, told))
			wantRefusal(t, err, ErrReturn)
			if s.count(tokenPath) != asked {
				t.Error("the provider was asked again")
			}
		})
	}
}

func TestOfManyEqualReturnsOneIsGood(t *testing.T) {
	s := newScripted(t)
	s.at(tokenPath, says(http.StatusOK, tokens()))
	client := newLogin(t, s.connect(t, Options{}), loginConfig())
	departure, told := begin(t, client)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() { _, _ = client.Finish(t.Context(), back(departure, told)) })
	}
	all.Wait()
	if n := s.count(tokenPath); n != 1 {
		t.Errorf("the code was exchanged %d times", n)
	}
}

func TestALogInEndsByTheClientThatHasBegunIt(t *testing.T) {
	for name, change := range map[string]func(c *ClientConfig){
		"not by another name":         func(c *ClientConfig) { c.Name = "other" },
		"not by another client":       func(c *ClientConfig) { c.ClientID = "other" },
		"not at another redirect URI": func(c *ClientConfig) { c.RedirectURI += "/other" },
	} {
		t.Run(name, func(t *testing.T) {
			connection := newScripted(t).connect(t, Options{})
			departure, told := begin(t, newLogin(t, connection, loginConfig()))
			other := loginConfig()
			change(&other)
			_, err := newLogin(t, connection, other).Finish(t.Context(), back(departure, told))
			wantRefusal(t, err, ErrReturn)
			wantText(t, err, "begun with another provider")
		})
	}
	t.Run("but by the same of the next configuration", func(t *testing.T) {
		s := newScripted(t)
		s.at(tokenPath, says(http.StatusOK, tokens()))
		connection := s.connect(t, Options{})
		departure, told := begin(t, newLogin(t, connection, loginConfig()))
		if _, err := newLogin(t, connection, loginConfig()).Finish(t.Context(), back(departure, told)); err != nil {
			t.Error(err)
		}
	})
}

func TestAProviderThatAnnouncesItNamesItself(t *testing.T) {
	s := newScripted(t)
	s.announces("authorization_response_iss_parameter_supported", true)
	s.at(tokenPath, says(http.StatusOK, tokens()))
	client := newLogin(t, s.connect(t, Options{}), loginConfig())
	departure, told := begin(t, client)
	_, err := client.Finish(t.Context(), back(departure, told))
	wantRefusal(t, err, ErrReturn)
	wantText(t, err, "it has no iss")
	departure, told = begin(t, client)
	r := back(departure, told)
	r.Issuer = s.URL
	if _, err := client.Finish(t.Context(), r); err != nil {
		t.Error(err)
	}
}

func TestAnswersOfTheTokenEndpoint(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		// finish and refresh are the errors, nil for none.
		finish, refresh error
	}{
		"a refusal":                  {says(400, map[string]any{"error": "invalid_grant", "error_description": theCode}), &RefusedError{"invalid_grant"}, &RefusedError{"invalid_grant"}},
		"a refusal of us":            {says(401, map[string]any{"error": "invalid_client"}), &RefusedError{"invalid_client"}, &RefusedError{"invalid_client"}},
		"a refusal in strange words": {says(400, map[string]any{"error": clientSecret}), &RefusedError{""}, &RefusedError{""}},
		"a refusal with status 200":  {says(200, map[string]any{"error": "invalid_grant"}), &RefusedError{"invalid_grant"}, &RefusedError{"invalid_grant"}},
		"a page that is not found":   {http.NotFound, ErrAnswer, ErrAnswer},
		"a provider that is broken":  {says(500, map[string]any{"error": "invalid_grant"}), ErrUnavailable, ErrUnavailable},
		"a provider that has enough": {says(429, map[string]any{}), ErrUnavailable, ErrUnavailable},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/other?"+theCode, http.StatusTemporaryRedirect)
		}, ErrUnavailable, ErrUnavailable},
		"a huge answer":                    {saysText(200, "application/json", strings.Repeat(" ", maxAnswer+1)), ErrUnavailable, ErrUnavailable},
		"no answer":                        {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, ErrUnavailable, ErrUnavailable},
		"a page":                           {saysText(200, "text/html", "<p>"+theCode), ErrAnswer, ErrAnswer},
		"no access token":                  {says(200, tokens("access_token", "")), ErrAnswer, ErrAnswer},
		"another kind of token":            {says(200, tokens("token_type", "mac")), ErrAnswer, ErrAnswer},
		"a long access token":              {says(200, tokens("access_token", strings.Repeat("a", maxToken+1))), ErrAnswer, ErrAnswer},
		"an access token that breaks":      {says(200, tokens("access_token", "a\r\nb")), ErrAnswer, ErrAnswer},
		"a refresh token that breaks":      {says(200, tokens("refresh_token", "a b")), ErrAnswer, ErrAnswer},
		"no ID token":                      {says(200, tokens("id_token", "")), ErrAnswer, nil},
		"an ID token that is no text":      {says(200, tokens("id_token", 1)), ErrAnswer, nil},
		"a long ID token":                  {says(200, tokens("id_token", strings.Repeat("a", maxToken+1))), ErrAnswer, nil},
		"an ID token that is not verified": {says(200, tokens("id_token", "other")), errNotVerified, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScripted(t)
			s.at(tokenPath, c.handler)
			client := newLogin(t, s.connect(t, Options{}), loginConfig())
			departure, told := begin(t, client)
			_, finished := client.Finish(t.Context(), back(departure, told))
			_, refreshed := client.Refresh(t.Context(), credential.NewSecret(refreshToken))
			for _, got := range []struct{ err, want error }{{finished, c.finish}, {refreshed, c.refresh}} {
				if got.want == nil {
					if got.err != nil {
						t.Error(got.err)
					}
					continue
				}
				wantRefusal(t, got.err, got.want)
			}
			// The same way to show the secret is not followed by the other one.
			if n := s.count(tokenPath); n != 2 {
				t.Errorf("the provider was asked %d times", n)
			}
		})
	}
}

func TestARefresh(t *testing.T) {
	for name, c := range map[string]struct{ answered, want any }{
		"with a new refresh token": {"new", "new"},
		"with the same":            {refreshToken, ""},
		"without one":              {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScripted(t)
			var asked url.Values
			s.at(tokenPath, func(w http.ResponseWriter, r *http.Request) {
				_ = r.ParseForm()
				asked = r.PostForm
				says(http.StatusOK, tokens("refresh_token", c.answered))(w, r)
			})
			grant, err := newLogin(t, s.connect(t, Options{}), loginConfig()).Refresh(t.Context(), credential.NewSecret(refreshToken))
			if err != nil || grant.AccessToken.Reveal() != accessToken || grant.RefreshToken.Reveal() != c.want || grant.Subject != "" {
				t.Errorf("%+v, %v", grant, err)
			}
			if asked.Get("grant_type") != "refresh_token" || asked.Get("refresh_token") != refreshToken {
				t.Errorf("%v", asked)
			}
		})
	}
	for name, token := range map[string]string{"nothing": "", "a long token": strings.Repeat("a", maxToken+1), "a token that breaks": "a\nb"} {
		t.Run("not with "+name, func(t *testing.T) {
			s := newScripted(t)
			_, err := newLogin(t, s.connect(t, Options{}), loginConfig()).Refresh(t.Context(), credential.NewSecret(token))
			wantRefusal(t, err, &RefusedError{"invalid_grant"})
			if s.count(tokenPath) != 0 {
				t.Error("the provider was asked")
			}
		})
	}
}

func TestLogInsThatCannotBegin(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(s *scripted)
		want    error
		problem string
	}{
		"the provider is down":       {func(s *scripted) { s.at(discoveryPath, http.NotFound) }, ErrUnavailable, "status 404"},
		"it has nowhere to go to":    {func(s *scripted) { s.announces("authorization_endpoint", "") }, ErrAnswer, "no endpoints for log-in"},
		"it has nowhere to exchange": {func(s *scripted) { s.announces("token_endpoint", "") }, ErrAnswer, "no endpoints for log-in"},
		"it does not know PKCE":      {func(s *scripted) { s.announces("code_challenge_methods_supported", []string{"plain"}) }, ErrAnswer, "without S256"},
		"it takes secrets in no way": {func(s *scripted) { s.announces("token_endpoint_auth_methods_supported", []string{"tls_client_auth"}) }, ErrAnswer, "no way to show a client secret"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScripted(t)
			c.change(s)
			client := newLogin(t, s.connect(t, Options{}), loginConfig())
			_, err := client.Begin(t.Context(), netip.MustParseAddr("192.0.2.1"))
			wantRefusal(t, err, c.want)
			wantText(t, err, c.problem)
			_, err = client.Refresh(t.Context(), credential.NewSecret(refreshToken))
			wantRefusal(t, err, c.want)
		})
	}
}

func TestClientsThatAreNotMade(t *testing.T) {
	named, err := Open(Source{Issuer: "https://id.example.org", JWKSURL: "https://id.example.org/keys"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewClient(named, loginConfig()); err == nil {
		t.Error("a client without discovery is made")
	}
	connection := newScripted(t).connect(t, Options{})
	for name, change := range map[string]func(c *ClientConfig){
		"client_id":        func(c *ClientConfig) { c.ClientID = "" },
		"verify ID tokens": func(c *ClientConfig) { c.VerifyID = nil },

		"'redirect_uri' is missing; write it like https://ops.example.org/login?provider=idp":                    func(c *ClientConfig) { c.RedirectURI = "" },
		"redirect_uri: '/callback' is no absolute URL; write it like https://ops.example.org/login?provider=idp": func(c *ClientConfig) { c.RedirectURI = "/callback" },
		"redirect_uri: '" + redirectURI + "#here' has a fragment; write it like":                                 func(c *ClientConfig) { c.RedirectURI = redirectURI + "#here" },
		"redirect_uri: the URL for 'ops.example.org' has a user or a password in it; write it like":              func(c *ClientConfig) { c.RedirectURI = "https://a:swordfish@ops.example.org/" },
		"redirect_uri: that is no absolute URL; write it like":                                                   func(c *ClientConfig) { c.RedirectURI = "a:swordfish@ops.example.org" },
	} {
		config := loginConfig()
		change(&config)
		_, err := NewClient(connection, config)
		wantText(t, err, name)
	}
}

func TestOfTooManyLogInsUnderWayTheOldestIsForgotten(t *testing.T) {
	d := newDepartures(time.Now)
	begin := func(from string) digest {
		key := digestOf(newSecret())
		d.add(key, netip.MustParseAddr(from), departure{})
		return key
	}
	first, other := begin("192.0.2.1"), begin("198.51.100.1")
	for i := range maxFromNetwork {
		begin(fmt.Sprintf("::ffff:192.0.2.%d", i%256))
	}
	if d.from[NetworkOf(netip.MustParseAddr("192.0.2.9"))] != maxFromNetwork {
		t.Errorf("of the networks are left: %v", d.from)
	}
	if _, known := d.take(first); known {
		t.Error("the oldest of the network is still known")
	}
	if _, known := d.take(other); !known {
		t.Error("that of another network is forgotten")
	}
	last := begin("203.0.113.1")
	for i := range maxDepartures - 1 {
		begin(fmt.Sprintf("2001:db8:%x::1", i))
	}
	if len(d.byKey) != maxDepartures || d.order.Len() != maxDepartures {
		t.Errorf("%d, %d are remembered", len(d.byKey), d.order.Len())
	}
	begin("2001:db8:ffff::1")
	if _, known := d.take(last); known {
		t.Error("the oldest of all is still known")
	}
}

func TestALogInTakesTenMinutesAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDepartures(time.Now)
		from := netip.MustParseAddr("192.0.2.1")
		early, late := digestOf("a"), digestOf("b")
		for _, key := range []digest{early, late} {
			d.add(key, from, departure{})
		}
		time.Sleep(LogInLimit - time.Second)
		if _, ok := d.take(early); !ok {
			t.Error("it is over too early")
		}
		time.Sleep(time.Second)
		if _, ok := d.take(late); ok {
			t.Error("it is not over")
		}
	})
}

func TestQuestionsOfLogInsWaitForAPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &Connection{calls: make(chan struct{}, maxCalls)}
		var leave func()
		for range maxCalls {
			var err error
			if leave, err = c.enter(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		_, err := c.enter(t.Context())
		wantRefusal(t, err, ErrTooMany)
		if waited := time.Since(began); waited != waitAtMost {
			t.Errorf("it waited %s", waited)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = c.enter(gone)
		wantRefusal(t, err, ErrUnavailable)
		time.AfterFunc(time.Second, leave)
		if _, err := c.enter(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func FuzzReturn(f *testing.F) {
	f.Add(strings.Repeat("A", 43), "code", "", "", "cookie")
	f.Add(strings.Repeat("A", 42)+"B", "", "https://id.example.org", "access_denied", "")
	f.Add("", strings.Repeat("a", maxCode+1), "\x00", "<script>", "\xff")
	connection, err := Open(Source{Issuer: "https://id.example.org"}, Options{})
	if err != nil {
		f.Fatal(err)
	}
	client := newLogin(f, connection, loginConfig())
	m := &Metadata{}
	f.Fuzz(func(t *testing.T, state, code, issuer, problem, binding string) {
		r := Return{state, code, issuer, problem, credential.NewSecret(binding)}
		if _, err := client.Finish(t.Context(), r); !errors.Is(err, ErrReturn) || len(err.Error()) > maxShown {
			t.Errorf("%v", err)
		}
		if r.check() != nil {
			return
		}
		if len(state) != 43 || len(code) > maxCode || len(problem) > maxError {
			t.Error("it is too long")
		}
		err := client.admit(r, departure{binding: digestOf(binding), client: client.key()}, m)
		if (err == nil) != (code != "" && problem == "" && (issuer == "" || issuer == "https://id.example.org")) {
			t.Errorf("%v", err)
		}
		if refusal, ok := errors.AsType[*RefusedError](err); ok && refusal.Code != "" && !codes[problem] {
			t.Errorf("'%s' is passed on", problem)
		}
	})
}
