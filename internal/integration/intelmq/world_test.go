package intelmq_test

import (
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/sallyport/sallyport"
	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/fake/intelmqctl"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/intelmqsession"
	"github.com/sallyport/sallyport/internal/password"
	"github.com/sallyport/sallyport/internal/store"
)

func TestMain(m *testing.M) {
	intelmqctl.ServeCalls()
	os.Exit(m.Run())
}

// installed is the folder of IntelMQ in the record; in a test it is another one.
const installed = "/opt/intelmq"

// world is a server with an endpoint at the root of its site, over a stand-in.
type world struct {
	*caddyrun.Server
	botnet *intelmqctl.Botnet
	// config is the configuration of the server, base where its endpoint is.
	config, base string
	// command is that of the endpoint, and typed how the record has it.
	command []string
	typed   string
	// token is that of the last log-in.
	token string
	// failed is why there is no endpoint, or nil.
	failed error
	// undo undoes what the last exchange needed, unless it is nil.
	undo func()
}

// newWorld has the user admin, who was taken over from intelmq-api, and no
// endpoint yet.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{botnet: intelmqctl.Start(t)}
	// Where intelmqctl cannot say it, this says where the files are.
	t.Setenv("INTELMQ_ROOT_DIR", w.botnet.Root)
	w.Server = caddyrun.Start(t, "{\n}\nhttp://:0\n")
	takeOver(t, filepath.Join(w.Dir, "auth.db"))
	w.recordedFiles(t)
	t.Cleanup(w.restore)
	return w
}

// takeOver puts a user of intelmq-api into a store: admin, whose password is
// `secret pass`. Salt and hash are from a recorded session database.
func takeOver(t *testing.T, path string) {
	t.Helper()
	phc, err := password.Imported(intelmqsession.Rounds,
		unhex(t, "b19686b8f903bbed0dc30b6d99d00e53"),
		unhex(t, "ddaa65fd9473fead82b133d3421c83836c847044b416fcd7209f763e65cbc8b9"))
	if err != nil {
		t.Fatal(err)
	}
	location, err := store.NewLocation("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := identity.Open(t.Context(), identity.Config{Location: location, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.ImportUsers(t.Context(), "test", []identity.ImportedUser{{Username: "admin", PasswordHash: phc}}); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// recordedFiles makes the files of the botnet those of the record.
func (w *world) recordedFiles(t *testing.T) {
	t.Helper()
	for name, sample := range map[string]string{
		"runtime.yaml": "runtime.yaml", "harmonization.conf": "harmonization.conf", "manager/positions.conf": "positions.conf",
	} {
		w.write(t, "etc/"+name, w.here(read(t, "../../intelmqconf/testdata/"+sample)))
	}
}

// restore undoes what the last exchange needed.
func (w *world) restore() {
	if w.undo != nil {
		w.undo()
		w.undo = nil
	}
}

// here turns paths of the record into those of the botnet.
func (w *world) here(text string) string { return strings.ReplaceAll(text, installed, w.botnet.Root) }

// write writes a file of the botnet, and makes its folder.
func (w *world) write(t *testing.T, name, text string) {
	t.Helper()
	path := w.botnet.Path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (w *world) remove(t *testing.T, name string) {
	t.Helper()
	if err := os.RemoveAll(w.botnet.Path(name)); err != nil {
		t.Fatal(err)
	}
}

// script makes a program of a shell script.
func (w *world) script(t *testing.T, name, text string) string {
	t.Helper()
	path := w.botnet.Path("bin/" + name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// configure gives the server an endpoint with the configuration file that
// intelmq-api had. The error is Caddy's.
func (w *world) configure(t *testing.T, s setting) error {
	t.Helper()
	file := filepath.Join(w.Dir, "api-config.json")
	text := s.file
	if text == "" {
		conf := map[string]any{"intelmq_ctl_cmd": s.command, "allowed_path": w.botnet.Path("var/lib/bots")}
		maps.Copy(conf, s.keys)
		encoded, err := json.Marshal(conf)
		if err != nil {
			t.Fatal(err)
		}
		text = string(encoded)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	open := ""
	if s.keys["session_store"] == nil {
		open = "insecure_no_auth"
	}
	return w.Load(t, `{
	caddyauth {
		store sqlite {$DIR}/auth.db
	}
}
http://:0 {
	intelmq `+s.base+` {
		import_config `+file+`
		run_timeout 1s
		`+open+`
	}
}`)
}
