package intelmqconf_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/intelmqconf"
)

func TestPositionsAndHarmonizationAreRead(t *testing.T) {
	var p intelmqconf.Positions
	var h intelmqconf.Harmonization
	for name, c := range map[string]struct {
		text                     string
		positions, harmonization string
		err                      error
	}{
		"an empty file":           {"", "{}", "", intelmqconf.ErrEmpty},
		"blanks":                  {" \n", "{}", "", intelmqconf.ErrEmpty},
		"an empty list":           {"[]", "{}", "{}", nil},
		"an empty object":         {"{ }", "{}", "{}", nil},
		"the order and the words": {`{"b":1,"a":"é<>&\u2028\/\u00e9"}`, "{\"b\":1,\"a\":\"é<>&\u2028/é\"}", "{\"b\":1,\"a\":\"é<>&\u2028/é\"}", nil},
		"floats":                  {`{"a":1e3,"b":1.50,"c":-0,"d":1e-7,"e":12345678901234567890}`, `{"a":1000.0,"b":1.5,"c":0,"d":1e-07,"e":12345678901234567890}`, `{"a":1000.0,"b":1.5,"c":0,"d":1e-07,"e":12345678901234567890}`, nil},
		"the last of two":         {`{"a":1,"b":2,"a":3}`, `{"a":3,"b":2}`, `{"a":3,"b":2}`, nil},
		"a list":                  {`[1]`, "", "", intelmqconf.ErrNotObject},
		"a word":                  {`"x"`, "", "", intelmqconf.ErrNotObject},
		"half":                    {`{"a":`, "", "", intelmqconf.ErrSyntax},
		"no number":               {`{"a":NaN}`, "", "", intelmqconf.ErrSyntax},
	} {
		t.Run(name, func(t *testing.T) {
			path := put(t, c.text)
			expectDocument(t, c.positions, c.err)(p.Read(path))
			expectDocument(t, c.harmonization, c.err)(h.Read(path))
		})
	}
	missing := filepath.Join(t.TempDir(), "missing")
	expectDocument(t, "{}", nil)(p.Read(missing))
	expectDocument(t, "{}", nil)(h.Read(missing))
}

// expectDocument wants a JSON text, or where that is empty an error.
func expectDocument(t *testing.T, want string, wantErr error) func(*intelmqconf.Document, error) {
	return func(d *intelmqconf.Document, err error) {
		t.Helper()
		if want == "" {
			if !errors.Is(err, wantErr) {
				t.Errorf("%v, want '%v'", err, wantErr)
			}
		} else if err != nil || string(d.JSON) != want {
			t.Errorf("%v, %v, want %s", d, err, want)
		}
	}
}

func TestPositionsAreWrittenAsPythonWritesThem(t *testing.T) {
	for body, want := range map[string]string{
		fixture(t, "manager-post-positions.json"):                                 fixture(t, "manager-post-positions.json"),
		`{"é":"☃😀\u007f\n/","n":[1.5,-2,1e3,null,true],"e":{},"l":[],"d":[[{}]]}`: "{\n    \"\\u00e9\": \"\\u2603\\ud83d\\ude00\\u007f\\n/\",\n    \"n\": [\n        1.5,\n        -2,\n        1e3,\n        null,\n        true\n    ],\n    \"e\": {},\n    \"l\": [],\n    \"d\": [\n        [\n            {}\n        ]\n    ]\n}",
	} {
		var p intelmqconf.Positions
		path := put(t, "{}")
		saved, err := p.Save(path, []byte(body), intelmqconf.Saving{})
		check(t, err)
		text, err := os.ReadFile(path)
		check(t, err)
		if diff := cmp.Diff(want, string(text)); diff != "" || !saved.Written {
			t.Errorf("written %v (-want +saved)\n%s", saved.Written, diff)
		}
		if d, err := p.Read(path); err != nil || string(d.JSON) != string(saved.Document.JSON) {
			t.Errorf("reads as %v, %v, and was said to be %s", d, err, saved.Document.JSON)
		}
		if saved, err = p.Save(path, []byte(body), intelmqconf.Saving{}); err != nil || saved.Written {
			t.Errorf("the same once more: %+v, %v", saved, err)
		}
		expectUntouched(t, path, want)
	}
}

