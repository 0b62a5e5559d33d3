package caddyauth_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/logging"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/sallyport/sallyport/caddyauth"
	"github.com/sallyport/sallyport/internal/caddyrun"
)

// filtered runs a site whose access log has the given format, asks it once and
// returns what was logged.
func filtered(t *testing.T, format, path string, headers ...string) string {
	t.Helper()
	s := caddyrun.Start(t, `http://:0 {
	log {
		output file {$DIR}/access.log
		format `+format+`
	}
	header Location "https://app.example.org/cb?code=swordfish&page=2#id_token=swordfish"
	header Set-Cookie "session=swordfish"
	header X-Kind answer
	respond "in"
}`)
	s.Get(t, path, headers...)
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	return readFile(t, filepath.Join(s.Dir, "access.log"))
}

const credentialsFormat = `filter {
			request>headers credentials X-My-Secret
			resp_headers credentials
			request>uri credentials
		}`

func TestTheFilterHidesCredentialsAndNothingElse(t *testing.T) {
	text := filtered(t, credentialsFormat, "/a%20b?page=2&access_token=swordfish",
		"Authorization", "Bearer swordfish", "X-Api-Key", "swordfish", "X_api_key", "swordfish", "X.Client_secret", "swordfish", "Cookie", "a=swordfish",
		"X_my_secret", "swordfish", "Referer", "https://example.org/?token=swordfish&a=1", "User-Agent", "test/1.0", "Accept-Encoding", "identity",
	)
	var line struct {
		Request struct {
			URI     string              `json:"uri"`
			Headers map[string][]string `json:"headers"`
		} `json:"request"`
		Answer map[string][]string `json:"resp_headers"`
	}
	if err := json.Unmarshal([]byte(text), &line); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	delete(line.Answer, "Date")
	if diff := cmp.Diff("/a%20b?page=2&access_token=REDACTED", line.Request.URI); diff != "" {
		t.Errorf("request>uri (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string][]string{
		"Authorization": {"REDACTED"}, "X-Api-Key": {"REDACTED"}, "X_api_key": {"REDACTED"}, "X.client_secret": {"REDACTED"}, "Cookie": {"REDACTED"},
		"X_my_secret": {"REDACTED"}, "Referer": {"https://example.org/?token=REDACTED&a=1"},
		"User-Agent": {"test/1.0"}, "Accept-Encoding": {"identity"},
	}, line.Request.Headers); diff != "" {
		t.Errorf("request>headers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string][]string{
		"Location": {"https://app.example.org/cb?code=REDACTED&page=2#id_token=REDACTED"}, "Set-Cookie": {"REDACTED"}, "X-Kind": {"answer"},
		"Server": {"Caddy"}, "Content-Type": {"text/plain; charset=utf-8"},
	}, line.Answer); diff != "" {
		t.Errorf("resp_headers (-want +got):\n%s", diff)
	}
}

func TestTheFilterHidesTokensOfProvidersWhereverTheyStand(t *testing.T) {
	encode := base64.RawURLEncoding.EncodeToString
	head, signature := encode([]byte(`{"alg":"RS256","kid":"rsa-1"}`))+"."+encode([]byte(`{"sub":"u-1"}`)), encode(make([]byte, 256))
	token := head + "." + signature
	text := filtered(t, credentialsFormat, "/a/"+token+"/b?note="+token+"&page=2", "X-Debug", "it was "+token+" again")
	for _, want := range []string{`"/a/REDACTED/b?note=REDACTED&page=2"`, `["it was REDACTED again"]`} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %s", want)
		}
	}
	if strings.Contains(text, head) || strings.Contains(text, signature) {
		t.Errorf("the token is in the log: %s", text)
	}
}

