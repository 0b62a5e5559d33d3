package caddyauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// examine prepares an examination of a sound store, with a Caddyfile or, if the
// text begins with a brace and a quote, JSON.
func examine(t *testing.T, config string) *examination {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	e := &examination{ctx: t.Context(), now: time.Now()}
	e.freeSpace = func(string) (uint64, bool, error) { return 1 << 40, true, nil }
	e.settings = identity.Config{Location: store.Location{Engine: "sqlite", Path: filepath.Join(dir, "auth.db")}, PepperFile: filepath.Join(dir, "pepper"), Create: true}
	registry, err := identity.Open(t.Context(), e.settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := registry.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := registry.AddUser(t.Context(), "test", identity.NewUser{Username: "alice"}); err != nil {
		t.Fatal(err)
	}
	e.target = &target{registry: registry, actor: "test"}
	if config == "" {
		return e
	}
	adapted := []byte(config)
	if !strings.HasPrefix(config, `{"`) {
		if adapted, err = caddyrun.Adapt(config); err != nil {
			t.Fatal(err)
		}
	}
	if e.config, err = readConfig(adapted); err != nil {
		t.Fatal(err)
	}
	return e
}

// expectFindings compares findings by code and what they say, in which {DIR}
// stands for the store's directory.
func expectFindings(t *testing.T, e *examination, want ...string) {
	t.Helper()
	got := []string{}
	for _, f := range e.run() {
		what := strings.ReplaceAll(f.What, filepath.Dir(e.settings.Location.Path), "{DIR}")
		got = append(got, f.Code+": "+what)
		if f.Remedy == "" || f.Level != levelWarning && f.Level != levelError {
			t.Errorf("%s has the level '%s' and the remedy '%s'", f.Code, f.Level, f.Remedy)
		}
	}
	if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

const noCredentials = `format filter {
	request>headers credentials
	resp_headers credentials
	request>uri credentials
	uri credentials
	headers credentials
}
`

func TestDoctorReadsTheConfiguration(t *testing.T) {
	const (
		unfiltered = " lacks the filter credentials for request>headers, resp_headers, request>uri"
		all        = unfiltered + ", uri, headers"
	)
	site := "example.org {\n\trespond ok\n}\n"
	filteredSite := "{\n\tlog {\n" + noCredentials + "}\n}\n" + site
	for name, test := range map[string]struct {
		config string
		want   []string
	}{
		"sound":                             {filteredSite, nil},
		"no site":                           {"{\n\tadmin off\n}\n", nil},
		"the default log is not configured": {site, []string{"log_unfiltered: log 'default'" + all}},
		"one field is missing": {
			strings.Replace(filteredSite, "resp_headers credentials\n", "", 1),
			[]string{"log_unfiltered: log 'default' lacks the filter credentials for resp_headers"},
		},
		"the fields of admin requests are missing": {
			strings.Replace(filteredSite, "\turi credentials\n\theaders credentials\n", "", 1),
			[]string{"log_unfiltered: log 'default' lacks the filter credentials for uri, headers"},
		},
		"without an admin API": {
			strings.Replace(strings.Replace(filteredSite, "\turi credentials\n\theaders credentials\n", "", 1), "{\n", "{\n\tadmin off\n", 1), nil,
		},
		"a log of admin requests alone": {
			strings.Replace(site, "example", "{\n\tlog {\n\t\tinclude admin\n\t}\n}\nexample", 1),
			[]string{"log_unfiltered: log 'default' lacks the filter credentials for uri, headers"},
		},
		"another filter": {
			strings.Replace(filteredSite, "resp_headers credentials\n", "resp_headers hash\n", 1),
			[]string{"log_unfiltered: log 'default' lacks the filter credentials for resp_headers"},
		},
		"a filter that takes the field away":     {strings.Replace(filteredSite, "resp_headers credentials\n", "resp_headers delete\n", 1), nil},
		"a filter that takes all requests away":  {"{\n\tlog {\n\t\tformat filter {\n\t\t\trequest delete\n\t\t\tresp_headers credentials\n\t\t\turi delete\n\t\t\theaders delete\n\t\t}\n\t}\n}\n" + site, nil},
		"a filter inside another encoder":        {`{"logging":{"logs":{"default":{"encoder":{"format":"append","wrap":{"format":"filter","fields":{"request":{"filter":"delete"},"resp_headers":{"filter":"credentials"},"uri":{"filter":"delete"},"headers":{"filter":"delete"}}}}}}},"apps":{"http":{"servers":{"a":{}}}}}`, nil},
		"fields of what is no filter":            {`{"logging":{"logs":{"default":{"encoder":{"format":"append","fields":{"request":{"filter":"delete"},"resp_headers":{"filter":"credentials"}}}}}},"apps":{"http":{"servers":{"a":{}}}}}`, []string{"log_unfiltered: log 'default'" + all}},
		"the access log of a site":               {"{\n\tlog {\n" + noCredentials + "}\n}\nexample.org {\n\tlog\n\trespond ok\n}\n", nil},
		"a log of its own for a site":            {"{\n\tlog {\n" + noCredentials + "}\n}\nexample.org {\n\tlog {\n\t\toutput stdout\n\t}\n\trespond ok\n}\n", []string{"log_unfiltered: log 'log0'" + unfiltered}},
		"one with the filter":                    {"{\n\tlog {\n" + noCredentials + "}\n}\nexample.org {\n\tlog {\n" + noCredentials + "}\n\trespond ok\n}\n", nil},
		"a site's log that is thrown away":       {"{\n\tlog {\n" + noCredentials + "}\n}\nexample.org {\n\tlog {\n\t\toutput discard\n\t}\n\trespond ok\n}\n", nil},
		"a default log that is thrown away":      {"{\n\tlog {\n\t\toutput discard\n\t}\n}\n" + site, nil},
		"a default log without requests":         {"{\n\tlog {\n\t\texclude http admin.api\n\t}\n}\n" + site, nil},
		"a default log of errors":                {"{\n\tlog {\n\t\texclude http.log.access\n\t}\n}\n" + site, []string{"log_unfiltered: log 'default'" + all}},
		"another log without requests":           {"{\n\tlog {\n" + noCredentials + "}\n\tlog tls {\n\t\tinclude tls\n\t}\n}\n" + site, nil},
		"another log of errors":                  {"{\n\tlog {\n" + noCredentials + "}\n\tlog errors {\n\t\tinclude http.log.error\n\t}\n}\n" + site, []string{"log_unfiltered: log 'errors'" + unfiltered}},
		"another log of everything":              {"{\n\tlog {\n" + noCredentials + "}\n\tlog all {\n\t\toutput stdout\n\t}\n}\n" + site, []string{"log_unfiltered: log 'all'" + unfiltered}},
		"proxies that are trusted too much":      {strings.Replace(filteredSite, "{\n", "{\n\tservers {\n\t\ttrusted_proxies static 10.0.0.0/8\n\t}\n", 1), []string{"proxies_not_strict: server 'srv0' (:443) has trusted_proxies without trusted_proxies_strict"}},
		"proxies that are trusted strictly":      {strings.Replace(filteredSite, "{\n", "{\n\tservers {\n\t\ttrusted_proxies static 10.0.0.0/8\n\t\ttrusted_proxies_strict\n\t}\n", 1), nil},
		"an admin API for everybody":             {"{\n\tadmin :2019\n}\n", []string{"admin_not_local: the admin API listens at ':2019', where the network can reach it"}},
		"an admin API on an address of the LAN":  {"{\n\tadmin 192.0.2.1:2019\n}\n", []string{"admin_not_local: the admin API listens at '192.0.2.1:2019', where the network can reach it"}},
		"an admin API on the loopback":           {"{\n\tadmin 127.0.0.1:2019\n}\n", nil},
		"an admin API on the loopback in IPv6":   {"{\n\tadmin [::1]:2019\n}\n", nil},
		"an admin API on a socket":               {"{\n\tadmin unix//run/caddy/admin.sock|0600\n}\n", nil},
		"an admin API at an address from a file": {"{\n\tadmin {env.NO_SUCH_ADDRESS}\n}\n", nil},
		"an admin API at no address":             {`{"admin":{"listen":"localhost:99999"}}`, []string{"admin_not_local: the admin API listens at 'localhost:99999', where the network can reach it"}},
		"insecure options":                       {`{"admin":{"disabled":true},"apps":{"x":{"routes":[{"insecure_no_auth":true},{"insecure_off":false}],"insecure_plain_http":"yes"}}}`, []string{"insecure_option: 'insecure_plain_http' is in use, at /apps/x/ of the configuration in JSON", "insecure_option: 'insecure_no_auth' is in use, at /apps/x/routes/0/ of the configuration in JSON"}},
		"jwt without a provider":                 {strings.Replace(filteredSite, "example.org {\n", "example.org {\n\ttoken_auth {\n\t\taccept api_key jwt\n\t}\n", 1), []string{"no_provider: a gate accepts jwt, and there is no provider, at /apps/http/servers/srv0/routes/0/handle/0/routes/0/handle/0/ of the configuration in JSON"}},
		"a log-in in plain text that nobody begins": {providerOfDoctor("http://ops.example.org/login", ""), []string{
			"no_auth_api: provider 'staff' has a client_id, and there is no auth_api, by which users log in",
			"redirect_not_https: redirect_uri 'http://ops.example.org/login' of provider 'staff' has http, and is not on this machine",
		}},
		"a log-in":                                {providerOfDoctor("https://ops.example.org/login", "auth_api"), nil},
		"a log-in on this machine":                {providerOfDoctor("http://localhost/login", "auth_api"), nil},
		"a log-in that comes back to a secret":    {providerOfDoctor("{env.NO_SUCH_ADDRESS}", "auth_api"), nil},
		"a socket of the admin API for everybody": {"{\n\tadmin unix//run/caddy/admin.sock|0666\n}\n", []string{"admin_not_local: the admin API's socket 'unix//run/caddy/admin.sock' can be used by everybody on this machine (mode 0666)"}},
		"one for its owner":                       {"{\n\tadmin unix//run/caddy/admin.sock|0600\n}\n", nil},
		"proxies on a socket, not strictly":       {`{"apps":{"http":{"servers":{"a":{"listen":[":443"],"trusted_proxies_unix":true}}}},"logging":{"logs":{"default":{"writer":{"output":"discard"}}}}}`, []string{"proxies_not_strict: server 'a' (:443) has trusted_proxies without trusted_proxies_strict"}},
	} {
		t.Run(name, func(t *testing.T) { expectFindings(t, examine(t, test.config), test.want...) })
	}
}

// providerOfDoctor is a configuration with a log-in by a provider, and a handler.
func providerOfDoctor(redirectURI, handler string) string {
	return `{"admin":{"disabled":true},"logging":{"logs":{"default":{"writer":{"output":"discard"}}}},"apps":{
		"http":{"servers":{"a":{"routes":[{"handle":[{"handler":"` + handler + `"}]}]}}},
		"caddyauth":{"providers":[{"name":"staff","issuer":"https://id.example.org","client_id":"ops","redirect_uri":"` + redirectURI + `"}]}}}`
}

func TestDoctorReadsFilesOfProvidersSecrets(t *testing.T) {
	if !ownersKnown {
		t.Skip("files have no Unix owner here")
	}
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, option := range []string{"secret", "client_secret"} {
		for mode, want := range map[os.FileMode][]string{
			0o600: nil,
			0o644: {"file_readable: '" + path + "' can be read by everybody on this machine (mode 0644)"},
			0o666: {"file_writable: '" + path + "' can be written by everybody on this machine (mode 0666)"},
		} {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			e := examine(t, `{"admin":{"disabled":true},"apps":{"caddyauth":{"providers":[
				{"name":"one","`+option+`":"{file.`+path+`}"},{"name":"two","`+option+`":"{file.`+path+`}"},
				{"name":"three","`+option+`":"{file.`+path+`.away}"},{"name":"four","`+option+`":"{env.SECRET}"}]}}}`)
			expectFindings(t, e, want...)
		}
	}
}

func TestDoctorMissesAConfigurationWhereOneIsNeeded(t *testing.T) {
	e := examine(t, "")
	expectFindings(t, e)
	e.needsConfig = true
	expectFindings(t, e, "no_configuration: there is no configuration to look at: servers, logs and the admin API were not checked")
}

func TestDoctorRefusesAConfigurationOfAnotherForm(t *testing.T) {
	for _, text := range []string{`[]`, `{"logging":[]}`, `{"apps":{"http":{"servers":{"a":{"trusted_proxies_strict":"yes"}}}}}`} {
		if c, err := readConfig([]byte(text)); err == nil || c != nil || statusOf(err) != http.StatusBadRequest {
			t.Errorf("%s: %v, %v", text, c, err)
		}
	}
}

func TestDoctorReadsFiles(t *testing.T) {
	if !ownersKnown {
		t.Skip("files have no Unix owner here")
	}
	chmod := func(name string, mode os.FileMode) func(*testing.T, *examination) {
		return func(t *testing.T, e *examination) {
			t.Helper()
			if err := os.Chmod(filepath.Join(filepath.Dir(e.settings.Location.Path), name), mode); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, test := range map[string]struct {
		change func(*testing.T, *examination)
		want   []string
	}{
		"for the owner alone":             {chmod("auth.db", 0o600), nil},
		"for a group":                     {chmod("auth.db", 0o660), nil},
		"a database for all to read":      {chmod("auth.db", 0o644), []string{"file_readable: '{DIR}/auth.db' can be read by everybody on this machine (mode 0644)"}},
		"a journal for all to read":       {chmod("auth.db-wal", 0o604), []string{"file_readable: '{DIR}/auth.db-wal' can be read by everybody on this machine (mode 0604)"}},
		"an index of the journal":         {chmod("auth.db-shm", 0o666), []string{"file_writable: '{DIR}/auth.db-shm' can be written by everybody on this machine (mode 0666)"}},
		"a database for all to write":     {chmod("auth.db", 0o602), []string{"file_writable: '{DIR}/auth.db' can be written by everybody on this machine (mode 0602)"}},
		"a pepper for all to read":        {chmod("pepper", 0o644), []string{"file_readable: '{DIR}/pepper' can be read by everybody on this machine (mode 0644)"}},
		"a directory for all to look at":  {chmod(".", 0o755), nil},
		"a directory for all to write to": {chmod(".", 0o777), []string{"file_writable: '{DIR}' can be written by everybody on this machine (mode 0777)"}},
		"no pepper":                       {func(_ *testing.T, e *examination) { e.settings.PepperFile += ".away" }, nil},
		"a pepper where all can write": {func(t *testing.T, e *examination) {
			t.Helper()
			dir := filepath.Join(filepath.Dir(e.settings.Location.Path), "peppers")
			pepper := filepath.Join(dir, "pepper")
			if err := errors.Join(os.Mkdir(dir, 0o700), os.Rename(e.settings.PepperFile, pepper), os.Chmod(dir, 0o777)); err != nil {
				t.Fatal(err)
			}
			e.settings.PepperFile = pepper
		}, []string{"file_writable: '{DIR}/peppers' can be written by everybody on this machine (mode 0777)"}},
		"a pepper at an unknown place": {func(_ *testing.T, e *examination) { e.settings.PepperFile = "" }, nil},
		"little room":                  {func(_ *testing.T, e *examination) { e.freeSpace = space(lowSpace-1, nil) }, []string{"disk_low: the file system of '{DIR}' has 99 MiB left"}},
		"room enough":                  {func(_ *testing.T, e *examination) { e.freeSpace = space(lowSpace, nil) }, nil},
		"room that nobody may know":    {func(_ *testing.T, e *examination) { e.freeSpace = space(0, os.ErrPermission) }, []string{"not_checked: permission denied"}},
		"room that cannot be known": {func(_ *testing.T, e *examination) {
			e.freeSpace = func(string) (uint64, bool, error) { return 0, false, nil }
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			e := examine(t, "")
			test.change(t, e)
			expectFindings(t, e, test.want...)
		})
	}
}

func TestDoctorReadsFilesOfClientSecrets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access")
	config := `{"logging":{"logs":{"default":{"encoder":{"format":"filter","fields":{
		"request>headers":{"filter":"credentials"HIDDEN},"resp_headers":{"filter":"credentials"},"request>uri":{"filter":"credentials"},"uri":{"filter":"delete"},"headers":{"filter":"delete"}}}}}},
		"apps":{"http":{"servers":{"a":{"routes":[{"handle":[
			{"handler":"client_secret","allow":["192.0.2.1"],"secrets_file":"` + path + `","header":"x-office"},
			{"handler":"client_secret","allow":["192.0.2.2"],"secrets_file":"` + path + `"}
		]}]}}}}}`
	const shown = "log_unfiltered: log 'default' shows the header 'X-Office' of client_secret; name it behind request>headers credentials"
	hidden := `,"headers":["X-Office"]`
	for _, test := range []struct {
		name, content, hidden string
		mode                  os.FileMode
		want                  []string
	}{
		{"not there yet", "", hidden, 0, nil},
		{"sound", "192.0.2.1:swordfish-of-the-office\n", hidden, 0o600, nil},
		{"a header of one's own that the log shows", "192.0.2.1:swordfish-of-the-office\n", "", 0o600, []string{shown}},
		{"broken", "what is this\n", hidden, 0o600, []string{"secrets_file_broken: secrets file '" + path + "': line 1: write 'entry:secret', a comment that begins with '#', or nothing"}},
		{"open to all", "192.0.2.1:swordfish-of-the-office\n", hidden, 0o644, []string{"secrets_file_broken: secrets file '" + path + "': it is open to everybody on this machine (mode 0644); run `chmod 600`, or 640 where a group reads it"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.mode != 0 {
				if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(path, test.mode); err != nil {
					t.Fatal(err)
				}
			}
			e := examine(t, strings.Replace(config, "HIDDEN", test.hidden, 1))
			expectFindings(t, e, test.want...)
		})
	}
}

// space is a file system with so much room.
func space(free uint64, err error) func(string) (uint64, bool, error) {
	return func(string) (uint64, bool, error) { return free, true, err }
}

func TestRoomIsMeasured(t *testing.T) {
	free, known, err := freeSpace(t.TempDir())
	if err != nil || known && free == 0 {
		t.Errorf("%d bytes, %v, %v", free, known, err)
	}
	if _, known, err := freeSpace(filepath.Join(t.TempDir(), "none")); known || ownersKnown && err == nil {
		t.Errorf("of a directory that is not there: %v, %v", known, err)
	}
}

func TestDoctorReadsTheClock(t *testing.T) {
	for name, test := range map[string]struct {
		off  time.Duration
		want string
	}{
		"right":            {0, ""},
		"later":            {240 * time.Hour, ""},
		"a little back":    {-clockSlack / 2, ""},
		"back by an hour":  {-time.Hour, "clock_wrong: the clock says NOW, but the audit trail has an event of THEN"},
		"back by 50 years": {-50 * 365 * 24 * time.Hour, "clock_wrong: the clock says NOW, when this program did not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			e := examine(t, "")
			events, err := e.target.registry.Events(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			e.now = e.now.Add(test.off)
			var want []string
			if test.want != "" {
				want = append(want, strings.NewReplacer("NOW", e.now.UTC().Format(time.RFC3339), "THEN", events[0].Time.UTC().Format(time.RFC3339)).Replace(test.want))
			}
			expectFindings(t, e, want...)
		})
	}
}

func TestDoctorReadsKeys(t *testing.T) {
	e := examine(t, "")
	const day = 24 * time.Hour
	ids := map[string]string{}
	for name, until := range map[string]time.Duration{"soon": 13 * day, "sooner": time.Hour, "later": 15 * day, "never": 0, "revoked": day, "disabled": day} {
		n := identity.NewKey{Username: "alice", Name: name, Scopes: principal.Read}
		if until != 0 {
			n.Expires = e.now.Add(until).Truncate(time.Second)
		}
		k, _, err := e.target.registry.IssueKey(t.Context(), "test", n)
		if err != nil {
			t.Fatal(err)
		}
		ids[name] = k.ID
	}
	if _, err := e.target.registry.RevokeKey(t.Context(), "test", store.KeyRef{ID: ids["revoked"]}, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := e.target.registry.DisableKey(t.Context(), "test", store.KeyRef{ID: ids["disabled"]}); err != nil {
		t.Fatal(err)
	}
	found, err := checkKeys(e)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, f := range found {
		text.WriteString(f.Code + " " + f.What + "\n")
	}
	for _, name := range []string{"soon", "sooner"} {
		want := fmt.Sprintf("key_expires key alice/%s (%s) expires ", name, ids[name])
		if strings.Count(text.String(), want) != 1 {
			t.Errorf("no '%s' in\n%s", want, text.String())
		}
	}
	if len(found) != 2 {
		t.Errorf("%d findings:\n%s", len(found), text.String())
	}
	if _, err := e.target.registry.DisableUser(t.Context(), "test", "alice"); err != nil {
		t.Fatal(err)
	}
	expectFindings(t, e)
}

func TestDoctorListsMoreKeysThanAPageHas(t *testing.T) {
	e := examine(t, "")
	for i := range pageSize + 1 {
		n := identity.NewKey{Username: "alice", Name: fmt.Sprintf("k%d", i), Expires: e.now.Add(time.Hour)}
		if _, _, err := e.target.registry.IssueKey(t.Context(), "test", n); err != nil {
			t.Fatal(err)
		}
	}
	if found, err := checkKeys(e); err != nil || len(found) != pageSize+1 {
		t.Errorf("%d findings, %v", len(found), err)
	}
}

func TestDoctorTellsWhyTheStoreCannotBeUsed(t *testing.T) {
	e := examine(t, "")
	e.target, e.opening = nil, fmt.Errorf("no door")
	expectFindings(t, e, "store_unusable: no door")
}

func TestDoctorTellsOnceWhatSeveralChecksMeet(t *testing.T) {
	e := examine(t, "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e.ctx = ctx
	expectFindings(t, e, "store_unusable: context canceled")
}

// TestEachAilmentIsUsed keeps the table of docs/operations.md from listing what
// nothing finds.
func TestEachAilmentIsUsed(t *testing.T) {
	files, err := filepath.Glob("doctor*.go")
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(text)
	}
	names := regexp.MustCompile(`(?m)^\t(\w+) += ailment\{`).FindAllStringSubmatch(source.String(), -1)
	if len(names) < 10 {
		t.Fatalf("%d kinds of findings; this test cannot read them", len(names))
	}
	for _, name := range names {
		if !strings.Contains(source.String(), name[1]+".of(") {
			t.Errorf("nothing finds '%s'", name[1])
		}
	}
}
