package redact_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/redact"
)

func TestHeadersThatAreCredentialsAreHidden(t *testing.T) {
	h := redact.NewHeaders("X-My-Secret")
	for _, name := range []string{
		"Authorization", "authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Api-Key", "X_Api_Key", "x.api.key", "X-API-KEY",
		"X-Client-Secret", "X-Impersonating", "X-Xsrf-Token", "X_XSRF_TOKEN", "X-My-Secret", "x_my.secret",
		"X-Auth-Token", "X-Access-Token", "X-Vault-Token", "Private-Token", "X-Password", "XClientSecret", "X_Gitlab_Token", "X-Session-Id",
	} {
		if got := h.Values(name, []string{"swordfish", "again"}); !slices.Equal(got, []string{"REDACTED"}) {
			t.Errorf("%s: %q", name, got)
		}
		if got := h.Values(name, nil); len(got) != 0 {
			t.Errorf("%s without a value: %q", name, got)
		}
	}
}

func TestHeadersThatHoldACredential(t *testing.T) {
	h, key := redact.NewHeaders(), newKey(t)
	padding := strings.Repeat("=", (3-len(key)%3)%3)
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("alice:swordfish"))
	for name, test := range map[string]struct{ header, value, want string }{
		"a key in a wrong header":     {"X-Token", key, "REDACTED"},
		"a key in a text":             {"User-Agent", "backup/1.0 " + key + " x", "backup/1.0 REDACTED x"},
		"an encoded key":              {"X-Token", escapeAll(key), "REDACTED"},
		"Bearer in a wrong header":    {"X-Authorization", "Bearer swordfish", "REDACTED"},
		"Basic in a wrong header":     {"X-Auth", basic, "REDACTED"},
		"Basic without its padding":   {"X-Auth", strings.TrimRight(basic, "="), "REDACTED"},
		"Basic behind a blank":        {"X-Auth", " " + basic, "REDACTED"},
		"a program named Basic":       {"User-Agent", "Basic Browser/1.0", "Basic Browser/1.0"},
		"a Referer with a token":      {"Referer", "https://h/x?token=swordfish&a=1", "https://h/x?token=REDACTED&a=1"},
		"a Referer without one":       {"Referer", "https://h/x?page=1", "https://h/x?page=1"},
		"an Origin with a password":   {"Origin", "https://alice:swordfish@h", "https://REDACTED@h"},
		"a Location with a code":      {"Location", "https://app/cb?code=swordfish&state=x", "https://app/cb?code=REDACTED&state=REDACTED"},
		"a Location with a fragment":  {"Location", "https://app/cb#access_token=swordfish&token_type=bearer", "https://app/cb#access_token=REDACTED&token_type=bearer"},
		"a Refresh with a code":       {"Refresh", "0; url=https://app/?code=swordfish", "0; url=https://app/?code=REDACTED"},
		"the target before rewriting": {"X_Forwarded_Uri", "/x?token=swordfish", "/x?token=REDACTED"},
		"the query before rewriting":  {"X-Forwarded-Query", "token=swordfish&a=1", "token=REDACTED&a=1"},
		"the whole query":             {"X-Forwarded-Query", "?token=swordfish", "?token=REDACTED"},
		"a query without a secret":    {"X-Forwarded-Query", "a=1&b=", "a=1&b="},
		"the URL before rewriting":    {"X-Forwarded-Url", "https://h/?token=swordfish", "https://h/?token=REDACTED"},
		"the path before rewriting":   {"X-Forwarded-Path", "/a%3Ftoken=swordfish", "REDACTED"},
		"a Referer that is encoded":   {"Referer", "https://h/a%3Ftoken=swordfish", "REDACTED"},
		"a place to copy to":          {"Destination", "https://alice:swordfish@h/", "https://REDACTED@h/"},
		"the page of a part":          {"Hx-Current-Url", "https://h/?code=swordfish", "https://h/?code=REDACTED"},
		"a link with a token":         {"Link", `<https://h/?a=1>; rel="next", <https://h/?token=swordfish>; rel="x"`, "REDACTED"},
		"a link without one":          {"Link", `<https://h/?page=2>; rel="next", </x?page=0>; rel=prev`, `<https://h/?page=2>; rel="next", </x?page=0>; rel=prev`},
		"Bearer in front of a tab":    {"X-Auth", "bearer\tswordfish", "REDACTED"},
		"a key in base64":             {"X-Auth", base64.StdEncoding.EncodeToString([]byte(key)) + ", x", "REDACTED" + padding + ", x"},
		"an app token":                {"X-Auth", "alice:" + strings.Repeat("0f", 32), "alice:REDACTED"},
		"a challenge":                 {"Www-Authenticate", `Bearer error="invalid_token"`, `Bearer error="invalid_token"`},
		"any other header":            {"Accept", "text/html, */*;q=0.1", "text/html, */*;q=0.1"},
		"a question in another one":   {"X-Title", "why? 100%", "why? 100%"},
		"an empty one":                {"Accept", "", ""},
	} {
		if got := h.Values(test.header, []string{test.value}); !slices.Equal(got, []string{test.want}) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestHeadersThatSoundLikeCredentialsAreShown(t *testing.T) {
	for _, name := range []string{
		"Access-Control-Allow-Credentials", "Lock-Token", "Sec-WebSocket-Key", "Idempotency-Key", "Signature", "Signature-Input", "ETag",
		"Session-Expires", "Content-Encoding", "Www-Authenticate", "Authentication-Info", "Accept", "Host", "Sec-Fetch-Mode",
	} {
		if got := redact.NewHeaders().Values(name, []string{"swordfish"}); got[0] != "swordfish" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestValuesAreChangedInACopy(t *testing.T) {
	values := []string{"a", newKey(t), "b", newKey(t)}
	kept := slices.Clone(values)
	got := redact.NewHeaders().Values("X", values)
	if diff := cmp.Diff([]string{"a", "REDACTED", "b", "REDACTED"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !slices.Equal(values, kept) {
		t.Errorf("the headers of the request have changed: %q", values)
	}
}

func FuzzHeaders(f *testing.F) {
	f.Add("X-Token", "a ", " b")
	f.Add("Referer", "https://h/?a=1&b=", "&c=%zz")
	f.Add("Www-Authenticate", "Bearer realm=", "")
	f.Add("Location", "/#x;", "=")
	f.Add("Location", "/#", "PW=")
	f.Add("Link", "<", ">; rel=x")
	f.Add("X-Forwarded-Query", "a=", "&b")
	f.Add("X-Title", "eyJ", "-fQ.a.b")
	f.Add("X-Title", "a eyJhbGciOiJSUzI1NiJ9.e30.c2ln", ".x")
	h := redact.NewHeaders()
	f.Fuzz(func(t *testing.T, name, before, after string) {
		key := newKey(t)
		for _, value := range []string{before + key + after, before + escapeAll(key) + after} {
			got := h.Values(name, []string{value})
			if len(got) != 1 || strings.Contains(got[0], key[4:]) || strings.Contains(unescapeAll(got[0]), key[4:]) {
				t.Errorf("%s: %q\nis written as %q", name, value, got)
			}
			if again := h.Values(name, got); !slices.Equal(again, got) {
				t.Errorf("%s: %q\nis written as %q\nand then as   %q", name, value, got, again)
			}
		}
		if len(before) < shortestInBase64 && !mayHaveJWT(before) && redact.Text(before) != before && !strings.ContainsAny(before, "_%:") {
			t.Errorf("%q has changed", before)
		}
	})
}

func BenchmarkHeaders(b *testing.B) {
	h := redact.NewHeaders()
	browser := map[string][]string{
		"Accept":          {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
		"Accept-Encoding": {"gzip, deflate, br, zstd"},
		"Accept-Language": {"en-US,en;q=0.5"},
		"Authorization":   {"Bearer " + newKey(b)},
		"Cookie":          {"a=b; c=d"},
		"Referer":         {"https://example.org/reports/?page=2"},
		"Sec-Fetch-Dest":  {"document"},
		"Sec-Fetch-Mode":  {"navigate"},
		"User-Agent":      {"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
		"X-Forwarded-For": {"192.0.2.1"},
	}
	b.ReportAllocs()
	for b.Loop() {
		for name, values := range browser {
			_ = h.Values(name, values)
		}
	}
}
