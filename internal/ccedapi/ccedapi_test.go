package ccedapi_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sallyport/sallyport/internal/allowlist"
	"github.com/sallyport/sallyport/internal/atomicfile"
	"github.com/sallyport/sallyport/internal/ccedapi"
)

// compare compares entries by their text.
var compare = cmp.Options{
	cmp.Transformer("text", func(e allowlist.Entry) string { return e.Text }),
	cmpopts.EquateEmpty(),
}

func TestTheDocumentedFile(t *testing.T) {
	path := filepath.Join("testdata", "cced-api.conf")
	c, err := ccedapi.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	want := &ccedapi.Config{
		Path:        path,
		Socket:      "/usr/sausalito/cced.socket",
		ReadTimeout: 300 * time.Second,
		Host:        "0.0.0.0", Port: 9092,
		CertFile:   "/etc/cced-api/certs/certificate",
		KeyFile:    "/etc/cced-api/certs/key",
		CACertFile: "/etc/cced-api/certs/ca-certs",
		Logging:    true, DebugLog: true,
		Access:        []allowlist.Entry{{Text: "191.89.131.84/32"}},
		TokenLifetime: 300 * time.Second,
		AuthFails:     5, BanTime: 60 * time.Second,
	}
	if difference := cmp.Diff(want, c, compare); difference != "" {
		t.Error(difference)
	}
}

