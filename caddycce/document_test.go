package caddycce_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/fake/cced"
)

// documented are the session and the token in the examples of the document.
const (
	documentedSession = "crr6tZdPKBGjKQdXRjPLjenptXmgmf7pvplOenrMOYWmCZ9h6NSgR3t9RFf1Jce"
	documentedToken   = `"token":"0123456789"`
)

// asDocumented makes the daemon hold what that of the examples held.
func asDocumented(c *cced.Config) {
	c.Setup = append(slices.Clone(cced.DefaultSetup), `SET 1 notes = "meanwhile"`, `SET 2 description = "Testing2"`)
	for range 5 {
		c.Setup = append(c.Setup, `CREATE Probe`) // so that the next object is 14
	}
}

// before is what has to happen before an example.
var before = map[string]func(e *endpoint, t *testing.T, admin string){
	"authkey_ended": func(e *endpoint, t *testing.T, admin string) {
		t.Helper()
		e.local(t, `{"cmd":"ENDKEY",`+admin+`}`).expect(t, 200, done)
	},
	"resume": func(e *endpoint, _ *testing.T, _ string) { e.daemon.Suspend("") },
}

// TestTheDocumentEndToEnd sends the examples of the API document, in the form of
// internal/cceapi/testdata/document, through HTTP and a daemon.
func TestTheDocumentEndToEnd(t *testing.T) {
	files, err := filepath.Glob("../internal/cceapi/testdata/document/*.txt")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d examples: %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			e := startEndpoint(t, "", asDocumented)
			admin, token := e.session(t, "admin", "secret-1"), e.token(t)
			if prepare := before[name]; prepare != nil {
				prepare(e, t, admin)
			}
			_, id, _ := strings.Cut(admin, `"sessionid":"`)
			for _, x := range examples(t, file) {
				body := strings.ReplaceAll(x.request, documentedSession, strings.TrimSuffix(id, `"`))
				r := e.asDocumented(t, strings.ReplaceAll(body, documentedToken, token))
				if r.StatusCode != x.status {
					t.Errorf("%s: HTTP %d, want %d", x.request, r.StatusCode, x.status)
				}
				if diff := cmp.Diff(alike(t, x.answer), alike(t, r.Text)); diff != "" {
					t.Errorf("%s:\n%s", x.request, diff)
				}
			}
		})
	}
}

// asDocumented posts a body from where it may come from.
func (e *endpoint) asDocumented(t *testing.T, body string) reply {
	t.Helper()
	if strings.Contains(body, `"token"`) || strings.Contains(body, `"LOGIN"`) {
		return e.from(t, office, body, "X-Client-Secret", officeSecret)
	}
	return e.local(t, body)
}

// exampleOf is a request of the document and its answer.
type exampleOf struct {
	request, answer string
	status          int
}

func examples(t *testing.T, file string) (list []*exampleOf) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var to *string
	for line := range strings.Lines(string(text)) {
		switch word, number, _ := strings.Cut(strings.TrimSpace(line), " "); {
		case line[0] == '#':
		case word == "request":
			list = append(list, new(exampleOf))
			to = &list[len(list)-1].request
		case word == "cced":
			to = new(string)
		case word == "answer":
			last := list[len(list)-1]
			to = &last.answer
			if last.status, err = strconv.Atoi(number); err != nil {
				t.Fatal(err)
			}
		default:
			*to += line
		}
	}
	return list
}

// alike is an answer without what each has of its own: ids, times, and the
// order of what has none. Of objects it keeps the namespaces of the example.
func alike(t *testing.T, text string) any {
	t.Helper()
	var answer struct {
		Status  int            `json:"status"`
		Message string         `json:"message"`
		Data    map[string]any `json:"data"`
	}
	unmarshal(t, text, &answer)
	for key, length := range map[string]int{"sessionid": 63, "token": 64} {
		if id, there := answer.Data[key].(string); there {
			answer.Data[key] = len(id) == length
		}
	}
	if expires, there := answer.Data["expires"].(string); there {
		_, err := time.Parse(time.RFC3339, expires)
		answer.Data["expires"] = err == nil
	}
	for _, key := range []string{"namespaces", "classes", "oidlist"} {
		if list, there := answer.Data[key].([]any); there {
			slices.SortFunc(list, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
		}
	}
	if objects, there := answer.Data["objects"].(map[string]any); there {
		for _, object := range objects {
			delete(object.(map[string]any), "Shell")
			delete(object.(map[string]any), "Disk")
		}
	}
	whole, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	var plain any
	unmarshal(t, string(whole), &plain)
	return plain
}
