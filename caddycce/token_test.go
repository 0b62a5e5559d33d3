package caddycce_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/fake/cced"
)

// logIn asks for a token from an address.
func (e *endpoint) logIn(t testing.TB, address, secret string) reply {
	t.Helper()
	return e.from(t, address, `{"cmd":"LOGIN"}`, "X-Client-Secret", secret)
}

// office asks from the office, with its secret.
func (e *endpoint) office(t testing.TB, body string, headers ...string) reply {
	t.Helper()
	return e.from(t, office, body, append(headers, "X-Client-Secret", officeSecret)...)
}

// within waits until something is so.
func within(t testing.TB, limit time.Duration, so func() bool) {
	t.Helper()
	for began := time.Now(); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > limit {
			t.Fatalf("it is not so after %s", limit)
		}
	}
}

func TestALoginIsAnsweredAsDocumented(t *testing.T) {
	e := startEndpoint(t, "token_lifetime 120s")
	r := e.office(t, `{"cmd":"LOGIN"}`)
	form := regexp.MustCompile(`^\{"status":201,"message":"TOKEN ISSUED","data":\{"expires":"([^"]+)","token":"[0-9A-Za-z]{64}"\}\}\n$`)
	found := form.FindStringSubmatch(r.Text)
	if r.StatusCode != 200 || found == nil {
		t.Fatalf("HTTP %d %s", r.StatusCode, r.Text)
	}
	expires, err := time.Parse(time.RFC3339, found[1])
	if left := time.Until(expires); err != nil || left < 110*time.Second || left > 120*time.Second {
		t.Errorf("it expires in %s, %v", left, err)
	}
}

func TestAChangedSecretCountsWithinASecond(t *testing.T) {
	e := startEndpoint(t, "auth_failures 100 60s")
	token := e.token(t)
	const newer = "another-office-secret-of-the-tests"
	writeFile(t, filepath.Join(e.files, "access"), office+":"+newer+"\n")
	within(t, 3*time.Second, func() bool {
		return e.from(t, office, `{"cmd":"WHOAMI",`+token+`}`, "X-Client-Secret", newer).StatusCode == 200
	})
	// A token is good with the new secret only.
	e.office(t, `{"cmd":"WHOAMI",`+token+`}`).expect(t, 401, wrongSecret)
	e.office(t, `{"cmd":"LOGIN"}`).expect(t, 401, wrongSecret)
}

func TestABrokenFileOfSecretsLeavesThoseThatWereRead(t *testing.T) {
	e := startEndpoint(t, "")
	broken := office + "\n" + officeSecret
	writeFile(t, filepath.Join(e.files, "access"), broken)
	within(t, 3*time.Second, func() bool { return strings.Contains(e.Log(t), "the file of client secrets cannot be used") })
	if r := e.office(t, `{"cmd":"LOGIN"}`); r.StatusCode != 200 {
		t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
	}
	if text, err := os.ReadFile(filepath.Join(e.files, "access")); err != nil || string(text) != broken {
		t.Errorf("the file is changed: %v", err)
	}
}

func TestABrokenFileOfSecretsStopsTheStart(t *testing.T) {
	e := startEndpoint(t, "")
	path := filepath.Join(t.TempDir(), "access")
	writeFile(t, path, "# office\n"+officeSecret+"\n")
	err := e.Load(t, strings.ReplaceAll(e.caddyfile(t, ""), e.files+"/access", path))
	if err == nil || !strings.Contains(err.Error(), "line 2: write 'entry:secret'") || strings.Contains(err.Error(), officeSecret) {
		t.Errorf("%v", err)
	}
	// What ran before goes on.
	if r := e.office(t, `{"cmd":"LOGIN"}`); r.StatusCode != 200 {
		t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
	}
}

// account503 is the answer where the account does not log in; the log has the
// cause under the same id.
func (e *endpoint) account503(t testing.TB, r reply, cause string) {
	t.Helper()
	var body struct {
		Status  int
		Message string
		ErrorID string `json:"error_id"`
	}
	if err := json.Unmarshal([]byte(r.Text), &body); err != nil {
		t.Fatal(err)
	}
	if r.StatusCode != 503 || body.Status != 503 || body.Message != "the account behind this endpoint does not log in" || len(body.ErrorID) != 12 {
		t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
		return
	}
	for line := range strings.Lines(e.Log(t)) {
		if strings.Contains(line, body.ErrorID) && strings.Contains(line, cause) {
			return
		}
	}
	t.Errorf("the log does not tell '%s' under the id %s", cause, body.ErrorID)
}

