package caddycce_test

import (
	"strings"
	"testing"
)

// TestFailedLogInsAreAudited is for whoever counts them.
func TestFailedLogInsAreAudited(t *testing.T) {
	e := startEndpoint(t, "auth_failures 3 60s")
	for range 5 {
		e.local(t, `{"cmd":"AUTH","user":"mary","password":"a-wrong-guess"}`)
		e.from(t, office, `{"cmd":"LOGIN"}`, "X-Client-Secret", "a-wrong-guess-as-well")
	}
	e.local(t, `{"cmd":"WHOAMI","user":"admin","password":"a-wrong-guess"}`)
	// What cced, or the file, was not asked for is no guess.
	e.local(t, `{"cmd":"GET 1","user":"admin","sessionid":"A1b2"}`)
	e.from(t, stranger, `{"cmd":"LOGIN"}`)
	log := e.Log(t)
	for line, want := range map[string]int{
		`"msg":"cce log-in failed","wrong":"password","cce_user":"mary","caller":"localhost","client_ip":"127.0.0.1"`:                   3,
		`"msg":"cce log-in failed","wrong":"password","cce_user":"admin","caller":"localhost","client_ip":"127.0.0.1"`:                  1,
		`"msg":"cce log-in failed","wrong":"client_secret","cce_user":"","caller":"client:` + office + `","client_ip":"` + office + `"`: 3,
		`cce log-in failed`: 7,
		`a-wrong-guess`:     0,
	} {
		if got := strings.Count(log, line); got != want {
			t.Errorf("%d lines '%s', want %d", got, line, want)
		}
	}
}
