package caddyintelmq_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// condition is what the health route tells.
type condition struct {
	Healthy   bool
	Endpoints []struct {
		Base     string
		Problems []struct{ ID, Severity string }
		Stuck    []struct {
			Command string
			Since   time.Time
		}
		Waiting, Running int
	}
}

func (b *bench) health(t testing.TB) (status int, h condition) {
	t.Helper()
	r := b.admin(t, "/caddyintelmq/health")
	if err := json.Unmarshal([]byte(r.Text), &h); err != nil || len(h.Endpoints) == 0 {
		t.Fatalf("%v: %s", err, r.Text)
	}
	return r.StatusCode, h
}

// errors are the ids of what does not work.
func (h *condition) errors(base string) (ids []string) {
	for _, e := range h.Endpoints {
		for _, p := range e.Problems {
			if e.Base == base && p.Severity == "error" {
				ids = append(ids, p.ID)
			}
		}
	}
	return ids
}

func TestHealthTellsWhatIsWrongWithEachEndpoint(t *testing.T) {
	b := prepare(t)
	well := "command " + b.botnet.Command + "\nallowed_path " + b.botnet.Path("var/lib/bots")
	b.use(t, b.sites("http://:0 {\n"+block("/intelmq", well)+block("/missing", "command /no/such/intelmqctl\nconfig_dir "+b.botnet.Path("etc"))+"}\n"))
	status, h := b.health(t)
	if status != http.StatusServiceUnavailable || h.Healthy || len(h.Endpoints) != 2 {
		t.Errorf("%d %+v", status, h)
	}
	if ids := h.errors("/intelmq"); len(ids) > 0 {
		t.Errorf("what is well has %v", ids)
	}
	if ids := h.errors("/missing"); !slices.Equal(ids, []string{"command_missing"}) {
		t.Errorf("what is missing has %v", ids)
	}
	// A reload may have mended it, and is not answered from memory.
	b.use(t, b.sites("http://:0 {\n"+block("/intelmq", well)+"}\n"))
	if status, h = b.health(t); status != http.StatusOK || !h.Healthy || len(h.Endpoints) != 1 {
		t.Errorf("%d %+v", status, h)
	}
	made := len(b.botnet.Calls())
	b.health(t)
	if again := len(b.botnet.Calls()); again != made {
		t.Errorf("the next look made %d calls", again-made)
	}
}

func TestHealthIsReadOnly(t *testing.T) {
	b := start(t, "")
	if !slices.Contains(strings.Split(b.admin(t, "/config/").Text, `"`), "intelmq") {
		t.Error("the endpoint is not in the configuration")
	}
	if r := b.adminBy(t, http.MethodPost, "/caddyintelmq/health"); r.StatusCode != 405 || r.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("HTTP %d %v", r.StatusCode, r.Header)
	}
}

// TestWithoutAnEndpointHealthSaysSo: who asks for it has one that does not run.
func TestWithoutAnEndpointHealthSaysSo(t *testing.T) {
	b := prepare(t)
	b.use(t, b.sites("http://:0\n"))
	r := b.admin(t, "/caddyintelmq/health")
	if r.StatusCode != 503 || strings.TrimSpace(r.Text) != `{"endpoints":[],"healthy":false}` {
		t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
	}
}
