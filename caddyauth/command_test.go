package caddyauth_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/fake/oidcprovider"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/store"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"caddy": caddycmd.Main})
}

// TestCommands runs the scripts in testdata/script. Besides testscript's own
// commands they have:
//
//	exits <code> <program> [<arguments...>]   the program ends with this code
//	serving <socket>                          wait until a server answers there
//	get <status> <socket> [<file of a key>]   ask a server for /
//	refuse <socket> <variable> [<file of a key>]
//	                                          ask a server, and be refused; the error
//	                                          id is in the variable, and as people may
//	                                          write it in <variable>_lower
//	log-in <database> <user> <file of the password> <session> <cookie>
//	                                          begin a session; its id and the value
//	                                          of its cookie become files
//	browse <status> <socket> <cookie>         ask a server for / with a cookie
//	revoke <session> [<flags...>]             `caddy auth session revoke`
//	session-database <file> <file of SQL>     make what intelmq-api has
//	may-log-in <status> <socket> <user> <file of the password>
//	                                          ask a server for / with a password
//	openid …                                  an OpenID provider: see openID
//	secret <file>...                          the words in these files are in no
//	                                          output of the command before
func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			// Nothing of the developer's own is read or written.
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("XDG_DATA_HOME", e.WorkDir+"/data")
			e.Setenv("XDG_CONFIG_HOME", e.WorkDir+"/config")
			provider, err := oidcprovider.New(oidcprovider.Config{})
			if err != nil {
				return err
			}
			e.Defer(provider.Stop)
			e.Values[openIDKey{}] = provider
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": caddyrun.Exits, "serving": serving, "appears": appears, "get": get, "refuse": isRefused, "log-in": logIn, "browse": browse, "revoke": revoke, "secret": secret,
			"session-database": sessionDatabase, "may-log-in": mayLogIn, "openid": openID,
		},
		UpdateScripts: *caddyrun.Update,
	})
}

func serving(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: serving <socket>")
	}
	for began := time.Now(); time.Since(began) < 20*time.Second; time.Sleep(20 * time.Millisecond) {
		if _, err := ask(ts.MkAbs(args[0]), ""); err == nil {
			return
		}
	}
	ts.Fatalf("no server answers at %s", args[0])
}

// appears waits for a file: the site may answer before another app of the same
// configuration has made it.
func appears(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: appears <file>")
	}
	for began := time.Now(); time.Since(began) < 20*time.Second; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
	}
	ts.Fatalf("nobody makes %s", args[0])
}

func get(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: get <status> <socket> [<file of a key>]")
	}
	key := ""
	if len(args) == 3 {
		key = strings.TrimSpace(ts.ReadFile(args[2]))
	}
	if key != "" {
		key = "Bearer " + key
	}
	demand(ts, args[0], args[1], "Authorization", key)
}

func isRefused(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: refuse <socket> <variable> [<file of a key>]")
	}
	r, err := http.NewRequest(http.MethodGet, "http://ops.example.org/private?q=private", nil) //nolint:noctx // the client has a limit
	ts.Check(err)
	if len(args) == 3 {
		r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(ts.ReadFile(args[2])))
	}
	client := unixClient(ts.MkAbs(args[0]))
	defer client.CloseIdleConnections()
	answer, err := client.Do(r)
	ts.Check(err)
	defer answer.Body.Close()
	var told struct {
		ErrorID string `json:"error_id"`
	}
	ts.Check(json.NewDecoder(answer.Body).Decode(&told))
	ts.Setenv(args[1], told.ErrorID)
	ts.Setenv(args[1]+"_lower", "  "+strings.ToLower(told.ErrorID)+" ")
}

func browse(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: browse <status> <socket> <cookie>")
	}
	demand(ts, args[0], args[1], "Cookie", "__Host-sallyport="+ts.ReadFile(args[2]))
}

// demand asks the server at a socket for / and demands a status.
func demand(ts *testscript.TestScript, want, socket, header, value string) {
	status, err := askWith(ts.MkAbs(socket), header, value)
	ts.Check(err)
	if fmt.Sprint(status) != want {
		ts.Fatalf("status %d, want %s", status, want)
	}
}

// logIn does what a log-in by password does.
func logIn(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 5 {
		ts.Fatalf("usage: log-in <database> <user> <file of the password> <session> <cookie>")
	}
	location, err := store.NewLocation("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	r, err := identity.Open(context.Background(), identity.Config{Location: location})
	ts.Check(err)
	defer r.Close()
	attempt := identity.Attempt{Username: args[1], Password: strings.TrimSpace(ts.ReadFile(args[2])), Address: netip.MustParseAddr("192.0.2.77")}
	s, words, err := r.LogInByPassword(context.Background(), attempt,
		identity.NewSession{Tokens: []identity.NewToken{{Kind: credential.SessionToken, Lifetime: day}}})
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[3]), []byte(s.ID), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[4]), []byte(words[0].Reveal()), 0o600))
	// A server may be running, which needs to know.
	time.Sleep(propagation)
}

func sessionDatabase(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: session-database <file> <file of SQL>")
	}
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	defer db.Close()
	_, err = db.ExecContext(context.Background(), ts.ReadFile(args[1]))
	ts.Check(err)
}

func mayLogIn(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: may-log-in <status> <socket> <user> <file of the password>")
	}
	demand(ts, args[0], args[1], "Authorization", basic(args[2] + ":" + strings.TrimSpace(ts.ReadFile(args[3])))[1])
}

func revoke(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: revoke <session> [<flags...>]")
	}
	ts.Check(ts.Exec("caddy", append([]string{"auth", "session", "revoke", ts.ReadFile(args[0])}, args[1:]...)...))
}

func secret(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: secret <file>...")
	}
	for _, file := range args {
		word := strings.TrimSpace(ts.ReadFile(file))
		for _, output := range []string{"stdout", "stderr"} {
			if strings.Contains(ts.ReadFile(output), word) {
				ts.Fatalf("%s holds the secret of %s", output, file)
			}
		}
	}
}

// ask asks the server at a socket for / and returns the status.
func ask(socket, key string) (int, error) {
	if key != "" {
		key = "Bearer " + key
	}
	return askWith(socket, "Authorization", key)
}

// askWith is ask with a header, unless its value is empty.
func askWith(socket, header, value string) (int, error) {
	client := unixClient(socket)
	defer client.CloseIdleConnections()
	r, err := http.NewRequest(http.MethodGet, "http://127.0.0.1/", nil) //nolint:noctx // the client has a limit
	if err != nil {
		return 0, err
	}
	if value != "" {
		r.Header.Set(header, value)
	}
	answer, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}

// TestEveryCommandTeaches holds help texts to their promise.
func TestEveryCommandTeaches(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{
		"user add", "user list", "user show", "user edit", "user disable", "user enable", "user delete",
		"user passwd", "user unlock", "import intelmq", "session list", "session revoke",
		"key issue", "key list", "key show", "key disable", "key enable", "key revoke", "key rotate", "audit list", "store info", "doctor", "why",
		"store backup", "store restore", "store check", "store pepper replace-lost",
		"client-secret list", "client-secret rotate", "client-secret hash",
	} {
		help := exec.CommandContext(t.Context(), program)
		// testscript.Main looks at the name under which it is called.
		help.Args = append([]string{"caddy", "auth"}, append(strings.Fields(command), "--help")...)
		text, err := help.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}
		if !strings.Contains(string(text), "Examples:\n  caddy auth "+command) {
			t.Errorf("'caddy auth %s' has no example:\n%s", command, text)
		}
	}
}