// TestThePasswordOfTheAccount is about what may be wrong with its file.
func TestThePasswordOfTheAccount(t *testing.T) {
	e := startEndpoint(t, "")
	path := filepath.Join(e.files, "password")
	for _, step := range []struct {
		name, cause string
		do          func() error
	}{
		{"missing", "no such file", func() error { return os.Remove(path) }},
		{"open to all", "chmod 600", func() error {
			writeFile(t, path, "secret-1")
			return os.Chmod(path, 0o644)
		}},
		{"empty", "it is empty", func() error { return writeMode(path, " \n") }},
		{"encrypted without a key", "master key", func() error { return writeMode(path, "Salted__12345678abcdefgh") }},
		{"of two lines", "one line", func() error { return writeMode(path, "a\nb\n") }},
		{"wrong", "", func() error { return writeMode(path, "wrong-password-1") }},
		{"right again", "", func() error { return writeMode(path, "  secret-1\n\n") }},
	} {
		t.Run(step.name, func(t *testing.T) {
			if err := step.do(); err != nil {
				t.Fatal(err)
			}
			if step.name == "right again" {
				within(t, 3*time.Second, func() bool { return e.office(t, `{"cmd":"LOGIN"}`).StatusCode == 200 })
				return
			}
			var r reply
			within(t, 3*time.Second, func() bool {
				r = e.office(t, `{"cmd":"LOGIN"}`)
				return r.StatusCode != 200 && strings.Contains(e.Log(t), step.cause)
			})
			e.account503(t, r, step.cause)
		})
	}
	if strings.Contains(e.Log(t), "wrong-password-1") {
		t.Error("the log has a password")
	}
}

// TestTheEncryptedPair reads what openssl writes, and what it writes next.
func TestTheEncryptedPair(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("CI must have openssl: %v", err)
		}
		t.Skip("there is no openssl on this machine")
	}
	e := startEndpoint(t, "")
	encrypt := func(password, key string) {
		t.Helper()
		if err := writeMode(filepath.Join(e.files, "key"), key); err != nil {
			t.Fatal(err)
		}
		c := exec.CommandContext(t.Context(), "openssl", "enc", "-aes-256-cbc", "-pbkdf2", "-salt",
			"-pass", "file:"+filepath.Join(e.files, "key"), "-out", filepath.Join(e.files, "password"))
		c.Stdin = strings.NewReader(password + "\n")
		if text, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
	}
	encrypt("secret-1", "first key of the tests\n")
	e.Reload(t, e.caddyfile(t, "master_key_file "+e.files+"/key"))
	e.token(t)
	encrypt("wrong", "second key of the tests")
	within(t, 5*time.Second, func() bool { return e.office(t, `{"cmd":"LOGIN"}`).StatusCode == 503 })
	encrypt("secret-1", "third key of the tests")
	within(t, 5*time.Second, func() bool { return e.office(t, `{"cmd":"LOGIN"}`).StatusCode == 200 })
	if err := writeMode(filepath.Join(e.files, "key"), "another key"); err != nil {
		t.Fatal(err)
	}
	var r reply
	within(t, 5*time.Second, func() bool {
		r = e.office(t, `{"cmd":"LOGIN"}`)
		return r.StatusCode == 503
	})
	e.account503(t, r, "cannot be decrypted")
}

func writeMode(path, content string) error {
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return err
	}
	return os.Chmod(path, 0o600)
}

func TestAnAccountWithoutAPasswordFileIsNotLoggedIn(t *testing.T) {
	e := startEndpoint(t, "")
	e.Reload(t, strings.ReplaceAll(e.caddyfile(t, ""), "api_password_file", "#"))
	e.account503(t, e.office(t, `{"cmd":"LOGIN"}`), "no_account")
}

func TestLoginWithoutCced(t *testing.T) {
	e := startEndpoint(t, "")
	e.daemon.Stop()
	r := e.office(t, `{"cmd":"LOGIN"}`)
	if r.StatusCode != 502 || !strings.Contains(r.Text, `"message":"cced cannot be reached","error_id":"`) {
		t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
	}
	if err := e.daemon.Restart(); err != nil {
		t.Fatal(err)
	}
	e.token(t)
}

