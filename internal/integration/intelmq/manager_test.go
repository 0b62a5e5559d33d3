package intelmq_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/caddyrun"
)

// TestWhatTheManagerSavesIsThereAfterwards posts what the page of intelmq-manager
// was seen to post, in both spellings of the path that it has had.
func TestWhatTheManagerSavesIsThereAfterwards(t *testing.T) {
	w := newWorld(t)
	w.enter(t, "session store on")
	w.logIn(t)
	files, err := filepath.Glob("../../intelmqconf/testdata/manager-post-*.json")
	if err != nil || len(files) != 2 {
		t.Fatalf("%d bodies of the manager, %v; want 2", len(files), err)
	}
	for _, file := range files {
		route := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "manager-post-"), ".json")
		posted := w.here(read(t, file))
		for _, path := range []string{"/v1/api//" + route, "/v1/api/" + route} {
			if r := w.ask(t, "POST", path, posted); r.StatusCode != 200 || r.Text != "success" {
				t.Errorf("%s: %d %s", path, r.StatusCode, r.Text)
			}
			r := w.ask(t, "GET", "/v1/api/"+route, "")
			if diff := cmp.Diff(data(t, posted), data(t, r.Text)); diff != "" {
				t.Errorf("%s (-posted +read):\n%s", path, diff)
			}
		}
	}
	// The second save of the same has changed nothing, and kept the first one's backup.
	if got, want := read(t, w.botnet.Path("etc/runtime.yaml.bak")), w.here(read(t, "../../intelmqconf/testdata/runtime.yaml")); got != want {
		t.Errorf("runtime.yaml.bak is not the file of before: %s", cmp.Diff(want, got))
	}
}

// logIn gets a token for admin.
func (w *world) logIn(t *testing.T) {
	t.Helper()
	r := w.Do(t, "POST", "/v1/api/login", []byte("username=admin&password=secret+pass"), "Content-Type", "application/x-www-form-urlencoded")
	if w.keepToken(r.Text); w.token == "" {
		t.Fatalf("log-in: %d %s", r.StatusCode, r.Text)
	}
}

// ask asks with the token, as JSON.
func (w *world) ask(t *testing.T, method, path, body string) caddyrun.Response {
	t.Helper()
	return w.Do(t, method, path, []byte(body), "Authorization", w.token, "Content-Type", "application/json")
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// data is what JSON says.
func data(t *testing.T, text string) (value any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return value
}
