package intelmqconf_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/intelmqconf"
)

// save saves and reads back, and gives the text of the file.
func save(t testing.TB, path, body string) (intelmqconf.Saved, string) {
	t.Helper()
	var r intelmqconf.Runtime
	saved, err := r.Save(path, []byte(body), intelmqconf.Saving{})
	check(t, err)
	d, err := r.Read(path)
	check(t, err)
	if string(d.JSON) != string(saved.Document.JSON) || d.ETag != saved.Document.ETag {
		t.Errorf("reads as %s, and was said to be %s", d.JSON, saved.Document.JSON)
	}
	if !sameData(t, string(d.JSON), body) {
		t.Errorf("reads as %s, saved was %s", d.JSON, body)
	}
	text, err := os.ReadFile(path)
	check(t, err)
	return saved, string(text)
}

// sameData compares without the order of keys, and numbers by their value.
func sameData(t testing.TB, a, b string) bool {
	t.Helper()
	var x, y any
	check(t, json.Unmarshal([]byte(a), &x))
	check(t, json.Unmarshal([]byte(b), &y))
	return reflect.DeepEqual(x, y)
}

func TestWhatASaveDoesNotConcernStaysAsItIs(t *testing.T) {
	const old = `# The botnet of Example CERT.
---
global:  # for all bots
  rate_limit: 0    # none
  http_proxy: 'http://proxy:3128'

# Reports come at night.
file-collector:
  module: intelmq.bots.collectors.file.collector_file
  parameters:
    # a folder
    path: "/srv/in"
    postfix: .csv  # not .CSV
    # provider: Other
    queues:
    # the first
    - one   # 1
    - two

    - three # 3
  enabled: true
  notes: |
    Call Anna.
    # 3 times

# To be removed.
old-bot:
    module: x   # deep
    parameters: {b: 1, a: [x, y]}

csv-parser: {module: y, parameters: {}}
# The end.
`
	for name, c := range map[string]struct{ body, want string }{
		"a value changes, and keeps its remark": {
			strings.Replace(body(t, old), `".csv"`, `".tsv"`, 1),
			strings.Replace(old, ".csv  # not .CSV", ".tsv # not .CSV", 1),
		},
		"a bot goes, with the comment right above it": {
			without(t, body(t, old), "old-bot"),
			cut(old, "# To be removed.", "csv-parser"),
		},
		"the last one goes": {
			without(t, body(t, old), "csv-parser"),
			strings.Replace(old, "csv-parser: {module: y, parameters: {}}\n", "", 1),
		},
		"a bot comes, behind the others": {
			with(t, body(t, old), "new", `{"parameters": {"b": ["x", {"k": 1, "j": []}], "a": "yes"}, "enabled": true}`),
			strings.Replace(old, "# The end.", `new:
  enabled: true
  parameters:
    a: 'yes'
    b:
    - x
    - j: []
      k: 1
# The end.`, 1),
		},
		"a parameter comes to a bot": {
			strings.Replace(body(t, old), `"postfix"`, `"new":"1e3","postfix"`, 1),
			strings.Replace(old, "- three # 3\n", "- three # 3\n    new: '1e3'\n", 1),
		},
		"an item goes from the middle of a list": {
			strings.Replace(body(t, old), `"one","two","three"`, `"one","three","four"`, 1),
			strings.Replace(old, "    - two\n\n    - three # 3\n", "    - three # 3\n    - four\n", 1),
		},
		"the keys of what stands on one line keep their order": {
			strings.Replace(body(t, old), `"a":["x","y"]`, `"a":["x"],"0":null`, 1),
			strings.Replace(old, "    parameters: {b: 1, a: [x, y]}\n", "    parameters:\n      b: 1\n      a:\n      - x\n      '0': null\n", 1),
		},
		"a text of two lines becomes another": {
			strings.Replace(body(t, old), `Call Anna.\n# 3 times\n`, `Call Eve.\n`, 1),
			strings.Replace(old, "|\n    Call Anna.\n    # 3 times\n", `"Call Eve.\n"`+"\n", 1),
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := put(t, old)
			saved, text := save(t, path, c.body)
			if diff := cmp.Diff(c.want, text); diff != "" {
				t.Errorf("(-want +saved)\n%s", diff)
			}
			if !saved.Written || saved.Warning != "" {
				t.Errorf("%+v", saved)
			}
			if backup, err := os.ReadFile(path + ".bak"); err != nil || string(backup) != old {
				t.Errorf("the backup has '%s', %v", backup, err)
			}
		})
	}
}

