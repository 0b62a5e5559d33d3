package caddycce_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// Secrets that are sent, of which none may be in any output.
const (
	accountPassword = "secret-1"
	newPassword     = "Correct-Horse-Battery-1"
	guess           = "guessed-Password-22"
	guessedSecret   = "guessed-Client-Secret-333"
	guessedToken    = "guessedTokenguessedTokenguessedTokenguessedTokenguessedTokenXYZ1"
	guessedSession  = "guessedSession4444"
	masterKey       = "a master key of the tests 55555"
)

// TestNoSecretIsInAnyOutput does everything once, good and bad, and then looks for
// the secrets in all that was written. Caddy's own access log would show the client
// secret, so that header is filtered; the filter of caddyauth, which knows it, is
// in another plugin.
func TestNoSecretIsInAnyOutput(t *testing.T) {
	e := startEndpoint(t, "")
	writeFile(t, filepath.Join(e.files, "key"), masterKey)
	site := strings.Replace(e.withAdmin(e.caddyfile(t, "auth_failures 50 60s")), "{\n", "{\n\tdebug\n", 1)
	site = strings.Replace(site, "http://:0 {", "http://:0 {\n\tlog access {\n\t\toutput file {$DIR}/access.json\n\t\tformat filter {\n\t\t\trequest>headers>X-Client-Secret delete\n\t\t}\n\t}", 1)
	e.Reload(t, site)

	secrets := map[string]string{
		"client secret": officeSecret, "new password": newPassword, "guessed password": guess, "guessed client secret": guessedSecret,
		"guessed token": guessedToken, "guessed session": guessedSession, "master key": masterKey,
	}
	written := map[string]string{"arguments": strings.Join(os.Args, " ")}
	statuses := map[int]int{}
	note := func(r reply) reply {
		statuses[r.StatusCode]++
		// Answers that give a secret out are the only ones that may have it.
		if r.Object["token"] == nil && r.Object["sessionid"] == nil {
			written["answers"] += r.Text + fmt.Sprint(r.Header)
		}
		return r
	}

	token, _ := note(e.office(t, `{"cmd":"LOGIN"}`)).Object["token"].(string)
	session, _ := note(e.try(t, "AUTH", "admin", accountPassword)).Object["sessionid"].(string)
	secrets["token"], secrets["session"] = token, session
	withToken, withSession := `"token":"`+token+`"`, `"user":"admin","sessionid":"`+session+`"`
	note(e.from(t, office, `{"cmd":"LOGIN"}`, "X-Client-Secret", guessedSecret))
	note(e.from(t, stranger, `{"cmd":"WHOAMI","token":"`+guessedToken+`"}`, "X-Client-Secret", guessedSecret))
	for _, body := range []string{
		`{"cmd":"WHOAMI","token":"` + guessedToken + `"}`, `{"cmd":"WHOAMI","user":"admin","sessionid":"` + guessedSession + `"}`,
		`{"cmd":"AUTH","user":"admin","password":"` + guess + `"}`, `{"cmd":"AUTHKEY admin ` + guessedSession + `"}`,
		`{"cmd":"AUTH \"admin\" \"` + guess + `\""}`, `{"cmd":"` + guess + `"}`, `{"cmd":"` + guess, `{"cmd":"GET ` + guess + `"}`,
		`{"cmd":"SET","oid":"3","data":{"password":"` + newPassword + `"},CREDENTIALS}`,
		`{"cmd":"SET 3 password=\"` + newPassword + `\" nosuch=\"` + newPassword + `\"",CREDENTIALS}`,
		`{"cmd":"SET","oid":"3","namespace":"` + guess + `","data":{"password":"` + newPassword + `"},CREDENTIALS}`,
		`{"cmd":"FIND","class":"User","args":{"password":"` + newPassword + `"},CREDENTIALS}`,
		`{"cmd":"FINDX","class":"User","regex_args":{"password":"(` + newPassword + `"},CREDENTIALS}`,
		`{"cmd":"BEGIN",CREDENTIALS}`, `{"cmd":"SET 3 password=\"` + newPassword + `\"",CREDENTIALS}`, `{"cmd":"SET 3 nosuch=x",CREDENTIALS}`, `{"cmd":"COMMIT",CREDENTIALS}`,
		`{"cmd":"GET 3",CREDENTIALS}`, `{"cmd":"GETALL","class":"User",CREDENTIALS}`,
	} {
		note(e.local(t, strings.ReplaceAll(body, "CREDENTIALS", withSession)))
		note(e.office(t, strings.ReplaceAll(body, "CREDENTIALS", withToken)))
		note(e.office(t, strings.ReplaceAll(body, ",CREDENTIALS", ""), "Authorization", "Bearer "+token))
	}
	e.daemon.FailChanges(true)
	note(e.local(t, `{"cmd":"SET 3 password=\"`+newPassword+`\"",`+withSession+`}`))
	e.daemon.FailChanges(false)
	// Connections that break while a secret is on its way.
	e.daemon.CutAfter(0, 1000)
	note(e.local(t, `{"cmd":"SET 3 password=\"`+newPassword+`\"",`+withSession+`}`))
	note(e.try(t, "AUTH", "admin", guess))
	note(e.office(t, `{"cmd":"LOGIN"}`))
	e.daemon.CutAfter(0, 0)
	e.daemon.Stop()
	note(e.office(t, `{"cmd":"GET 3",`+withToken+`}`))
	e.health(t)

	for _, path := range []string{"/config/", "/metrics", "/caddycce/health"} {
		r := e.admin(t, http.MethodGet, path)
		if r.Text == "" {
			t.Errorf("%s is empty", path)
		}
		written[path] = r.Text
	}
	for _, status := range []int{200, 400, 401, 403, 409, 502} {
		if statuses[status] == 0 {
			t.Errorf("there was no answer %d: %v", status, statuses)
		}
	}
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	for name, line := range map[string]string{"log.json": "cce command", "access.json": `"uri":"/v2/cce"`} {
		written[name] = readFile(t, filepath.Join(e.Dir, name))
		if !strings.Contains(written[name], line) {
			t.Errorf("%s has no %s; this test looks in the wrong place", name, line)
		}
	}
	for where, text := range written {
		for what, secret := range secrets {
			for _, form := range []string{secret, url.QueryEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret))} {
				if _, behind, found := strings.Cut(text, form); found {
					t.Errorf("%s holds the %s, in front of '%.200s'", where, what, behind)
				}
			}
		}
	}
}