func TestTheFilterWorksInFrontOfEveryEncoder(t *testing.T) {
	for _, wrapped := range []string{"", "wrap json", "wrap console"} {
		format := strings.Replace(credentialsFormat, "filter {\n", "filter {\n\t\t\t"+wrapped+"\n", 1)
		text := filtered(t, format, "/?token=swordfish&page=2", "X-Api-Key", "swordfish", "User-Agent", "test/1.0")
		if strings.Contains(text, "swordfish") {
			t.Errorf("'%s': %s", wrapped, text)
		}
		for _, kept := range []string{"/?token=REDACTED&page=2", "test/1.0", `["answer"]`, "code=REDACTED&page=2"} {
			// JSON may write & as \u0026.
			if !strings.Contains(strings.ReplaceAll(text, `\u0026`, "&"), kept) {
				t.Errorf("'%s': no %s in %s", wrapped, kept, text)
			}
		}
	}
}

func newFilter(t testing.TB, headers ...string) *caddyauth.CredentialsFilter {
	t.Helper()
	f := &caddyauth.CredentialsFilter{Headers: headers}
	if err := f.Provision(caddy.Context{}); err != nil {
		t.Fatal(err)
	}
	return f
}

// panicking is a value that must not be asked what it is.
type panicking struct{}

func (panicking) String() string                                  { panic("asked") }
func (panicking) Error() string                                   { panic("asked") }
func (panicking) MarshalLogObject(zapcore.ObjectEncoder) error    { panic("asked") }
func (p *panicking) MarshalLogArray(_ zapcore.ArrayEncoder) error { panic("asked") }

