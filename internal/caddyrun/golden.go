package caddyrun

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/google/go-cmp/cmp"
)

// Update is the flag -update, with which tests write their golden files anew.
var Update = flag.Bool("update", false, "write the golden files anew")

// Golden turns each Caddyfile in testdata/adapt into JSON. In a golden file the
// Caddyfile stands above a line of ten dashes, and below it the JSON, or the words
// of the error.
func Golden(t *testing.T) {
	const dashes = "----------\n"
	files, err := filepath.Glob("testdata/adapt/*.caddyfiletest")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d golden files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".caddyfiletest"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			input, want, found := strings.Cut(string(text), dashes)
			if !found {
				t.Fatal("there is no line of ten dashes")
			}
			got, adapted := adaptIndented(t, input)
			if *Update {
				if err := os.WriteFile(file, []byte(input+dashes+got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if formatted := string(caddyfile.Format([]byte(input))); adapted && formatted != input {
				t.Errorf("caddy fmt writes it otherwise (-here +fmt):\n%s", cmp.Diff(input, formatted))
			}
		})
	}
}

// adaptIndented is Adapt, with the words of the error for JSON if there is one.
func adaptIndented(t *testing.T, input string) (text string, adapted bool) {
	config, err := Adapt(input)
	if err != nil {
		return err.Error() + "\n", false
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, config, "", "\t"); err != nil {
		t.Fatal(err)
	}
	return indented.String() + "\n", true
}
