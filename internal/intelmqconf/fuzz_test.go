package intelmqconf_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
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

// FuzzPositions: positions are the data that encoding/json reads, or an error of the
// file. What was saved over them is what is read, and only where If-Match allows it.
func FuzzPositions(f *testing.F) {
	for _, text := range []string{"", "[]", `{"a":{"x":1,"y":-2.5e3}}`, `{"a":1,"a":2}`, "null", "{", "{\"\xff\":1}", `{"\ud800":1}`} {
		f.Add([]byte(text), []byte(`{"b":{"x":1.0}}`), "*")
		f.Add([]byte(text), []byte(text), `"x", W/"y"`)
	}
	f.Fuzz(func(t *testing.T, content, body []byte, ifMatch string) {
		var p intelmqconf.Positions
		path := put(t, string(content))
		before, err := p.Read(path)
		expectData(t, content, before, err)
		saved, err := p.Save(path, body, intelmqconf.Saving{IfMatch: ifMatch})
		if err != nil {
			expectUntouched(t, path, string(content))
			return
		}
		if ifMatch != "" && !strings.Contains(ifMatch, "*") && !strings.Contains(ifMatch, before.ETag) {
			t.Fatalf("%q let %s be replaced", ifMatch, before.ETag)
		}
		after, err := p.Read(path)
		check(t, err)
		if !bytes.Equal(after.JSON, saved.Document.JSON) || after.ETag != saved.Document.ETag {
			t.Fatalf("reads as %s, and was said to be %s", after.JSON, saved.Document.JSON)
		}
	})
}

// FuzzHarmonization: the fields are the data that encoding/json reads, or an error of
// the file.
func FuzzHarmonization(f *testing.F) {
	f.Add([]byte(`{"event":{"time.source":{"type":"DateTime","description":"a\u00fc"}},"report":{}}`))
	f.Add([]byte(`{"event":{"a":{"type":"x"},"a":1e400}}`))
	f.Add([]byte(" [ ] "))
	f.Fuzz(func(t *testing.T, content []byte) {
		var h intelmqconf.Harmonization
		d, err := h.Read(put(t, string(content)))
		expectData(t, content, d, err)
	})
}

// expectData compares a document with the file that it was read from.
func expectData(t *testing.T, content []byte, d *intelmqconf.Document, err error) {
	t.Helper()
	if err != nil {
		if _, is := errors.AsType[*intelmqconf.FileError](err); !is {
			t.Fatal(err)
		}
		return
	}
	var got, want map[string]any
	if err := json.Unmarshal(d.JSON, &got); err != nil && json.Valid(d.JSON) {
		return // a number that has no room in a float64
	} else if err != nil {
		t.Fatalf("%s: %v", d.JSON, err)
	}
	if empty := bytes.TrimSpace(content); len(empty) == 0 || empty[0] == '[' {
		if len(got) > 0 {
			t.Fatalf("%q is read as %s", content, d.JSON)
		}
		return
	}
	if err := json.Unmarshal(content, &want); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%q is read as %s, %v", content, d.JSON, err)
	}
}
