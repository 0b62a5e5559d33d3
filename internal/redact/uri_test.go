package redact_test

import (
	"crypto/rand"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/redact"
)

// newKey makes an API key.
func newKey(t testing.TB) string {
	t.Helper()
	id, err := credential.NewKeyID(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	word, err := credential.NewKey(rand.Reader, credential.DefaultPrefix, id)
	if err != nil {
		t.Fatal(err)
	}
	return word.Reveal()
}

// secretParameters are names whose values must never be seen, in the spellings
// that applications use.
var secretParameters = []string{
	"password", "passwd", "Password", "user[password]", "new-password", "apikey", "api_key", "api-key", "API.KEY", "X-Api-Key",
	"key", "token", "access_token", "accessToken", "refresh_token", "id_token", "login_token", "code", "state", "nonce",
	"client_secret", "secret", "signature", "X-Amz-Signature", "sig", "session", "code_verifier", "client_assertion",
	"%70assword", "pass%77ord",
	"password_confirmation", "password1", "pwd2", "old_pw", "passwordagain", "id_token_hint", "access_key", "secret_key", "private_key",
	"auth_key", "session_key", "jsessionid", "PHPSESSID", "ticket", "passcode", "pin", "otp_code", "SAMLResponse", "SAMLRequest",
	"password.value", "password[0]", "=password", strings.Repeat("a", 99) + "_token",
}

func TestParametersThatAreCredentialsAreHidden(t *testing.T) {
	for _, name := range secretParameters {
		for text, want := range map[string]string{
			"/?NAME=swordfish":                           "/?NAME=HIDDEN",
			"/p/q?a=1&NAME=swordfish&b=%202":             "/p/q?a=1&NAME=HIDDEN&b=%202",
			"/?NAME=swordfish&NAME=again":                "/?NAME=HIDDEN&NAME=HIDDEN",
			"/?NAME=sword%26fish+x":                      "/?NAME=HIDDEN",
			"/?NAME=sword?fish#x":                        "/?NAME=HIDDEN",
			"/?NAME=":                                    "/?NAME=",
			"/?NAME":                                     "/?NAME",
			"/#NAME=swordfish":                           "/#NAME=HIDDEN",
			"https://h/cb?page=2#NAME=swordfish&x=1":     "https://h/cb?page=2#NAME=HIDDEN&x=1",
			"https://h/#/route?NAME=swordfish":           "https://h/#/route?NAME=HIDDEN",
			"/?next=%2Fcb%3FNAME%3Dswordfish&x=1":        "/?next=HIDDEN&x=1",
			"/?next=%252Fcb%253Fa%253D1%2526NAME%253Dsw": "/?next=HIDDEN",
			"/?next=/cb?NAME=swordfish":                  "/?next=/cb?NAME=HIDDEN",
		} {
			fill := strings.NewReplacer("NAME", name, "HIDDEN", redact.Redacted)
			text, want = fill.Replace(text), fill.Replace(want)
			if got := redact.URI(text); got != want {
				t.Errorf("%s\nis written as %s\nand not as    %s", text, got, want)
			}
		}
	}
}

func TestURIsWithoutCredentialsStayAsTheyAre(t *testing.T) {
	for _, text := range []string{
		"", "/", "*", "/reports/daily.html", "/?", "/?a", "/?a=1&b=2&&c", "/?keyword=x&monkey=y&codec=z&estate=1",
		"/a%20b?q=%C3%BC+x%2By", "https://example.org:8443/a?b=c#section-2", "//host/path", "/a@b", "https://host/a@b",
		"/?next=%2Fapp%2Fpage%3Fa%3D1", "/?filter=state=open", "/app_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.js",
		"/?spin=1&happiness=2&v2=x&page9=3&tokens=4&password_policy=5&id:1=x&a:b", "/a;v=1;lang=en/b&c=d", "/?time=10:30&ids=a,b,key:c",
		"/?q={%22a%22:1,%22b%22:[2]}", "/@scope/a@1.0.0", "/a:b@c", "/a%20b%3Fpage%3D1", "/?q=bearer",
		"/v2/app/manifests/sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		"/" + strings.Repeat("0123456789abcdef/", 20), "/" + strings.Repeat("QUJD", 40),
		"/eyjafjallajoekull.example.org/", "//eyJafjallajoekull.eyJafjallajoekull.example.org", "/MonkeyJsonSerializerHelper.min.js",
		"/v1.22.333-eyJ/linux-6.12.57.tar.gz", "/eyJhbGciOiJSUzI1NiJ9", "/eyJhbGciOiJSUzI1NiJ9.json", "/com.example.KeyJwtAuthenticator.spec.ts",
		"/?q=100%25", "/%", "/%zz", "example.org:443", "/tokens/secret/password",
	} {
		if got := redact.URI(text); got != text {
			t.Errorf("'%s' has become '%s'", text, got)
		}
	}
}

func TestWhatCannotBeReadIsHidden(t *testing.T) {
	key := newKey(t)
	for text, want := range map[string]string{
		"/?a=%zz&b=1":                      "/?REDACTED",
		"/?a=1&b=%":                        "/?REDACTED",
		"/?a=1;token=x":                    "/?REDACTED",
		"https://h/#a=%2":                  "https://h/#REDACTED",
		"/?a=%25252525257B":                "/?a=REDACTED",
		"https://alice:pw@h/x?a=1":         "https://REDACTED@h/x?a=1",
		"https://alice:p@w@h/x":            "https://REDACTED@h/x",
		"/x//y/https://alice:pw@h/":        "/x//y/https://REDACTED@h/",
		"/?next=https://alice:pw@h/":       "/?next=REDACTED",
		"/" + key + "/x":                   "/REDACTED/x",
		"/" + key + "/" + key + "?a=1":     "/REDACTED/REDACTED?a=1",
		"/?q=" + key + "-x&b=1":            "/?q=REDACTED&b=1",
		"/?" + key:                         "/?REDACTED",
		"/?" + key + "=1":                  "/?REDACTED=1",
		"/%73" + key[1:] + "?a=1":          "/%73REDACTED?a=1",
		"/" + escapeAll(key) + "?a=1":      "REDACTED?a=1",
		"/?" + escapeAll(key) + "=1&b=2":   "/?REDACTED&b=2",
		"/?q=" + escapeAll(key) + "x&b=1":  "/?q=REDACTED&b=1",
		"/?" + escapeAll("token") + "=abc": "/?" + escapeAll("token") + "=REDACTED",
		"/?" + escapeAll("a="+key):         "/?REDACTED",
		"/?" + escapeAll(key+"pw") + "=":   "/?REDACTED",
		"/?=" + escapeAll(key+"pw") + ":":  "/?REDACTED",
	} {
		if got := redact.URI(text); got != want {
			t.Errorf("%s\nis written as %s\nand not as    %s", text, got, want)
		}
	}
}

func TestCredentialsInUnusualFormsAreHidden(t *testing.T) {
	key, digits := newKey(t), strings.Repeat("0123456789abcdef", 4)
	encoded := base64.RawURLEncoding.EncodeToString([]byte("alice:" + key))
	for text, want := range map[string]string{
		"/x%3Fpassword=P":                         "REDACTED",
		"/x%253Fpassword%253DP?a=1":               "REDACTED?a=1",
		"/x;jsessionid=P?a=1":                     "/x;jsessionid=REDACTED?a=1",
		"/x;v=1;jsessionid=P/y":                   "/x;v=1;jsessionid=REDACTED",
		"/x&password=P":                           "/x&password=REDACTED",
		"/x;jsessionid=":                          "/x;jsessionid=",
		"/?password%3DP&a=1":                      "/?REDACTED&a=1",
		"/?password%3AP":                          "/?REDACTED",
		"/?password:P&a=1":                        "/?password:REDACTED&a=1",
		"/?password:P=Q":                          "/?password:REDACTED",
		"/?==password=P":                          "/?==password=REDACTED",
		"/?a%26password=P":                        "/?a%26password=REDACTED",
		"/?next=%3Fpassword:P":                    "/?next=REDACTED",
		`/?q={"password":"P"}&a=1`:                "/?q=REDACTED&a=1",
		"/?q=%7B%22a%22%3A1,%22token%22%3A%22P":   "/?q=REDACTED",
		"/?q=%7B%22a%22:%7B%22%5Cu0070in%22:%22P": "/?q=REDACTED",
		`/?{"password":"P=`:                       `/?{"password":REDACTED`,
		"/https%3A//u%3AP%40h":                    "REDACTED",
		"//u:P%40h/":                              "REDACTED",
		"https:/u:P@h/":                           "https:/REDACTED@h/",
		`https:\\u:P@h\x`:                         `https:\\REDACTED@h\x`,
		"/?https://u:P@h/":                        "/?REDACTED",
		"/?https://u:P=Q@h/":                      "/?REDACTED",
		"/?h=Bearer%20alice:T&a=1":                "/?h=REDACTED&a=1",
		"/?h=Basic+YWxpY2U6UA%3D%3D":              "/?h=REDACTED",
		"/alice:" + digits:                        "/alice:REDACTED",
		"/?a=alice:" + digits + "&b=1":            "/?a=REDACTED&b=1",
		"/?a=alice%3A" + digits:                   "/?a=REDACTED",
		"/alice%3A" + digits:                      "REDACTED",
		"/x." + encoded + "?a=1":                  "/x.REDACTED?a=1",
		"/x/y" + encoded:                          "REDACTED",
		"/?a=" + encoded:                          "/?a=REDACTED",
	} {
		if got := redact.URI(text); got != want {
			t.Errorf("%s\nis written as %s\nand not as    %s", text, got, want)
		}
	}
}

// escapeAll percent-encodes each byte.
func escapeAll(text string) string {
	var out strings.Builder
	for i := range len(text) {
		const digits = "0123456789abcdef"
		out.WriteByte('%')
		out.WriteByte(digits[text[i]>>4])
		out.WriteByte(digits[text[i]&15])
	}
	return out.String()
}

// FuzzURI plants a secret and looks for it afterwards, and holds the rest to
// what net/url reads.
func FuzzURI(f *testing.F) {
	f.Add("/a?b=c", "d=e", uint8(0))
	f.Add("https://x:y@h/?a=1#f", "", uint8(7))
	f.Add("/?next=%2F%3Ftoken%3Dx", "%zz", uint8(2))
	f.Add("/?a=1;b=2", "#&?=", uint8(3))
	f.Add("/x;v=1/y%3Fpin=x", "{\"a\":", uint8(4))
	f.Add("/?==a:b=Bearer%20x&https:/u:p=w@h", ",\"b\":", uint8(5))
	f.Add("/alice:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "", uint8(6))
	f.Add("/?a=eyJhbGciOiJSUzI1NiJ9.e30.c2ln&b=x.eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..a.b.c", ".x", uint8(8))
	f.Add("/ewogImFsZyI6ICJub25lIn0K.e30.", "-", uint8(9))
	f.Add("eyJ", "-fQ.a.b", uint8(10))
	f.Add("/c2x5X0FhQUFhQUFhQUFhQUFhQUFhQUFhQUFhQUFhQUFhQUFhQUFhQUFhQUFhQUFhQUFhQUFhQUFhQUFhQUFhQUFhQUFhQUFh", "", uint8(7))
	f.Fuzz(func(t *testing.T, before, after string, n uint8) {
		checkURI(t, before)
		const secret = "Sw0rdFishSw0rdFish"
		parameter := secretParameters[int(n)%len(secretParameters)] + "=" + secret + "&" + after
		key, token := newKey(t), jwt(`{"alg":"RS256"}`, `{"sub":"u-1"}`)
		payload := encode(`{"sub":"u-1"}`)
		for _, c := range []struct{ text, secret string }{
			{before + "?" + parameter, secret},
			{"/?" + before + "&" + parameter, secret},
			{before + key + after, key[4:]},
			{"/?" + before + key + after, key[4:]},
			{before + escapeAll(key) + after, key[4:]},
			{"/?" + before + escapeAll(key) + after, key[4:]},
			{before + token + after, payload},
			{"/?" + before + token + after, payload},
			{before + escapeAll(token) + after, payload},
		} {
			got := redact.URI(c.text)
			if !strings.Contains(before+after, c.secret) && (strings.Contains(got, c.secret) || strings.Contains(unescapeAll(got), c.secret)) {
				t.Errorf("%q\nis written as %q", c.text, got)
			}
		}
	})
}

// jwt makes a token whose header and payload are these, as many issuers do.
func jwt(header, payload string) string {
	return encode(header) + "." + encode(payload) + "." + encode(strings.Repeat("\xf3", 64))
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func TestJWTsAreHiddenWhereverTheyStand(t *testing.T) {
	const claims = `{"iss":"https://idp.example/realm","sub":"u-1"}`
	encrypted := encode(`{"alg":"dir","enc":"A256GCM"}`) + "..aXY.dGV4dA.dGFn"
	for name, token := range map[string]string{
		"RS256":                          jwt(`{"alg":"RS256","typ":"JWT","kid":"rsa-1"}`, claims),
		"a header whose end is alone":    jwt(`{"alg":"RS256","x":1}`, claims),
		"a header whose end is second":   jwt(`{"alg":"RS256","x":12}`, claims),
		"a header whose end is third":    jwt(`{"alg":"RS256","x":123}`, claims),
		"blanks in the header":           jwt("{ \"alg\" : \"RS256\" }", claims),
		"lines in the header":            jwt("{\n  \"alg\": \"RS256\"\n}\n", claims),
		"lines of another system":        jwt("{\r\n\t\"alg\": \"RS256\"}\r\n", claims),
		"no signature":                   encode(`{"alg":"none"}`) + "." + encode(claims) + ".",
		"a payload that is sent beside":  encode(`{"alg":"RS256"}`) + "..c2lnbmF0dXJl",
		"an encrypted one":               encrypted,
		"a part that looks like a key":   "x_" + jwt(`{"alg":"RS256","kid":"`+strings.Repeat("a", 90)+`"}`, claims),
		"a part that is a key in base64": jwt(`{"alg":"RS256"}`, `{"key":"`+newKey(t)+`"}`),
	} {
		before := strings.Repeat("x_", strings.Count(token[:2], "_"))
		for text, want := range map[string]string{
			"/TOKEN":                  "/HIDDEN",
			"/a/TOKEN/b":              "/a/HIDDEN/b",
			"/token-TOKEN?page=2":     "/token-HIDDEN?page=2",
			"/?q=TOKEN&b=1":           "/?q=REDACTED&b=1",
			"/?TOKEN":                 "/?HIDDEN",
			"/?TOKEN=1":               "/?HIDDEN=1",
			"/?a=1#TOKEN":             "/?a=1#HIDDEN",
			"/TOKEN,TOKEN":            "/HIDDEN,HIDDEN",
			"a TOKEN, and no more":    "a HIDDEN, and no more",
			"/?q=" + escapeAll(token): "/?q=REDACTED",
			"/" + escapeAll(token):    "REDACTED",
		} {
			text = strings.ReplaceAll(text, "TOKEN", token)
			if got := redact.URI(text); got != strings.ReplaceAll(want, "HIDDEN", before+redact.Redacted) {
				t.Errorf("%s: %s\nis written as %s", name, text, got)
			}
		}
		for _, header := range []string{"X-Title", "Referer", "Link", "Www-Authenticate", "X-Forwarded-Query"} {
			got := redact.NewHeaders().Values(header, []string{"<" + token + ">"})[0]
			if strings.Contains(got, token[10:20]) || strings.Contains(got, token[len(token)-4:]) || !strings.Contains(got, redact.Redacted) {
				t.Errorf("%s: %s: %s", name, header, got)
			}
		}
	}
}

// shortestInBase64 is less than the length of any credential in base64.
const shortestInBase64 = 80

// mayHaveJWT reports whether there are dots enough for one.
func mayHaveJWT(text string) bool { return strings.Count(text, ".") >= 2 }

func unescapeAll(text string) string {
	for range 5 {
		decoded, err := url.PathUnescape(text)
		if err != nil {
			return text
		}
		text = decoded
	}
	return text
}

// checkURI holds what is true of any text: redacting it twice changes nothing
// more, and net/url finds no credential in the result, and elsewhere what was
// there before.
func checkURI(t *testing.T, text string) {
	t.Helper()
	got := redact.URI(text)
	if again := redact.URI(got); again != got {
		t.Errorf("%q\nis written as %q\nand then as   %q", text, got, again)
	}
	if !strings.ContainsAny(text, "?#%_@;&:") && !mayHaveJWT(text) && len(text) < shortestInBase64 && got != text {
		t.Errorf("%q has become %q", text, got)
	}
	_, query, _ := strings.Cut(text, "?")
	_, redacted, _ := strings.Cut(got, "?")
	before, err := url.ParseQuery(query)
	if strings.ContainsRune(text, '#') || err != nil {
		return
	}
	after, err := url.ParseQuery(redacted)
	if err != nil {
		t.Fatalf("%q is no query any more: %q", query, redacted)
	}
	for name, values := range after {
		for i, value := range values {
			hidden := strings.Contains(value, redact.Redacted) || strings.Contains(name, redact.Redacted)
			if !hidden && (len(before[name]) <= i || before[name][i] != value) {
				t.Errorf("%q has become %q", text, got)
			}
			if !hidden && value != "" && (name == "token" || name == "password" || name == "code") {
				t.Errorf("%q is seen in %q", name, got)
			}
		}
	}
}

func BenchmarkURI(b *testing.B) {
	for name, text := range map[string]string{
		"path":     "/reports/2026/11/daily.html",
		"query":    "/reports/?page=2&sort=date&q=a%20b",
		"password": "/login?user=alice&password=swordfish&next=%2Freports%2F",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = redact.URI(text)
			}
		})
	}
}