// TestPathsAreNotReadFromFiles: their content would stand in errors.
func TestPathsAreNotReadFromFiles(t *testing.T) {
	e := startEndpoint(t, "")
	writeFile(t, e.files+"/secret", "hidden-content-1")
	placeholder := "{file." + e.files + "/secret}"
	for block, setting := range map[string]string{
		"socket " + placeholder:                                                      "socket: ",
		"socket unix/" + placeholder:                                                 "socket: ",
		"api_access " + office + "\naccess_file " + placeholder:                      "access_file: ",
		"import_conf " + placeholder:                                                 "import_conf: ",
		"api_password_file " + placeholder:                                           "account 'api-admin': password file: ",
		"api_password_file " + e.files + "/password\nmaster_key_file " + placeholder: "account 'api-admin': master key file: ",
		"principal scope read as monitor\naccount monitor " + placeholder:            "account 'monitor': password file: ",
	} {
		err := e.Load(t, "http://:0 {\n\tcce /v2/cce {\n"+block+"\n}\n}")
		if err == nil || !strings.HasSuffix(err.Error(), setting+"write the path itself, without {file.…}") {
			t.Errorf("%s: %v", block, err)
		}
		if err != nil && strings.Contains(err.Error(), "hidden-content-1") {
			t.Errorf("%s: the error has the content of the file", block)
		}
	}
	if strings.Contains(e.Log(t), "hidden-content-1") {
		t.Error("the log has the content of the file")
	}
}
