package intelmqconf_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/sallyport/sallyport/internal/intelmqconf"
)

// FuzzRead: whatever is in a runtime.yaml is valid JSON, or an error of the file.
// Saving it back changes nothing.
func FuzzRead(f *testing.F) {
	for _, s := range append(samples(f, "yaml-samples.json"), samples(f, "yaml-more.json")...) {
		f.Add([]byte(s.text()))
	}
	f.Add([]byte(fixture(f, "runtime.yaml")))
	f.Fuzz(func(t *testing.T, text []byte) {
		var r intelmqconf.Runtime
		path := put(t, string(text))
		d, err := r.Read(path)
		if err != nil {
			if _, is := errors.AsType[*intelmqconf.FileError](err); !is {
				t.Fatal(err)
			}
			return
		}
		if !json.Valid(d.JSON) {
			t.Fatalf("not JSON: %s", d.JSON)
		}
		if saved, err := r.Save(path, d.JSON, intelmqconf.Saving{}); err == nil && saved.Written {
			t.Fatalf("%s is not what it was", d.JSON)
		}
	})
}

// FuzzSave: what was saved over any file reads as what was saved, or the file is as
// it was.
func FuzzSave(f *testing.F) {
	bodies := []string{fixture(f, "manager-post-runtime.json"), fixture(f, "yaml-dump.json"), `{"a":{"x":[{"b":[[1]]},"\u2028"," "],"":{"<<":1e-9}}}`}
	for _, s := range append(samples(f, "yaml-samples.json"), samples(f, "yaml-more.json")...) {
		f.Add([]byte(s.text()), []byte(bodies[len(s.YAML)%3]))
	}
	f.Add([]byte(fixture(f, "runtime.yaml")), []byte(bodies[0]))
	f.Add([]byte("# c\na:\n  # d\n  x:\n  - 1 # one\n  -  {b: [[1]]}\n  w: |+\n    t\n\nb: &b {}\nc: *b\n"), []byte(bodies[2]))
	f.Fuzz(func(t *testing.T, old, body []byte) {
		var r intelmqconf.Runtime
		path := put(t, string(old))
		saved, err := r.Save(path, body, intelmqconf.Saving{})
		if err != nil {
			if errors.Is(err, intelmqconf.ErrNotSaved) {
				t.Fatal(err)
			}
			expectUntouched(t, path, string(old))
			return
		}
		d, err := r.Read(path)
		check(t, err)
		if !bytes.Equal(d.JSON, saved.Document.JSON) {
			t.Fatalf("reads as %s, and was said to be %s", d.JSON, saved.Document.JSON)
		}
		again, err := r.Save(path, body, intelmqconf.Saving{})
		check(t, err)
		if again.Written {
			text, _ := os.ReadFile(path)
			t.Fatalf("'%s' is not what was saved", text)
		}
	})
}
