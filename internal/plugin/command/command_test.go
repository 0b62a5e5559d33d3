package command

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/internal/allowlist"
	"github.com/sallyport/sallyport/internal/plugin/admin"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name: "test", Short: "Is a test",
		CobraFunc: func(root *cobra.Command) {
			root.Use = "test"
			secrets := Secrets{Parent: "caddy test secret", File: "/etc/access", Option: "'access_file' of a test"}
			root.AddCommand(Group("secret", "Manages secrets", secrets.Commands()...), exitCommand(), listCommand())
			RefuseUnknown(root)
		},
	})
}

// exitCommand ends with an error of the kind that is named.
func exitCommand() *cobra.Command {
	return Verb(cobra.Command{Use: "exit <kind>", Short: "Ends", Args: cobra.ExactArgs(1)}, nil, func(r *Run, args []string) error {
		return map[string]error{"usage": &UsageError{"not this"}, "quiet": &Exit{20}, "other": errors.New("broken")}[args[0]]
	})
}

func listCommand() *cobra.Command {
	var asJSON bool
	c := Verb(cobra.Command{Use: "list", Short: "Lists letters in two pages"}, nil, func(r *Run, _ []string) error {
		return List(r, asJSON, "LETTER", func(s string) string { return s }, func(last *string) ([]string, bool, error) {
			if last == nil {
				return []string{"a", "b"}, false, nil
			}
			return []string{"after " + *last}, true, nil
		})
	})
	c.Flags().BoolVar(&asJSON, "json", false, "Write a JSON array")
	return c
}

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"caddy": caddycmd.Main})
}

// TestCommands runs the scripts in testdata/script.
func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			return nil
		},
	})
}

func TestErrorsHaveExitCodes(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want int
	}{
		"none":                        {nil, 0},
		"a value that is refused":     {fmt.Errorf("more: %w", &UsageError{"not this"}), 2},
		"no such entry":               {fmt.Errorf("more: %w", allowlist.ErrNoEntry), 3},
		"refused by a server":         {&admin.RefusedError{Status: http.StatusBadRequest}, 2},
		"not found by a server":       {&admin.RefusedError{Status: http.StatusNotFound}, 3},
		"a conflict for a server":     {&admin.RefusedError{Status: http.StatusConflict}, 4},
		"a fault of a server":         {&admin.RefusedError{Status: http.StatusServiceUnavailable}, 5},
		"no server that has the app":  {&admin.NoServerError{App: "x", Err: &admin.RefusedError{Status: http.StatusNotFound}}, 5},
		"anything else, such as this": {errors.New("broken"), 5},
	} {
		if got := ExitCode(test.err); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

func TestTheConfigurationIsReadByItsName(t *testing.T) {
	t.Chdir(t.TempDir())
	if config, file, err := new(ConfigFlags).Load(); config != nil || file != "" || err != nil {
		t.Errorf("without any file: '%s' '%s' %v", config, file, err)
	}
	for name, content := range map[string]string{"Caddyfile": ":80\n", "site.caddyfile": ":80\n", "caddy.json": `{"apps":{}}`} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		f := ConfigFlags{Config: name}
		if config, file, err := f.Load(); err != nil || file != name || !strings.HasPrefix(string(config), "{") {
			t.Errorf("%s: '%s' '%s' %v", name, config, file, err)
		}
	}
	if _, file, err := new(ConfigFlags).Load(); file != "Caddyfile" || err != nil {
		t.Errorf("by default: '%s' %v", file, err)
	}
	for want, f := range map[string]ConfigFlags{
		"no such file":                     {Config: filepath.Join("none", "Caddyfile")},
		"is not JSON; name its adapter":    {Config: "other.conf"},
		"--adapter 'yml' is unknown":       {Config: "other.conf", Adapter: "yml"},
		"unrecognized directive: nonsense": {Config: "other.conf", Adapter: "caddyfile"},
	} {
		if err := os.WriteFile("other.conf", []byte(":80 {\n\tnonsense\n}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := f.Load(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want …%s…", err, want)
		}
	}
}

func TestAnAddressThatIsNoneIsAUsageError(t *testing.T) {
	f := ConfigFlags{Address: "localhost:1-9"}
	_, err := f.Server("test", nil, "")
	if _, misused := errors.AsType[*UsageError](err); !misused {
		t.Errorf("%v", err)
	}
	f.Address = "localhost:2019"
	if server, err := f.Server("test", nil, ""); err != nil || server.Address != "localhost:2019" {
		t.Errorf("%v", err)
	}
}
