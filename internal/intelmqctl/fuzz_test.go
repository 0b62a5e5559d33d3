package intelmqctl

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzParseID: a name is what the pattern says, and stands behind no option.
func FuzzParseID(f *testing.F) {
	for _, text := range []string{"csv-parser", "..", "-a", "a b", "a\x00", "é", strings.Repeat("x", maxID+1)} {
		f.Add(text)
	}
	pattern := regexp.MustCompile(`\A[A-Za-z0-9_.][A-Za-z0-9_.-]{0,199}\z`)
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ParseID(text)
		if good := pattern.MatchString(text); good != (err == nil) || good && id.String() != text {
			t.Fatalf("%q is '%s', %v", text, id, err)
		}
	})
}

// FuzzParseEvent: a message is one object of JSON as encoding/json has it, unchanged.
func FuzzParseEvent(f *testing.F) {
	for _, text := range []string{`{"a":1}`, ` {} `, `{"a":1}{}`, `null`, `[]`, `"x"`, "{\"\xff\":1}", `{"a":1,"a":2}`, "--msg", "/etc/passwd"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := ParseEvent(text)
		if err != nil {
			if e != (Event{}) {
				t.Fatalf("%q is refused and yet there", text)
			}
			return
		}
		if e.String() != text || len(text) > maxEvent || !utf8.ValidString(text) || !json.Valid([]byte(text)) {
			t.Fatalf("%q is taken as %q", text, e)
		}
		if !strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") {
			t.Fatalf("%q is no object", text)
		}
	})
}

// FuzzParsePaths: whatever the command prints, only runtime.yaml in a folder with a
// whole and clean path is taken, and an error is one line.
func FuzzParsePaths(f *testing.F) {
	for _, text := range []string{
		`{"paths":{"CONFIG_DIR":"/opt/intelmq/etc","RUNTIME_CONF_FILE":"/opt/intelmq/etc/runtime.yaml"}}`,
		`{"paths":{"CONFIG_DIR":"/a/../b/","RUNTIME_CONF_FILE":"/b//runtime.yaml"}}`,
		`{"paths":{"CONFIG_DIR":"/a","RUNTIME_CONF_FILE":"/b/runtime.yaml"}}`,
		`{"paths":{"CONFIG_DIR":"a","RUNTIME_CONF_FILE":"a/runtime.yaml"}}`,
		`{"paths":{"CONFIG_DIR":"/a\n","RUNTIME_CONF_FILE":"/a\n/runtime.yaml"}}`,
		`{"paths":null}`, `[]`, "not JSON",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, printed []byte) {
		at, err := ParsePaths(printed)
		if err != nil {
			if at != (Installation{}) || strings.ContainsFunc(err.Error(), unicode.IsControl) {
				t.Fatalf("%+v, %q", at, err)
			}
			return
		}
		if !filepath.IsAbs(at.ConfigDir) || filepath.Clean(at.ConfigDir) != at.ConfigDir || at.RuntimeFile != filepath.Join(at.ConfigDir, runtimeName) {
			t.Fatalf("%q is %+v", printed, at)
		}
		if strings.ContainsFunc(at.RuntimeFile, unicode.IsControl) {
			t.Fatalf("%q has control characters", at.RuntimeFile)
		}
	})
}

// FuzzReadLog: what is picked from a log are entries of it in their order, not more
// than asked for, and JSON again.
func FuzzReadLog(f *testing.F) {
	for _, text := range []string{
		`[{"date":"2026-11-22","thread_id":null,"log_level":"INFO","message":"a"},{"log_level":"error","thread_id":1}]`,
		`[{"log_level":"DEBUG","extended_message":"x"}]`, `[]`, `[1,"a",null,{"log_level":7}]`, `null`, `{}`, `[`,
	} {
		f.Add([]byte(text), 2, 1)
	}
	f.Fuzz(func(t *testing.T, body []byte, level, lines int) {
		log := readLog(body)
		if log == nil {
			return
		}
		if lines < 1 {
			lines = -1
		}
		least := levels[uint(level)%uint(len(levels))]
		picked := log.pick(least, lines)
		if lines > 0 && len(picked) > lines && len(log) > 1 {
			t.Fatalf("%d lines, asked for %d", len(picked), lines)
		}
		isIn := func(e entry) bool {
			return slices.ContainsFunc(log, func(o entry) bool { return bytes.Equal(e.text, o.text) })
		}
		for _, e := range picked {
			if !isIn(e) {
				t.Fatalf("%s is picked from %s", e.text, body)
			}
		}
		printed := picked.print(body, len(log))
		if again := readLog(printed); !json.Valid(printed) || len(again) != len(picked) {
			t.Fatalf("%d entries are printed as %s", len(picked), printed)
		}
		for _, e := range log {
			if string(e.LogLevel) == string(LevelCritical) && lines < 0 && !slices.ContainsFunc(picked, func(o entry) bool { return bytes.Equal(e.text, o.text) }) {
				t.Fatalf("%s is grave and was not picked", e.text)
			}
		}
	})
}

// FuzzSplit: parts are JSON, the same data as where they were cut out, and those of
// names that can be asked for.
func FuzzSplit(f *testing.F) {
	for _, text := range []string{wholeText, `[{},{}]`, `[{},{},{}]`, `[null,{}]`, `[{"a":1},{"a":"running","-x":"y","a":"stopped"}]`, `[[],[]]`, `{}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		parts := split(body)
		if parts == nil {
			return
		}
		var pair []json.RawMessage
		if json.Unmarshal(body, &pair) != nil || len(pair) != 2 {
			t.Fatalf("%s was cut", body)
		}
		expectSameData(t, parts[key(Queues{})], pair[0])
		expectSameData(t, parts[key(Botnet{Action: Look})], pair[1])
		var status map[string]json.RawMessage
		if err := json.Unmarshal(pair[1], &status); err != nil {
			t.Fatal(err)
		}
		named := 0
		for name, word := range status {
			if id, err := ParseID(name); err == nil {
				named++
				expectSameData(t, parts[key(Bot{Action: Look, ID: id})], word)
			}
		}
		if len(parts) != named+2 {
			t.Fatalf("%d parts of %s", len(parts), body)
		}
	})
}

func expectSameData(t *testing.T, printed, value []byte) {
	t.Helper()
	var a, b bytes.Buffer
	if err := json.Compact(&a, printed); err != nil {
		t.Fatalf("%q: %v", printed, err)
	}
	if err := json.Compact(&b, value); err != nil || a.String() != b.String() {
		t.Fatalf("%s is printed as %s, %v", value, printed, err)
	}
}
