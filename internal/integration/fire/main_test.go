// Package fire_test does to a server, its store and its files what must not
// happen, and looks what is left. Each figure that it finds is printed.
package fire_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/rogpeppe/go-internal/testscript"

	_ "github.com/sallyport/sallyport"
)

// rightPassword is the one of alice, where a test has no others.
const rightPassword = "violet anvil parade 17"

// TestMain makes this program Caddy, or a worker, when it is called by that name.
// What the environment says is looked at first, since a test that needs it may come
// after minutes of others.
func TestMain(m *testing.M) {
	if _, err := readSettings(os.Getenv); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	testscript.Main(m, map[string]func(){"caddy": caddycmd.Main, workerName: workerMain})
}

// within waits until something is so, and gives how long that took.
func within(t *testing.T, limit time.Duration, what string, is func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !is() {
		if time.Since(began) > limit {
			t.Fatalf("%s were not enough until %s", limit, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(began)
}
