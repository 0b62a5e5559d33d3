package caddyauth_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/caddyrun"
)

// proxied is the global part of the Caddyfiles here: requests come through a
// proxy on the loopback, so that a test may choose their address.
const proxied = `{
	servers {
		trusted_proxies static 127.0.0.0/8
		trusted_proxies_strict
	}
}
`

// startGate runs a site whose gate has these options, and whose file of secrets
// has this content.
func startGate(t testing.TB, secrets, options, rest string) *caddyrun.Server {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "access")
	if secrets != "" {
		saveSecrets(t, path, secrets)
	}
	t.Setenv("ACCESS_FILE", path)
	return caddyrun.Start(t, gateFile(options, rest))
}

func gateFile(options, rest string) string {
	return proxied + "http://:0 {\n\tclient_secret {\n\t\tsecrets_file {env.ACCESS_FILE}\n\t\t" + options + "\n\t}\n\t" + rest + "\n}\n"
}

func accessFile() string { return os.Getenv("ACCESS_FILE") }

func saveSecrets(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// from are the headers of a request from an address with a secret, if any.
func secretFrom(address, secret string) []string {
	headers := []string{"X-Forwarded-For", address}
	if secret != "" {
		headers = append(headers, "X-Client-Secret", secret)
	}
	return headers
}

const (
	officeSecret = "swordfish-of-the-office"
	remoteSecret = "swordfish-of-the-remote"
	twoEntries   = "192.0.2.0/24:" + officeSecret + "\n2001:db8::/64:" + remoteSecret + "\n"
)

func TestAListedAddressWithItsSecretPasses(t *testing.T) {
	s := startGate(t, twoEntries, "allow 192.0.2.0/24 2001:db8::/64",
		`respond "{http.auth.user.id} {http.auth.user.method} '{http.auth.user.roles}' '{header.X-Client-Secret}'"`)
	for address, want := range map[string]string{
		"192.0.2.1":        "client:192.0.2.0/24 client_secret '' ''",
		"::ffff:192.0.2.1": "client:192.0.2.0/24 client_secret '' ''",
	} {
		if r := s.Get(t, "/", secretFrom(address, officeSecret)...); r.StatusCode != 200 || r.Text != want {
			t.Errorf("%s: %d %s", address, r.StatusCode, r.Text)
		}
	}
	if r := s.Get(t, "/", secretFrom("2001:db8::ffff", remoteSecret)...); r.Text != "client:2001:db8::/64 client_secret '' ''" {
		t.Errorf("%d %s", r.StatusCode, r.Text)
	}
}

func TestOthersAreRefused(t *testing.T) {
	s := startGate(t, twoEntries, "allow 192.0.2.0/24 2001:db8::/64\nfailures 100 60s", `respond "in"`)
	for name, test := range map[string]struct {
		headers []string
		status  int
		code    string
	}{
		"an address that is not listed":          {secretFrom("198.51.100.1", officeSecret), 403, "address_not_allowed"},
		"one in another form":                    {secretFrom("64:ff9b::192.0.2.1", officeSecret), 403, "address_not_allowed"},
		"an address that is none":                {secretFrom("office", officeSecret), 403, "address_not_allowed"},
		"no secret":                              {secretFrom("192.0.2.1", ""), 401, "credential_missing"},
		"a wrong secret":                         {secretFrom("192.0.2.1", "swordfish"), 401, "invalid_secret"},
		"the secret of another entry":            {secretFrom("192.0.2.1", remoteSecret), 401, "invalid_secret"},
		"the secret in other letters":            {secretFrom("192.0.2.1", strings.ToUpper(officeSecret)), 401, "invalid_secret"},
		"the secret and more":                    {secretFrom("192.0.2.1", officeSecret+"x"), 401, "invalid_secret"},
		"a secret longer than any":               {secretFrom("192.0.2.1", strings.Repeat("x", 8<<10)), 401, "invalid_secret"},
		"more than 8 KiB":                        {secretFrom("192.0.2.1", strings.Repeat("x", 8<<10+1)), 400, "invalid_request"},
		"an empty secret":                        {append(secretFrom("192.0.2.1", ""), "X-Client-Secret", ""), 400, "invalid_request"},
		"two secrets":                            {append(secretFrom("192.0.2.1", officeSecret), "X-Client-Secret", officeSecret), 400, "invalid_request"},
		"two secrets from elsewhere":             {append(secretFrom("198.51.100.1", officeSecret), "X-Client-Secret", "x"), 403, "address_not_allowed"},
		"the secret in Authorization":            {append(secretFrom("192.0.2.1", ""), "Authorization", "Bearer "+officeSecret), 401, "credential_missing"},
		"the secret in a header with underscore": {append(secretFrom("192.0.2.1", ""), "X_Client_Secret", officeSecret), 401, "credential_missing"},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.Get(t, "/", test.headers...)
			expect(t, r, test.status, test.code)
			var challenge []string
			if test.status == 401 {
				challenge = []string{`X-Client-Secret realm="restricted"`}
			}
			if diff := cmp.Diff(challenge, r.Header.Values("WWW-Authenticate")); diff != "" {
				t.Errorf("challenge (-want +got):\n%s", diff)
			}
		})
	}
	if strings.Contains(s.Log(t), "swordfish") && strings.Contains(ourLines(s.Log(t)), "swordfish") {
		t.Errorf("our lines in the log show a secret:\n%s", ourLines(s.Log(t)))
	}
}