func TestTheSameDataWritesNothing(t *testing.T) {
	const old = "b: {x: 1.0, d: 2024-01-01}\na: {n: 1e3} # remark\n"
	path := put(t, old)
	saved, text := save(t, path, `{"a":{"n":1000},"b":{"d":"2024-01-01","x":1}}`)
	if text != old || saved.Written {
		t.Errorf("written: '%s'", text)
	}
	if _, err := os.Stat(path + ".bak"); err == nil {
		t.Error("there is a backup")
	}
}

func TestTheManagersOwnBodySavesAndReadsBack(t *testing.T) {
	path := put(t, fixture(t, "runtime.yaml"))
	_, text := save(t, path, fixture(t, "manager-post-runtime.json"))
	// It adds only that outputs have no destination.
	want := fixture(t, "runtime.yaml") + "    destination_queues: {}\n"
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("(-want +saved)\n%s", diff)
	}
}

func TestAnchorsThatAreNoLongerTrueAreResolved(t *testing.T) {
	const old = "# head\na: &A\n  x: 1 # one\n  z: 3\nb: *A\nc:\n  <<: *A\n  w: 2\nd: # remark\n  e: 5 # five\n"
	for name, c := range map[string]struct{ body, want string }{
		"another place changes, and they stay": {
			strings.Replace(body(t, old), `"e":5`, `"e":6`, 1),
			strings.Replace(old, "e: 5", "e: 6", 1),
		},
		"the one who merges changes": {
			strings.Replace(body(t, old), `"w":2`, `"w":7`, 1),
			strings.Replace(old, "  <<: *A\n  w: 2\n", "  x: 1\n  z: 3\n  w: 7\n", 1),
		},
		"what they stand for changes": {
			strings.Replace(body(t, old), `{"a":{"x":1`, `{"a":{"x":7`, 1),
			"# head\na:\n  x: 7\n  z: 3\nb:\n  x: 1\n  z: 3\nc:\n  x: 1\n  z: 3\n  w: 2\nd: # remark\n  e: 5 # five\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, text := save(t, put(t, old), c.body)
			if diff := cmp.Diff(c.want, text); diff != "" {
				t.Errorf("(-want +saved)\n%s", diff)
			}
		})
	}
}

func TestAFileThatIsNotOfLinesIsWrittenAnew(t *testing.T) {
	for name, c := range map[string]struct{ old, warning string }{
		"JSON":                     {`{"b": {"w": 1, "x": 2}, "a": {}}`, ""},
		"JSON indented by tabs":    {"{\n\t\"b\": {\"w\": 1, \"x\": 2}, \"a\": {}}", ""},
		"with a remark":            {"{b: {w: 1, x: 2}, a: {}} # remark", "could not be kept"},
		"lines with question mark": {"? b\n: {w: 1, x: 2}\n? a\n: {}\n", ""},
		"lines of another kind":    {"b: {w: 1, x: 2}\ra: {}\r", ""},
	} {
		t.Run(name, func(t *testing.T) {
			saved, text := save(t, put(t, c.old), `{"a":{},"b":{"x":2,"w":3}}`)
			if want := "b:\n  w: 3\n  x: 2\na: {}\n"; text != want {
				t.Errorf("'%s', want '%s'", text, want)
			}
			if !strings.Contains(saved.Warning, c.warning) || c.warning == "" && saved.Warning != "" {
				t.Errorf("the warning is '%s'", saved.Warning)
			}
		})
	}
}

func TestLinesOfWindowsAndAMarkInFrontAreRead(t *testing.T) {
	_, text := save(t, put(t, "\ufeff# head\r\na:\r\n  x: 1 # one\r\n"), `{"a":{"x":1,"w":2}}`)
	if want := "# head\na:\n  x: 1 # one\n  w: 2\n"; text != want {
		t.Errorf("'%s'", text)
	}
}

// The service that is replaced writes lists of words on one line, folds long lines,
// and leaves `yes`, `y` and `n` without quotes, so the bytes differ, and the data must not.
func TestTheRecordedDumpIsWrittenAsTheSameData(t *testing.T) {
	dump := fixture(t, "yaml-dump.json")
	_, ours := save(t, put(t, "{}"), dump)
	_, theirs := save(t, put(t, fixture(t, "yaml-dump.yaml")), dump)
	if theirs != fixture(t, "yaml-dump.yaml") {
		t.Error("its own file is not the same data")
	}
	theirs = strings.NewReplacer("a: yes", "a: 'yes'", " n: ", " 'n': ", " y: ", " 'y': ", "\n    yyyy", " yyyy", "- a: [1]", "- a:\n    - 1").Replace(theirs)
	if diff := cmp.Diff(theirs, ours); diff != "" {
		t.Errorf("(-theirs, with those differences +ours)\n%s", diff)
	}
}

