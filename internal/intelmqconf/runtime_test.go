package intelmqconf_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/intelmqconf"
)

func TestTheRecordedFilesAreReadAsRecorded(t *testing.T) {
	var runtime intelmqconf.Runtime
	var positions intelmqconf.Positions
	var harmonization intelmqconf.Harmonization
	for name, read := range map[string]func(string) (*intelmqconf.Document, error){
		"runtime.yaml":       runtime.Read,
		"positions.conf":     positions.Read,
		"harmonization.conf": harmonization.Read,
	} {
		d, err := read(filepath.Join("testdata", name))
		check(t, err)
		if diff := cmp.Diff(fixture(t, name+".http"), string(d.JSON)); diff != "" {
			t.Errorf("%s (-recorded +read)\n%s", name, diff)
		}
	}
}

// sample is a runtime.yaml, and what the service that is replaced answers. Those in
// yaml-samples.json are recorded there; those in yaml-more.json are what the reader
// that it uses, ruamel.yaml 0.17.21, makes of them.
type sample struct {
	Document string `json:"document"`
	YAML     string `json:"yaml"`
	Status   int    `json:"http_status"`
	Body     string `json:"http_body"`
	// Reason is why we answer something else.
	Reason string `json:"reason"`
}

func (s sample) text() string {
	if s.Document != "" {
		return s.YAML
	}
	return "x:\n  k: " + s.YAML + "\n"
}

func samples(t testing.TB, file string) []sample {
	t.Helper()
	var list []sample
	check(t, json.Unmarshal([]byte(fixture(t, file)), &list))
	return list
}

func TestEachYAMLSampleIsReadAsRecorded(t *testing.T) {
	differences := map[string]sample{}
	for _, s := range samples(t, "yaml-differences.json") {
		differences[s.YAML] = s
		if s.Reason == "" {
			t.Errorf("a difference without a reason: %s", s.YAML)
		}
	}
	for _, s := range append(samples(t, "yaml-samples.json"), samples(t, "yaml-more.json")...) {
		if ours, differs := differences[s.YAML]; differs {
			delete(differences, s.YAML)
			s.Status, s.Body = ours.Status, ours.Body
		}
		t.Run(s.Document+" "+s.YAML, func(t *testing.T) {
			var r intelmqconf.Runtime
			d, err := r.Read(put(t, s.text()))
			switch {
			case s.Status != 200 && err == nil:
				t.Errorf("read as %s, want an error", d.JSON)
			case s.Status == 200 && err != nil:
				t.Error(err)
			case s.Status == 200 && string(d.JSON) != s.Body:
				t.Errorf("read as %s, want %s", d.JSON, s.Body)
			}
		})
	}
	for yaml := range differences {
		t.Errorf("a difference at no sample: %s", yaml)
	}
}

func TestAFileThatCannotBeUsedIsAnErrorThatSaysWhy(t *testing.T) {
	deep := strings.Repeat("[", 70) + strings.Repeat("]", 70)
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		one, next := string(rune('0'+i)), string(rune('1'+i))
		bomb += "a" + next + ": &a" + next + " [" + strings.Repeat("*a"+one+", ", 10) + "]\n"
	}
	for name, c := range map[string]struct {
		text string
		want error
		says string
	}{
		"nothing":                     {"", intelmqconf.ErrEmpty, "it is empty"},
		"comments alone":              {"# x\n", intelmqconf.ErrEmpty, "it is empty"},
		"a mark of a document":        {"---\n", intelmqconf.ErrEmpty, "it is empty"},
		"a flow that does not end":    {"x: [\n", intelmqconf.ErrSyntax, "it cannot be read: line "},
		"a list":                      {"- a\n", intelmqconf.ErrNotObject, "it is not an object"},
		"a word":                      {"word\n", intelmqconf.ErrNotObject, "it is not an object"},
		"a key twice":                 {"x:\n  k: 1\n  k: 2\n", intelmqconf.ErrDuplicateKey, "line 3: 'k': it is there twice"},
		"a key twice in JSON by tabs": {"{\n\t\"a\": {},\n\t\"a\": {}}", intelmqconf.ErrDuplicateKey, "it is there twice"},
		"two documents":               {"a: 1\n---\nb: 2\n", intelmqconf.ErrSeveralDocuments, "remove all but one"},
		"a broken second document":    {"a: 1\n---\nb: [\n", intelmqconf.ErrSyntax, "line 3"},
		"an infinite number":          {"x: .inf\n", intelmqconf.ErrNumber, "line 1: "},
		"no number":                   {"x: !!float .nan\n", intelmqconf.ErrNumber, "line 1: "},
		"a number of 5000 digits":     {"x: " + strings.Repeat("9", 5000) + "\n", intelmqconf.ErrNumber, "line 1: "},
		"a call in Python":            {"x: !!python/object/apply:os.system [id]\n", intelmqconf.ErrTag, "its tag is not supported"},
		"a tag of one's own":          {"x: !mine 5\n", intelmqconf.ErrTag, "its tag is not supported"},
		"a string by tag in a list":   {"x: !!str [a]\n", intelmqconf.ErrTag, "its tag is not supported"},
		"a thirteenth month":          {"x: 2024-13-01\n", intelmqconf.ErrScalar, "quote it"},
		"the year 10000 by its zone":  {"x: 9999-12-31T23:59:59-05:00\n", intelmqconf.ErrScalar, "quote it"},
		"bytes that are no UTF-8":     {"x: !!binary gIA=\n", intelmqconf.ErrScalar, "quote it"},
		"Latin-1":                     {"x: \xe9\n", intelmqconf.ErrNotUTF8, "it is not valid UTF-8"},
		"a date as a key":             {"x: {2024-01-01: a}\n", intelmqconf.ErrKey, "a key must be"},
		"a list as a key":             {"x: {[1]: a}\n", intelmqconf.ErrKey, "a key must be"},
		"a word that is merged":       {"x:\n  <<: word\n", intelmqconf.ErrMerge, "line 2: "},
		"a list of words merged":      {"x:\n  <<: [word]\n", intelmqconf.ErrMerge, "line 2: "},
		"two merges":                  {"x:\n  <<: {a: 1}\n  <<: {b: 1}\n", intelmqconf.ErrMerge, "line 3: "},
		"YAML 1.1":                    {"%YAML 1.1\n---\nx: yes\n", intelmqconf.ErrVersion, "remove the %YAML line"},
		"too many levels":             {"x: " + deep + "\n", intelmqconf.ErrTooDeep, "more than 64 levels"},
		"an alias of itself":          {"x: &x [*x]\n", intelmqconf.ErrTooDeep, "more than 64 levels"},
		"a bomb of aliases":           {bomb, intelmqconf.ErrTooBig, "more than 16 MiB or 262144 values"},
		"a bomb of long words":        {"a: &a " + strings.Repeat("x", 1<<20) + "\nb: [" + strings.Repeat("*a, ", 20) + "]\n", intelmqconf.ErrTooBig, "more than 16 MiB"},
		"17 MiB":                      {"x: " + strings.Repeat("y", 17<<20), intelmqconf.ErrTooBig, "more than 16 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			var r intelmqconf.Runtime
			path := put(t, c.text)
			_, err := r.Read(path)
			if !errors.Is(err, c.want) || !strings.HasPrefix(err.Error(), "'"+path+"': ") || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want '%v' with '%s'", err, c.want, c.says)
			}
		})
	}
}