// ourLines are the lines of a log that our modules wrote.
func ourLines(log string) string {
	return strings.Join(regexp.MustCompile(`(?m)^.*"logger":"(?:http\.handlers\.client_secret|client_secret_files)".*$`).FindAllString(log, -1), "\n")
}

func TestOnlyATrustedProxyTellsTheAddress(t *testing.T) {
	t.Setenv("ACCESS_FILE", filepath.Join(t.TempDir(), "access"))
	saveSecrets(t, accessFile(), twoEntries+"127.0.0.1:"+officeSecret)
	const site = "http://:0 {\n\tclient_secret {\n\t\tallow 192.0.2.0/24 \n\t\tsecrets_file {env.ACCESS_FILE}\n\t}\n\trespond in\n}\n"
	s := caddyrun.Start(t, site)
	for _, header := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip"} {
		value := "192.0.2.1"
		if header == "Forwarded" {
			value = "for=192.0.2.1"
		}
		expect(t, s.Get(t, "/", header, value, "X-Client-Secret", officeSecret), 403, "address_not_allowed")
	}
	s.Reload(t, proxied+site)
	expect(t, s.Get(t, "/", secretFrom("192.0.2.1", officeSecret)...), 200, "")
	expect(t, s.Get(t, "/", secretFrom("192.0.2.1, 198.51.100.1", officeSecret)...), 403, "address_not_allowed")
	expect(t, s.Get(t, "/", "X-Client-Secret", officeSecret), 403, "address_not_allowed")
}

func TestTheUpstreamGetsTheUserAndNotTheSecret(t *testing.T) {
	s := startGate(t, twoEntries, "allow 192.0.2.0/24\nheader x-office-key\nforward_identity X-User", "reverse_proxy "+upstream(t))
	r := s.Get(t, "/", "X-Forwarded-For", "192.0.2.1", "X-Office-Key", officeSecret, "X-Client-Secret", "another",
		"X-User", "root", "X-Auth-User", "root", "X-Remote-User", "root", "Connection", "X-User")
	if r.StatusCode != 200 {
		t.Fatalf("%d %s", r.StatusCode, r.Text)
	}
	got := seenBy(t, r).Header
	if diff := cmp.Diff([]string{"client:192.0.2.0/24"}, got["X-User"]); diff != "" {
		t.Errorf("X-User (-want +got):\n%s", diff)
	}
	for _, name := range []string{"X-Office-Key", "X-Auth-User", "X-Remote-User"} {
		if got[name] != nil {
			t.Errorf("the upstream got %s %q", name, got[name])
		}
	}
	if strings.Contains(r.Text, officeSecret) {
		t.Errorf("the upstream got the secret: %s", r.Text)
	}
}