func TestWordsThatReadersTakeForOtherThingsAreQuoted(t *testing.T) {
	for word, want := range map[string]string{
		"/srv/in": "/srv/in", "a b": "a b", "127.0.0.1": "127.0.0.1", "http://x:80/?a#b": "http://x:80/?a#b", "é☃😀": "é☃😀", ".csv": ".csv", "a,b": "a,b",
		"yes": "'yes'", "No": "'No'", "ON": "'ON'", "y": "'y'", "~": "'~'", "null": "'null'", "True": "'True'", "": "''",
		"010": "'010'", "1_0": "'1_0'", "1:30": "'1:30'", "0x1F": "'0x1F'", ".5e3": "'.5e3'", "+1": "'+1'", "1.5": "'1.5'", ".inf": "'.inf'", ".NaN": "'.NaN'",
		"2024-01-01": "'2024-01-01'", "2001-12-14 21:59:43.10 -5": "'2001-12-14 21:59:43.10 -5'", "=": "'='", "<<": "'<<'",
		"-": "'-'", "- a": "'- a'", "!x": "'!x'", "&x": "'&x'", "*x": "'*x'", "#x": "'#x'", "a #b": "'a #b'", "a: b": "'a: b'", "a:": "'a:'", "%x": "'%x'", "@x": "'@x'", "`x": "'`x'",
		"{x": "'{x'", "[x": "'[x'", "'x'": "'''x'''", `"x"`: `'"x"'`, " x": "' x'", "x ": "'x '", "...": "'...'", "---": "'---'",
		"a\nb": `"a\nb"`, "a\tb": `"a\tb"`, "\x7f": `"\u007F"`, "\u0085": `"\u0085"`, "\u2028": `"\u2028"`, "\ufeff": `"\uFEFF"`, "\uffff": `"\uFFFF"`, "\U000e0001": `"\U000E0001"`, `\` + "\n": `"\\\n"`, "\x00": `"\u0000"`,
	} {
		doc, err := json.Marshal(map[string]map[string]string{"k": {"k": word}})
		check(t, err)
		if _, text := save(t, put(t, "{}"), string(doc)); text != "k:\n  k: "+want+"\n" {
			t.Errorf("'%s' is written as '%s', want '%s'", word, text, want)
		}
		// As a key.
		doc, err = json.Marshal(map[string]map[string]string{"k": {word: "v"}})
		check(t, err)
		if _, text := save(t, put(t, "{}"), string(doc)); text != "k:\n  "+want+": v\n" {
			t.Errorf("the key '%s' is written as '%s', want '%s'", word, text, want)
		}
	}
}

func TestNumbersAreWrittenForReadersOfOldYAML(t *testing.T) {
	_, text := save(t, put(t, "{}"), `{"k":{"a":1e16,"b":1.5e-7,"c":1e3,"d":-0,"e":12345678901234567890,"f":-0.0}}`)
	if want := "k:\n  a: 1.0e+16\n  b: 1.5e-07\n  c: 1000.0\n  d: 0\n  e: 12345678901234567890\n  f: -0.0\n"; text != want {
		t.Errorf("'%s'", text)
	}
}

func TestABodyThatWouldHarmIsRefused(t *testing.T) {
	const old = "a: {x: 1}\n"
	for name, c := range map[string]struct {
		body string
		want error
		says string
	}{
		"nothing":                   {"", intelmqconf.ErrEmpty, "it is empty"},
		"null":                      {"null", intelmqconf.ErrNotObject, "not an object"},
		"a word":                    {`"x"`, intelmqconf.ErrNotObject, "not an object"},
		"an empty list":             {"[]", intelmqconf.ErrNotObject, "not an object"},
		"an empty object":           {"{}", intelmqconf.ErrEmptyObject, "would empty the configuration"},
		"a bot that is a word":      {`{"a":{},"b":"x"}`, intelmqconf.ErrNotBot, "'b': "},
		"a bot that is a list":      {`{"a":[]}`, intelmqconf.ErrNotBot, "'a': "},
		"what is no JSON":           {"{bad", intelmqconf.ErrSyntax, "invalid character 'b'"},
		"two objects":               {`{"a":{}}{}`, intelmqconf.ErrSyntax, "after top-level value"},
		"a bot twice":               {`{"a":{},"a":{}}`, intelmqconf.ErrDuplicateKey, "'a': "},
		"a parameter twice":         {`{"a":{"p":{"q":1,"q":1}}}`, intelmqconf.ErrDuplicateKey, "'a': 'p': 'q': "},
		"the same key by an escape": {`{"a":{},"\u0061":{}}`, intelmqconf.ErrDuplicateKey, "'a': "},
		"Latin-1":                   {"{\"a\":{\"x\":\"\xe9\"}}", intelmqconf.ErrNotUTF8, "UTF-8"},
		"half of a pair":            {`{"a":{"x":"\ud83d"}}`, intelmqconf.ErrNotUTF8, "UTF-8"},
		"half of a pair and more":   {`{"a":{"x":"\ud83dxxxxxx"}}`, intelmqconf.ErrNotUTF8, "UTF-8"},
		"the other half":            {`{"a":{"x":"\\\udE00"}}`, intelmqconf.ErrNotUTF8, "UTF-8"},
		"an infinite number":        {`{"a":{"x":1e400}}`, intelmqconf.ErrNumber, "'x': "},
		"65 levels":                 {`{"a":{"x":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `}}`, intelmqconf.ErrTooDeep, "64 levels"},
		"300,000 values":            {`{"a":{"x":[` + strings.Repeat("0,", 300_000) + `0]}}`, intelmqconf.ErrTooBig, "values"},
		"17 MiB":                    {`{"a":{"x":"` + strings.Repeat("x", 17<<20) + `"}}`, intelmqconf.ErrTooBig, "MiB"},
		"a key of a page":           {`{"a":{"x":{"` + strings.Repeat("k", 1001) + `":1}}}`, intelmqconf.ErrKey, "'a': 'x': "},
	} {
		t.Run(name, func(t *testing.T) {
			var r intelmqconf.Runtime
			path := put(t, old)
			_, err := r.Save(path, []byte(c.body), intelmqconf.Saving{})
			if _, is := errors.AsType[*intelmqconf.BodyError](err); !is || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want '%v' with '%s'", err, c.want, c.says)
			}
			expectUntouched(t, path, old)
		})
	}
}

