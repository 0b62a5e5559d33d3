package caddycce_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/fake/cced"
)

// startImported runs an endpoint with a configuration of cced-api, whose socket is
// that of the stand-in.
func startImported(t *testing.T, conf, options string) (*endpoint, error) {
	t.Helper()
	e := &endpoint{daemon: cced.Start(t), files: t.TempDir()}
	conf = strings.ReplaceAll(conf, "/usr/sausalito/cced.socket", e.daemon.Socket())
	writeFile(t, filepath.Join(e.files, "cced-api.conf"), conf)
	writeFile(t, filepath.Join(e.files, "access"), office+":"+officeSecret+"\n")
	writeFile(t, filepath.Join(e.files, "password"), "secret-1\n")
	e.Server = caddyrun.Start(t, "{\n}\nhttp://:0\n")
	e.proxy = clientFrom(proxyAddress)
	err := e.Load(t, `{
	servers {
		trusted_proxies static `+proxyAddress+`
		trusted_proxies_strict
	}
}
http://:0 {
	cce /v2/cce {
		import_conf `+e.files+`/cced-api.conf
		access_file `+e.files+`/access
		api_user admin
		api_password_file `+e.files+`/password
		insecure_plain_http
		`+options+`
	}
}`)
	if err == nil {
		e.URL = "http://" + caddyrun.ListenAddress(t)
	}
	return e, err
}

// warning is a line of the log about the imported file.
type warning struct {
	Msg, Key, Instead, Site, File string
	Line                          int
}

// warnings are what the log tells of the imported file.
func (e *endpoint) warnings(t *testing.T) (list []warning) {
	t.Helper()
	for line := range strings.Lines(e.Log(t)) {
		var w warning
		if err := json.Unmarshal([]byte(line), &w); err == nil && strings.HasPrefix(w.Msg, "import_conf: ") {
			list = append(list, w)
		}
	}
	return list
}

// documented is the configuration file of the document, whose format the package
// that reads it tests.
const documented = "../internal/ccedapi/testdata/cced-api.conf"

// TestTheDocumentedConfiguration: each key does what it did, or is named in a
// warning.
func TestTheDocumentedConfiguration(t *testing.T) {
	conf := strings.ReplaceAll(readFile(t, documented), "191.89.131.84/32", office)
	e, err := startImported(t, conf, "")
	if err != nil {
		t.Fatal(err)
	}
	// unix_socket_path, api_access and token_lifetime
	e.token(t)
	// api_auth_fails
	for range 5 {
		e.logIn(t, office, "wrong").expect(t, 401, wrongSecret)
	}
	e.logIn(t, office, officeSecret).expect(t, 429, tooMany)

	// logging and debuglog are not used, enable_http = false needs no word, and
	// the rest is the site's.
	var keys []string
	site := ""
	for _, w := range e.warnings(t) {
		if w.File != filepath.Join(e.files, "cced-api.conf") {
			t.Errorf("file '%s'", w.File)
		}
		if w.Key != "" {
			keys = append(keys, w.Key)
		}
		if w.Key != "" && w.Instead == "" {
			t.Errorf("%s: nothing is said of what to use", w.Key)
		}
		site += w.Site
	}
	slices.Sort(keys)
	if want := []string{"ca_cert_file", "debuglog", "logging"}; !slices.Equal(keys, want) {
		t.Errorf("warnings are about %q, want %q", keys, want)
	}
	// listen_address, cert_file and key_file are in the site block, which is to be
	// copied.
	for _, part := range []string{"https://:9092 {", "bind 0.0.0.0", "tls /etc/cced-api/certs/certificate /etc/cced-api/certs/key", "import_conf " + e.files} {
		if !strings.Contains(site, part) {
			t.Errorf("the site block has no '%s':\n%s", part, site)
		}
	}
	if _, err := caddyrun.Adapt(site); err != nil {
		t.Errorf("%v in\n%s", err, site)
	}
}

func TestWhatIsWrittenInTheBlockCountsOverTheFile(t *testing.T) {
	e, err := startImported(t, "unix_socket_path = /none\napi_access = "+branch+"\napi_auth_fails = 1\napi_ban_time = 1\ntoken_lifetime = 1\nsocket_read_timeout = 5\n", "")
	if err != nil {
		t.Fatal(err)
	}
	e.from(t, office, `{"cmd":"PING"}`).expect(t, 403, forbidden)
	if r := e.local(t, `{"cmd":"AUTH","user":"admin","password":"x"}`); r.StatusCode != 502 {
		t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
	}
	e, err = startImported(t, "unix_socket_path = /none\napi_access = "+branch+"\napi_auth_fails = 1\n",
		"socket unix/"+e.daemon.Socket()+"\napi_access "+office+"\nauth_failures 3 60s")
	if err != nil {
		t.Fatal(err)
	}
	e.from(t, branchAddress, `{"cmd":"PING"}`).expect(t, 403, forbidden)
	e.logIn(t, office, "wrong").expect(t, 401, wrongSecret)
	e.token(t)
}

func TestAnUnknownKeyIsNamed(t *testing.T) {
	e, err := startImported(t, "unix_socket_path = /usr/sausalito/cced.socket\n\nproxy_mode = yes\nenable_http = true\n", "")
	if err != nil {
		t.Fatal(err)
	}
	list := e.warnings(t)
	for _, want := range []warning{
		{Msg: "import_conf: this key is unknown", Key: "proxy_mode", Line: 3},
		{Msg: "import_conf: this key is not used", Key: "enable_http", Instead: "an address that begins with http://"},
	} {
		want.File = filepath.Join(e.files, "cced-api.conf")
		if !slices.Contains(list, want) {
			t.Errorf("there is no warning %+v in %+v", want, list)
		}
	}
	if len(list) != 2 {
		t.Errorf("%+v", list)
	}
}

func TestAConfigurationThatIsNotGoodStopsTheStart(t *testing.T) {
	for conf, want := range map[string]string{
		"token_lifetime = hunter2":     "line 1, 'token_lifetime': write whole seconds up to 31536000, without a unit",
		"token_lifetime = 100000":      "token_lifetime: it is 1s to 24h0m0s",
		"api_auth_fails = 1000":        "auth_failures: use 1 to 100 failures and a window of 1s to 24h",
		"api_access = office":          "line 1, 'api_access': entry 'office'",
		"socket_read_timeout = 100000": "timeout: it is 1s to 24h0m0s",
	} {
		_, err := startImported(t, conf, "")
		if err == nil || !strings.Contains(err.Error(), "import_conf") || !strings.Contains(err.Error(), "cced-api.conf'") || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", conf, err)
		}
	}
}