func TestTooManyFailuresHaveToWaitAndAReloadForgetsNone(t *testing.T) {
	s := startGate(t, twoEntries, "allow 192.0.2.0/24\nfailures 3 60s", `respond "in"`)
	expect(t, s.Get(t, "/", secretFrom("192.0.2.1", "x")...), 401, "invalid_secret")
	expect(t, s.Get(t, "/", secretFrom("192.0.2.1", "x")...), 401, "invalid_secret")
	s.Reload(t, gateFile("allow 192.0.2.0/24 198.51.100.0/24\nfailures 3 60s", `respond "in again"`))
	expect(t, s.Get(t, "/", secretFrom("192.0.2.1", "x")...), 401, "invalid_secret")
	r := s.Get(t, "/", secretFrom("192.0.2.1", officeSecret)...)
	expect(t, r, 429, "too_many_attempts")
	if wait := r.Header.Get("Retry-After"); wait != "60" {
		t.Errorf("Retry-After is %s", wait)
	}
	s.Reload(t, gateFile("allow 192.0.2.0/24\nfailures 3 60s", `respond "in again"`))
	expect(t, s.Get(t, "/", secretFrom("192.0.2.1", officeSecret)...), 429, "too_many_attempts")
	expect(t, s.Get(t, "/", secretFrom("192.0.2.2", officeSecret)...), 200, "")
}

func TestAnEditCountsWithinASecondAndABrokenOneDoesNot(t *testing.T) {
	s := startGate(t, twoEntries, "allow 192.0.2.0/24\nfailures 100 1s", `respond "in"`)
	get := func(secret string) int { return s.Get(t, "/", secretFrom("192.0.2.1", secret)...).StatusCode }
	if get(officeSecret) != 200 {
		t.Fatal("the secret is not accepted")
	}
	saveSecrets(t, accessFile(), "192.0.2.77/24:another-secret-of-the-office\n")
	within(t, time.Second, func() bool { return get("another-secret-of-the-office") == 200 })
	if get(officeSecret) != 401 {
		t.Error("the old secret is still accepted")
	}
	saveSecrets(t, accessFile(), "192.0.2.0/24:third\nwhat is this\n")
	within(t, time.Second, func() bool { return strings.Contains(s.Log(t), "line 2: write 'entry:secret'") })
	if get("another-secret-of-the-office") != 200 || get("third") != 401 {
		t.Error("the last good secrets are not in force")
	}
	// Another configuration can be loaded all the same.
	s.Reload(t, gateFile("allow 192.0.2.0/24\nfailures 100 1s", `respond "in again"`))
	if get("another-secret-of-the-office") != 200 {
		t.Error("the last good secrets are not in force after a reload")
	}
	saveSecrets(t, accessFile(), "192.0.2.0/24:third\n")
	within(t, time.Second, func() bool { return get("third") == 200 })
}

func TestAfterAReloadThatHasFailedTheFileStillLogs(t *testing.T) {
	s := startGate(t, twoEntries, "allow 192.0.2.0/24", `respond "in"`)
	broken := strings.Replace(gateFile("allow 192.0.2.0/24", "token_auth"), "{\n",
		"{\n\tlog {\n\t\toutput file {$DIR}/other.json\n\t}\n\tcaddyauth {\n\t\tstore sqlite {$DIR}/none/auth.db\n\t}\n", 1)
	for range 8 { // apps are started in any order
		if err := s.Load(t, broken); err == nil || !strings.Contains(err.Error(), "caddyauth app module: start") {
			t.Fatalf("a store without a directory: %v", err)
		}
	}
	saveSecrets(t, accessFile(), "broken\n")
	within(t, 2*time.Second, func() bool { return strings.Contains(s.Log(t), "line 1: write 'entry:secret'") })
}

func TestTheStartMakesSecretsAndAReloadThoseOfNewEntries(t *testing.T) {
	s := startGate(t, "", "allow 192.0.2.0/24 private_ranges", `respond "{http.auth.user.id}"`)
	first := readFile(t, accessFile())
	line := regexp.MustCompile(`^192\.0\.2\.0/24:([0-9A-Za-z]{32})\n`).FindStringSubmatch(first)
	if line == nil || strings.Count(first, "\n") < 5 || !strings.Contains(first, "\n10.0.0.0/8:") {
		t.Fatalf("the file is\n%s", first)
	}
	if r := s.Get(t, "/", secretFrom("192.0.2.1", line[1])...); r.Text != "client:192.0.2.0/24" {
		t.Errorf("%d %s", r.StatusCode, r.Text)
	}
	s.Reload(t, gateFile("allow 192.0.2.0/24 198.51.100.7", `respond "{http.auth.user.id}"`))
	second := readFile(t, accessFile())
	added, found := strings.CutPrefix(second, first)
	if !found || !regexp.MustCompile(`^198\.51\.100\.7:[0-9A-Za-z]{32}\n$`).MatchString(added) {
		t.Errorf("after a reload the file is\n%s", second)
	}
}