func TestDeepButAllowedAndPairsAreSaved(t *testing.T) {
	save(t, put(t, "{}"), `{"a":{"x":`+strings.Repeat("[", 62)+strings.Repeat("]", 62)+`,"y":"\ud83d\ude00\\ud83d","`+strings.Repeat("k", 1000)+`":1}}`)
}

func TestIfMatchLetsOnlyThoseSaveWhoHaveSeenWhatIsThere(t *testing.T) {
	const old, next = "a: {x: 1}\n", `{"a":{"x":2}}`
	var r intelmqconf.Runtime
	d, err := r.Read(put(t, old))
	check(t, err)
	for header, allowed := range map[string]bool{
		"": true, "*": true, d.ETag: true, `"other", ` + d.ETag: true,
		`"other"`: false, "W/" + d.ETag: false, strings.Trim(d.ETag, `"`): false,
	} {
		path := put(t, old)
		_, err := r.Save(path, []byte(next), intelmqconf.Saving{IfMatch: header})
		if allowed && err != nil || !allowed && !errors.Is(err, intelmqconf.ErrChanged) {
			t.Errorf("'%s': %v", header, err)
		}
		if !allowed {
			expectUntouched(t, path, old)
		}
	}
}

func TestABrokenFileIsNotWrittenOver(t *testing.T) {
	for _, old := range []string{"", "x: [\n", "- a\n"} {
		var r intelmqconf.Runtime
		path := put(t, old)
		_, err := r.Save(path, []byte(`{"a":{}}`), intelmqconf.Saving{})
		if _, is := errors.AsType[*intelmqconf.FileError](err); !is {
			t.Errorf("'%s': %v", old, err)
		}
		expectUntouched(t, path, old)
	}
}

// expectUntouched wants the file as it was, and no other beside it.
func expectUntouched(t testing.TB, path, want string) {
	t.Helper()
	expectFiles(t, filepath.Dir(path), map[string]string{filepath.Base(path): want})
}

// expectFiles wants a folder of these files and no others.
func expectFiles(t testing.TB, dir string, want map[string]string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	check(t, err)
	have := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(dir, file.Name()))
		check(t, err)
		have[file.Name()] = string(text)
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("the folder (-want +is)\n%s", diff)
	}
}

// body gives a YAML text as JSON.
func body(t testing.TB, text string) string {
	t.Helper()
	var r intelmqconf.Runtime
	d, err := r.Read(put(t, text))
	check(t, err)
	return string(d.JSON)
}

func with(t testing.TB, body, key, value string) string {
	t.Helper()
	var bots map[string]json.RawMessage
	check(t, json.Unmarshal([]byte(body), &bots))
	bots[key] = json.RawMessage(value)
	text, err := json.Marshal(bots)
	check(t, err)
	return string(text)
}

func without(t testing.TB, body, key string) string {
	t.Helper()
	var bots map[string]json.RawMessage
	check(t, json.Unmarshal([]byte(body), &bots))
	delete(bots, key)
	text, err := json.Marshal(bots)
	check(t, err)
	return string(text)
}

// cut removes what is from one word to another.
func cut(text, from, to string) string {
	i := strings.Index(text, from)
	return text[:i] + text[i+strings.Index(text[i:], to):]
}
