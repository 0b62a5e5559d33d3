package intelmqctl

import (
	"encoding/json"
	"strings"
	"testing"
)

func printedPaths(t *testing.T, folder, file string) []byte {
	t.Helper()
	text, err := json.Marshal(map[string]any{"paths": map[string]string{"CONFIG_DIR": folder, "RUNTIME_CONF_FILE": file}})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestThePathsOfAnInstallationAreCleaned(t *testing.T) {
	for _, said := range [][2]string{
		{"/opt/intelmq/etc", "/opt/intelmq/etc/runtime.yaml"},
		{"/opt/intelmq/etc/", "/opt/intelmq/etc//runtime.yaml"},
		{"/opt/intelmq/x/../etc", "/opt/intelmq/./etc/runtime.yaml"},
	} {
		at, err := ParsePaths(printedPaths(t, said[0], said[1]))
		if err != nil || at != InstallationAt("/opt/intelmq/etc") {
			t.Errorf("%v: %v, %v", said, at, err)
		}
	}
}

// Whoever has taken over IntelMQ's user can print what he likes.
func TestPathsThatIntelMQHasNotAreRefused(t *testing.T) {
	const etc = "/opt/intelmq/etc"
	for name, c := range map[string]struct{ folder, file, want string }{
		"a relative folder":             {"etc", "etc/runtime.yaml", "whole paths"},
		"a relative file":               {etc, "runtime.yaml", "whole paths"},
		"no folder":                     {"", etc + "/runtime.yaml", "whole paths"},
		"no file":                       {etc, "", "whole paths"},
		"a file of another name":        {etc, etc + "/autosave.json", "has to be '/opt/intelmq/etc/runtime.yaml'"},
		"a file of another folder":      {etc, "/var/lib/caddy/runtime.yaml", "has to be"},
		"a file below the folder":       {etc, etc + "/sub/runtime.yaml", "has to be"},
		"a path that leaves the folder": {etc, etc + "/../x/runtime.yaml", "has to be"},
		"a line feed in the folder":     {"/opt/a\nb", "/opt/a\nb/runtime.yaml", "control characters"},
		"an escape in the file":         {etc, etc + "/\x1b[2J/../runtime.yaml", "control characters"},
		"a NUL":                         {"/opt/\x00", "/opt/\x00/runtime.yaml", "control characters"},
	} {
		if at, err := ParsePaths(printedPaths(t, c.folder, c.file)); err == nil || !strings.Contains(err.Error(), c.want) || strings.ContainsAny(err.Error(), "\n\x1b\x00") {
			t.Errorf("%s: %v, %v, want '…%s…'", name, at, err, c.want)
		}
	}
	if _, err := ParsePaths([]byte("no JSON")); err == nil {
		t.Error("what is no JSON is read")
	}
}