func TestGatesWithOneFileShareIt(t *testing.T) {
	t.Setenv("ACCESS_FILE", filepath.Join(t.TempDir(), "access"))
	site := func(path, address string) string {
		return "\troute " + path + " {\n\t\tclient_secret {\n\t\t\tallow " + address + "\n\t\t\tsecrets_file {env.ACCESS_FILE}\n\t\t}\n\t\trespond in\n\t}\n"
	}
	s := caddyrun.Start(t, proxied+"http://:0 {\n"+site("/a", "192.0.2.0/24")+site("/b", "198.51.100.7 192.0.2.0/24")+"}\n")
	lines := strings.Split(readFile(t, accessFile()), "\n")
	if len(lines) != 3 {
		t.Fatalf("the file is %q", lines)
	}
	for _, line := range lines[:2] {
		entry, secret, _ := strings.Cut(line, ":")
		address, _, _ := strings.Cut(entry, "/")
		want := 200
		if address == "198.51.100.7" {
			want = 403
		}
		if r := s.Get(t, "/a", secretFrom(address, secret)...); r.StatusCode != want {
			t.Errorf("/a from %s: %d, want %d", address, r.StatusCode, want)
		}
		expect(t, s.Get(t, "/b", secretFrom(address, secret)...), 200, "")
	}
}

func TestReloadsOpenNothingTwiceAndLeaveNothing(t *testing.T) {
	s := startGate(t, twoEntries, "allow 192.0.2.0/24", `respond "in"`)
	expect(t, s.Get(t, "/", secretFrom("192.0.2.1", officeSecret)...), 200, "")
	s.Client.CloseIdleConnections()
	before := runtime.NumGoroutine()
	for i := range 200 {
		s.Reload(t, gateFile("allow 192.0.2.0/24\nfailures "+strings.Repeat("1", 1+i%2)+" 60s", `respond "in"`))
	}
	within(t, 10*time.Second, func() bool { return runtime.NumGoroutine() <= before+3 })
	expect(t, s.Get(t, "/", secretFrom("192.0.2.1", officeSecret)...), 200, "")
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	saveSecrets(t, accessFile(), "broken")
	time.Sleep(time.Second)
	if strings.Contains(s.Log(t), "line 1") {
		t.Error("the file is still looked at after the server has stopped")
	}
}

func TestWhatStopsTheStartSaysWhy(t *testing.T) {
	dir := t.TempDir()
	for name, test := range map[string]struct{ content, options, want string }{
		"a broken line":            {"192.0.2.0/24\n", "allow 192.0.2.0/24", "access': line 1: write 'entry:secret'"},
		"an empty variable":        {"", "allow {env.NOT_SET_ANYWHERE}", "allow: evaluated placeholder {env.NOT_SET_ANYWHERE} is empty"},
		"nothing in a variable":    {"", "allow {env.BLANKS}", "allow: there is no address in '{env.BLANKS}'"},
		"a word in a variable":     {"", "allow {env.WORDS}", "allow: number 2 in '{env.WORDS}': write an address or a network"},
		"a file that is not there": {"", "allow {file." + dir + "/none}", "allow: open " + dir + "/none: no such file or directory"},
		"a file that is none":      {"", "allow {file." + dir + "}", "allow: '" + dir + "': it is not a regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("BLANKS", " , ")
			t.Setenv("WORDS", "192.0.2.0/24, "+officeSecret)
			path := filepath.Join(t.TempDir(), "access")
			t.Setenv("ACCESS_FILE", path)
			if test.content != "" {
				saveSecrets(t, path, test.content)
			}
			s := caddyrun.Start(t, "http://:0 {\n\trespond in\n}\n")
			err := s.Load(t, gateFile(test.options, `respond "in"`))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant …%s…", err, test.want)
			} else if strings.Contains(err.Error(), officeSecret) {
				t.Errorf("the error shows what is no address: %v", err)
			}
		})
	}
}