func TestTheRecordedPositionsSaveToTheSameBytes(t *testing.T) {
	var p intelmqconf.Positions
	path := put(t, "")
	_, err := p.Save(path, []byte(fixture(t, "positions.conf.http")), intelmqconf.Saving{})
	check(t, err)
	expectUntouched(t, path, strings.TrimSuffix(fixture(t, "positions.conf"), "\n"))
}

func TestTheFolderOfPositionsIsMade(t *testing.T) {
	var p intelmqconf.Positions
	above := t.TempDir()
	check(t, os.Chmod(above, 0o775))
	path := filepath.Join(above, "manager", "positions.conf")
	saved, err := p.Save(path, []byte(`{"a":1}`), intelmqconf.Saving{})
	check(t, err)
	expectUntouched(t, path, "{\n    \"a\": 1\n}")
	folder, err := os.Stat(filepath.Dir(path))
	check(t, err)
	file, err := os.Stat(path)
	check(t, err)
	if !saved.Written || folder.Mode().Perm() != 0o775 || file.Mode().Perm() != 0o664 {
		t.Errorf("the folder has %v, the file %v", folder.Mode(), file.Mode())
	}
	// But only that one.
	_, err = p.Save(filepath.Join(above, "no", "manager", "positions.conf"), []byte(`{"a":1}`), intelmqconf.Saving{})
	if !errors.Is(err, intelmqconf.ErrMissing) {
		t.Errorf("%v", err)
	}
}

func TestPositionsThatWouldHarmAreRefused(t *testing.T) {
	const old = `{"a":1}`
	for body, want := range map[string]error{
		"": intelmqconf.ErrEmpty, "[]": intelmqconf.ErrNotObject, "1": intelmqconf.ErrNotObject, "null": intelmqconf.ErrNotObject,
		"{bad": intelmqconf.ErrSyntax, `{"a":1,"a":2}`: intelmqconf.ErrDuplicateKey, "{}": intelmqconf.ErrEmptyObject,
	} {
		var p intelmqconf.Positions
		path := put(t, old)
		_, err := p.Save(path, []byte(body), intelmqconf.Saving{})
		if _, is := errors.AsType[*intelmqconf.BodyError](err); !is || !errors.Is(err, want) {
			t.Errorf("'%s': %v, want '%v'", body, err, want)
		}
		expectUntouched(t, path, old)
	}
}

func TestNoPositionsAreSavedOnlyWhereThereAreNone(t *testing.T) {
	for old, allowed := range map[string]bool{"": true, "{}": true, "[]": true, "{\n}": true, "half {": false, `{"a":1}`: false} {
		var p intelmqconf.Positions
		path := put(t, old)
		saved, err := p.Save(path, []byte("{}"), intelmqconf.Saving{})
		if allowed != (err == nil) || saved.Written {
			t.Errorf("'%s': %+v, %v", old, saved, err)
		}
		expectUntouched(t, path, old)
	}
	var p intelmqconf.Positions
	if saved, err := p.Save(filepath.Join(t.TempDir(), "manager", "positions.conf"), []byte("{}"), intelmqconf.Saving{}); err != nil || saved.Written {
		t.Errorf("%+v, %v", saved, err)
	}
}

func TestIfMatchHoldsForPositionsToo(t *testing.T) {
	for old, c := range map[string]struct {
		header string
		want   error
	}{
		`{"a":1}`: {`"other"`, intelmqconf.ErrChanged},
		`{"a":2}`: {"*", nil},
		"half {":  {"*", intelmqconf.ErrChanged},
	} {
		var p intelmqconf.Positions
		path := put(t, old)
		_, err := p.Save(path, []byte(`{"b":1}`), intelmqconf.Saving{IfMatch: c.header})
		if !errors.Is(err, c.want) {
			t.Errorf("'%s': %v", old, err)
		}
		if c.want != nil {
			expectUntouched(t, path, old)
		}
	}
	var p intelmqconf.Positions
	path := put(t, `{"a":1}`)
	d, err := p.Read(path)
	check(t, err)
	for _, want := range []error{nil, intelmqconf.ErrChanged} {
		if _, err := p.Save(path, []byte(`{"b":1}`), intelmqconf.Saving{IfMatch: d.ETag}); !errors.Is(err, want) {
			t.Errorf("%v, want '%v'", err, want)
		}
	}
}