func TestAMissingRuntimeIsToldInTheWordsOfTheServiceThatIsReplaced(t *testing.T) {
	var r intelmqconf.Runtime
	path := filepath.Join(t.TempDir(), "runtime.yaml")
	want := "File not found: '" + path + "'."
	if _, err := r.Read(path); !errors.Is(err, intelmqconf.ErrMissing) || err.Error() != want {
		t.Errorf("%v", err)
	}
	if _, err := r.Save(path, []byte(`{"a":{}}`), intelmqconf.Saving{}); !errors.Is(err, intelmqconf.ErrMissing) || err.Error() != want {
		t.Errorf("%v", err)
	}
}

// A password without quotes may begin with an asterisk.
func TestAnErrorHasNoWordsOfTheFile(t *testing.T) {
	var r intelmqconf.Runtime
	for _, text := range []string{"x: *hunter2\n", "x: @hunter2\n", "x: !hunter2 y\n", "x: 2024-13-01 # hunter2\n", "hunter2\n", "x: {hunter2\n", "x: 'hunter2\n"} {
		if _, err := r.Read(put(t, text)); err == nil || strings.Contains(err.Error(), "hunter2") && !strings.Contains(text, "!hunter2") {
			t.Errorf("'%s': %v", text, err)
		}
	}
}

func TestWhatHasNotChangedIsReadFromMemory(t *testing.T) {
	now := time.Now()
	r := intelmqconf.Runtime{Now: func() time.Time { return now }}
	path := put(t, "a: {x: 1}\n")
	read := func() *intelmqconf.Document {
		d, err := r.Read(path)
		check(t, err)
		return d
	}
	changed := func(text string, at time.Time) {
		check(t, os.WriteFile(path, []byte(text), 0o600))
		check(t, os.Chtimes(path, at, at))
	}
	first := read()
	// The file is so young that it may have changed without another time.
	changed("a: {x: 2}\n", now)
	second := read()
	if second.ETag == first.ETag || string(second.JSON) != `{"a":{"x":2}}` {
		t.Errorf("a change at the same moment is not seen: %s", second.JSON)
	}
	if read() != second {
		t.Error("the same content is read anew")
	}
	old := now.Add(-time.Minute)
	changed("a: {x: 3}\n", old)
	third := read()
	// Nothing can be seen of this change, so what is in memory is answered.
	changed("a: {x: 4}\n", old)
	if read() != third {
		t.Error("a file that has not changed is read again")
	}
	changed("a: {x: 5}\n", old.Add(time.Second))
	if d := read(); string(d.JSON) != `{"a":{"x":5}}` {
		t.Errorf("a change is not seen: %s", d.JSON)
	}
}

func TestTheTagIsOfTheContent(t *testing.T) {
	var r intelmqconf.Runtime
	tags := map[string]string{}
	for _, text := range []string{"a: {x: 1}\n", "# remark\na: {x: 1}\n", "a: {x: 1.0}\n"} {
		d, err := r.Read(put(t, text))
		check(t, err)
		tags[text] = d.ETag
		if len(d.ETag) != 34 || d.ETag[0] != '"' || d.ETag[33] != '"' {
			t.Errorf("the tag is %s", d.ETag)
		}
	}
	if tags["a: {x: 1}\n"] != tags["# remark\na: {x: 1}\n"] || tags["a: {x: 1}\n"] == tags["a: {x: 1.0}\n"] {
		t.Errorf("%v", tags)
	}
}

// put writes a file and gives its path.
func put(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "runtime.yaml")
	check(t, os.WriteFile(path, []byte(text), 0o640))
	return path
}

func fixture(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	check(t, err)
	return string(text)
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