func TestAMissingDirectoryOfTheSecretsIsNamed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	t.Setenv("ACCESS_FILE", filepath.Join(dir, "access"))
	s := caddyrun.Start(t, "http://:0 {\n\trespond in\n}\n")
	err := s.Load(t, gateFile("allow 192.0.2.0/24", `respond "in"`))
	if want := "secrets_file: the directory '" + dir + "' is missing; make it, so that Caddy may write there"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got  %v\nwant …%s…", err, want)
	}
}

func TestAFileOpenToEverybodyStopsTheStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access")
	t.Setenv("ACCESS_FILE", path)
	saveSecrets(t, path, twoEntries)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	s := caddyrun.Start(t, "http://:0 {\n\trespond in\n}\n")
	if err := s.Load(t, gateFile("allow 192.0.2.0/24", `respond "in"`)); err == nil || !strings.Contains(err.Error(), "open to everybody") {
		t.Errorf("%v", err)
	}
}

func TestAddressesComeFromVariablesAndFiles(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("OFFICE", "192.0.2.0/24,198.51.100.7")
	if err := os.WriteFile(filepath.Join(dir, "list"), []byte("203.0.113.0/25\n\n203.0.113.128/25 \t2001:db8::/64\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startGate(t, "192.0.2.0/24:x\n198.51.100.7:x\n203.0.113.0/25:x\n203.0.113.128/25:x\n2001:db8::/64:x\n",
		"allow {env.OFFICE}\nallow {file."+dir+"/list}", `respond "{http.auth.user.id}"`)
	for address, entry := range map[string]string{
		"192.0.2.1": "192.0.2.0/24", "198.51.100.7": "198.51.100.7", "203.0.113.1": "203.0.113.0/25",
		"203.0.113.129": "203.0.113.128/25", "2001:db8::9": "2001:db8::/64",
	} {
		if r := s.Get(t, "/", secretFrom(address, "x")...); r.Text != "client:"+entry {
			t.Errorf("%s: %d %s", address, r.StatusCode, r.Text)
		}
	}
}

// Caddy's own placeholder ends after a mebibyte, in the middle of a network.
func TestALargeFileOfAddressesIsReadToItsEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list")
	text := strings.Repeat("192.0.2.0/24\n", 1<<20/13+2) + "203.0.113.7\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startGate(t, "203.0.113.7:x\n192.0.2.0/24:x\n", "allow {file."+path+"}", `respond "{http.auth.user.id}"`)
	if r := s.Get(t, "/", secretFrom("203.0.113.7", "x")...); r.Text != "client:203.0.113.7" {
		t.Errorf("%d %s", r.StatusCode, r.Text)
	}
	err := s.Load(t, gateFile("allow 192.0.2.0/24,{file."+path+"}", `respond "in"`))
	if err == nil || !strings.Contains(err.Error(), "is larger than Caddy reads; write {file./path} alone") {
		t.Errorf("%v", err)
	}
}

func TestAnEarlierCallerStaysWhoHeIs(t *testing.T) {
	t.Setenv("ACCESS_FILE", filepath.Join(t.TempDir(), "access"))
	saveSecrets(t, accessFile(), "127.0.0.1:"+officeSecret)
	gate := "client_secret {\n\t\tallow 127.0.0.1\n\t\tsecrets_file {env.ACCESS_FILE}\n\t\tforward_identity X-User\n\t}\n"
	s, a := start(t, "route {\n\ttoken_auth\n\t"+gate+"\trespond \"{http.auth.user.id} {header.X-User}\"\n}")
	key := a.issue(s, "ci")
	if r := s.Get(t, "/", append(bearer(key), "X-Client-Secret", officeSecret)...); r.Text != "alice alice" {
		t.Errorf("%d %s", r.StatusCode, r.Text)
	}
	expect(t, s.Get(t, "/", bearer(key)...), 401, "credential_missing")
	expect(t, s.Get(t, "/", "X-Client-Secret", officeSecret), 401, "credential_missing")
}