func TestLoginOverPlainHTTPNeedsAWordForIt(t *testing.T) {
	e := startEndpoint(t, "")
	e.Reload(t, strings.ReplaceAll(e.caddyfile(t, ""), "insecure_plain_http", ""))
	before := len(e.daemon.Lines())
	e.office(t, `{"cmd":"LOGIN"}`).expect(t, 403, `{"status":403,"message":"LOGIN is accepted over HTTPS only"}`)
	if more := e.daemon.Lines()[before:]; len(more) > 0 {
		t.Errorf("cced was asked %q", more)
	}
}

// sessionOf is the session id of cced behind a token. It is seen when the
// connection is a new one, after a restart.
func (e *endpoint) sessionOf(t testing.TB, token string) string {
	t.Helper()
	e.daemon.Stop()
	if err := e.daemon.Restart(); err != nil {
		t.Fatal(err)
	}
	before := len(e.daemon.Lines())
	if r := e.office(t, `{"cmd":"WHOAMI",`+token+`}`); r.StatusCode != 200 {
		t.Fatalf("HTTP %d %s", r.StatusCode, r.Text)
	}
	for _, line := range e.daemon.Lines()[before:] {
		if found := regexp.MustCompile(`^AUTHKEY "?admin"? "?([0-9A-Za-z]{63})"?$`).FindStringSubmatch(line); found != nil {
			return found[1]
		}
	}
	t.Fatalf("no session was seen in %q", e.daemon.Lines()[before:])
	return ""
}

func TestTheEndOfATokenEndsItsSessionInCced(t *testing.T) {
	for _, word := range []string{"BYE", "ENDKEY"} {
		t.Run(word, func(t *testing.T) {
			e := startEndpoint(t, "")
			token := e.token(t)
			id := e.sessionOf(t, token)
			session := `"user":"admin","sessionid":"` + id + `"`
			e.local(t, `{"cmd":"AUTHKEY",`+session+`}`).expect(t, 200, done)
			e.office(t, `{"cmd":"`+word+`",`+token+`}`).expect(t, 200, done)
			e.office(t, `{"cmd":"CLASSES",`+token+`}`).expect(t, 401, notLoggedIn)
			e.local(t, `{"cmd":"AUTHKEY",`+session+`}`).expect(t, 401, notLoggedIn)
			// Nor has a connection kept its rights.
			e.local(t, `{"cmd":"CLASSES",`+session+`}`).expect(t, 401, notLoggedIn)
		})
	}
}

func TestATokenEndsWithItsTime(t *testing.T) {
	e := startEndpoint(t, "token_lifetime 1s")
	token := e.token(t)
	id := e.sessionOf(t, token)
	within(t, 3*time.Second, func() bool { return e.office(t, `{"cmd":"WHOAMI",`+token+`}`).StatusCode == 401 })
	within(t, 3*time.Second, func() bool {
		return e.local(t, `{"cmd":"AUTHKEY","user":"admin","sessionid":"`+id+`"}`).StatusCode == 401
	})
}

func TestAnEntryHasSoManyTokens(t *testing.T) {
	e := startEndpoint(t, "tokens_per_entry 2\napi_access "+branch)
	secret := e.secretOf(t, branch)
	other, _ := e.logIn(t, branchAddress, secret).Object["token"].(string)
	first, second := e.token(t), e.token(t)
	e.office(t, `{"cmd":"WHOAMI",`+first+`}`).expect(t, 200, `{"status":201,"message":"GOODBYE","data":{"oid":"2"}}`)
	third := e.token(t)
	for token, status := range map[string]int{first: 401, second: 200, third: 200} {
		if r := e.office(t, `{"cmd":"WHOAMI",`+token+`}`); r.StatusCode != status {
			t.Errorf("HTTP %d %s, want %d", r.StatusCode, r.Text, status)
		}
	}
	// Those of another entry are not touched, and any address of it may use them.
	r := e.from(t, "192.0.2.9", `{"cmd":"WHOAMI","token":"`+other+`"}`, "X-Client-Secret", secret)
	if r.StatusCode != 200 {
		t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
	}
}

func TestTwoTokensAreOneTooMany(t *testing.T) {
	e := startEndpoint(t, "")
	first, second := e.token(t), e.token(t)
	e.office(t, `{"cmd":"WHOAMI",`+first+`}`, "Authorization", bearer(second)).expect(t, 400, `{"status":400,"message":"two different tokens; send one"}`)
	for _, header := range []string{"Bearer ", "Basic " + strings.TrimPrefix(bearer(first), "Bearer "), "Bearer x", bearer(first) + "A"} {
		if r := e.office(t, `{"cmd":"CLASSES"}`, "Authorization", header); r.StatusCode != 401 {
			t.Errorf("'%.7s…': HTTP %d %s", header, r.StatusCode, r.Text)
		}
	}
}