func TestFieldsOfEachType(t *testing.T) {
	headers := http.Header{"X-Api-Key": {"swordfish"}, "Accept": {"*/*"}}
	shown := map[string]any{"X-Api-Key": []any{"REDACTED"}, "Accept": []any{"*/*"}}
	for name, test := range map[string]struct {
		field zapcore.Field
		want  any
	}{
		"headers":                        {zap.Object("f", caddyhttp.LoggableHTTPHeader{Header: headers}), shown},
		"headers with credentials":       {zap.Object("f", caddyhttp.LoggableHTTPHeader{Header: headers, ShouldLogCredentials: true}), shown},
		"headers of the library":         {zap.Any("f", headers), shown},
		"no headers":                     {zap.Object("f", caddyhttp.LoggableHTTPHeader{}), map[string]any{}},
		"a header":                       {zap.Array("f", caddyhttp.LoggableStringArray{"a", "b"}), []any{"a", "b"}},
		"a text":                         {zap.String("f", "/?token=swordfish"), "/?token=REDACTED"},
		"an empty text":                  {zap.String("f", ""), ""},
		"a whole request":                {zap.Object("f", caddyhttp.LoggableHTTPRequest{Request: new(http.Request)}), "REDACTED"},
		"texts of another kind":          {zap.Strings("f", []string{"swordfish"}), "REDACTED"},
		"a number":                       {zap.Int("f", 1), "REDACTED"},
		"a truth":                        {zap.Bool("f", true), "REDACTED"},
		"a time":                         {zap.Time("f", time.Now()), "REDACTED"},
		"bytes":                          {zap.Binary("f", []byte("swordfish")), "REDACTED"},
		"a text of bytes":                {zap.ByteString("f", []byte("swordfish")), "REDACTED"},
		"an error":                       {zap.NamedError("f", errors.New("swordfish")), "REDACTED"},
		"an error that panics":           {zap.NamedError("f", panicking{}), "REDACTED"},
		"something that writes itself":   {zap.Stringer("f", panicking{}), "REDACTED"},
		"an object that panics":          {zap.Object("f", panicking{}), "REDACTED"},
		"an array that panics":           {zap.Array("f", new(panicking)), "REDACTED"},
		"an object without a name":       {zap.Inline(panicking{}), nil},
		"anything":                       {zap.Reflect("f", map[string]string{"a": "swordfish"}), "REDACTED"},
		"nothing":                        {zap.Reflect("f", nil), "REDACTED"},
		"nothing that could be a header": {zap.Object("f", (*caddyhttp.LoggableHTTPHeader)(nil)), "REDACTED"},
		"a namespace":                    {zap.Namespace("f"), "REDACTED"},
		"what is left out":               {zap.Skip(), nil},
	} {
		t.Run(name, func(t *testing.T) {
			encoder := zapcore.NewMapObjectEncoder()
			newFilter(t).Filter(test.field).AddTo(encoder)
			if diff := cmp.Diff(test.want, encoder.Fields["f"]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestASingleHeaderIsKnownByItsName(t *testing.T) {
	for _, field := range []zapcore.Field{
		zap.Array("X_Api_Key", caddyhttp.LoggableStringArray{"swordfish", "again"}),
		zap.Array("x-my-secret", caddyhttp.LoggableStringArray{"swordfish"}),
		zap.String("X-Api-Key", "swordfish"),
	} {
		encoder := zapcore.NewMapObjectEncoder()
		newFilter(t, "X-My-Secret").Filter(field).AddTo(encoder)
		text, err := json.Marshal(encoder.Fields)
		if err != nil || strings.Contains(string(text), "swordfish") || !strings.Contains(string(text), "REDACTED") {
			t.Errorf("%s, %v", text, err)
		}
	}
}

func TestAFilterOfWhatIsNoHeaderIsRefused(t *testing.T) {
	var c caddy.Config
	config := `{"admin": {"disabled": true}, "logging": {"logs": {"default": {"encoder": {"format": "filter", "fields": {"request>headers": {"filter": "credentials", "headers": ["X Y"]}}}}}}}`
	if err := caddy.StrictUnmarshalJSON([]byte(config), &c); err != nil {
		t.Fatal(err)
	}
	if err := caddy.Validate(&c); err == nil || !strings.Contains(err.Error(), "'X Y' is not a header name") {
		t.Error(err)
	}
}

// BenchmarkAccessLogLine is what the filter adds to a line of the access log.
func BenchmarkAccessLogLine(b *testing.B) {
	request := zap.Object("request", caddyhttp.LoggableHTTPRequest{Request: &http.Request{
		Method: "GET", Proto: "HTTP/2.0", Host: "example.org", RequestURI: "/reports/?page=2&q=a%20b", RemoteAddr: "192.0.2.1:1234",
		Header: http.Header{
			"Accept": {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, "Accept-Encoding": {"gzip, deflate, br, zstd"},
			"Accept-Language": {"en-US,en;q=0.5"}, "X-Api-Key": {"swordfish"}, "Referer": {"https://example.org/reports/?page=1"},
			"User-Agent": {"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}, "X-Forwarded-For": {"192.0.2.1"},
		},
	}})
	answer := zap.Object("resp_headers", caddyhttp.LoggableHTTPHeader{Header: http.Header{
		"Server": {"Caddy"}, "Content-Type": {"application/json"}, "Via": {"1.1 Caddy"}, "Date": {"Sun, 22 Nov 2026 12:00:00 GMT"},
	}})
	credentials := map[string]json.RawMessage{}
	for _, field := range []string{"request>headers", "resp_headers", "request>uri"} {
		credentials[field] = json.RawMessage(`{"filter": "credentials"}`)
	}
	for _, c := range []struct {
		name   string
		fields map[string]json.RawMessage
	}{
		{"without", nil},
		{"one header replaced", map[string]json.RawMessage{"request>headers>X-Api-Key": json.RawMessage(`{"filter": "replace", "value": "REDACTED"}`)}},
		{"credentials", credentials},
	} {
		b.Run(c.name, func(b *testing.B) {
			ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
			defer cancel()
			encoder := &logging.FilterEncoder{FieldsRaw: c.fields}
			if err := encoder.Provision(ctx); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				line, err := encoder.EncodeEntry(zapcore.Entry{}, []zapcore.Field{request, answer})
				if err != nil {
					b.Fatal(err)
				}
				line.Free()
			}
		})
	}
}