func TestDebugTellsEachRuleWithoutValues(t *testing.T) {
	s := startGate(t, twoEntries, "allow 192.0.2.0/24\ndebug\nfailures 2 60s", `respond "in"`)
	for _, headers := range [][]string{
		secretFrom("198.51.100.1", officeSecret),
		secretFrom("192.0.2.1", ""),
		append(secretFrom("192.0.2.1", ""), "X-Client-Secret", ""),
		secretFrom("192.0.2.1", officeSecret),
		secretFrom("192.0.2.1", "swordfish"),
		secretFrom("192.0.2.1", "swordfish"),
		secretFrom("192.0.2.1", officeSecret),
	} {
		s.Get(t, "/", headers...)
	}
	type decision struct{ Address, Secret, Failures string }
	var got []decision
	for line := range strings.Lines(s.Log(t)) {
		if !strings.Contains(line, `"client_secret decided"`) {
			continue
		}
		var d decision
		if err := json.Unmarshal([]byte(line), &d); err != nil {
			t.Fatal(err)
		}
		if got = append(got, d); strings.Contains(line, "192.0.2") || strings.Contains(line, "198.51") || strings.Contains(line, "swordfish") {
			t.Errorf("the line shows a value: %s", line)
		}
	}
	want := []decision{
		{"not listed", "not asked", "not asked"},
		{"listed", "missing", "below the limit"},
		{"listed", "malformed", "not asked"},
		{"listed", "right", "below the limit"},
		{"listed", "wrong", "below the limit"},
		{"listed", "wrong", "below the limit"},
		{"listed", "not asked", "reached"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheLogSaysWhyAndShowsNoSecret(t *testing.T) {
	s := startGate(t, twoEntries, "allow 192.0.2.0/24", `respond "in"`)
	r := s.Get(t, "/", secretFrom("192.0.2.1", "guessed-secret")...)
	lines := ourLines(s.Log(t))
	if !strings.Contains(lines, `"refused":"wrong_client_secret"`) {
		t.Errorf("the cause is not in the log:\n%s", lines)
	}
	for _, secret := range []string{officeSecret, remoteSecret, "guessed-secret"} {
		if strings.Contains(lines, secret) || strings.Contains(r.Text, secret) {
			t.Errorf("'%s' is shown", secret)
		}
	}
}

const aboutProxies = "trusted_proxies is set without trusted_proxies_strict"

func TestListsBehindProxiesThatAreNotStrictAreWarnedOf(t *testing.T) {
	s := startGate(t, twoEntries, "allow 192.0.2.0/24", `respond "in"`)
	if strings.Contains(s.Log(t), aboutProxies) {
		t.Error("it warns of strict ones")
	}
	s.Reload(t, strings.Replace(gateFile("allow 192.0.2.0/24", `respond "in"`), "\ttrusted_proxies_strict\n", "", 1))
	if !strings.Contains(s.Log(t), aboutProxies) {
		t.Error("it does not warn")
	}
}

func TestValidatingMakesNoFile(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("ACCESS_FILE", filepath.Join(dir, "access"))
	config, err := caddyrun.Adapt(gateFile("allow 192.0.2.0/24", `respond "in"`))
	if err != nil {
		t.Fatal(err)
	}
	var c caddy.Config
	if err := json.Unmarshal(config, &c); err != nil {
		t.Fatal(err)
	}
	if err := caddy.Validate(&c); err != nil {
		t.Fatal(err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
		t.Errorf("there are %v, %v", names, err)
	}
}

func TestEveryMethodIsGuardedByTheAddress(t *testing.T) {
	s := startGate(t, twoEntries, "allow 192.0.2.0/24", `respond "in"`)
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE"} {
		if r := s.Do(t, method, "/", nil, secretFrom("198.51.100.1", officeSecret)...); r.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", method, r.StatusCode)
		}
	}
}

func TestMistakesInClientSecretAreNamed(t *testing.T) {
	const rest = "\nsecrets_file f\n}"
	for name, test := range map[string]struct{ site, want string }{
		"nothing":                      {"client_secret", "'allow' is missing; write the addresses that may come in, such as 'allow 192.0.2.0/24', at Testfile:2"},
		"no list":                      {"client_secret {" + rest, "'allow' is missing; write the addresses that may come in, such as 'allow 192.0.2.0/24', at Testfile:4"},
		"an empty list":                {"client_secret {\nallow" + rest, "'allow' needs at least one value, at Testfile:3"},
		"an empty address":             {"client_secret {\nallow \"\"" + rest, "'allow' has an empty value, at Testfile:3"},
		"a second list that is empty":  {"client_secret {\nallow 10.0.0.1\nallow" + rest, "'allow' needs at least one value, at Testfile:4"},
		"no file":                      {"client_secret {\nallow 10.0.0.1\n}", "'secrets_file' is missing; write where the secrets are, such as 'secrets_file /etc/sallyport/access'; the start makes the file, at Testfile:4"},
		"a host name":                  {"client_secret {\nallow localhost" + rest, "allow: entry 'localhost': write an address or a network, such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/64, at Testfile:3"},
		"an argument":                  {"client_secret on {\nallow 10.0.0.1" + rest, "wrong argument count or unexpected line ending after 'on', at Testfile:2"},
		"an unknown option":            {"client_secret {\ndeny 10.0.0.1" + rest, "unrecognized option 'deny'; there are allow, debug, failures, forward_identity, header, identity_headers, secrets_file, at Testfile:3"},
		"two files":                    {"client_secret {\nallow 10.0.0.1\nsecrets_file a\nsecrets_file b\n}", "'secrets_file' stands here twice, at Testfile:5"},
		"failures without a window":    {"client_secret {\nfailures 5" + rest, "write 'failures <failures> <window>', such as 'failures 5 60s', at Testfile:3"},
		"failures that are no number":  {"client_secret {\nfailures few 60s" + rest, "failures: 'few' is not a number, at Testfile:3"},
		"a window that is none":        {"client_secret {\nfailures 5 60" + rest, "'60' is not a duration such as 90s, 24h or 7d, at Testfile:3"},
		"no failures":                  {"client_secret {\nfailures 0 60s" + rest, "failures: use 1 to 100 failures and a window of 1s to 24h, such as 'failures 5 60s', at Testfile:3"},
		"a header that is none":        {"client_secret {\nheader \"X Secret\"" + rest, "header 'X Secret' is not a header name, at Testfile:3"},
		"a header that Caddy drops":    {"client_secret {\nheader X_Secret" + rest, "header 'X_Secret': Caddy drops headers with '_' or '.' in their names; write '-', at Testfile:3"},
		"Authorization":                {"client_secret {\nheader authorization" + rest, "header 'authorization' has a meaning of its own; use another one, such as X-Client-Secret, at Testfile:3"},
		"Cookie":                       {"client_secret {\nheader Cookie" + rest, "header 'Cookie' has a meaning of its own; use another one, such as X-Client-Secret, at Testfile:3"},
		"a header of proxies":          {"client_secret {\nheader X-Forwarded-For" + rest, "header 'X-Forwarded-For' has a meaning of its own; use another one, such as X-Client-Secret, at Testfile:3"},
		"an identity header that is *": {"client_secret {\nidentity_headers *" + rest, "identity header '*': write a header name, or the beginning of one and '*', at Testfile:3"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := caddyrun.Adapt("http://:0 {\n" + test.site + "\n}\n")
			if err == nil || !strings.HasSuffix(err.Error(), test.want) {
				t.Errorf("got  %v\nwant …%s", err, test.want)
			}
		})
	}
}

func TestBehindAnAddressGateTheUserOfTheKeyIsTheCaller(t *testing.T) {
	upstream := upstream(t)
	s := startPrepared(t, head+`http://:0 {
	route {
		client_secret {
			allow 127.0.0.1
			secrets_file {$DIR}/access
		}
		token_auth {
			require role admin
			forward_identity X-User
		}
		reverse_proxy `+upstream+` {
			header_up X-Caller "{http.auth.user.id} {http.auth.user.method} {http.auth.user.roles}"
		}
	}
}
`, func(a *admin) { a.withPassword() })
	secret := clientSecretIn(t, filepath.Join(s.Dir, "access"))
	r := s.Get(t, "/", append(basic("alice:"+passphrase), "X-Client-Secret", secret)...)
	expect(t, r, 200, "")
	if got := seenBy(t, r).Header; got.Get("X-Caller") != "alice password admin" || got.Get("X-User") != "alice" {
		t.Errorf("the upstream sees '%s' and '%s'", got.Get("X-Caller"), got.Get("X-User"))
	}
	expect(t, s.Get(t, "/", "X-Client-Secret", secret), 401, "credential_missing")
	expect(t, s.Get(t, "/", basic("alice:"+passphrase)...), 401, "credential_missing")
}