func TestWhatFilesMayHold(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want ccedapi.Config
	}{
		"nothing":                  {"", ccedapi.Config{}},
		"comments and empty lines": {"\n# token_lifetime = 5\n  # more\n\t\n", ccedapi.Config{}},
		"values that are empty":    {"api_access = \ntoken_lifetime =\nlisten_address=\ncert_file=\nlogging=", ccedapi.Config{}},
		"0 for the default":        {"token_lifetime = 0", ccedapi.Config{}},
		"blanks or none":           {"  token_lifetime=5\napi_auth_fails\t=\t7  ", ccedapi.Config{TokenLifetime: 5 * time.Second, AuthFails: 7}},
		"line ends of Windows":     {"token_lifetime = 5\r\nlogging = true\r\n", ccedapi.Config{TokenLifetime: 5 * time.Second, Logging: true}},
		"TRUE and False":           {"logging = TRUE\ndebuglog = False\nenable_http = true", ccedapi.Config{Logging: true, EnableHTTP: true}},
		"'=' in a value":           {"key_file = /etc/a=b", ccedapi.Config{KeyFile: "/etc/a=b"}},
		"'#' and blanks in a value": {
			"cert_file = /etc/my certs/#1",
			ccedapi.Config{CertFile: "/etc/my certs/#1"},
		},
		"entries with blanks, none and twice": {
			"api_access = 10.0.0.1 ,, 2001:db8::/64,10.0.0.1/32,",
			ccedapi.Config{Access: []allowlist.Entry{{Text: "10.0.0.1"}, {Text: "2001:db8::/64"}}},
		},
		"all addresses":    {"listen_address = :9093", ccedapi.Config{Port: 9093}},
		"an IPv6 address":  {"listen_address = [::1]:9092", ccedapi.Config{Host: "::1", Port: 9092}},
		"a name":           {"listen_address = localhost:9092", ccedapi.Config{Host: "localhost", Port: 9092}},
		"the longest time": {"api_ban_time = 31536000", ccedapi.Config{BanTime: 365 * 24 * time.Hour}},
		"keys of others": {
			"# x\nproxy = yes\ntoken_lifetime = 5\nTOKEN_LIFETIME = 6\nnew.key-1 =",
			ccedapi.Config{TokenLifetime: 5 * time.Second, Unknown: []ccedapi.UnknownKey{{2, "proxy"}, {4, "TOKEN_LIFETIME"}, {5, "new.key-1"}}},
		},
	} {
		got, err := ccedapi.Parse([]byte(c.text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if difference := cmp.Diff(&c.want, got, compare); difference != "" {
			t.Errorf("%s: %s", name, difference)
		}
	}
}

func TestLinesThatAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"token_lifetime 5":                      "line 1: write 'key = value', a comment that begins with '#', or nothing",
		"\n\n= hunter2":                         "line 3: write 'key = value', a comment that begins with '#', or nothing",
		"hunter2 hunter2 = x":                   "line 1: write 'key = value', a comment that begins with '#', or nothing",
		strings.Repeat("x", 33) + " = 1":        "line 1: write 'key = value', a comment that begins with '#', or nothing",
		"[api]":                                 "line 1: write 'key = value', a comment that begins with '#', or nothing",
		"\ufefflogging = true":                  "line 1: it begins with a byte order mark; save the file as UTF-8 without one",
		"logging = true\n#\nlogging = true":     "line 3, 'logging': line 1 has it, too; delete one of them",
		"proxy = hunter2\nproxy = hunter2":      "line 2, 'proxy': line 1 has it, too; delete one of them",
		"logging = hunter2":                     "line 1, 'logging': write true or false",
		"enable_http = 1":                       "line 1, 'enable_http': write true or false",
		"debuglog = \"true\"":                   "line 1, 'debuglog': write true or false",
		"token_lifetime = 5m":                   "line 1, 'token_lifetime': write whole seconds up to 31536000, without a unit",
		"api_ban_time = -1":                     "line 1, 'api_ban_time': write whole seconds up to 31536000, without a unit",
		"socket_read_timeout = 31536001":        "line 1, 'socket_read_timeout': write whole seconds up to 31536000, without a unit",
		"api_auth_fails = 1000001":              "line 1, 'api_auth_fails': write a whole number up to 1000000",
		"api_auth_fails = 5.5":                  "line 1, 'api_auth_fails': write a whole number up to 1000000",
		"api_auth_fails = 99999999999999999999": "line 1, 'api_auth_fails': write a whole number up to 1000000",
		"unix_socket_path = cced.socket":        "line 1, 'unix_socket_path': write an absolute path without '..', quotes, braces, backslashes and control characters",
		"cert_file = /etc/../root/x":            "line 1, 'cert_file': write an absolute path without '..', quotes, braces, backslashes and control characters",
		"key_file = /etc/{env.X}":               "line 1, 'key_file': write an absolute path without '..', quotes, braces, backslashes and control characters",
		"key_file = \"/etc/key\"":               "line 1, 'key_file': write an absolute path without '..', quotes, braces, backslashes and control characters",
		"ca_cert_file = /etc/a\tb":              "line 1, 'ca_cert_file': write an absolute path without '..', quotes, braces, backslashes and control characters",
		"ca_cert_file = /etc/a`b":               "line 1, 'ca_cert_file': write an absolute path without '..', quotes, braces, backslashes and control characters",
		"listen_address = :":                    "line 1, 'listen_address': write an address and a port, such as 127.0.0.1:9092 or [::1]:9092",
		"listen_address = 127.0.0.1":            "line 1, 'listen_address': write an address and a port, such as 127.0.0.1:9092 or [::1]:9092",
		"listen_address = 127.0.0.1:0":          "line 1, 'listen_address': write an address and a port, such as 127.0.0.1:9092 or [::1]:9092",
		"listen_address = 127.0.0.1:65536":      "line 1, 'listen_address': write an address and a port, such as 127.0.0.1:9092 or [::1]:9092",
		"listen_address = 127.0.0.1:https":      "line 1, 'listen_address': write an address and a port, such as 127.0.0.1:9092 or [::1]:9092",
		"listen_address = [fe80::1%eth0]:9092":  "line 1, 'listen_address': write an address and a port, such as 127.0.0.1:9092 or [::1]:9092",
		"listen_address = a b:9092":             "line 1, 'listen_address': write an address and a port, such as 127.0.0.1:9092 or [::1]:9092",
		"listen_address = -x:9092":              "line 1, 'listen_address': write an address and a port, such as 127.0.0.1:9092 or [::1]:9092",
		"api_access = 10.0.0.1,10.0.0.256":      "line 1, 'api_access': entry '10.0.0.256': write an address or a network, such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/64",
		"api_access = 10.0.0.1 10.0.0.2":        "line 1, 'api_access': entry '10.0.0.1 10.0.0.2': write an address or a network, such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/64",
		"#" + strings.Repeat("x", 1<<20):        "it has more than 1048576 bytes",
	} {
		_, err := ccedapi.Parse([]byte(text))
		if err == nil || err.Error() != want {
			t.Errorf("'%.60s': %v, want %s", text, err, want)
		}
		if line, is := errors.AsType[*ccedapi.LineError](err); is && (line.Number == 0 || line.Unwrap() == nil) {
			t.Errorf("'%.60s': %v", text, line)
		}
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	if _, err := ccedapi.Read(dir); !errors.Is(err, atomicfile.ErrNotRegular) || !strings.Contains(err.Error(), "configuration of cced-api, '"+dir+"'") {
		t.Errorf("a directory: %v", err)
	}
	if _, err := ccedapi.Read(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "configuration of cced-api: ") {
		t.Errorf("no file: %v", err)
	}
	broken := filepath.Join(dir, "broken")
	if err := os.WriteFile(broken, []byte("\nlogging"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ccedapi.Read(broken); err == nil || !strings.HasPrefix(err.Error(), "configuration of cced-api, '"+broken+"': line 2: write") {
		t.Errorf("a broken file: %v", err)
	}
}

// It says who may ask.
func TestAFileThatEverybodyMayWriteIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cced-api.conf")
	for mode, refused := range map[fs.FileMode]bool{0o600: false, 0o644: false, 0o664: false, 0o646: true, 0o602: true, 0o666: true} {
		if err := os.WriteFile(path, []byte("api_access = 192.0.2.0/24\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := ccedapi.Read(path)
		if (err != nil) != refused {
			t.Errorf("mode %04o: %v", mode, err)
		}
		if want := fmt.Sprintf("'%s': everybody on this machine may write it (mode %04o); run `chmod o-w`", path, mode); refused && err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("mode %04o: %v", mode, err)
		}
	}
}

func TestTheSiteBlockListensWhereTheServiceDoes(t *testing.T) {
	for name, c := range map[string]struct {
		config ccedapi.Config
		want   string
	}{
		"a file that says nothing": {ccedapi.Config{}, `https://:9092 {
	bind 127.0.0.1
	tls /etc/cced-api/certs/certificate /etc/cced-api/certs/key
	cce /v2/cce {
		import_conf /etc/cced-api/config/cced-api.conf
	}
}
`},
		"all IPv4 addresses": {ccedapi.Config{Host: "0.0.0.0", Port: 9092, CertFile: "/etc/pki/certificate", KeyFile: "/etc/pki/key"}, `https://:9092 {
	bind 0.0.0.0
	tls /etc/pki/certificate /etc/pki/key
	cce /v2/cce {
		import_conf /etc/cced-api/config/cced-api.conf
	}
}
`},
		"all addresses, and paths with blanks": {ccedapi.Config{Port: 9093, CertFile: "/etc/my certs/#1", Path: `/etc/a "b"`}, `https://:9093 {
	tls "/etc/my certs/#1" /etc/cced-api/certs/key
	cce /v2/cce {
		import_conf "/etc/a \"b\""
	}
}
`},
		"an IPv6 address": {ccedapi.Config{Host: "2001:db8::1", Port: 9092}, `https://:9092 {
	bind [2001:db8::1]
	tls /etc/cced-api/certs/certificate /etc/cced-api/certs/key
	cce /v2/cce {
		import_conf /etc/cced-api/config/cced-api.conf
	}
}
`},
	} {
		if got := c.config.SiteBlock(); got != c.want {
			t.Errorf("%s: %s", name, cmp.Diff(c.want, got))
		}
	}
}

func FuzzParse(f *testing.F) {
	documented, err := os.ReadFile(filepath.Join("testdata", "cced-api.conf"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(documented)
	f.Add([]byte("listen_address = [::1]:1\ncert_file = /a b\nx = y\r\n\r\n#"))
	f.Fuzz(func(t *testing.T, content []byte) {
		c, err := ccedapi.Parse(content)
		if err != nil {
			return
		}
		// Nothing of a file may end a line of the block or begin another one.
		if block := c.SiteBlock(); strings.Count(block, "\n") > 7 || strings.Count(block, "{") != 2 || strings.ContainsAny(block, "\r\x00`") {
			t.Errorf("'%s' makes\n%s", content, block)
		}
	})
}