func TestTokensAndTransactionsLiveThroughReloads(t *testing.T) {
	e := startEndpoint(t, "")
	token := e.token(t)
	e.office(t, `{"cmd":"BEGIN",`+token+`}`).expect(t, 200, `{"status":201,"message":"BEGIN OK"}`)
	e.Reload(t, e.caddyfile(t, "token_lifetime 100s"))
	e.office(t, `{"cmd":"SET","oid":"3","data":{"description":"x"},`+token+`}`).expect(t, 200, `{"status":100,"message":"QUEUED"}`)
	// One that does not start changes nothing.
	if err := e.Load(t, e.caddyfile(t, "principal scope read as admin")); err == nil {
		t.Fatal("guests are let in without anything that knows them")
	}
	e.office(t, `{"cmd":"COMMIT",`+token+`}`).expect(t, 200,
		`{"status":201,"message":"COMMIT successful","data":{"results":[{"command":"SET 3 description = \"x\"","index":0,"message":"OK","status":201}]}}`)
	id := e.sessionOf(t, token)
	// Another account is another endpoint: its tokens would act as somebody else.
	e.Reload(t, strings.ReplaceAll(e.caddyfile(t, ""), "api_user admin", "api_user mary"))
	e.office(t, `{"cmd":"WHOAMI",`+token+`}`).expect(t, 401, nobody)
	e.local(t, `{"cmd":"AUTHKEY","user":"admin","sessionid":"`+id+`"}`).expect(t, 401, notLoggedIn)
}

func TestAnEntryThatIsTakenAwayEndsItsTokens(t *testing.T) {
	e := startEndpoint(t, "")
	token := e.token(t)
	e.Reload(t, strings.ReplaceAll(e.caddyfile(t, ""), "api_access "+office, "api_access "+branch))
	e.office(t, `{"cmd":"WHOAMI",`+token+`}`).expect(t, 403, forbidden)
	// As part of a network it is another entry, with a secret of its own.
	e.Reload(t, strings.ReplaceAll(e.caddyfile(t, ""), "api_access "+office, "api_access 198.51.100.0/24"))
	e.office(t, `{"cmd":"WHOAMI",`+token+`}`).expect(t, 401, wrongSecret)
	e.from(t, office, `{"cmd":"WHOAMI",`+token+`}`, "X-Client-Secret", e.secretOf(t, "198.51.100.0/24")).expect(t, 401, nobody)
}

func TestBrakeOfSecrets(t *testing.T) {
	e := startEndpoint(t, "auth_failures 3 60s\napi_access "+branch)
	for range 3 {
		e.logIn(t, office, "wrong").expect(t, 401, wrongSecret)
	}
	for _, secret := range []string{"wrong", officeSecret} {
		r := e.logIn(t, office, secret)
		r.expect(t, 429, `{"status":429,"message":"too many failed log-ins"}`)
		if wait := r.Header.Get("Retry-After"); wait == "" || wait == "0" {
			t.Errorf("Retry-After is '%s'", wait)
		}
	}
	if r := e.logIn(t, branchAddress, e.secretOf(t, branch)); r.StatusCode != 200 {
		t.Errorf("another entry: HTTP %d %s", r.StatusCode, r.Text)
	}
}

// TestADaemonOfRootPeersGivesNobodyItsRights: cced takes this process for root.
func TestADaemonOfRootPeersGivesNobodyItsRights(t *testing.T) {
	e := startEndpoint(t, "", func(c *cced.Config) { c.PeerIsRoot = true })
	if os.Geteuid() != 0 {
		t.Skip("rights are dropped by a process that has some: this one is not root's")
	}
	for i, body := range []string{
		`{"cmd":"SET","oid":"3","data":{"description":"x"},"user":"admin","sessionid":"A1b2"}`,
		`{"cmd":"SET","oid":"3","data":{"description":"x"}}`,
	} {
		if r := e.local(t, body); r.StatusCode != http.StatusUnauthorized {
			t.Errorf("%d: HTTP %d %s", i, r.StatusCode, r.Text)
		}
	}
	mary := e.session(t, "mary", "mary-pw 2")
	r := e.local(t, fmt.Sprintf(`{"cmd":"SET","oid":"1","data":{"hostname":"x"},%s}`, mary))
	if r.StatusCode != http.StatusForbidden {
		t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
	}
}
